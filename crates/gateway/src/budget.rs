//! A bounded number of times a minute: the bucket that holds down whatever a stranger can cause.

use lychgate_token::UnixTime;

/// Allows a burst of `per_minute`, and refills evenly over the minute after it.
#[derive(Debug)]
pub(crate) struct Budget {
    per_minute: u32,
    left: u32,
    /// When `left` was right; it is moved on by whole refills only, so that no fraction is lost.
    counted_at: UnixTime,
}

impl Budget {
    pub(crate) fn new(per_minute: u32, now: UnixTime) -> Self {
        Self {
            per_minute,
            left: per_minute,
            counted_at: now,
        }
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self, now: UnixTime) -> bool {
        self.refill(now);
        let taken = self.left.checked_sub(1);
        self.left = taken.unwrap_or(0);
        taken.is_some()
    }

    fn refill(&mut self, now: UnixTime) {
        let passed = now.since(self.counted_at).as_secs();
        let refills = passed.saturating_mul(u64::from(self.per_minute)) / 60;
        let room = u64::from(self.per_minute - self.left);
        if refills >= room {
            self.left = self.per_minute;
            self.counted_at = now;
        } else if refills > 0 {
            self.left += u32::try_from(refills).unwrap_or(0);
            let counted = refills * 60 / u64::from(self.per_minute);
            self.counted_at = self
                .counted_at
                .plus(std::time::Duration::from_secs(counted));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    fn taken(budget: &mut Budget, attempts: u32, now: UnixTime) -> usize {
        (0..attempts).filter(|_| budget.take(now)).count()
    }

    #[test]
    fn a_burst_is_bounded_and_refills_evenly() {
        let mut budget = Budget::new(6, at(0));
        assert_eq!(taken(&mut budget, 100, at(0)), 6);
        assert_eq!(taken(&mut budget, 100, at(9)), 0);
        assert_eq!(taken(&mut budget, 100, at(10)), 1);
        assert_eq!(taken(&mut budget, 100, at(10)), 0);
        assert_eq!(taken(&mut budget, 100, at(3600)), 6);
    }

    #[test]
    fn asking_all_the_time_does_not_starve_the_refill() {
        let mut budget = Budget::new(6, at(0));
        let over_ten_minutes: usize = (0..=600)
            .map(|second| taken(&mut budget, 10, at(second)))
            .sum();
        assert_eq!(over_ten_minutes, 6 + 60);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let mut budget = Budget::new(2, at(1000));
        assert_eq!(taken(&mut budget, 5, at(1000)), 2);
        assert_eq!(taken(&mut budget, 5, at(0)), 0);
    }
}
