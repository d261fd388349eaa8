//! Upgrade on login: a right password whose stored hash is not what is written today is hashed anew in the background.
//!
//! A login leaves password and old hash in a bounded queue and is answered; whatever becomes of them, it has cost the
//! login nothing. The store changes only where it still has the old hash. An attacker wants a password that was changed to
//! come back, or an old scheme's leniency to become a new hash: a hash that did not read the whole password is left.

mod counts;
mod queue;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lychgate_password::{Background, Loss, Password, Pool, StoredHash};
use lychgate_store::{Identifier, Parameters, StatementName};
use lychgate_token::UnixTime;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use crate::audit::pseudonym::PseudonymKey;
use crate::audit::{Outcome, Writer, password_upgrade};
use crate::legacy::Legacy;

pub(crate) use counts::{UPGRADES, UPGRADES_LEFT, UpgradeCounts};
pub(crate) use queue::UpgradeQueue;
use queue::{Offers, Waiting};

/// How much of upgrading there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpgradeLimits {
    /// Logins whose hashes wait for their upgrade, each of another user: 64. What finds no room is left as it is.
    pub queue: usize,
    /// How long one may take from its turn on, the wait for an idle pool included: 30 s.
    pub deadline: Duration,
}

/// Why a hash that is not what is written today is left as it is; its next login is the next chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// The old scheme did not read the whole password.
    NotWhole(Loss),
    /// The new format would not.
    NotHeld,
    /// Another login of the same user is in the queue.
    UnderWay,
    /// The queue is full.
    QueueFull,
    /// The pool was never idle.
    Busy,
    /// Audit lines cannot be written.
    NotAudited,
    /// The gateway stops.
    Stopping,
}

/// The end of the queue at which logins stand.
pub(crate) struct Upgrades {
    offers: Offers,
    counts: UpgradeCounts,
}

/// What the one who upgrades works with.
pub(crate) struct Upgrading {
    pub(crate) legacy: Arc<Legacy>,
    pub(crate) audit: Arc<Writer>,
    pub(crate) pseudonym_key: PseudonymKey,
    /// No more is begun.
    pub(crate) stop: CancellationToken,
    /// What is under way is given up.
    pub(crate) end: CancellationToken,
}

impl Upgrades {
    /// Both ends; without a `background` nothing is ever taken.
    pub(crate) fn new(
        limits: UpgradeLimits,
        background: Option<Background>,
    ) -> (Self, UpgradeQueue) {
        let counts = UpgradeCounts::new();
        let (offers, queue) = queue::new(limits, background, counts.clone());
        (Self { offers, counts }, queue)
    }

    /// The password was right: its hash is rewritten soon, if it should be and can be.
    pub(crate) fn offer(
        &self,
        pool: &Pool,
        identifier: &Identifier,
        password: Arc<Password>,
        stored: StoredHash,
    ) {
        let Ok(parsed) = pool.parse(&stored) else {
            return;
        };
        if pool.is_current(&parsed) {
            return;
        }
        let loss = parsed.loss(&password, Some(identifier.as_str()));
        let offered = match loss {
            Some(loss) => Err(Left::NotWhole(loss)),
            None if pool.covers(&password).is_err() => Err(Left::NotHeld),
            None => self.offers.put(identifier.clone(), password, stored),
        };
        if let Err(left) = offered {
            self.counts.left(left);
        }
    }

    pub(crate) fn counts(&self) -> &UpgradeCounts {
        &self.counts
    }
}

impl Default for UpgradeLimits {
    fn default() -> Self {
        Self {
            queue: 64,
            deadline: Duration::from_secs(30),
        }
    }
}

impl Left {
    /// Every reason there is.
    fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::NotHeld,
            Self::UnderWay,
            Self::QueueFull,
            Self::Busy,
            Self::NotAudited,
            Self::Stopping,
        ];
        Loss::ALL.into_iter().map(Self::NotWhole).chain(others)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotWhole(loss) => loss.name(),
            Self::NotHeld => "new-format",
            Self::UnderWay => "under-way",
            Self::QueueFull => "queue-full",
            Self::Busy => "busy",
            Self::NotAudited => "not-audited",
            Self::Stopping => "stopping",
        }
    }
}

/// How an upgrade that was begun came out, and why.
type Done = (Outcome, Option<&'static str>);

impl Upgrading {
    /// One hash and one write, within the deadline; its outcome is audited and counted.
    async fn upgrade(
        &self,
        waiting: Waiting,
        background: &mut Background,
        counts: &UpgradeCounts,
        deadline: Duration,
    ) {
        if self.audit.is_failing() {
            return counts.left(Left::NotAudited);
        }
        let (time, started) = (UnixTime::now(), Instant::now());
        let Waiting {
            identifier,
            password,
            stored,
            under_way,
        } = waiting;
        let until = (started + deadline).into();
        let hash = tokio::select! {
            biased;
            () = self.stop.cancelled() => return counts.left(Left::Stopping),
            hash = timeout_at(until, background.hash(password)) => hash,
        };
        let done = match hash {
            Err(_) => return counts.left(Left::Busy),
            Ok(Err(error)) => {
                tracing::error!("password pool: {error}");
                (Outcome::UpgradeFailed, Some("password-pool"))
            }
            Ok(Ok(hash)) => {
                let parameters = Parameters::new()
                    .with("identifier", identifier.as_str())
                    .with_old_hash(stored)
                    .with_password_hash(hash);
                tokio::select! {
                    biased;
                    () = self.end.cancelled() => (Outcome::UpgradeFailed, Some("stopping")),
                    written = timeout_at(until, self.rewrite(&parameters)) => {
                        written.unwrap_or((Outcome::UpgradeFailed, Some("out-of-time")))
                    }
                }
            }
        };
        drop(under_way);
        counts.done(done.0);
        let line = password_upgrade(
            time,
            &identifier,
            &self.pseudonym_key,
            done,
            started.elapsed(),
        );
        if let Err(error) = self.audit.write(&line).await {
            tracing::error!("an audit line about a password upgrade was not written: {error}");
        }
    }

    /// Compare and set: no row is matched where the hash is no longer the old one.
    async fn rewrite(&self, parameters: &Parameters) -> Done {
        let name = StatementName::UpgradePassword;
        match self.legacy.write(name, parameters).await {
            Ok(written) if written.matched > 0 => (Outcome::Upgraded, None),
            Ok(_) => (Outcome::Superseded, None),
            Err(problem) => (Outcome::UpgradeFailed, Some(problem.kind().describe().name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Left;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Left::all().map(Left::name).collect();
        assert_eq!(names.len(), Left::all().count());
    }
}
