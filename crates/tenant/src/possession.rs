//! Proofs of possession: which key a token is to be bound to, at the token endpoint (RFC 9449 §5), and whether who brings
//! such a token has its key, at `/userinfo` (§7).
//!
//! In comes the `DPoP` header of a request; out comes the key that it proves. An attacker has seen a proof, and wants a
//! token that is bound to somebody else's key, or the use of a refresh token that is.

use std::time::Duration;

use http::{HeaderMap, Method};
use lychgate_token::{
    BearerToken, Confirmation, Seen, UnixTime, Use,
    dpop::{Nonces, Proof, Request, Target},
    random_bytes,
};

use crate::{
    Error, Issuer,
    clients::Client,
    oauth_error::{ErrorCode, OAuthError},
};

/// How far a client's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(10);
/// Proofs that are remembered for each endpoint, so that none is taken twice.
const REMEMBERED: usize = 100_000;

/// What proofs are held against. A proof lives for a minute or so, and nothing of it outlives a restart but the proof of
/// a client that has proven itself by other means, too: a public client's needs a nonce of this process.
pub(crate) struct Proofs {
    token_endpoint: Target,
    userinfo: Target,
    nonces: Nonces,
    used_for_tokens: Seen,
    used_at_userinfo: Seen,
}

/// A key that a request has proven. Its proof is not used up before something comes of it: whoever has no grant to spend
/// takes no room from others.
pub(crate) struct ProvenKey(Proof);

impl ProvenKey {
    pub(crate) fn confirmation(&self) -> Confirmation {
        Confirmation::Key(self.0.thumbprint().to_owned())
    }
}

impl Proofs {
    pub(crate) fn new(issuer: &Issuer) -> Result<Self, Error> {
        let target = |url: &str| Target::parse(url).ok_or(Error::Internal("an endpoint is no URL"));
        Ok(Self {
            token_endpoint: target(&issuer.endpoint("oauth/token"))?,
            userinfo: target(&issuer.userinfo())?,
            nonces: Nonces::new(&random_bytes().map_err(Error::Token)?),
            used_for_tokens: Seen::new(REMEMBERED),
            used_at_userinfo: Seen::new(REMEMBERED),
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
        let request = Request {
            method: "POST",
            target: &self.token_endpoint,
            access_token: None,
        };
        let Some(proof) = one_proof(headers, &request, now)? else {
            return Ok(None);
        };
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
        Ok(Some(ProvenKey(proof)))
    }

    /// Uses up the proof of a key that a token is to be bound to.
    pub(crate) fn use_for_token(&self, key: &ProvenKey, now: UnixTime) -> Result<(), OAuthError> {
        use_up(&self.used_for_tokens, &key.0, now)
    }

    /// The key that a request of `/userinfo` proves for its token, and for this request alone. No nonce is asked for.
    pub(crate) fn read_at_userinfo(
        &self,
        headers: &HeaderMap,
        method: &Method,
        token: &BearerToken,
        now: UnixTime,
    ) -> Result<ProvenKey, OAuthError> {
        let request = Request {
            method: method.as_str(),
            target: &self.userinfo,
            access_token: Some(token.digest()),
        };
        let proof = one_proof(headers, &request, now)?.ok_or_else(|| refused("no proof"))?;
        Ok(ProvenKey(proof))
    }

    /// Uses up the proof of a key that a token is bound to.
    pub(crate) fn use_at_userinfo(&self, key: &ProvenKey, now: UnixTime) -> Result<(), OAuthError> {
        use_up(&self.used_at_userinfo, &key.0, now)
    }

    /// The nonce for the next proof.
    pub(crate) fn nonce(&self, now: UnixTime) -> String {
        self.nonces.current(now)
    }
}

/// The header that a proof comes in.
pub(crate) const HEADER: &str = "dpop";

fn use_up(seen: &Seen, proof: &Proof, now: UnixTime) -> Result<(), OAuthError> {
    match seen.use_once(proof.id(), proof.remember_until(), now) {
        Use::First => Ok(()),
        Use::Again => Err(refused("used before")),
        Use::NoRoom => Err(OAuthError::server_error("no room for another proof")),
    }
}

/// The proof of a request, good for it; none where there is no proof.
fn one_proof(
    headers: &HeaderMap,
    request: &Request<'_>,
    now: UnixTime,
) -> Result<Option<Proof>, OAuthError> {
    let mut proofs = headers.get_all(HEADER).iter();
    let text = match (proofs.next(), proofs.next()) {
        (None, _) => return Ok(None),
        (Some(one), None) => one.to_str().map_err(|_| refused("malformed"))?,
        (Some(_), Some(_)) => return Err(refused("several proofs")),
    };
    Proof::verify(text, request, LEEWAY, now)
        .map(Some)
        .map_err(|refusal| refused(refusal.name()))
}

/// What a token cannot be bound to, where it has to be: RFC 8705 §3 has no word of its own for it.
pub(crate) fn no_certificate() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidRequest,
        "show a certificate in the TLS handshake: the token is bound to it",
    )
}

/// `invalid_dpop_proof`, with the same words whatever was wrong with it.
pub(crate) fn refused(cause: &'static str) -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidDpopProof,
        "the DPoP proof is missing, malformed, too old, used, or not for this request",
    )
    .because(cause)
}
