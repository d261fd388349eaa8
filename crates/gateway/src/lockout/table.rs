//! The bounded table behind the lockout, as a function of the time that it is told.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::{LockoutLimits, NoAttempt};

/// A keyed digest of a normalized identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct IdentifierKey(pub(crate) [u8; 32]);

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ended {
    Right,
    Wrong,
    Void,
}

/// Whether an attempt may begin.
pub(super) enum Decision {
    Begun,
    /// As many are under way as may still fail; this ends when one of them does.
    Busy(OwnedNotified),
    Refused(NoAttempt),
}

pub(super) struct Table {
    limits: LockoutLimits,
    entries: HashMap<IdentifierKey, Entry>,
    /// Those without an attempt under way, by the moment from which they may be forgotten for others' sake.
    idle: BTreeSet<(Instant, IdentifierKey)>,
}

struct Entry {
    /// In a row.
    failures: u32,
    under_way: u32,
    /// The end of the delay; without one, the last failure.
    until: Instant,
    ended: Arc<Notify>,
}

impl Table {
    pub(super) fn new(limits: LockoutLimits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            idle: BTreeSet::new(),
        }
    }

    /// Begins an attempt, if it may begin now.
    pub(super) fn begin(&mut self, key: IdentifierKey, now: Instant) -> Decision {
        self.forget_if_old(key, now);
        let Some(entry) = self.entries.get_mut(&key) else {
            if !self.make_room(now) {
                return Decision::Refused(NoAttempt::Full);
            }
            self.entries.insert(key, Entry::beginning(now));
            return Decision::Begun;
        };
        if let Some(delay) = entry.delay_left(self.limits, now) {
            return Decision::Refused(NoAttempt::Locked(delay));
        }
        // Once slowed, one at a time.
        let may_fail = self.limits.free.saturating_sub(entry.failures).max(1);
        if entry.under_way >= may_fail {
            return Decision::Busy(Arc::clone(&entry.ended).notified_owned());
        }
        self.idle.remove(&(entry.until, key));
        entry.under_way += 1;
        Decision::Begun
    }

    /// Ends an attempt that was begun.
    pub(super) fn end(&mut self, key: IdentifierKey, ended: Ended, now: Instant) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        entry.under_way = entry.under_way.saturating_sub(1);
        match ended {
            Ended::Right => entry.failures = 0,
            Ended::Wrong => {
                entry.failures = entry.failures.saturating_add(1);
                entry.until = now + delay_after(entry.failures, self.limits);
            }
            Ended::Void => {}
        }
        entry.ended.notify_waiters();
        if entry.under_way == 0 {
            if entry.failures == 0 {
                self.entries.remove(&key);
            } else {
                self.idle.insert((entry.until, key));
            }
        }
    }

    /// Whether there are failures.
    pub(super) fn knows(&mut self, key: IdentifierKey, now: Instant) -> bool {
        self.forget_if_old(key, now);
        self.entries
            .get(&key)
            .is_some_and(|entry| entry.failures > 0)
    }

    /// Forgets the failures so far.
    pub(super) fn unlock(&mut self, key: IdentifierKey) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        entry.failures = 0;
        entry.ended.notify_waiters();
        if entry.under_way == 0 {
            self.idle.remove(&(entry.until, key));
            self.entries.remove(&key);
        }
    }

    /// How many are in a delay.
    pub(super) fn slowed(&self, now: Instant) -> usize {
        let delays = self.idle.iter().rev();
        delays.take_while(|(until, _)| *until > now).count()
    }

    fn forget_if_old(&mut self, key: IdentifierKey, now: Instant) {
        if let Some(entry) = self.entries.get(&key)
            && entry.under_way == 0
            && now.saturating_duration_since(entry.until) >= self.limits.memory
        {
            self.idle.remove(&(entry.until, key));
            self.entries.remove(&key);
        }
    }

    /// Whether there is room for one more, at the cost of the one that was quiet for longest; never of a delay.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.entries.len() < self.limits.identifiers {
            return true;
        }
        match self.idle.first().copied() {
            Some((until, key)) if until <= now => {
                self.idle.remove(&(until, key));
                self.entries.remove(&key);
                true
            }
            _ => false,
        }
    }
}

impl Entry {
    fn beginning(now: Instant) -> Self {
        Self {
            failures: 0,
            under_way: 1,
            until: now,
            ended: Arc::default(),
        }
    }

    fn delay_left(&self, limits: LockoutLimits, now: Instant) -> Option<Duration> {
        let left = self.until.saturating_duration_since(now);
        (self.failures >= limits.free && !left.is_zero()).then_some(left)
    }
}

/// The delay after this many failures in a row.
fn delay_after(failures: u32, limits: LockoutLimits) -> Duration {
    match failures.checked_sub(limits.free) {
        Some(doublings) => {
            let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
            limits.shortest.saturating_mul(factor).min(limits.longest)
        }
        None => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(name: u8) -> IdentifierKey {
        IdentifierKey([name; 32])
    }

    fn begins(table: &mut Table, name: u8, now: Instant) -> bool {
        matches!(table.begin(key(name), now), Decision::Begun)
    }

    fn fails(table: &mut Table, name: u8, now: Instant) -> bool {
        let begun = begins(table, name, now);
        if begun {
            table.end(key(name), Ended::Wrong, now);
        }
        begun
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn delays_start_after_ten_failures_and_double_from_a_second_to_five_minutes() {
        let (mut table, mut now) = (Table::new(LockoutLimits::default()), Instant::now());
        for _ in 0..9 {
            assert!(fails(&mut table, 1, now));
        }
        for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] {
            assert!(fails(&mut table, 1, now), "before {delay} s");
            let Decision::Refused(NoAttempt::Locked(left)) = table.begin(key(1), now) else {
                panic!("no delay of {delay} s");
            };
            assert_eq!(left, seconds(delay));
            assert!(!begins(
                &mut table,
                1,
                now + Duration::from_millis(delay * 1000 - 1)
            ));
            now += seconds(delay);
        }
        assert_eq!(
            delay_after(u32::MAX, LockoutLimits::default()),
            seconds(300)
        );
    }

    #[test]
    fn a_right_password_ends_it_and_so_does_time() {
        let (mut table, now) = (Table::new(LockoutLimits::default()), Instant::now());
        for _ in 0..10 {
            assert!(fails(&mut table, 1, now));
        }
        assert!(begins(&mut table, 1, now + seconds(1)));
        table.end(key(1), Ended::Right, now + seconds(1));
        assert!(table.entries.is_empty() && table.idle.is_empty());
        for _ in 0..10 {
            assert!(fails(&mut table, 1, now));
        }
        assert_eq!(table.slowed(now), 1);
        let later = now + seconds(1) + LockoutLimits::default().memory;
        for _ in 0..10 {
            assert!(fails(&mut table, 1, later));
        }
        assert!(!begins(&mut table, 1, later));
    }

    #[test]
    fn an_unlock_forgets_what_was_and_not_what_is_under_way() {
        let (mut table, now) = (Table::new(LockoutLimits::default()), Instant::now());
        for _ in 0..10 {
            assert!(fails(&mut table, 1, now));
        }
        assert!(table.knows(key(1), now) && !table.knows(key(2), now));
        table.unlock(key(1));
        assert!(table.entries.is_empty() && table.idle.is_empty());
        for _ in 0..10 {
            assert!(begins(&mut table, 1, now));
        }
        table.unlock(key(1));
        for _ in 0..10 {
            table.end(key(1), Ended::Wrong, now);
        }
        assert!(!begins(&mut table, 1, now));
        assert_eq!((table.entries.len(), table.idle.len()), (1, 1));
    }

    #[test]
    fn once_slowed_there_is_one_attempt_at_a_time() {
        let (mut table, now) = (Table::new(LockoutLimits::default()), Instant::now());
        for _ in 0..10 {
            assert!(fails(&mut table, 1, now));
        }
        let after = now + seconds(1);
        assert!(begins(&mut table, 1, after));
        assert!(matches!(table.begin(key(1), after), Decision::Busy(_)));
        table.end(key(1), Ended::Void, after);
        assert!(begins(&mut table, 1, after));
    }

    #[test]
    fn a_full_table_forgets_whom_nobody_tries_and_never_a_delay() {
        let limits = LockoutLimits {
            identifiers: 2,
            ..LockoutLimits::default()
        };
        let (mut table, now) = (Table::new(limits), Instant::now());
        for _ in 0..10 {
            assert!(fails(&mut table, 1, now));
        }
        assert!(fails(&mut table, 2, now));
        assert!(fails(&mut table, 3, now), "2 is forgotten");
        assert!(!begins(&mut table, 1, now), "1 is not");
        for _ in 1..10 {
            assert!(fails(&mut table, 3, now));
        }
        let refused = table.begin(key(4), now);
        assert!(matches!(refused, Decision::Refused(NoAttempt::Full)));
        assert!(
            begins(&mut table, 4, now + seconds(1)),
            "a delay that is over makes room"
        );
        assert_eq!(table.entries.len(), 2);
    }

    proptest! {
        /// Against a row of failures, whatever else happens to other identifiers.
        #[test]
        fn nobody_guesses_more_often_than_the_delays_allow(
            steps in prop::collection::vec((0..3_u8, 0..3_u8, 0..40_u64), 1..200),
        ) {
            let limits = LockoutLimits { identifiers: 3, ..LockoutLimits::default() };
            let (mut table, mut now) = (Table::new(limits), Instant::now());
            let mut failures = [0_u32; 3];
            let mut until = [now; 3];
            for (name, ended, pause) in steps {
                let which = usize::from(name);
                let may = failures[which] < limits.free || now >= until[which];
                prop_assert_eq!(begins(&mut table, name, now), may);
                if may {
                    let ended = [Ended::Right, Ended::Wrong, Ended::Void][usize::from(ended)];
                    table.end(key(name), ended, now);
                    match ended {
                        Ended::Right => failures[which] = 0,
                        Ended::Wrong => {
                            failures[which] += 1;
                            until[which] = now + delay_after(failures[which], limits);
                        }
                        Ended::Void => {}
                    }
                }
                let remembered = failures.iter().filter(|failures| **failures > 0).count();
                prop_assert_eq!(table.entries.len(), remembered);
                prop_assert_eq!(table.idle.len(), remembered);
                now += seconds(pause);
            }
        }
    }
}
