//! Whether whoever sends a token is whom it was issued to: the proof of the key that it is bound to.
//!
//! A [`Caller`] comes in; a [`ProvenCaller`] goes on, whose token was sent as config asks for it: as a plain bearer token,
//! with a proof by its own key (RFC 9449), and, where a token is good for one call, for the first time. An attacker has
//! taken a token out of a log or a memory and lacks the key; or she has seen a whole request and sends it again.

mod dpop;

use aws_lc_rs::digest::{Context, SHA256};
use http::HeaderValue;
use http::request::Parts;
use lychgate_token::{Seen, UnixTime, Use, VerifiedToken};

use crate::caller::Caller;
use crate::problem::{InvalidToken, Problem, Scheme};
use crate::settings::{AccessTokenSettings, SenderConstraint};
use dpop::Dpop;

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
    constraint: Constraint,
    /// Tokens that were used, where each is good for one call, and how long after its `exp` one is still taken.
    used: Option<Used>,
}

enum Constraint {
    None,
    Dpop(Box<Dpop>),
}

struct Used {
    tokens: Seen,
    leeway: std::time::Duration,
}

impl Possession {
    /// `nonce_key` is what nonces are made with; gateways that share it know each other's.
    pub(crate) fn new(settings: &AccessTokenSettings, nonce_key: &[u8; 32]) -> Self {
        let (capacity, leeway) = (settings.replay_entries, settings.leeway);
        Self {
            constraint: match &settings.sender_constraint {
                SenderConstraint::None => Constraint::None,
                SenderConstraint::Dpop(url) => {
                    let dpop = Dpop::new(url.clone(), nonce_key, capacity, leeway);
                    Constraint::Dpop(Box::new(dpop))
                }
            },
            used: settings.one_use.then(|| Used {
                tokens: Seen::new(capacity),
                leeway,
            }),
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
            Constraint::None if caller.token().confirmation().is_some() => {
                return Err(refused("constraint-not-proven"));
            }
            Constraint::None => {}
            Constraint::Dpop(dpop) => dpop.prove(&caller, head, now)?,
        }
        if let Some(used) = &self.used {
            used.use_up(caller.token(), now)?;
        }
        Ok(ProvenCaller { caller })
    }

    /// The scheme that tokens are presented in, for challenges.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.constraint {
            Constraint::None => Scheme::Bearer,
            Constraint::Dpop(_) => Scheme::Dpop,
        }
    }

    /// The nonce for the next proof, which every answer carries where proofs are asked for (RFC 9449 §8.2).
    pub(crate) fn nonce(&self, now: UnixTime) -> Option<HeaderValue> {
        match &self.constraint {
            Constraint::None => None,
            Constraint::Dpop(dpop) => HeaderValue::from_str(&dpop.nonce(now)).ok(),
        }
    }

    /// How many proofs are remembered.
    pub(crate) fn remembered_proofs(&self) -> usize {
        match &self.constraint {
            Constraint::None => 0,
            Constraint::Dpop(dpop) => dpop.remembered(),
        }
    }

    /// How many used tokens are remembered.
    pub(crate) fn remembered_tokens(&self) -> usize {
        self.used.as_ref().map_or(0, |used| used.tokens.len())
    }
}

impl Used {
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
        match self.tokens.use_once(id, until, now) {
            Use::First => Ok(()),
            Use::Again => Err(refused("used-before")),
            Use::NoRoom => Err(Problem::Overloaded),
        }
    }
}

fn refused(reason: &'static str) -> Problem {
    Problem::InvalidToken(InvalidToken::Refused(reason))
}
