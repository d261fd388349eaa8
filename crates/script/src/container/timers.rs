//! The timers of one instance.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Timers that one instance may have at once.
const LIMIT: usize = 1000;

/// Timers by their number, each with the call that started it.
#[derive(Default)]
pub(crate) struct Timers {
    running: HashMap<u32, Timer>,
}

struct Timer {
    call: u32,
    due: Instant,
    delay: Duration,
    repeats: bool,
    /// Whether a script that has returned still waits for it (Node's `ref`).
    held: bool,
}

impl Timers {
    pub(super) fn start(
        &mut self,
        id: u32,
        call: u32,
        delay: Duration,
        repeats: bool,
    ) -> Result<(), &'static str> {
        if self.running.len() >= LIMIT {
            return Err("a container may have 1000 timers at once");
        }
        let due = Instant::now() + delay;
        self.running.insert(
            id,
            Timer {
                call,
                due,
                delay,
                repeats,
                held: true,
            },
        );
        Ok(())
    }

    pub(crate) fn stop(&mut self, id: u32) {
        self.running.remove(&id);
    }

    pub(crate) fn set_held(&mut self, id: u32, held: bool) {
        if let Some(timer) = self.running.get_mut(&id) {
            timer.held = held;
        }
    }

    /// Whether a timer keeps scripts waiting.
    pub(super) fn hold(&self) -> bool {
        self.running.values().any(|timer| timer.held)
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.running.values().map(|timer| timer.due).min()
    }

    /// Takes what is due, in order: the timer and its call.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(u32, u32)> {
        let due = self.running.iter().filter(|(_, timer)| timer.due <= now);
        let mut due: Vec<_> = due
            .map(|(id, timer)| (timer.due, *id, timer.call))
            .collect();
        due.sort_unstable();
        for (_, id, _) in &due {
            match self.running.get_mut(id) {
                Some(timer) if timer.repeats => timer.due = now + timer.delay,
                _ => self.stop(*id),
            }
        }
        due.into_iter().map(|(_, id, call)| (id, call)).collect()
    }
}
