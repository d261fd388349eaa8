//! `lychgate serve`: the roles of the config, until SIGTERM or Ctrl-C; read again at SIGHUP and whenever a file changes.

mod published;
mod reload;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use lychgate_gateway::{AdminEndpoint, Endpoint, Gateway};
use lychgate_listener::Drained;
use lychgate_store::{ExcessKind, Inspection, Needs, StoreUrl};
use lychgate_tenant::Tenant;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::reload::{InForce, Reload, Watch};
use super::{Failure, stop_signal};
use crate::config::{self, Config};
use crate::log;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
}

/// Serves until it is told to stop, then finishes what runs.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    log::start("info");
    let stop = stop_signal().context("cannot listen for signals")?;
    let hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let fault = fetch_what_nothing_keeps_yet(&arguments.config).await;
    let watch = Watch::begin(&arguments.config).await;
    let (config, source) = match (config::read_with_source(&arguments.config), fault) {
        (Ok(read), None) => read,
        (Ok(read), Some(fault)) => {
            warn!("{fault}");
            read
        }
        (Err(error), None) => return Err(error.into()),
        (Err(error), Some(fault)) => return Err(Failure::Config(format!("{error}\n  {fault}"))),
    };
    if config.gateway.is_none() && config.tenant.is_none() {
        let reason = "there is no role to run: add `[gateway]`, `[tenant]` or both";
        return Err(Failure::Config(reason.to_owned()));
    }
    let (published, lists) = watch::channel(config.allowlist.published.clone());
    // On the heap: to open a store is a long story.
    let (mut roles, in_force) = Box::pin(start(config, &stop)).await?;
    if let Some(gateway) = &in_force.gateway {
        let counts = gateway.allowlist_refreshes();
        tokio::spawn(published::keep(lists, counts, stop.clone()));
    }
    let reload = Reload::new(watch, source, in_force, published);
    let reloading = tokio::spawn(reload.run(hangup, stop.clone()));
    let mut outcome = Ok(());
    while let Some(ended) = roles.join_next().await {
        // A role that ends takes the other with it: half a chain serves nobody.
        stop.cancel();
        outcome = outcome.and(
            ended
                .context("a role ended in a panic")
                .and_then(|drained| drained),
        );
    }
    reloading.await.context("reloading ended in a panic")?;
    Ok(outcome?)
}

/// The published allowlist, before there is anything in its cache; or why it is not there. Without it the config may have
/// no network at all, which is the config's to say.
async fn fetch_what_nothing_keeps_yet(config: &Path) -> Option<String> {
    let list = config::published_list(config).filter(|list| !list.cache.exists())?;
    let fault = published::refresh(&list).await.err()?;
    Some(format!(
        "there is no published allowlist yet: {}: {fault}",
        list.url
    ))
}

async fn start(
    config: Config,
    stop: &CancellationToken,
) -> Result<(JoinSet<Result<()>>, InForce), Failure> {
    let mut roles = JoinSet::new();
    let mut in_force = InForce::default();
    // The tenant first: a gateway on the same machine then finds its keys at once.
    if let Some(settings) = config.tenant {
        let tenant = Tenant::start(settings).await.map_err(tenant_failure)?;
        info!(
            "tenant listens on {}, issuer {}",
            tenant.address(),
            tenant.issuer().as_str()
        );
        in_force.tenant_tls = tenant.tls();
        let stop = stop.clone();
        roles.spawn(async move {
            say_how_it_ended("tenant", &tenant.run(stop).await?);
            Ok(())
        });
    }
    if let Some(settings) = config.gateway {
        let scheme = match settings.listen {
            Endpoint::Plain(_) | Endpoint::TerminatedByTrustedProxy(_) => "http",
            Endpoint::Tls(..) => "https",
        };
        let admin_scheme = match settings.admin_listen {
            AdminEndpoint::Plain(_) => "http",
            AdminEndpoint::MutualTls(..) => "https",
        };
        let store = settings.store.url_of_first_user();
        let gateway = Gateway::start(settings).await.map_err(gateway_failure)?;
        if let Ok(store) = store {
            tokio::spawn(warn_of_superuser(store));
        }
        info!("gateway listens on {scheme}://{}", gateway.address());
        for address in gateway.native_addresses() {
            info!("native interface listens on {address}");
        }
        info!(
            "admin listens on {admin_scheme}://{}",
            gateway.admin_address()
        );
        in_force.gateway = Some(gateway.adoption());
        let stop = stop.clone();
        roles.spawn(async move {
            say_how_it_ended("gateway", &gateway.run(stop).await?);
            Ok(())
        });
    }
    Ok((roles, in_force))
}

/// Says so if the role of the store is a superuser; `check` says more. Nobody waits for it.
async fn warn_of_superuser(url: StoreUrl) {
    let looking = async {
        let mut inspection = Inspection::open(&url).await?;
        inspection.excesses(&Needs::default()).await
    };
    // Whether the store answers is not for this to say.
    let looked: Result<Vec<_>, lychgate_store::Error> = looking.await;
    let excesses = looked.unwrap_or_default();
    if excesses
        .iter()
        .any(|excess| excess.kind == ExcessKind::Superuser)
    {
        warn!(
            "the store's role is a superuser: whoever has its password has all of the server; \
             `lychgate export grants` writes what it needs, `lychgate check` says what it has"
        );
    }
}

/// What does not start is wrong config, but for a port that is taken: that is nobody's fault that wrote it.
fn tenant_failure(error: lychgate_tenant::Error) -> Failure {
    use lychgate_tenant::Error;
    match error {
        Error::Listener(lychgate_listener::Error::Bind { .. }) => Failure::Other(error.into()),
        _ => Failure::Config(format!("{:#}", anyhow::Error::from(error))),
    }
}

/// The same, and a store that does not answer just now.
fn gateway_failure(error: lychgate_gateway::Error) -> Failure {
    use lychgate_gateway::Error;
    match error {
        Error::Listener(lychgate_listener::Error::Bind { .. })
        | Error::Store(lychgate_store::Error::Unavailable(_)) => Failure::Other(error.into()),
        _ => Failure::Config(format!("{:#}", anyhow::Error::from(error))),
    }
}

fn say_how_it_ended(role: &str, drained: &Drained) {
    let waited = drained.waited.as_millis();
    info!(
        "{role} stopped after {waited} ms: {} finished, {} cut",
        drained.finished, drained.cut
    );
}
