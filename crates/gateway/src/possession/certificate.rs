//! The certificate of a token, which has to be that of the connection (RFC 8705 §3).

use http::request::Parts;
use lychgate_listener::CertificateThumbprint;
use lychgate_token::Confirmation;

use super::{bound_to, refused};
use crate::caller::Caller;
use crate::problem::Problem;

/// Whether the token is bound to the certificate whose key the other end of the connection has proven in the handshake.
pub(super) fn prove(caller: &Caller, head: &Parts) -> Result<(), Problem> {
    let bound_to = bound_to(caller)?;
    if !matches!(bound_to, Confirmation::Certificate(_)) {
        return Err(refused("constraint-not-proven"));
    }
    let shown = CertificateThumbprint::of_connection(&head.extensions)
        .ok_or_else(|| refused("no-certificate"))?;
    if bound_to == Confirmation::of_certificate(shown.as_bytes()) {
        Ok(())
    } else {
        Err(refused("another-certificate"))
    }
}
