//! Other certificates, networks and rules for tokens, put in force while the gateway runs.
//!
//! What comes in is sound already, as all settings are. What is put in force is so for all requests to come, and disturbs
//! none that run. Whether it was adopted or refused is counted, and has its line in the audit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lychgate_listener::{Allowlist, Live, MutualTls, Tls};
use lychgate_token::UnixTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access_token::discovery::Discovery;
use crate::access_token::issuer_keys::IssuerKeys;
use crate::admission::Admission;
use crate::audit::{Outcome, Writer, reload};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::native::DoorTls;
use crate::rules::Rules;
use crate::settings::{AccessTokenSettings, AdminEndpoint, Endpoint, Settings};

/// What can be put in force while a gateway runs. All else needs a restart.
pub struct Replacement {
    /// The certificate of the API, if TLS is spoken there.
    pub tls: Option<Tls>,
    /// The certificate of the admin listener, if TLS is spoken there.
    pub admin_tls: Option<MutualTls>,
    /// The certificates of the doors of the native interface, with where they are.
    pub doors: Vec<(SocketAddr, MutualTls)>,
    /// The networks that calls may come from.
    pub allowlist: Allowlist,
    /// What makes a token good.
    pub access_token: AccessTokenSettings,
}

/// The one who puts other settings in force.
pub struct Adoption {
    pub(crate) rules: Arc<Live<Rules>>,
    pub(crate) tls: Option<Arc<Live<Tls>>>,
    pub(crate) admin_tls: Option<Arc<Live<Tls>>>,
    pub(crate) doors: Vec<DoorTls>,
    pub(crate) audit: Arc<Writer>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) key_keeping: KeyKeeping,
}

/// What came of asking for a list of networks that is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowlistRefresh {
    /// It is another list, and was kept.
    New,
    /// It is the same list.
    Same,
    /// Nobody answered, or not with a list.
    Unreachable,
    /// The answer is no list that could be meant.
    Refused,
    /// The list could not be kept.
    NotWritten,
}

/// Counts what comes of asking for a published list.
#[derive(Clone)]
pub struct AllowlistRefreshes(Arc<Metrics>);

/// Fetches keys of issuers, each in a task of its own, until the end of the gateway.
#[derive(Clone)]
pub(crate) struct KeyKeeping {
    pub(crate) discovery: Arc<Discovery>,
    pub(crate) tasks: TaskTracker,
    pub(crate) end: CancellationToken,
}

impl Adoption {
    /// Puts these settings in force. Issuers that are new are asked for their keys first; where that fails for one that has
    /// keys by the old settings, nothing is changed.
    pub async fn adopt(&mut self, replacement: Replacement) -> Result<(), Error> {
        let adopted = self.put_in_force(replacement).await;
        match &adopted {
            Ok(()) => self.note(Outcome::Adopted, None).await,
            Err(_) => self.note(Outcome::Refused, Some("keys-not-fetched")).await,
        }
        adopted
    }

    /// Takes note of settings that cannot be used, and changes nothing.
    pub async fn refuse(&mut self) {
        self.note(Outcome::Refused, Some("config")).await;
    }

    async fn put_in_force(&self, replacement: Replacement) -> Result<(), Error> {
        replacement.access_token.refuse_empty_lists()?;
        let old = self.rules.current();
        let source = old.admission.source().clone();
        let admission = Admission::new(replacement.allowlist, source);
        let new = old.followed_by(admission, replacement.access_token, UnixTime::now());
        for keys in new.issuers_beyond(&old) {
            keys.fetch_what_is_due(&self.key_keeping.discovery).await;
            let now = UnixTime::now();
            let by_the_old = old.access_tokens.keys_of(keys.issuer());
            if by_the_old.is_some_and(|old| old.available(now)) && !keys.available(now) {
                return Err(Error::KeysNotFetched(keys.issuer().to_owned()));
            }
        }
        let added: Vec<_> = new.issuers_beyond(&old).cloned().collect();
        let removed: Vec<_> = old.issuers_beyond(&new).cloned().collect();
        self.rules.replace(new);
        for keys in added {
            self.key_keeping.keep_fresh(keys);
        }
        for keys in removed {
            keys.dismiss();
        }
        if let (Some(in_force), Some(tls)) = (&self.tls, replacement.tls) {
            in_force.replace(tls);
        }
        if let (Some(in_force), Some(tls)) = (&self.admin_tls, replacement.admin_tls) {
            in_force.replace(tls.into());
        }
        for (door, (listen, tls)) in self.doors.iter().zip(replacement.doors) {
            // One that is elsewhere is another one, and needs a restart.
            if door.listen() == listen {
                door.replace(tls);
            }
        }
        Ok(())
    }

    /// The first time, since the start of 1970, at which a revocation list that is in force has to be replaced.
    pub fn next_update(&self) -> Option<Duration> {
        let in_force = [&self.tls, &self.admin_tls];
        let in_force = in_force.into_iter().flatten().map(|tls| tls.current());
        let lists = in_force.filter_map(|tls| tls.client_certificates()?.next_update());
        let doors = self.doors.iter().map(DoorTls::current);
        let doors = doors.filter_map(|tls| tls.client_certificates()?.next_update());
        lists.chain(doors).min()
    }

    /// Counts for this gateway.
    pub fn allowlist_refreshes(&self) -> AllowlistRefreshes {
        AllowlistRefreshes(Arc::clone(&self.metrics))
    }

    async fn note(&self, outcome: Outcome, reason: Option<&'static str>) {
        self.metrics.reloaded(outcome);
        let line = reload(UnixTime::now(), outcome, reason);
        if let Err(error) = self.audit.write(&line).await {
            tracing::error!("the audit line of a reload was not written: {error}");
            self.metrics.audit_failed();
        }
    }
}

impl AllowlistRefresh {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Same,
        Self::Unreachable,
        Self::Refused,
        Self::NotWritten,
    ];

    /// Its name, as a label has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::NotWritten => "not-written",
        }
    }
}

impl AllowlistRefreshes {
    /// The list was asked for once more.
    pub fn count(&self, outcome: AllowlistRefresh) {
        self.0.allowlist_refreshed(outcome);
    }
}

impl From<Settings> for Replacement {
    fn from(settings: Settings) -> Self {
        Self {
            tls: match settings.listen {
                Endpoint::Tls(_, tls) => Some(tls),
                Endpoint::Plain(_) | Endpoint::TerminatedByTrustedProxy(_) => None,
            },
            admin_tls: match settings.admin_listen {
                AdminEndpoint::MutualTls(_, tls) => Some(tls),
                AdminEndpoint::Plain(_) => None,
            },
            doors: settings
                .natives
                .into_iter()
                .map(|door| (door.listen, door.tls))
                .collect(),
            allowlist: settings.allowlist,
            access_token: settings.access_token,
        }
    }
}

impl KeyKeeping {
    pub(crate) fn new(discovery: Discovery) -> Self {
        Self {
            discovery: Arc::new(discovery),
            tasks: TaskTracker::new(),
            end: CancellationToken::new(),
        }
    }

    pub(crate) fn keep_fresh(&self, issuer: Arc<IssuerKeys>) {
        let (discovery, end) = (Arc::clone(&self.discovery), self.end.clone());
        drop(
            self.tasks
                .spawn(async move { issuer.keep_fresh(&discovery, &end).await }),
        );
    }
}
