//! What one call said and asked. It outlives the instance, so that a call that broke it still has its log.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{LogLevel, LogLine, OutboundCall};

/// Lines that a call's log keeps.
const LINES: usize = 200;
/// Characters that a line keeps.
const LINE: usize = 4096;

/// The record of one call.
#[derive(Default)]
pub(crate) struct Journal {
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    logs: Vec<LogLine>,
    outbound: Vec<OutboundCall>,
    requests: usize,
}

impl Journal {
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        let mut record = self.lock();
        let (level, text) = match record.logs.len() {
            0..LINES => (level, text.chars().take(LINE).collect()),
            LINES => (
                LogLevel::Container,
                format!("more than {LINES} lines; the rest is not kept"),
            ),
            _ => return,
        };
        record.logs.push(LogLine { level, text });
    }

    /// Counts a request; false if there were `limit` already.
    pub(crate) fn may_request(&self, limit: usize) -> bool {
        let mut record = self.lock();
        record.requests += 1;
        record.requests <= limit
    }

    pub(crate) fn answered(&self, call: OutboundCall) {
        self.lock().outbound.push(call);
    }

    pub(crate) fn take(&self) -> (Vec<LogLine>, Vec<OutboundCall>) {
        let record = std::mem::take(&mut *self.lock());
        (record.logs, record.outbound)
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
