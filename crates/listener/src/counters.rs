//! What a listener has seen, for whoever shows metrics: a handful of atomics, written on the way and read at any time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::HandshakeFault;

/// What a listener has seen since it was bound.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    over_limit: AtomicU64,
    handshake_failures: [AtomicU64; HandshakeFault::ALL.len()],
    accept_failures: AtomicU64,
    panics: AtomicU64,
    open: AtomicUsize,
}

impl Counters {
    /// Connections taken from the kernel, those closed at once included.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections closed because their peer was not admitted.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Connections closed because [`Limits::connections`](crate::Limits::connections) were open.
    pub fn over_limit(&self) -> u64 {
        self.over_limit.load(Ordering::Relaxed)
    }

    /// TLS handshakes and PROXY headers that came to nothing, for this reason.
    pub fn handshake_failures(&self, fault: HandshakeFault) -> u64 {
        self.failures_of(fault)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// The same, for whatever reason.
    pub fn all_handshake_failures(&self) -> u64 {
        let counts = HandshakeFault::ALL.map(|fault| self.handshake_failures(fault));
        counts.iter().sum()
    }

    /// Times the kernel did not hand over a connection, such as for want of descriptors.
    pub fn accept_failures(&self) -> u64 {
        self.accept_failures.load(Ordering::Relaxed)
    }

    /// Requests whose `answer` panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn count_accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_over_limit(&self) {
        self.over_limit.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_handshake_failure(&self, fault: HandshakeFault) {
        if let Some(count) = self.failures_of(fault) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn failures_of(&self, fault: HandshakeFault) -> Option<&AtomicU64> {
        let place = HandshakeFault::ALL.iter().position(|each| *each == fault)?;
        self.handshake_failures.get(place)
    }

    pub(crate) fn count_accept_failure(&self) {
        self.accept_failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one connection as open for as long as the guard lives, however its task ends.
    pub(crate) fn open_connection(counters: &Arc<Self>) -> OpenConnection {
        counters.open.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(counters))
    }
}

pub(crate) struct OpenConnection(Arc<Counters>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
