//! Whether a ledger was kept all the time: when it began, when it last gave a sign of life, and what it may have missed.
//! Nothing is ever taken off the list of what may be missing, so a ledger with a hole is never taken for a whole one.

use std::collections::BTreeMap;
use std::time::Duration;

/// How often the writer of a ledger gives a sign of life.
pub const BEAT: Duration = Duration::from_mins(1);

/// How long a ledger may be silent, as for a restart, without having missed anything that counts.
pub const RESTART: Duration = Duration::from_mins(10);

/// The life of a ledger so far. Times are whole seconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// When it was begun.
    pub started: i64,
    /// Its last sign of life.
    pub alive: i64,
    /// Whether somebody writes it, as far as it knows: a writer that ends in good form says so.
    pub running: bool,
    /// When the platform was last told something about a user of the store, whoever it was.
    pub last_hit: Option<i64>,
    /// What it may have missed, by cause.
    pub losses: BTreeMap<Loss, Lost>,
}

/// Why something may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// Nobody wrote it for longer than a restart takes.
    Stopped,
    /// Its writer ended without a last word, by a crash or a loss of power.
    Killed,
    /// Its writer could not write for longer than a restart takes.
    Stalled,
    /// The clock went back.
    Clock,
    /// There was no room for more in the queue.
    Dropped,
}

/// All losses of one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Since when the first of them was.
    pub since: i64,
    /// Until when the last of them was.
    pub until: i64,
    /// How often.
    pub times: i64,
}

impl Life {
    /// A ledger that begins now.
    pub fn begin(now: i64) -> Self {
        Self {
            started: now,
            alive: now,
            running: true,
            last_hit: None,
            losses: BTreeMap::new(),
        }
    }

    /// Somebody writes it from now on, who was not there before.
    pub fn resume(&mut self, now: i64) {
        if self.running {
            self.lose(Loss::Killed, self.alive, now);
        }
        self.pass(Loss::Stopped, now);
        self.running = true;
    }

    /// Its writer is still there.
    pub fn beat(&mut self, now: i64) {
        self.pass(Loss::Stalled, now);
    }

    /// Its writer ends, and has written all that it knew.
    pub fn stop(&mut self, now: i64) {
        self.beat(now);
        self.running = false;
    }

    /// Something may be missing.
    pub fn lose(&mut self, loss: Loss, since: i64, until: i64) {
        let all = self.losses.entry(loss).or_insert(Lost {
            since,
            until,
            times: 0,
        });
        all.since = all.since.min(since);
        all.until = all.until.max(until);
        all.times = all.times.saturating_add(1);
    }

    /// Whether its last sign of life was a moment before `now`.
    pub fn is_current(&self, now: i64) -> bool {
        (-seconds(BEAT)..=seconds(RESTART)).contains(&now.saturating_sub(self.alive))
    }

    fn pass(&mut self, silence: Loss, now: i64) {
        let passed = now.saturating_sub(self.alive);
        if passed < -seconds(BEAT) {
            self.lose(Loss::Clock, now, self.alive);
        } else if passed > seconds(RESTART) {
            self.lose(silence, self.alive, now);
        }
        self.alive = now;
    }
}

impl Loss {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Stopped,
        Self::Killed,
        Self::Stalled,
        Self::Clock,
        Self::Dropped,
    ];

    /// Its name, in the file and in a report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::Stalled => "stalled",
            Self::Clock => "clock",
            Self::Dropped => "dropped",
        }
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn causes(life: &Life) -> Vec<Loss> {
        life.losses.keys().copied().collect()
    }

    #[test]
    fn a_restart_in_good_form_misses_nothing() {
        let mut life = Life::begin(0);
        life.beat(60);
        life.stop(90);
        life.resume(90 + 600);
        life.beat(90 + 660);
        assert_eq!(causes(&life), []);
        assert!(life.is_current(90 + 660 + 600) && !life.is_current(90 + 660 + 601));
    }

    #[test]
    fn a_writer_that_was_away_was_killed_or_could_not_write_has_missed_something() {
        let mut away = Life::begin(0);
        away.stop(60);
        away.resume(HOUR);
        assert_eq!(causes(&away), [Loss::Stopped]);

        let mut killed = Life::begin(0);
        killed.resume(5);
        assert_eq!(causes(&killed), [Loss::Killed]);

        let mut stalled = Life::begin(0);
        stalled.beat(HOUR);
        assert_eq!(causes(&stalled), [Loss::Stalled]);
    }

    #[test]
    fn a_clock_that_jumps_is_a_hole_whichever_way_it_goes() {
        let mut life = Life::begin(HOUR);
        life.beat(HOUR - 30);
        assert_eq!(causes(&life), []);
        life.beat(0);
        life.beat(100 * HOUR);
        assert_eq!(causes(&life), [Loss::Stalled, Loss::Clock]);
        assert!(!life.is_current(99 * HOUR));
    }

    #[test]
    fn losses_of_one_cause_are_one_line_with_a_count() {
        let mut life = Life::begin(0);
        life.lose(Loss::Dropped, 10, 20);
        life.lose(Loss::Dropped, 90, 95);
        let lost = life.losses.get(&Loss::Dropped);
        let expected = Lost {
            since: 10,
            until: 95,
            times: 2,
        };
        assert_eq!(lost, Some(&expected));
    }
}
