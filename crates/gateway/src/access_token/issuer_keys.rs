//! The keys of one issuer, shared by all requests, and the one task that fetches them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lychgate_token::{Algorithm, JwkSet, UnixTime, VerificationKey};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::discovery::Discovery;
use super::keys::{KeyLimits, Keys, LookUp};
use super::verified::SignedBy;
use crate::settings::IssuerSettings;

/// What an issuer's keys are now, and how to get newer ones.
pub(crate) struct IssuerKeys {
    issuer: IssuerSettings,
    limits: KeyLimits,
    keys: Mutex<Keys>,
    wanted: Notify,
    /// Counts the fetches that came to an end, for those who wait for one.
    finished: watch::Sender<u64>,
    /// The issuer is none of ours any more.
    dismissed: CancellationToken,
}

/// Why there is no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The issuer has none of this name.
    Unknown,
    /// The issuer's keys are not known.
    Unavailable,
}

impl IssuerKeys {
    pub(crate) fn new(issuer: IssuerSettings, limits: KeyLimits, now: UnixTime) -> Self {
        Self {
            issuer,
            limits,
            keys: Mutex::new(Keys::new(limits, now)),
            wanted: Notify::new(),
            finished: watch::Sender::new(0),
            dismissed: CancellationToken::new(),
        }
    }

    /// The key that a token names. Waits for at most one fetch, and no longer than a fetch may take.
    pub(crate) async fn key(
        &self,
        key_id: &str,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Result<VerificationKey, NoKey> {
        let (look_up, mut finished) = {
            // Under one lock: the end of a fetch before this look is not what is waited for.
            let mut keys = self.lock();
            (
                keys.look_up(key_id, algorithm, now),
                self.finished.subscribe(),
            )
        };
        let proof = match look_up {
            LookUp::Found(key) => return Ok(key),
            LookUp::Unknown => return Err(NoKey::Unknown),
            LookUp::Unavailable => return Err(NoKey::Unavailable),
            LookUp::Wait(proof) => proof,
        };
        self.wanted.notify_one();
        match timeout(self.limits.fetch, finished.changed()).await {
            Ok(Ok(())) => self
                .lock()
                .look_again(key_id, algorithm, proof, now)
                .ok_or(NoKey::Unknown),
            Ok(Err(_)) | Err(_) => Err(NoKey::Unknown),
        }
    }

    /// Whether the key that once vouched for a token still does.
    pub(crate) fn is_current(&self, signed_by: &SignedBy, now: UnixTime) -> bool {
        self.lock()
            .peek(signed_by.key_id(), signed_by.algorithm(), now)
            .is_some_and(|key| signed_by.is(key))
    }

    /// Whether keys are known that work at `now`.
    pub(crate) fn available(&self, now: UnixTime) -> bool {
        self.lock().available(now)
    }

    /// Since when the current keys are known.
    pub(crate) fn fetched_at(&self) -> Option<UnixTime> {
        self.lock().fetched_at()
    }

    /// The issuer's name.
    pub(crate) fn issuer(&self) -> &str {
        self.issuer.issuer.as_str()
    }

    /// Whether these are the keys of this issuer, kept in this way.
    pub(crate) fn are_of(&self, issuer: &IssuerSettings, limits: KeyLimits) -> bool {
        self.issuer == *issuer && self.limits == limits
    }

    /// Fetches no more: the issuer is none of ours.
    pub(crate) fn dismiss(&self) {
        self.dismissed.cancel();
    }

    /// Fetches, when the schedule or a request wants it, until `stop` or until the issuer is dismissed.
    pub(crate) async fn keep_fresh(&self, discovery: &Discovery, stop: &CancellationToken) {
        let fetching = self
            .dismissed
            .run_until_cancelled(self.keep_fetching(discovery));
        stop.run_until_cancelled(fetching).await;
    }

    /// Fetches if that is due, as it is when nothing was fetched yet.
    pub(crate) async fn fetch_what_is_due(&self, discovery: &Discovery) {
        if self.lock().begin(UnixTime::now()) {
            let fetched = timeout(self.limits.fetch, discovery.key_set(&self.issuer)).await;
            let set = match fetched {
                Ok(Ok(set)) => Some(set),
                Ok(Err(fault)) => {
                    tracing::warn!(issuer = self.issuer(), "keys were not fetched: {fault}");
                    None
                }
                Err(_) => {
                    tracing::warn!(
                        issuer = self.issuer(),
                        "keys were not fetched: the issuer took too long"
                    );
                    None
                }
            };
            self.finish(set, UnixTime::now());
        }
    }

    async fn keep_fetching(&self, discovery: &Discovery) {
        loop {
            self.fetch_what_is_due(discovery).await;
            let until_scheduled = self.lock().next_scheduled().since(UnixTime::now());
            tokio::select! {
                () = self.wanted.notified() => {}
                () = sleep(until_scheduled) => {}
            }
        }
    }

    fn finish(&self, set: Option<JwkSet>, now: UnixTime) {
        let mut keys = self.lock();
        keys.finish(set, now);
        self.finished.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
