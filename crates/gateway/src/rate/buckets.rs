//! Token buckets in a bounded table, as a function of the time that it is told. A bucket is one moment, at which it is
//! full again (the generic cell rate algorithm of ITU-T I.371), so there is nothing to refill.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::{Rate, interval};

/// Why there is nothing to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// The bucket has something again after this.
    Until(Duration),
    /// As many buckets as are remembered are empty at this moment.
    NoRoom,
}

/// The buckets of one rate, by whose they are. One that is not there is full.
pub(super) struct Buckets<K> {
    interval: Duration,
    /// What may be missing from a bucket from which there still is something to take.
    tolerance: Duration,
    capacity: usize,
    full_at: HashMap<K, Instant>,
    in_order: BTreeSet<(Instant, K)>,
}

impl<K: Clone + Eq + Hash + Ord> Buckets<K> {
    pub(super) fn new(rate: Rate, capacity: usize) -> Self {
        let interval = interval(rate);
        Self {
            interval,
            tolerance: interval.saturating_mul(rate.burst.get() - 1),
            capacity,
            full_at: HashMap::new(),
            in_order: BTreeSet::new(),
        }
    }

    /// Whether there is something to take.
    pub(super) fn look(&self, key: &K, now: Instant) -> Result<(), Empty> {
        if let Some(full_at) = self.full_at.get(key) {
            return match self.wait(*full_at, now) {
                Duration::ZERO => Ok(()),
                wait => Err(Empty::Until(wait)),
            };
        }
        // Where even the fullest bucket is empty, none may be forgotten for the sake of one more.
        let fullest = self.in_order.first();
        let is_kept = fullest.is_some_and(|(full_at, _)| !self.wait(*full_at, now).is_zero());
        if self.full_at.len() >= self.capacity && is_kept {
            return Err(Empty::NoRoom);
        }
        Ok(())
    }

    /// Takes one, after a look.
    pub(super) fn take(&mut self, key: K, now: Instant) {
        self.forget_the_full(now);
        let before = self.full_at.get(&key).copied();
        match before {
            Some(full_at) => {
                self.in_order.remove(&(full_at, key.clone()));
            }
            None if self.full_at.len() >= self.capacity => self.forget_the_fullest(),
            None => {}
        }
        let full_at = before.map_or(now, |full_at| full_at.max(now)) + self.interval;
        self.in_order.insert((full_at, key.clone()));
        self.full_at.insert(key, full_at);
    }

    pub(super) fn len(&self) -> usize {
        self.full_at.len()
    }

    /// How long it takes until there is something in a bucket that is full at this moment.
    fn wait(&self, full_at: Instant, now: Instant) -> Duration {
        full_at
            .saturating_duration_since(now)
            .saturating_sub(self.tolerance)
    }

    /// A full bucket is as good as none. Two at a time, so that the table shrinks and nobody waits for it.
    fn forget_the_full(&mut self, now: Instant) {
        for _ in 0..2 {
            if self
                .in_order
                .first()
                .is_some_and(|(full_at, _)| *full_at <= now)
            {
                self.forget_the_fullest();
            }
        }
    }

    fn forget_the_fullest(&mut self) {
        if let Some((_, key)) = self.in_order.pop_first() {
            self.full_at.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;

    fn buckets(per_minute: u32, burst: u32, capacity: usize) -> Buckets<u8> {
        let rate = Rate {
            per_minute: NonZeroU32::new(per_minute).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        };
        Buckets::new(rate, capacity)
    }

    fn take(buckets: &mut Buckets<u8>, key: u8, now: Instant) -> Result<(), Empty> {
        buckets.look(&key, now)?;
        buckets.take(key, now);
        Ok(())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_is_taken_at_once_and_the_rest_evenly() {
        let (mut buckets, now) = (buckets(60, 3, 10), Instant::now());
        for _ in 0..3 {
            assert_eq!(take(&mut buckets, 1, now), Ok(()));
        }
        assert_eq!(take(&mut buckets, 1, now), Err(Empty::Until(seconds(1))));
        assert_eq!(take(&mut buckets, 2, now), Ok(()), "another's is full");
        let later = now + seconds(1);
        assert_eq!(take(&mut buckets, 1, later), Ok(()));
        assert_eq!(take(&mut buckets, 1, later), Err(Empty::Until(seconds(1))));
        let much_later = now + seconds(1000);
        for _ in 0..3 {
            assert_eq!(take(&mut buckets, 1, much_later), Ok(()));
        }
        assert!(
            take(&mut buckets, 1, much_later).is_err(),
            "never more than a burst"
        );
    }

    #[test]
    fn a_full_table_forgets_the_fullest_and_never_an_empty_bucket() {
        let (mut buckets, now) = (buckets(60, 2, 2), Instant::now());
        for key in [1, 1, 2] {
            assert_eq!(take(&mut buckets, key, now), Ok(()));
        }
        assert_eq!(take(&mut buckets, 3, now), Ok(()), "2 is forgotten");
        assert!(take(&mut buckets, 1, now).is_err(), "1 is not");
        assert_eq!(take(&mut buckets, 3, now), Ok(()));
        assert_eq!(take(&mut buckets, 4, now), Err(Empty::NoRoom));
        assert_eq!(take(&mut buckets, 4, now + seconds(1)), Ok(()));
        assert_eq!(buckets.len(), 2);
    }

    proptest! {
        /// Against buckets that are counted in whole calls, where the time moves in whole refills.
        #[test]
        fn nobody_calls_more_often_than_the_rate_allows(
            burst in 1..5_u32,
            steps in prop::collection::vec((0..3_u8, 0..3_u64), 1..300),
        ) {
            let (mut buckets, mut now) = (buckets(60, burst, 3), Instant::now());
            let mut left = [u64::from(burst); 3];
            for (key, pause) in steps {
                let which = usize::from(key);
                prop_assert_eq!(take(&mut buckets, key, now).is_ok(), left[which] > 0);
                left[which] = left[which].saturating_sub(1);
                prop_assert_eq!(buckets.full_at.len(), buckets.in_order.len());
                now += seconds(pause);
                left = left.map(|calls| (calls + pause).min(burst.into()));
            }
        }
    }
}
