//! Proofs by the key of a token (RFC 9449 §4.3 and §7), made with a nonce of ours and good once.

use http::request::Parts;
use lychgate_token::dpop::{Proof, Request};
use lychgate_token::{Confirmation, UnixTime, Use};

use super::{Possession, bound_to, refused};
use crate::caller::Caller;
use crate::problem::{InvalidToken, Problem};
use crate::settings::PublicUrl;

/// The header that a proof comes in.
const HEADER: &str = "dpop";

impl Possession {
    /// Whether the token is bound to a key and the request carries a proof by it: for this request, with a nonce of ours,
    /// and for the first time.
    pub(super) fn prove_key(
        &self,
        public_url: &PublicUrl,
        caller: &Caller,
        head: &Parts,
        now: UnixTime,
    ) -> Result<(), Problem> {
        let Confirmation::Key(key) = bound_to(caller)? else {
            return Err(refused("constraint-not-proven"));
        };
        let target = public_url
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
        let memory = &self.memory;
        let has_nonce = |nonce| memory.nonces.is_current(nonce, now);
        if !proof.nonce().is_some_and(has_nonce) {
            return Err(Problem::InvalidToken(InvalidToken::NonceWanted));
        }
        match memory
            .proofs
            .use_once(proof.id(), proof.remember_until(), now)
        {
            Use::First => Ok(()),
            Use::Again => Err(bad_proof("used-before")),
            Use::NoRoom => Err(Problem::Overloaded),
        }
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
