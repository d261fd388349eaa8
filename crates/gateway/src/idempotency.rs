//! A call that is sent again is the same call: `Idempotency-Key` between the body and the lockout.
//!
//! A body that was read comes in, and a [`Turn`] goes on: the first of its key does the work, and whoever comes again
//! within a minute, or while it is being done, gets what the first one got. So a script whose connection broke asks again
//! without a second failed attempt being counted, and without a second user being made. An attacker wants another's
//! answer: a key is bound to its client, and with another question it is refused.

mod table;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use lychgate_store::StatementName;

use self::table::{Decision, Table};
use crate::audit::Outcome;
use crate::ledger::Sighting;
use crate::problem::{Malformed, Problem, ProblemKind};
use crate::settings::ClientId;

/// The header field by which a caller names a call (draft-ietf-httpapi-idempotency-key-header).
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 128;

/// How long what was answered is known, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyLimits {
    /// How long a result is kept.
    pub keep: Duration,
    /// Keys that are remembered; for one more the oldest result is given up.
    pub keys: usize,
    /// Bytes of the results that are kept; for more the oldest are given up.
    pub bytes: usize,
}

impl Default for IdempotencyLimits {
    fn default() -> Self {
        Self {
            keep: Duration::from_mins(1),
            keys: 65_536,
            bytes: 32 * 1024 * 1024,
        }
    }
}

/// The calls that have a key: those under way, and what became of those before.
pub(crate) struct Idempotency {
    table: Mutex<Table>,
    key: Key,
    repeated: AtomicU64,
}

/// What a call asks, by all that makes it this one.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) client: &'a ClientId,
    pub(crate) operation: StatementName,
    pub(crate) about: &'a str,
    pub(crate) body: &'a [u8],
}

/// What an operation answered.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) json: Bytes,
    pub(crate) outcome: Outcome,
    pub(crate) told: Option<Sighting>,
}

/// Whose turn it is.
pub(crate) enum Turn {
    /// The work is to be done; where there is a key, what comes of it is kept.
    First(Option<Claim>),
    /// It was done, and this came of it.
    Again(Result<Answered, Problem>),
}

impl Idempotency {
    /// Nothing is known yet. The key hides bodies, and whose they are, from whoever reads the memory.
    pub(crate) fn new(limits: IdempotencyLimits, key: &[u8; 32]) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(Table::new(limits)),
            key: Key::new(HMAC_SHA256, key),
            repeated: AtomicU64::new(0),
        })
    }

    /// Whose turn it is. Where the first call of this key is under way, this waits for its end: an answer that says so
    /// would be taken for one about the user.
    pub(crate) async fn turn(
        self: &Arc<Self>,
        headers: &HeaderMap,
        question: Question<'_>,
    ) -> Result<Turn, Problem> {
        let Some(key) = key_of(headers)? else {
            return Ok(Turn::First(None));
        };
        let name = self.digest([b"name", question.client.as_str().as_bytes(), key]);
        let print = self.digest([
            question.operation.name().as_bytes(),
            question.about.as_bytes(),
            question.body,
        ]);
        let is_read = question.operation.is_read();
        loop {
            let decision = self.table().begin(name, print, Instant::now());
            match decision {
                Decision::Begun => {
                    let claim = Claim {
                        calls: Arc::clone(self),
                        name,
                        is_read,
                        result: (!is_read).then_some(Err(Problem::OutcomeUnknown)),
                    };
                    return Ok(Turn::First(Some(claim)));
                }
                Decision::Busy(ended) => ended.await,
                Decision::Ended(result) => {
                    self.repeated.fetch_add(1, Ordering::Relaxed);
                    return Ok(Turn::Again(result));
                }
                Decision::Another => return Err(Problem::IdempotencyKeyReused),
                Decision::Full => return Err(Problem::Overloaded),
            }
        }
    }

    /// Keys that are remembered at this moment.
    pub(crate) fn remembered(&self) -> usize {
        self.table().len()
    }

    /// Calls that got the answer of an earlier one.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Results that were given up before their time, for want of room.
    pub(crate) fn given_up(&self) -> u64 {
        self.table().given_up()
    }

    /// A keyed digest of parts that cannot run into one another.
    fn digest(&self, parts: [&[u8]; 3]) -> [u8; 32] {
        let mut context = Context::with_key(&self.key);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first call of a key. Dropped without a word, a read has not happened, and of a write nobody knows.
#[must_use = "whoever waits for it waits until it ends"]
pub(crate) struct Claim {
    calls: Arc<Idempotency>,
    name: [u8; 32],
    is_read: bool,
    result: Option<Result<Answered, Problem>>,
}

impl Claim {
    /// Keeps what came of the call, or frees the key where nothing did: then the next one may try.
    pub(crate) fn end(mut self, result: &Result<Answered, Problem>) {
        let is_kept = match result {
            Ok(_) => true,
            Err(problem) => is_final(problem.kind(), self.is_read),
        };
        self.result = is_kept.then(|| result.clone());
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let result = self.result.take();
        self.calls.table().end(self.name, result, Instant::now());
    }
}

/// Whether a problem is the result of a call, or only says that there was none. Of a write that failed somewhere nobody
/// knows how far it came; done again under the same key it might happen twice.
fn is_final(problem: ProblemKind, is_read: bool) -> bool {
    match problem {
        ProblemKind::UserExists | ProblemKind::InvalidField => true,
        ProblemKind::OutcomeUnknown | ProblemKind::Internal => !is_read,
        _ => false,
    }
}

/// The one key that the caller gave, if any.
fn key_of(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.as_bytes();
    let is_good = (1..=KEY_BYTES).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    if is_good && values.next().is_none() {
        Ok(Some(key))
    } else {
        Err(Problem::MalformedRequest(Malformed::IdempotencyKey))
    }
}

#[cfg(test)]
mod tests;
