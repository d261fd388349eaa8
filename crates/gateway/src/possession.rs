//! Whether whoever sends a token is whom it was issued to: the proof of the key that it is bound to.
//!
//! A [`Caller`] comes in; a [`ProvenCaller`] goes on, whose token was sent as config asks for it: as a plain bearer token,
//! with a proof by its own key (RFC 9449), over a connection with its own certificate (RFC 8705), and, where a token is
//! good for one call, for the first time. An attacker has taken a token out of a log or a memory and lacks the key; or she
//! has seen a whole request and sends it again.

mod certificate;
mod dpop;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use http::HeaderValue;
use http::request::Parts;
use lychgate_token::dpop::Nonces;
use lychgate_token::{Confirmation, Seen, UnixTime, Use, VerifiedToken};

use crate::caller::Caller;
use crate::problem::{InvalidToken, Problem, Scheme};
use crate::settings::{AccessTokenSettings, SenderConstraint};

/// A caller whose token is its own to send. [`Possession::prove`] makes it, and nothing else.
#[derive(Debug, Clone)]
pub struct ProvenCaller {
    caller: Caller,
}

impl ProvenCaller {
    /// The caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// What decides whether a token may be sent by whoever sends it.
pub(crate) struct Possession {
    constraint: SenderConstraint,
    one_use: bool,
    leeway: Duration,
    memory: Arc<Memory>,
}

/// What was used, and the key of nonces: it outlives the rules that asked for it, so that other rules bring nothing back.
pub(crate) struct Memory {
    nonces: Nonces,
    proofs: Seen,
    tokens: Seen,
}

impl Memory {
    /// `nonce_key` is what nonces are made with; gateways that share it know each other's. At most `capacity` proofs, and
    /// as many tokens, are remembered.
    pub(crate) fn new(nonce_key: &[u8; 32], capacity: usize) -> Self {
        Self {
            nonces: Nonces::new(nonce_key),
            proofs: Seen::new(capacity),
            tokens: Seen::new(capacity),
        }
    }
}

impl Possession {
    pub(crate) fn new(settings: &AccessTokenSettings, memory: Arc<Memory>) -> Self {
        Self {
            constraint: settings.sender_constraint.clone(),
            one_use: settings.one_use,
            leeway: settings.leeway,
            memory,
        }
    }

    /// Step 5 of what makes a token good: a token that is bound comes with the proof of it, and with a proof that this
    /// gateway is set up to look at; where it is set up so, none comes without.
    pub(crate) fn prove(
        &self,
        caller: Caller,
        head: &Parts,
        now: UnixTime,
    ) -> Result<ProvenCaller, Problem> {
        match &self.constraint {
            SenderConstraint::None if caller.token().confirmation().is_some() => {
                return Err(refused("constraint-not-proven"));
            }
            SenderConstraint::None => {}
            SenderConstraint::Dpop(url) => self.prove_key(url, &caller, head, now)?,
            SenderConstraint::Mtls => certificate::prove(&caller, head)?,
        }
        if self.one_use {
            self.use_up(caller.token(), now)?;
        }
        Ok(ProvenCaller { caller })
    }

    /// What has to be proven.
    pub(crate) fn constraint(&self) -> &SenderConstraint {
        &self.constraint
    }

    /// The scheme that tokens are presented in, for challenges.
    pub(crate) fn scheme(&self) -> Scheme {
        self.constraint.scheme()
    }

    /// The nonce for the next proof, which every answer carries where proofs are asked for (RFC 9449 §8.2).
    pub(crate) fn nonce(&self, now: UnixTime) -> Option<HeaderValue> {
        match &self.constraint {
            SenderConstraint::None | SenderConstraint::Mtls => None,
            SenderConstraint::Dpop(_) => {
                HeaderValue::from_str(&self.memory.nonces.current(now)).ok()
            }
        }
    }

    /// What was used up to now.
    pub(crate) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// How many proofs are remembered.
    pub(crate) fn remembered_proofs(&self) -> usize {
        self.memory.proofs.len()
    }

    /// How many used tokens are remembered.
    pub(crate) fn remembered_tokens(&self) -> usize {
        self.memory.tokens.len()
    }

    /// Ends a token. Its `jti` is its issuer's to choose, so both together are what it is known by.
    fn use_up(&self, token: &VerifiedToken, now: UnixTime) -> Result<(), Problem> {
        let token_id = token.token_id().ok_or_else(|| refused("no-token-id"))?;
        let mut context = Context::new(&SHA256);
        // An issuer is a URL, in which there is no zero byte.
        for part in [token.issuer(), "\0", token_id] {
            context.update(part.as_bytes());
        }
        let mut id = [0; 32];
        id.copy_from_slice(context.finish().as_ref());
        let until = token.expires_at().plus(self.leeway);
        match self.memory.tokens.use_once(id, until, now) {
            Use::First => Ok(()),
            Use::Again => Err(refused("used-before")),
            Use::NoRoom => Err(Problem::Overloaded),
        }
    }
}

/// What the token is bound to, which it has to be.
fn bound_to(caller: &Caller) -> Result<Confirmation, Problem> {
    let confirmation = caller.token().confirmation();
    let confirmation = confirmation.ok_or_else(|| refused("token-not-bound"))?;
    Confirmation::read(confirmation).ok_or_else(|| refused("constraint-not-proven"))
}

fn refused(reason: &'static str) -> Problem {
    Problem::InvalidToken(InvalidToken::Refused(reason))
}
