//! The config again, when it or a file of it has changed, or when somebody asks by SIGHUP.
//!
//! Whatever is read is a whole new config, sound in every value, or nothing: then the old one stays, and the log says why.
//! What can be put in force is put in force for the requests to come. What cannot is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use lychgate_gateway::{Adoption, Replacement};
use lychgate_listener::{Live, Tls, Transport};
use lychgate_token::UnixTime;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::{self, Config, PublishedList, Source};

/// How often the files are looked at. What has changed is read once it has stood still from one look to the next, so that a
/// file that is just being written is not read in halves.
const EVERY: Duration = Duration::from_secs(1);

/// More of a file than this is not looked at.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// How long before the `nextUpdate` of a revocation list the log warns of it.
const SOON: Duration = Duration::from_hours(24);

/// What is put in force while the roles run, by the beginnings of its keys. All else needs a restart.
const LIVE: [&str; 6] = [
    "gateway.tls.",
    "gateway.admin_tls.",
    "gateway.allowlist.",
    "gateway.access_token.",
    "gateway.public_url",
    "tenant.tls.",
];

/// Tables that can be changed, but neither added nor removed.
const TABLES_THAT_STAY: [&str; 3] = ["gateway.tls", "gateway.admin_tls", "tenant.tls"];

/// Where the roles take what can be changed while they run.
#[derive(Default)]
pub(super) struct InForce {
    pub(super) gateway: Option<Adoption>,
    pub(super) tenant_tls: Option<Arc<Live<Tls>>>,
}

/// The files of a config, and what they were at the last look that mattered.
pub(super) struct Watch {
    config: PathBuf,
    files: BTreeSet<PathBuf>,
    settled: Look,
}

/// What files were at one moment; `None` of one that could not be read.
type Look = BTreeMap<PathBuf, Option<[u8; 32]>>;

/// Reads a config again.
pub(super) struct Reload {
    watch: Watch,
    /// As it was at the start: what needs a restart is compared with that.
    started: Source,
    in_force: InForce,
    /// Whoever keeps the published allowlist is told here which, and that it is time to ask.
    published: watch::Sender<Option<PublishedList>>,
    warned_of: Option<Duration>,
}

impl Watch {
    /// Looks for the first time, which has to be before the config is read: what changes in between is then seen.
    pub(super) async fn begin(config: &Path) -> Self {
        let mut watch = Self {
            config: config.to_owned(),
            files: BTreeSet::new(),
            settled: Look::new(),
        };
        watch.settle().await;
        watch
    }

    /// What the files are now is what they were at the last look that mattered.
    async fn settle(&mut self) {
        self.files = config::files(&self.config);
        self.settled = self.look().await;
    }

    async fn look(&self) -> Look {
        let mut look = Look::new();
        for file in &self.files {
            look.insert(file.clone(), digest_of(file).await);
        }
        look
    }
}

impl Reload {
    pub(super) fn new(
        watch: Watch,
        started: Source,
        in_force: InForce,
        published: watch::Sender<Option<PublishedList>>,
    ) -> Self {
        Self {
            watch,
            started,
            in_force,
            published,
            warned_of: None,
        }
    }

    /// Looks, and reads again whenever there is reason to, until `stop`.
    pub(super) async fn run(mut self, mut hangup: Signal, stop: CancellationToken) {
        let mut looks = interval(EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = self.watch.settled.clone();
        loop {
            let is_asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                _ = looks.tick() => false,
            };
            let look = self.watch.look().await;
            let stands_still = look == seen;
            seen = look;
            if is_asked || (stands_still && seen != self.watch.settled) {
                // On the heap: a config is large.
                let reading = Box::pin(self.read_again());
                if stop.run_until_cancelled(reading).await.is_none() {
                    return;
                }
                if is_asked {
                    self.published.send_modify(|_| {});
                }
                seen.clone_from(&self.watch.settled);
            }
            self.warn_of_revocation_lists();
        }
    }

    async fn read_again(&mut self) {
        self.watch.settle().await;
        let adopted = match config::read_with_source(&self.watch.config) {
            Ok((config, source)) => Box::pin(self.adopt(config, &source)).await,
            Err(reason) => {
                if let Some(gateway) = &mut self.in_force.gateway {
                    gateway.refuse().await;
                }
                Err(reason.to_string())
            }
        };
        if let Err(reason) = adopted {
            error!("read again and refused, the old config stays in force: {reason}");
        }
    }

    async fn adopt(&mut self, config: Config, source: &Source) -> Result<(), String> {
        let Config {
            gateway,
            tenant,
            allowlist,
            ..
        } = config;
        if let (Some(adoption), Some(settings)) = (&mut self.in_force.gateway, gateway) {
            let adopted = adoption.adopt(Replacement::from(settings)).await;
            adopted.map_err(|error| error.to_string())?;
        }
        if let (Some(in_force), Some(settings)) = (&self.in_force.tenant_tls, tenant)
            && let Transport::Tls(tls) = settings.transport
        {
            in_force.replace(tls);
        }
        self.published.send_if_modified(|published| {
            let differs = *published != allowlist.published;
            *published = allowlist.published;
            differs
        });
        info!(
            "{} was read again and is in force",
            self.watch.config.display()
        );
        let stays = needing_restart(&self.started, source);
        if !stays.is_empty() {
            let keys: Vec<String> = stays.iter().map(|key| format!("`{key}`")).collect();
            warn!("changed, and needs a restart: {}", keys.join(", "));
        }
        Ok(())
    }

    /// Says once of each list that it runs out, and once that it has.
    fn warn_of_revocation_lists(&mut self) {
        let gateway = self.in_force.gateway.as_ref();
        let Some(next_update) = gateway.and_then(Adoption::next_update) else {
            return;
        };
        let now = Duration::from_secs(UnixTime::now().seconds().unsigned_abs());
        let moment = if now >= next_update {
            next_update
        } else {
            next_update.saturating_sub(SOON)
        };
        if now < moment || self.warned_of == Some(moment) {
            return;
        }
        self.warned_of = Some(moment);
        if moment == next_update {
            error!(
                "a revocation list has run out: its authority lets nobody in until there is a newer one"
            );
        } else {
            warn!(
                "a revocation list runs out within a day: from then on its authority lets nobody in"
            );
        }
    }
}

/// The keys that are not as they were at the start, and cannot be changed while the roles run.
fn needing_restart(started: &Source, now: &Source) -> BTreeSet<String> {
    let changed = started.changed(now);
    let is_live = |key: &str| {
        let is_of_a_door = key.starts_with("native[") && key.contains("].tls.");
        is_of_a_door || LIVE.iter().any(|start| key.starts_with(start))
    };
    let mut keys: BTreeSet<String> = changed
        .into_iter()
        .filter(|key| !is_live(key))
        .map(str::to_owned)
        .collect();
    for table in TABLES_THAT_STAY {
        let certificate = format!("{table}.certificate");
        if started.has(&certificate) != now.has(&certificate) {
            keys.insert(table.to_owned());
        }
    }
    keys
}

async fn digest_of(file: &Path) -> Option<[u8; 32]> {
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    let file = tokio::fs::File::open(file).await.ok()?;
    file.take(MOST_BYTES).read_to_end(&mut bytes).await.ok()?;
    digest(&SHA256, &bytes).as_ref().try_into().ok()
}
