//! The bounded table behind it, as a function of the time that it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::{Answered, IdempotencyLimits};
use crate::problem::Problem;

/// A keyed digest of a client and its key.
type Name = [u8; 32];

/// A keyed digest of what was asked.
type Print = [u8; 32];

/// What is known of a call when it comes.
pub(super) enum Decision {
    /// Nothing: it is under way from now on.
    Begun,
    /// It is under way; this ends when it does.
    Busy(OwnedNotified),
    /// It was done.
    Ended(Result<Answered, Problem>),
    /// Another question was asked by this name.
    Another,
    /// As many as are remembered are under way.
    Full,
}

pub(super) struct Table {
    limits: IdempotencyLimits,
    calls: HashMap<Name, Call>,
    /// Those that have ended, the oldest first.
    ended: VecDeque<(Instant, Name)>,
    /// Of all results together.
    bytes: usize,
    given_up: u64,
}

struct Call {
    print: Print,
    state: State,
}

enum State {
    UnderWay(Arc<Notify>),
    Ended(Result<Answered, Problem>),
}

impl Table {
    pub(super) fn new(limits: IdempotencyLimits) -> Self {
        Self {
            limits,
            calls: HashMap::new(),
            ended: VecDeque::new(),
            bytes: 0,
            given_up: 0,
        }
    }

    /// Begins a call, if it is the first of its name.
    pub(super) fn begin(&mut self, name: Name, print: Print, now: Instant) -> Decision {
        self.forget_the_old(now);
        if let Some(call) = self.calls.get(&name) {
            if verify_slices_are_equal(&call.print, &print).is_err() {
                return Decision::Another;
            }
            return match &call.state {
                State::UnderWay(ended) => Decision::Busy(Arc::clone(ended).notified_owned()),
                State::Ended(result) => Decision::Ended(result.clone()),
            };
        }
        if self.calls.len() >= self.limits.keys && !self.give_up_the_oldest() {
            return Decision::Full;
        }
        let state = State::UnderWay(Arc::default());
        self.calls.insert(name, Call { print, state });
        Decision::Begun
    }

    /// Ends a call that is under way, with its result or with none: then it has not been.
    pub(super) fn end(
        &mut self,
        name: Name,
        result: Option<Result<Answered, Problem>>,
        now: Instant,
    ) {
        let Some(call) = self.calls.get_mut(&name) else {
            return;
        };
        let State::UnderWay(ended) = &call.state else {
            return;
        };
        ended.notify_waiters();
        match result {
            Some(result) => {
                self.bytes += bytes_of(&result);
                call.state = State::Ended(result);
                self.ended.push_back((now, name));
            }
            None => {
                self.calls.remove(&name);
            }
        }
        while self.bytes > self.limits.bytes && self.give_up_the_oldest() {}
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    fn forget_the_old(&mut self, now: Instant) {
        while self
            .ended
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) >= self.limits.keep)
        {
            self.forget_the_oldest();
        }
    }

    fn give_up_the_oldest(&mut self) -> bool {
        let is_given_up = self.forget_the_oldest();
        self.given_up += u64::from(is_given_up);
        is_given_up
    }

    fn forget_the_oldest(&mut self) -> bool {
        let Some((_, name)) = self.ended.pop_front() else {
            return false;
        };
        if let Some(Call {
            state: State::Ended(result),
            ..
        }) = self.calls.remove(&name)
        {
            self.bytes -= bytes_of(&result);
        }
        true
    }
}

fn bytes_of(result: &Result<Answered, Problem>) -> usize {
    result.as_ref().map_or(0, |answered| answered.json.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::audit::Outcome;

    fn answered(json: &'static str) -> Answered {
        Answered {
            json: Bytes::from_static(json.as_bytes()),
            outcome: Outcome::NoUser,
            told: None,
        }
    }

    fn done(table: &mut Table, name: u8, json: &'static str, now: Instant) {
        assert!(matches!(
            table.begin([name; 32], [0; 32], now),
            Decision::Begun
        ));
        table.end([name; 32], Some(Ok(answered(json))), now);
    }

    fn is_known(table: &mut Table, name: u8, now: Instant) -> bool {
        let decision = table.begin([name; 32], [0; 32], now);
        if matches!(decision, Decision::Begun) {
            table.end([name; 32], None, now);
        }
        matches!(decision, Decision::Ended(_))
    }

    #[test]
    fn a_result_is_kept_for_a_minute() {
        let (mut table, now) = (Table::new(IdempotencyLimits::default()), Instant::now());
        done(&mut table, 1, "{}", now);
        assert!(is_known(&mut table, 1, now + Duration::from_secs(59)));
        assert!(!is_known(&mut table, 1, now + Duration::from_mins(1)));
        assert_eq!((table.len(), table.bytes, table.given_up()), (0, 0, 0));
    }

    #[test]
    fn a_full_table_gives_up_the_oldest_result_and_never_a_call_under_way() {
        let limits = IdempotencyLimits {
            keys: 2,
            ..IdempotencyLimits::default()
        };
        let (mut table, now) = (Table::new(limits), Instant::now());
        done(&mut table, 1, "{}", now);
        done(&mut table, 2, "{}", now);
        done(&mut table, 3, "{}", now);
        assert!(!is_known(&mut table, 1, now) && is_known(&mut table, 3, now));
        for name in [4, 5] {
            let begun = table.begin([name; 32], [0; 32], now);
            assert!(matches!(begun, Decision::Begun));
        }
        let decision = table.begin([6; 32], [0; 32], now);
        assert!(matches!(decision, Decision::Full));
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn results_are_bounded_in_bytes() {
        let limits = IdempotencyLimits {
            bytes: 10,
            ..IdempotencyLimits::default()
        };
        let (mut table, now) = (Table::new(limits), Instant::now());
        for name in 0..10 {
            done(&mut table, name, "1234", now);
            assert!(table.bytes <= 10);
        }
        done(&mut table, 10, "more than there is room for", now);
        assert_eq!((table.len(), table.bytes, table.given_up()), (0, 0, 11));
    }
}
