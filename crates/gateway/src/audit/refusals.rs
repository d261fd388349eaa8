//! Connections that the allowlist refused. Anyone on the network can cause them, so their lines are held down to a
//! bounded number a minute; what was not told is counted, and the next line says how many.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lychgate_token::UnixTime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Writer, refused_connection};
use crate::budget::Budget;

/// Refusals that wait to be written; more are counted only.
const WAITING: usize = 64;

/// Takes note of refused connections without making the accept loop wait.
#[derive(Clone)]
pub(crate) struct Refusals {
    sender: mpsc::Sender<IpAddr>,
    untold: Arc<AtomicU64>,
}

/// The other end: writes the lines.
pub(crate) struct RefusalLines {
    receiver: mpsc::Receiver<IpAddr>,
    untold: Arc<AtomicU64>,
    budget: Budget,
}

impl Refusals {
    /// Both ends, with at most `per_minute` lines a minute.
    pub(crate) fn new(per_minute: u32, now: UnixTime) -> (Self, RefusalLines) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let untold = Arc::new(AtomicU64::new(0));
        let lines = RefusalLines {
            receiver,
            untold: untold.clone(),
            budget: Budget::new(per_minute, now),
        };
        (Self { sender, untold }, lines)
    }

    /// A connection was refused.
    pub(crate) fn note(&self, address: IpAddr) {
        if self.sender.try_send(address).is_err() {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl RefusalLines {
    /// Writes lines until `stop`.
    pub(crate) async fn write(mut self, writer: &Writer, stop: &CancellationToken) {
        loop {
            let address = tokio::select! {
                () = stop.cancelled() => return,
                address = self.receiver.recv() => match address {
                    Some(address) => address,
                    None => return,
                },
            };
            let now = UnixTime::now();
            if !self.budget.take(now) {
                self.untold.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let untold = self.untold.swap(0, Ordering::Relaxed);
            if let Err(error) = writer
                .write(&refused_connection(now, address, untold))
                .await
            {
                self.untold.fetch_add(untold + 1, Ordering::Relaxed);
                tracing::error!(
                    "an audit line about a refused connection was not written: {error}"
                );
            }
        }
    }
}
