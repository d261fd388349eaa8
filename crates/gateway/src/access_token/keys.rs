//! Which keys an issuer has, and when to ask it again: a state machine without a clock, a socket or a task.
//!
//! ```text
//!            scheduled, or a key is wanted and the budget has one
//!      ┌────────────────────────────────────────────────────────┐
//!    Idle ──look_up: unknown key, budget has one──→ Wanted ──────→ Fetching ──finish──→ Idle
//! ```
//!
//! Two clocks that never touch: the schedule, and the budget of fetches that unknown keys may cause. A flood of made-up
//! key ids can empty the budget; it can neither move the schedule nor keep a new key out of the next set.

use std::collections::BTreeMap;
use std::time::Duration;

use lychgate_token::{Algorithm, JwkSet, UnixTime, VerificationKey};

use crate::budget::Budget;

/// Bytes of a `kid` that is looked for at all.
const KEY_ID_BYTES: usize = 256;

/// How often keys are fetched, and how long they last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimits {
    /// From one scheduled fetch to the next.
    pub refresh: Duration,
    /// From a scheduled fetch that failed to the next try; it doubles with every failure.
    pub retry: Duration,
    /// What it doubles up to, so that an issuer that comes back is soon noticed.
    pub longest_retry: Duration,
    /// Without a good answer for this long, keys stop working (`jwks_max_stale`).
    pub max_stale: Duration,
    /// Fetches a minute that unknown key ids may cause.
    pub unknown_per_minute: u32,
    /// Unknown key ids that are remembered, so that they cause no second fetch.
    pub unknown_remembered: usize,
    /// How long each of them is.
    pub unknown_for: Duration,
    /// How long one fetch may take, and how long a request waits for one.
    pub fetch: Duration,
    /// Bytes of an issuer's answer.
    pub answer_bytes: usize,
}

impl Default for KeyLimits {
    fn default() -> Self {
        Self {
            refresh: Duration::from_mins(5),
            retry: Duration::from_secs(1),
            longest_retry: Duration::from_secs(30),
            max_stale: Duration::from_hours(24),
            unknown_per_minute: 6,
            unknown_remembered: 1024,
            unknown_for: Duration::from_mins(1),
            fetch: Duration::from_secs(5),
            answer_bytes: 256 * 1024,
        }
    }
}

/// The keys of one issuer.
pub(crate) struct Keys {
    limits: KeyLimits,
    current: Option<Current>,
    fetch: Fetch,
    next_scheduled: UnixTime,
    /// Scheduled fetches in a row that failed. Those that unknown keys caused do not count: the schedule is not theirs.
    failures: u32,
    answered: bool,
    budget: Budget,
    unknown_until: BTreeMap<String, UnixTime>,
}

struct Current {
    set: JwkSet,
    fetched_at: UnixTime,
}

/// Whether a fetch is under way. There is at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fetch {
    Idle,
    Wanted,
    Fetching { scheduled: bool },
}

/// What a look for a key came to.
pub(crate) enum LookUp {
    /// Here it is.
    Found(VerificationKey),
    /// The issuer has no such key, as far as is known and may be asked now.
    Unknown,
    /// Nothing is known of this issuer's keys, or nothing recent enough.
    Unavailable,
    /// A fetch may bring it: wait for its end, then [`Keys::look_again`].
    Wait(Proof),
}

/// Whether a good answer without a key proves that its issuer has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The fetch begins after the key was asked for.
    Fresh,
    /// The fetch was under way already; the issuer may have begun to use the key since.
    Stale,
}

impl Keys {
    /// No keys yet; the first fetch is due at once.
    pub(crate) fn new(limits: KeyLimits, now: UnixTime) -> Self {
        Self {
            limits,
            current: None,
            fetch: Fetch::Idle,
            next_scheduled: now,
            failures: 0,
            answered: false,
            budget: Budget::new(limits.unknown_per_minute, now),
            unknown_until: BTreeMap::new(),
        }
    }

    /// Looks for the key that a token names.
    pub(crate) fn look_up(&mut self, key_id: &str, algorithm: Algorithm, now: UnixTime) -> LookUp {
        let Some(current) = self.fresh(now) else {
            return LookUp::Unavailable;
        };
        if let Some(key) = current.set.key(key_id, algorithm) {
            return LookUp::Found(key.clone());
        }
        if key_id.len() > KEY_ID_BYTES
            || self
                .unknown_until
                .get(key_id)
                .is_some_and(|until| now < *until)
        {
            return LookUp::Unknown;
        }
        match self.fetch {
            Fetch::Fetching { .. } => LookUp::Wait(Proof::Stale),
            Fetch::Wanted => LookUp::Wait(Proof::Fresh),
            Fetch::Idle if self.budget.take(now) => {
                self.fetch = Fetch::Wanted;
                LookUp::Wait(Proof::Fresh)
            }
            Fetch::Idle => LookUp::Unknown,
        }
    }

    /// Looks again after the fetch that was waited for. A key that a good and fresh answer did not bring is remembered
    /// as unknown.
    pub(crate) fn look_again(
        &mut self,
        key_id: &str,
        algorithm: Algorithm,
        proof: Proof,
        now: UnixTime,
    ) -> Option<VerificationKey> {
        let current = self.fresh(now)?;
        let key = current.set.key(key_id, algorithm).cloned();
        let proven = proof == Proof::Fresh && self.fetch == Fetch::Idle && self.answered;
        if key.is_none() && proven {
            self.remember_unknown(key_id, now);
        }
        key
    }

    /// The key of this name, if it works at `now`. Causes nothing.
    pub(crate) fn peek(
        &self,
        key_id: &str,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Option<&VerificationKey> {
        self.fresh(now)?.set.key(key_id, algorithm)
    }

    /// Whether a fetch should begin now; if so it has begun, and [`Keys::finish`] must follow.
    pub(crate) fn begin(&mut self, now: UnixTime) -> bool {
        let scheduled = self.next_scheduled <= now;
        let begins = match self.fetch {
            Fetch::Fetching { .. } => false,
            Fetch::Wanted => true,
            Fetch::Idle => scheduled,
        };
        if begins {
            self.fetch = Fetch::Fetching { scheduled };
        }
        begins
    }

    /// The end of a fetch. A good set replaces the one before, keys it lacks are out of use at once; anything else
    /// changes no key.
    pub(crate) fn finish(&mut self, answer: Option<JwkSet>, now: UnixTime) {
        let scheduled = matches!(self.fetch, Fetch::Fetching { scheduled: true });
        self.fetch = Fetch::Idle;
        self.answered = answer.is_some();
        if let Some(set) = answer {
            self.current = Some(Current {
                set,
                fetched_at: now,
            });
            self.failures = 0;
        } else if scheduled {
            self.failures = self.failures.saturating_add(1);
        }
        if scheduled {
            self.next_scheduled = now.plus(self.until_next());
        }
    }

    /// When the schedule wants the next fetch.
    pub(crate) fn next_scheduled(&self) -> UnixTime {
        self.next_scheduled
    }

    /// Whether keys are known that work at `now`.
    pub(crate) fn available(&self, now: UnixTime) -> bool {
        self.fresh(now).is_some()
    }

    /// Since when the current keys are known.
    pub(crate) fn fetched_at(&self) -> Option<UnixTime> {
        self.current.as_ref().map(|current| current.fetched_at)
    }

    fn fresh(&self, now: UnixTime) -> Option<&Current> {
        self.current
            .as_ref()
            .filter(|current| now.since(current.fetched_at) <= self.limits.max_stale)
    }

    fn until_next(&self) -> Duration {
        match self.failures {
            0 => self.limits.refresh,
            failures => {
                let doubled = 2_u32.saturating_pow(failures - 1);
                self.limits
                    .retry
                    .saturating_mul(doubled)
                    .min(self.limits.longest_retry)
            }
        }
    }

    fn remember_unknown(&mut self, key_id: &str, now: UnixTime) {
        if self.unknown_until.len() >= self.limits.unknown_remembered {
            self.unknown_until.retain(|_, until| now < *until);
        }
        if self.unknown_until.len() < self.limits.unknown_remembered {
            self.unknown_until
                .insert(key_id.to_owned(), now.plus(self.limits.unknown_for));
        }
    }
}

#[cfg(test)]
mod tests;
