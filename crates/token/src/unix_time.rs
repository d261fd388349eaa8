//! Points in time as tokens carry them: whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, `NumericDate`).
//!
//! All arithmetic saturates: a hostile number can make a time very late or very early, never wrap it round.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Seconds since the Unix epoch, negative before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The time of this machine's clock. Read it once at the edge and hand it on.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the ambient clock is read"
    )]
    pub fn now() -> Self {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Self(whole_seconds(since)),
            Err(before) => Self(-whole_seconds(before.duration())),
        }
    }

    /// A time from its seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// This much later; whole seconds, saturating.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_seconds(duration)))
    }

    /// This much earlier; whole seconds, saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_seconds(duration)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        let seconds = i128::from(self.0) - i128::from(earlier.0);
        Duration::from_secs(u64::try_from(seconds.max(0)).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

fn whole_seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let last = UnixTime::from_seconds(i64::MAX);
        let first = UnixTime::from_seconds(i64::MIN);
        assert_eq!(last.plus(Duration::from_secs(1)), last);
        assert_eq!(first.minus(Duration::MAX), first);
        assert_eq!(last.since(first), Duration::from_secs(u64::MAX));
        assert_eq!(first.since(last), Duration::ZERO);
    }

    #[test]
    fn plus_and_minus_are_each_others_inverse() {
        let time = UnixTime::from_seconds(1_700_000_000);
        let hour = Duration::from_hours(1);
        assert_eq!(time.plus(hour).minus(hour), time);
        assert_eq!(time.plus(hour).since(time), hour);
    }

    #[test]
    fn it_is_later_than_the_year_2020() {
        assert!(UnixTime::now() > UnixTime::from_seconds(1_577_836_800));
    }
}
