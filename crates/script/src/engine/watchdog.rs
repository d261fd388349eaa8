//! Ends a stretch of JavaScript that runs too long.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Asked by the engine every few thousand steps. Once it has bitten it bites for ever: the engine is not entered again.
pub(super) struct Watchdog {
    born: Instant,
    /// Milliseconds since `born`.
    until: AtomicU64,
    bitten: AtomicBool,
}

impl Watchdog {
    pub(super) fn new(first: Duration) -> Self {
        let watchdog = Self {
            born: Instant::now(),
            until: AtomicU64::new(0),
            bitten: AtomicBool::new(false),
        };
        watchdog.allow(watchdog.born + first);
        watchdog
    }

    pub(super) fn allow(&self, until: Instant) {
        self.until
            .store(millis(until.duration_since(self.born)), Ordering::Relaxed);
    }

    pub(super) fn bites(&self) -> bool {
        if millis(self.born.elapsed()) > self.until.load(Ordering::Relaxed) {
            self.bitten.store(true, Ordering::Relaxed);
        }
        self.has_bitten()
    }

    pub(super) fn has_bitten(&self) -> bool {
        self.bitten.load(Ordering::Relaxed)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
