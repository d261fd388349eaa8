//! How often the password of one identifier may be guessed: the gate between the body and the store.
//!
//! The key of an identifier comes in, existing or not, and an [`Attempt`] goes on; whoever makes none of it has failed, so
//! that hanging up guesses nothing for free. An attacker would want many guesses at once, or a victim shut out: what is
//! under way counts as failed until it is not, and every delay ends.
//!
//! ```text
//!  free ──begin──► under way ──right──► forgotten
//!   ▲                 │  ▲
//!   │ nobody tried    │  └─── begin, one at a time, once the delay is over
//!   │ for an hour     ▼ wrong, or dropped
//!   │ or unlocked
//!   └───────────── slowed: from the tenth failure in a row the delay doubles, 1 s to 5 min
//! ```

mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

pub(crate) use self::table::IdentifierKey;
use self::table::{Decision, Ended, Table};
use crate::audit::pseudonym::PseudonymKey;
use crate::error::Error;
use crate::problem::Problem;

/// How failures slow down what comes after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutLimits {
    /// Failures in a row before the first delay.
    pub free: u32,
    /// The first delay; each failure more doubles it.
    pub shortest: Duration,
    /// What no delay exceeds.
    pub longest: Duration,
    /// How long after the last failure, or the end of its delay, all of them are forgotten.
    pub memory: Duration,
    /// Identifiers whose failures are remembered.
    pub identifiers: usize,
}

impl Default for LockoutLimits {
    fn default() -> Self {
        Self {
            free: 10,
            shortest: Duration::from_secs(1),
            longest: Duration::from_mins(5),
            memory: Duration::from_hours(1),
            identifiers: 100_000,
        }
    }
}

impl LockoutLimits {
    /// Refuses delays by which a victim would be shut out rather than slowed, and failures that are forgotten before a
    /// delay is over.
    pub fn check(self) -> Result<(), Error> {
        if self.shortest > self.longest {
            Err(Error::Lockout(
                "`first_delay` is longer than `longest_delay`",
            ))
        } else if self.longest > Duration::from_hours(1) {
            Err(Error::Lockout(
                "`longest_delay` is over an hour: a victim would be shut out, not slowed",
            ))
        } else if self.memory < self.longest {
            Err(Error::Lockout(
                "`memory` is shorter than `longest_delay`: failures would be forgotten in their delay",
            ))
        } else {
            Ok(())
        }
    }
}

/// Every identifier with failures, and the attempts under way.
pub(crate) struct Lockout(Mutex<Table>);

/// The lockout, and what identifiers are counted under.
#[derive(Clone, Copy)]
pub(crate) struct Guesses<'a> {
    pub(crate) lockout: &'a Arc<Lockout>,
    pub(crate) key: &'a PseudonymKey,
}

impl Guesses<'_> {
    /// An attempt for this identifier.
    pub(crate) async fn begin(self, identifier: &str) -> Result<Attempt, Problem> {
        let attempt = self.lockout.begin(self.key.lockout_key(identifier)).await;
        attempt.map_err(|refused| match refused {
            NoAttempt::Locked(retry_after) => Problem::IdentifierLocked { retry_after },
            NoAttempt::Full => Problem::Overloaded,
        })
    }
}

/// Why there is no attempt now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAttempt {
    /// The identifier failed too often. It may be tried again after this.
    Locked(Duration),
    /// As many identifiers as are remembered are slowed at this moment.
    Full,
}

impl Lockout {
    pub(crate) fn new(limits: LockoutLimits) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Table::new(limits))))
    }

    /// An attempt for this identifier. Where as many are under way as may still fail, it waits for one of them to end: who
    /// logs in fifty times at once with the right password is not taken for a guesser.
    pub(crate) async fn begin(self: &Arc<Self>, key: IdentifierKey) -> Result<Attempt, NoAttempt> {
        let waiting = async {
            loop {
                let decision = self.table().begin(key, Instant::now());
                match decision {
                    Decision::Begun => return Ok(self.attempt(key)),
                    Decision::Refused(refused) => return Err(refused),
                    Decision::Busy(ended) => ended.await,
                }
            }
        };
        let waited = timeout(LONGEST_WAIT, waiting).await;
        waited.unwrap_or(Err(NoAttempt::Locked(LONGEST_WAIT)))
    }

    /// Whether this identifier has failures.
    pub(crate) fn knows(&self, key: IdentifierKey) -> bool {
        self.table().knows(key, Instant::now())
    }

    /// Forgets the failures of this identifier. What is under way may still fail.
    pub(crate) fn unlock(&self, key: IdentifierKey) {
        self.table().unlock(key);
    }

    /// How many identifiers are slowed at this moment.
    pub(crate) fn slowed(&self) -> usize {
        self.table().slowed(Instant::now())
    }

    fn attempt(self: &Arc<Self>, key: IdentifierKey) -> Attempt {
        Attempt {
            lockout: Arc::clone(self),
            key,
            ended: Ended::Wrong,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One guess at the password of an identifier. Dropped without a word it has failed.
#[must_use = "an attempt that nobody ends has failed"]
pub(crate) struct Attempt {
    lockout: Arc<Lockout>,
    key: IdentifierKey,
    ended: Ended,
}

impl Attempt {
    /// The password was right.
    pub(crate) fn right(mut self) {
        self.ended = Ended::Right;
    }

    /// The password was wrong, or there is no such user, or none who may log in.
    pub(crate) fn wrong(self) {
        drop(self);
    }

    /// Nobody knows: the store did not answer. An outage locks nobody out.
    pub(crate) fn void(mut self) {
        self.ended = Ended::Void;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.lockout
            .table()
            .end(self.key, self.ended, Instant::now());
    }
}

/// How long an attempt waits for others of its identifier to end.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const KEY: IdentifierKey = IdentifierKey([7; 32]);

    #[tokio::test]
    async fn fifty_logins_at_once_with_the_right_password_all_get_their_turn() {
        let lockout = Lockout::new(LockoutLimits::default());
        let mut logins = JoinSet::new();
        for _ in 0..50 {
            let lockout = Arc::clone(&lockout);
            logins.spawn(async move {
                let attempt = lockout.begin(KEY).await.unwrap();
                tokio::task::yield_now().await;
                attempt.right();
            });
        }
        while let Some(login) = logins.join_next().await {
            login.unwrap();
        }
        assert_eq!(lockout.slowed(), 0);
    }

    #[tokio::test]
    async fn guesses_at_once_are_no_more_than_guesses_in_a_row() {
        let lockout = Lockout::new(LockoutLimits::default());
        let mut guesses = JoinSet::new();
        for _ in 0..50 {
            let lockout = Arc::clone(&lockout);
            guesses.spawn(async move {
                let attempt = lockout.begin(KEY).await?;
                tokio::task::yield_now().await;
                attempt.wrong();
                Ok::<_, NoAttempt>(())
            });
        }
        let mut begun = 0;
        while let Some(guess) = guesses.join_next().await {
            begun += u32::from(guess.unwrap().is_ok());
        }
        assert_eq!(begun, LockoutLimits::default().free);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_has_failed_and_a_store_that_is_away_fails_nobody() {
        let lockout = Lockout::new(LockoutLimits::default());
        for _ in 0..100 {
            lockout.begin(KEY).await.unwrap().void();
        }
        for _ in 0..LockoutLimits::default().free {
            drop(lockout.begin(KEY).await.unwrap());
        }
        let refused = lockout.begin(KEY).await.err();
        assert!(
            matches!(refused, Some(NoAttempt::Locked(delay)) if delay <= Duration::from_secs(1))
        );
    }
}
