//! How a listener stops.
//!
//! Every task of a listener runs under one tracker and one token: nothing is detached, and whoever stops the listener
//! knows that nothing of it runs on. An attacker would like to hold up a stop; the deadline is the answer.

use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use crate::{Counters, Limits};

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// From the stop to the end of the last connection.
    pub waited: Duration,
    /// Connections that were open at the stop and came to their end in time.
    pub finished: usize,
    /// Connections that were cut because [`Limits::drain`] was over.
    pub cut: usize,
}

/// The tasks of one listener: its connections and, over HTTP/2, their streams.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    finish: CancellationToken,
    cut: CancellationToken,
}

impl Tasks {
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        drop(self.tracker.spawn(cut.run_until_cancelled_owned(task)));
    }

    /// Asks each connection to finish what runs and to end then.
    pub(crate) fn finish(&self) -> &CancellationToken {
        &self.finish
    }

    pub(crate) fn cut_when_dropped(&self) -> DropGuard {
        self.cut.clone().drop_guard()
    }
}

/// HTTP/2 hands its streams to this.
impl<Task: Future<Output = ()> + Send + 'static> Executor<Task> for Tasks {
    fn execute(&self, task: Task) {
        self.spawn(task);
    }
}

/// Waits for what runs, for at most [`Limits::drain`], and cuts the rest.
///
/// Cutting drops a task where it waits. One that does not wait at all, but computes, is left behind after
/// [`Limits::linger`].
pub(crate) async fn drain(tasks: &Tasks, limits: &Limits, counters: &Counters) -> Drained {
    let stopped = Instant::now();
    let open = counters.open();
    tasks.tracker.close();
    tasks.finish.cancel();

    let mut cut = 0;
    if timeout(limits.drain, tasks.tracker.wait()).await.is_err() {
        cut = counters.open();
        tasks.cut.cancel();
        timeout(limits.linger, tasks.tracker.wait())
            .await
            .unwrap_or_default();
    }
    Drained {
        waited: stopped.elapsed(),
        finished: open.saturating_sub(cut),
        cut,
    }
}
