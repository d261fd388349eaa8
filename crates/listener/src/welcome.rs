//! Whether the client of a connection is still let in, once other certificates are than at its handshake.
//!
//! A connection lives as long as it is used, so a client whose certificate was revoked could go on for days. Where the
//! certificates in force have changed since the client was let in, its own is held against them again, once.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{CertificateDer, UnixTime};

use crate::{CertificateThumbprint, HandshakeFault, Live, Tls};

/// The client of a TLS connection, and by what it was let in last.
pub(crate) struct Welcome {
    in_force: Arc<Live<Tls>>,
    let_in_by: Mutex<Arc<Tls>>,
    chain: Vec<CertificateDer<'static>>,
    thumbprint: Option<CertificateThumbprint>,
}

impl Welcome {
    /// A client that has shown this chain, which may be empty, in a handshake by `let_in_by`.
    pub(crate) fn new(
        in_force: Arc<Live<Tls>>,
        let_in_by: Arc<Tls>,
        chain: Option<&[CertificateDer<'_>]>,
    ) -> Self {
        let chain = chain.unwrap_or_default().iter();
        let chain: Vec<_> = chain.map(|one| one.clone().into_owned()).collect();
        Self {
            in_force,
            let_in_by: Mutex::new(let_in_by),
            thumbprint: chain.first().and_then(CertificateThumbprint::of),
            chain,
        }
    }

    /// The certificate that the client has shown.
    pub(crate) fn thumbprint(&self) -> Option<CertificateThumbprint> {
        self.thumbprint
    }

    /// Whether the client is let in by what is in force now.
    pub(crate) fn lasts(&self) -> Result<(), HandshakeFault> {
        let current = self.in_force.current();
        let mut let_in_by = self
            .let_in_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&let_in_by, &current) {
            return Ok(());
        }
        if let Some(clients) = current.client_certificates() {
            clients.verify(&self.chain, UnixTime::now())?;
        }
        *let_in_by = current;
        Ok(())
    }
}
