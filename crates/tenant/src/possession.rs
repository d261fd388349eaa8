//! Proofs of possession at the token endpoint (RFC 9449 §5): which key a token is to be bound to.
//!
//! In comes the `DPoP` header of a request; out comes the key that it proves. An attacker has seen a proof, and wants a
//! token that is bound to somebody else's key, or the use of a refresh token that is.

use http::HeaderMap;
use lychgate_token::{
    Seen, UnixTime, Use,
    dpop::{Nonces, Proof, Request, Target},
    random_bytes,
};

use crate::{
    Error, Issuer,
    clients::Client,
    oauth_error::{ErrorCode, OAuthError},
};

/// Proofs that are remembered, so that none is taken twice.
const REMEMBERED: usize = 100_000;

/// What proofs are held against. A proof lives for a minute or so, and nothing of it outlives a restart but the proof of
/// a client that has proven itself by other means, too: a public client's needs a nonce of this process.
pub(crate) struct Proofs {
    target: Target,
    nonces: Nonces,
    seen: Seen,
}

/// The thumbprint of a key that a request has proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvenKey(String);

impl ProvenKey {
    pub(crate) fn thumbprint(&self) -> &str {
        &self.0
    }
}

impl Proofs {
    /// The longest that a client's clock may be from ours.
    const LEEWAY: std::time::Duration = std::time::Duration::from_secs(10);

    pub(crate) fn new(issuer: &Issuer) -> Result<Self, Error> {
        let target = Target::parse(&issuer.endpoint("oauth/token"))
            .ok_or(Error::Internal("the token endpoint is no URL"))?;
        Ok(Self {
            target,
            nonces: Nonces::new(&random_bytes().map_err(Error::Token)?),
            seen: Seen::new(REMEMBERED),
        })
    }

    /// The key that a request proves; none without a proof. As on the platform, public clients have to use a nonce, and
    /// others may leave it out.
    pub(crate) fn read(
        &self,
        headers: &HeaderMap,
        client: &Client,
        now: UnixTime,
    ) -> Result<Option<ProvenKey>, OAuthError> {
        let mut proofs = headers.get_all(HEADER).iter();
        let text = match (proofs.next(), proofs.next()) {
            (None, _) => return Ok(None),
            (Some(one), None) => one.to_str().map_err(|_| refused("malformed"))?,
            (Some(_), Some(_)) => return Err(refused("several proofs")),
        };
        let request = Request {
            method: "POST",
            target: &self.target,
            access_token: None,
        };
        let proof = Proof::verify(text, &request, Self::LEEWAY, now)
            .map_err(|refusal| refused(refusal.name()))?;
        let nonce_will_do = match proof.nonce() {
            Some(nonce) => self.nonces.is_current(nonce, now),
            None => !client.is_public(),
        };
        if !nonce_will_do {
            return Err(OAuthError::new(
                ErrorCode::UseDpopNonce,
                "make the DPoP proof again, with the nonce of this answer",
            ));
        }
        match self.seen.use_once(proof.id(), proof.remember_until(), now) {
            Use::First => Ok(Some(ProvenKey(proof.thumbprint().to_owned()))),
            Use::Again => Err(refused("used before")),
            Use::NoRoom => Err(OAuthError::server_error("no room for another proof")),
        }
    }

    /// The nonce for the next proof.
    pub(crate) fn nonce(&self, now: UnixTime) -> String {
        self.nonces.current(now)
    }
}

/// The header that a proof comes in.
pub(crate) const HEADER: &str = "dpop";

/// `invalid_dpop_proof`, with the same words whatever was wrong with it.
pub(crate) fn refused(cause: &'static str) -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidDpopProof,
        "the DPoP proof is missing, malformed, too old, used, or not for this request",
    )
    .because(cause)
}
