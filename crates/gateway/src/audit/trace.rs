//! What a request found below, and how long each thing took: for whoever explains it afterwards.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use super::micros;

/// The fields of `detail` in their order, each with what it means. One that does not apply is left out.
pub const DETAILS: [(&str, &str); 12] = [
    (
        "place_us",
        "microseconds of waiting for a place among the requests under way",
    ),
    ("issuer", "the issuer of the token, once that is certain"),
    (
        "token_us",
        "microseconds in which the token was judged, keys that had to be fetched included",
    ),
    ("scope", "the scope that the operation asks for"),
    (
        "lockout_us",
        "microseconds of waiting for other attempts at the same identifier",
    ),
    (
        "retry_after_s",
        "seconds until the password of the identifier may be tried again",
    ),
    (
        "store_us",
        "microseconds in the store, waiting for a connection included",
    ),
    ("row", "whether the store has a row for the identifier"),
    (
        "format",
        "the format of the hash that was computed; of a decoy, where there was none to verify",
    ),
    (
        "hash_wait_us",
        "microseconds of waiting for a thread that hashes",
    ),
    ("hash_us", "microseconds of hashing"),
    ("matches", "whether the hash is of the password"),
];

/// What is known so far. It is written from below, while the request is under way.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<Detail>);

/// The `detail` of a line.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Detail {
    #[serde(skip_serializing_if = "Option::is_none")]
    place_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lockout_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_wait_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<bool>,
}

impl Trace {
    /// It waited so long for its place.
    pub(crate) fn place(&self, waited: Duration) {
        self.detail().place_us = Some(micros(waited));
    }

    /// Its token was judged in this time.
    pub(crate) fn token(&self, took: Duration) {
        self.detail().token_us = Some(micros(took));
    }

    /// Its token is of this issuer.
    pub(crate) fn issuer(&self, issuer: &str) {
        self.detail().issuer = Some(issuer.to_owned());
    }

    /// Its operation asks for this scope.
    pub(crate) fn scope(&self, scope: &'static str) {
        self.detail().scope = Some(scope);
    }

    /// It waited so long for others who tried the same identifier.
    pub(crate) fn lockout(&self, waited: Duration) {
        self.detail().lockout_us = Some(micros(waited));
    }

    /// The store took so long, whatever it was asked.
    pub(crate) fn store(&self, took: Duration) {
        let mut detail = self.detail();
        detail.store_us = Some(detail.store_us.unwrap_or(0).saturating_add(micros(took)));
    }

    /// Whether the store has a row.
    pub(crate) fn row(&self, found: bool) {
        self.detail().row = Some(found);
    }

    /// A hash of this format was computed: the wait for a thread, the computation, and for a hash that was verified
    /// whether it matches.
    pub(crate) fn hash(
        &self,
        format: &'static str,
        (waited, took): (Duration, Duration),
        matches: Option<bool>,
    ) {
        let mut detail = self.detail();
        detail.format = Some(format);
        detail.hash_wait_us = Some(micros(waited));
        detail.hash_us = Some(micros(took));
        detail.matches = matches;
    }

    /// What is known by now.
    pub(super) fn so_far(&self) -> Detail {
        self.detail().clone()
    }

    fn detail(&self) -> MutexGuard<'_, Detail> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A trace in which nothing is left out.
    #[cfg(test)]
    pub(super) fn full() -> Self {
        let (trace, second) = (Self::default(), Duration::from_secs(1));
        trace.place(second);
        trace.token(second);
        trace.issuer("https://issuer.example/");
        trace.scope("read:users");
        trace.lockout(second);
        trace.store(second);
        trace.row(true);
        trace.hash("argon2id", (second, second), Some(true));
        trace
    }
}
