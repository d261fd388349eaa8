//! Whether it is worth asking a server at all: a circuit that opens when it is down, and closes by itself.
//! Without it, every request to a store that is gone would hold its caller for the whole of its wait.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// Opens after several failures in a row. Open, it lets one attempt through a second; whichever succeeds closes it.
#[derive(Default)]
pub(crate) struct Circuit(Mutex<State>);

#[derive(Default)]
struct State {
    failures: u32,
    /// While it is open: when the next attempt may be made.
    next_attempt: Option<Instant>,
}

impl Circuit {
    /// Whether to ask the server now.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.next_attempt {
            Some(next) if now < next => Err(Error::Unavailable(OPEN)),
            Some(_) => {
                state.next_attempt = Some(now + BETWEEN_ATTEMPTS);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The server could not be reached, or broke off.
    pub(crate) fn count_failure(&self, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        if state.failures == FAILURES_TO_OPEN {
            state.next_attempt = Some(now + BETWEEN_ATTEMPTS);
            tracing::error!("the legacy store is down; asking it once a second from now on");
        }
    }

    /// The server answered.
    pub(crate) fn count_success(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next_attempt.is_some() {
            tracing::info!("the legacy store is there again");
        }
        *state = State::default();
    }
}

const FAILURES_TO_OPEN: u32 = 3;

const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

const OPEN: &str = "it was down a moment ago, and has not been asked again yet";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_attempt_through_a_second() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        for _ in 1..FAILURES_TO_OPEN {
            circuit.count_failure(now);
        }
        circuit.admit(now).unwrap();
        circuit.count_failure(now);
        circuit.admit(now).unwrap_err();
        circuit.admit(now + BETWEEN_ATTEMPTS).unwrap();
        circuit.admit(now + BETWEEN_ATTEMPTS).unwrap_err();
        circuit.admit(now + BETWEEN_ATTEMPTS * 2).unwrap();
    }

    #[test]
    fn an_answer_closes_it() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        for _ in 0..FAILURES_TO_OPEN {
            circuit.count_failure(now);
        }
        circuit.admit(now).unwrap_err();
        circuit.count_success();
        circuit.admit(now).unwrap();
        circuit.count_failure(now);
        circuit.admit(now).unwrap();
    }
}
