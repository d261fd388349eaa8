//! What may be used once, remembered for as long as it could be used again.
//!
//! In comes the id of a proof or a token that was found good; out comes whether it is the first time. An attacker wants
//! one that was forgotten too early, or to fill the memory: there is a bound, and at the bound what is new is refused.
//! Nothing is ever forgotten to make room.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::UnixTime;

/// The ids that were seen, at most a fixed number of them.
pub struct Seen {
    capacity: usize,
    table: Mutex<Table>,
}

/// Whether something may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It was not seen before, and is from now on.
    First,
    /// It was seen, or may have been.
    Again,
    /// It was not seen, and there is no room to remember it: it must not be used.
    NoRoom,
}

#[derive(Default)]
struct Table {
    ids: HashSet<[u8; 32]>,
    ends: BinaryHeap<Reverse<(UnixTime, [u8; 32])>>,
    /// What ended up to here has been forgotten. A clock that goes back does not bring it back.
    forgotten_until: Option<UnixTime>,
}

impl Seen {
    /// Remembers at most this many.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            table: Mutex::default(),
        }
    }

    /// Uses `id`, which cannot be used from `until` on by itself.
    pub fn use_once(&self, id: [u8; 32], until: UnixTime, now: UnixTime) -> Use {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.forget(now);
        if table.ids.contains(&id) || table.forgotten_until.is_some_and(|end| until <= end) {
            return Use::Again;
        }
        if table.ids.len() >= self.capacity {
            return Use::NoRoom;
        }
        table.ids.insert(id);
        table.ends.push(Reverse((until, id)));
        Use::First
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.ids.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    fn forget(&mut self, now: UnixTime) {
        while let Some(Reverse((end, id))) = self.ends.peek().copied()
            && end <= now
        {
            self.ends.pop();
            self.ids.remove(&id);
            self.forgotten_until = self.forgotten_until.max(Some(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    #[test]
    fn what_is_seen_once_is_not_used_again_until_it_has_ended() {
        let seen = Seen::new(10);
        assert_eq!(seen.use_once([1; 32], at(60), at(0)), Use::First);
        assert_eq!(seen.use_once([1; 32], at(60), at(59)), Use::Again);
        assert_eq!(seen.use_once([2; 32], at(60), at(0)), Use::First);
        assert_eq!(seen.use_once([3; 32], at(200), at(100)), Use::First);
        assert_eq!(seen.len(), 1, "what has ended is forgotten");
    }

    #[test]
    fn a_full_table_refuses_what_is_new_and_forgets_nothing_for_it() {
        let seen = Seen::new(2);
        assert_eq!(seen.use_once([1; 32], at(60), at(0)), Use::First);
        assert_eq!(seen.use_once([2; 32], at(50), at(0)), Use::First);
        assert_eq!(seen.use_once([3; 32], at(60), at(0)), Use::NoRoom);
        assert_eq!(seen.use_once([1; 32], at(60), at(0)), Use::Again);
        assert_eq!(seen.use_once([3; 32], at(60), at(50)), Use::First);
    }

    #[test]
    fn a_clock_that_goes_back_brings_nothing_back() {
        let seen = Seen::new(10);
        assert_eq!(seen.use_once([1; 32], at(60), at(0)), Use::First);
        assert_eq!(seen.use_once([2; 32], at(200), at(100)), Use::First);
        assert_eq!(seen.use_once([1; 32], at(60), at(0)), Use::Again);
    }

    proptest! {
        #[test]
        fn nothing_is_used_twice_whatever_the_clock_does(
            uses in prop::collection::vec((0_u8..8, 0_i64..100), 0..60),
        ) {
            let seen = Seen::new(4);
            let mut used = HashSet::new();
            for (id, now) in uses {
                // Each has an end of its own, at which a clock that is right would refuse it by itself.
                let until = at(i64::from(id) * 10 + 10);
                if at(now) < until && seen.use_once([id; 32], until, at(now)) == Use::First {
                    prop_assert!(used.insert(id), "{id} at {now}");
                }
                prop_assert!(seen.len() <= 4);
            }
        }
    }
}
