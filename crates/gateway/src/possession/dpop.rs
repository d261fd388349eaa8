//! Proofs by the key of a token (RFC 9449 §4.3 and §7), made with a nonce of ours and good once.

use std::time::Duration;

use http::request::Parts;
use lychgate_token::dpop::{Nonces, Proof, Request};
use lychgate_token::{Confirmation, Seen, UnixTime, Use};

use super::refused;
use crate::caller::Caller;
use crate::problem::{InvalidToken, Problem};
use crate::settings::PublicUrl;

/// The header that a proof comes in.
const HEADER: &str = "dpop";

/// What proofs are held against.
pub(super) struct Dpop {
    public_url: PublicUrl,
    nonces: Nonces,
    proofs: Seen,
    leeway: Duration,
}

impl Dpop {
    pub(super) fn new(
        public_url: PublicUrl,
        nonce_key: &[u8; 32],
        capacity: usize,
        leeway: Duration,
    ) -> Self {
        Self {
            public_url,
            nonces: Nonces::new(nonce_key),
            proofs: Seen::new(capacity),
            leeway,
        }
    }

    /// Whether the token is bound to a key and the request carries a proof by it: for this request, with a nonce of ours,
    /// and for the first time.
    pub(super) fn prove(
        &self,
        caller: &Caller,
        head: &Parts,
        now: UnixTime,
    ) -> Result<(), Problem> {
        let confirmation = caller.token().confirmation();
        let confirmation = confirmation.ok_or_else(|| refused("token-not-bound"))?;
        let Some(Confirmation::Key(key)) = Confirmation::read(confirmation) else {
            return Err(refused("constraint-not-proven"));
        };
        let target = self
            .public_url
            .target(head.uri.path())
            .ok_or_else(|| bad_proof("wrong-target"))?;
        let request = Request {
            method: head.method.as_str(),
            target: &target,
            access_token: Some(caller.token_digest()),
        };
        let proof = Proof::verify(the_one(head)?, &request, self.leeway, now)
            .map_err(|refusal| bad_proof(refusal.name()))?;
        if proof.thumbprint() != key {
            return Err(refused("another-key"));
        }
        let has_nonce = |nonce| self.nonces.is_current(nonce, now);
        if !proof.nonce().is_some_and(has_nonce) {
            return Err(Problem::InvalidToken(InvalidToken::NonceWanted));
        }
        match self
            .proofs
            .use_once(proof.id(), proof.remember_until(), now)
        {
            Use::First => Ok(()),
            Use::Again => Err(bad_proof("used-before")),
            Use::NoRoom => Err(Problem::Overloaded),
        }
    }

    pub(super) fn nonce(&self, now: UnixTime) -> String {
        self.nonces.current(now)
    }

    pub(super) fn remembered(&self) -> usize {
        self.proofs.len()
    }
}

/// The text of the one proof.
fn the_one(head: &Parts) -> Result<&str, Problem> {
    let mut proofs = head.headers.get_all(HEADER).iter();
    let proof = proofs.next().ok_or_else(|| bad_proof("no-proof"))?;
    if proofs.next().is_some() {
        return Err(bad_proof("several-proofs"));
    }
    proof.to_str().map_err(|_| bad_proof("malformed"))
}

fn bad_proof(reason: &'static str) -> Problem {
    Problem::InvalidToken(InvalidToken::BadProof(reason))
}
