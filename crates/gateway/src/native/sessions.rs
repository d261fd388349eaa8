//! What is written and counted of sessions: a line when one opens, a line when it closes, and, at a bounded rate, one for
//! each that is refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lychgate_token::UnixTime;

use super::relay::Passed;
use crate::audit::Writer;
use crate::audit::native::{NativeEnd, NativeSession};
use crate::budget::Budget;

/// The lines and counts of every door.
pub(crate) struct Sessions {
    audit: Arc<Writer>,
    counts: Arc<Counts>,
    /// Lines about refused sessions, which anybody in an allowed network can cause.
    refusals: Mutex<Budget>,
    untold: AtomicU64,
}

/// What the metrics are read from.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) open: AtomicU64,
    pub(crate) opened: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// A session that is open, and counted as such until it is dropped.
pub(super) struct Open(Arc<Counts>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sessions {
    pub(crate) fn new(audit: Arc<Writer>, refusals_per_minute: u32, now: UnixTime) -> Arc<Self> {
        Arc::new(Self {
            audit,
            counts: Arc::default(),
            refusals: Mutex::new(Budget::new(refusals_per_minute, now)),
            untold: AtomicU64::new(0),
        })
    }

    pub(crate) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// Writes that a session opens. Without that line there is no session.
    pub(super) async fn opened(&self, session: &NativeSession, took: Duration) -> Option<Open> {
        let line = session.opened(UnixTime::now(), took);
        if let Err(error) = self.audit.write(&line).await {
            tracing::error!("an audit line about a native session was not written: {error}");
            return None;
        }
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        self.counts.open.fetch_add(1, Ordering::Relaxed);
        Some(Open(Arc::clone(&self.counts)))
    }

    /// Writes that it has closed.
    pub(super) async fn closed(
        &self,
        _open: Open,
        session: &NativeSession,
        passed: Passed,
        took: Duration,
    ) {
        let bytes = passed.from_client.saturating_add(passed.from_server);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        if passed.cut.is_some() {
            self.counts.cut.fetch_add(1, Ordering::Relaxed);
        }
        let end = NativeEnd {
            from_client: passed.from_client,
            from_server: passed.from_server,
            reason: passed.cut.map(super::relay::Cut::reason),
        };
        let line = session.closed(UnixTime::now(), &end, took);
        if let Err(error) = self.audit.write(&line).await {
            tracing::error!("an audit line about a native session was not written: {error}");
        }
    }

    /// Writes that there is none, if there is room for that.
    pub(super) async fn refused(
        &self,
        session: &NativeSession,
        reason: &'static str,
        took: Duration,
    ) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        let now = UnixTime::now();
        let may_tell = {
            let mut budget = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            budget.take(now)
        };
        if !may_tell {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let untold = self.untold.swap(0, Ordering::Relaxed);
        let line = session.refused(now, (reason, untold), took);
        if let Err(error) = self.audit.write(&line).await {
            self.untold.fetch_add(untold + 1, Ordering::Relaxed);
            tracing::error!("an audit line about a native session was not written: {error}");
        }
    }
}
