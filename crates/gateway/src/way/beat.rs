//! When a refused login is answered: on a beat, so that what its work took longer or shorter does not show.
//!
//! An unknown user, a wrong password and a disabled account cost the same hash; what is left are the microseconds in which a
//! database sends a row or none. Over many questions an attacker would have them out of the mean. They are far shorter than
//! a beat, and after it all three have been waiting for the same clock.

use std::time::Duration;

/// The time between two beats.
const BEAT: Duration = Duration::from_millis(5);

/// How long it is until the next beat, `since` the request came. Work that ends just at a beat is answered with it.
pub(super) fn left(since: Duration) -> Duration {
    let beats = since.as_nanos().div_ceil(BEAT.as_nanos()).max(1);
    let at = BEAT.saturating_mul(u32::try_from(beats).unwrap_or(u32::MAX));
    at.saturating_sub(since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leaves_with_the_first_beat_after_its_work() {
        for (since, at) in [
            (0, 5000),
            (1, 5000),
            (4999, 5000),
            (5000, 5000),
            (5001, 10_000),
        ] {
            let since = Duration::from_micros(since);
            assert_eq!(since + left(since), Duration::from_micros(at));
        }
        assert_eq!(left(Duration::MAX), Duration::ZERO);
    }

    #[test]
    fn what_differs_by_less_than_a_beat_leaves_with_the_same() {
        let leaves = |micros| {
            let since = Duration::from_micros(micros);
            since + left(since)
        };
        for micros in 30_001..=35_000 {
            assert_eq!(leaves(micros), leaves(30_001));
        }
    }
}
