//! Whether a request is under way on a connection.
//!
//! Each request holds a guard from its head to its answer; what watches the connection learns when there has been none
//! for too long. That one rule bounds a client that connects and says nothing, one that sends its head byte by byte, an
//! HTTP/2 client that only pings, and a kept-alive connection that nobody uses.

use std::{sync::Arc, thread, time::Duration};

use tokio::{sync::watch, time::timeout};

use crate::Counters;

/// The requests of one connection.
#[derive(Default)]
pub(crate) struct Activity {
    requests: watch::Sender<Requests>,
}

#[derive(Default)]
struct Requests {
    begun: u64,
    running: usize,
}

impl Activity {
    /// A request's head is complete; its guard goes with the answer.
    pub(crate) fn begin(activity: &Arc<Self>, counters: &Arc<Counters>) -> Running {
        activity.requests.send_modify(|requests| {
            requests.begun = requests.begun.saturating_add(1);
            requests.running += 1;
        });
        Running {
            activity: Arc::clone(activity),
            counters: Arc::clone(counters),
        }
    }

    /// Returns when no first request has come for `first`, or when, later, none has been under way for `idle`.
    pub(crate) async fn quiet(&self, first: Duration, idle: Duration) {
        let mut changes = self.requests.subscribe();
        loop {
            let bound = {
                let requests = changes.borrow_and_update();
                match (requests.begun, requests.running) {
                    (0, _) => first,
                    (_, 0) => idle,
                    _ => Duration::MAX,
                }
            };
            if timeout(bound, changes.changed()).await.is_err() {
                return;
            }
        }
    }
}

/// A request under way; over when dropped, be it by its answer, by the client going away, or by a panic.
pub(crate) struct Running {
    activity: Arc<Activity>,
    counters: Arc<Counters>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.activity
            .requests
            .send_modify(|requests| requests.running = requests.running.saturating_sub(1));
        if thread::panicking() {
            self.counters.count_panic();
        }
    }
}
