//! The list of networks that a platform publishes, fetched again and again, and kept in a file.
//!
//! What an answer changes is the file alone, and only if it is a list that could be meant: the gateway then takes it in as
//! it takes in any file that has changed. An attacker who could answer in the platform's place, or a mistake of the
//! platform's, would want everybody let in or nobody: a list that is empty, wide, or has lost most of what is in use is
//! refused, and the old one stays.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use lychgate_gateway::{AllowlistRefresh, AllowlistRefreshes};
use lychgate_listener::allowlist::read_networks;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::PublishedList;

/// How long an answer may take, all in all.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long after a failure the URL is asked again, at most.
const RETRY: Duration = Duration::from_mins(5);

/// The most that is read of an answer; the same as of a file.
const MOST_BYTES: usize = 1024 * 1024;

/// A published list has addresses and small networks; one with a shorter prefix than this is none.
const SHORTEST_V4: u8 = 16;
const SHORTEST_V6: u8 = 32;

/// Why an answer changes nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("it cannot be asked: {0}")]
    Unreachable(String),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("it answered with more than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("its answer is no list: {0}")]
    NotAList(String),
    #[error("its list has no networks in these regions")]
    Empty,
    #[error("its list has {0}, which is wider than anything a platform calls from")]
    Wide(IpNet),
    #[error(
        "its list has lost {gone} of the {of} networks in use; if that is right, remove the file of `cache`"
    )]
    Shrunken { gone: usize, of: usize },
    #[error("the file of `cache` cannot be written: {0}")]
    Cache(io::Error),
}

impl Fault {
    fn outcome(&self) -> AllowlistRefresh {
        match self {
            Self::Unreachable(_) | Self::Status(_) => AllowlistRefresh::Unreachable,
            Self::Cache(_) => AllowlistRefresh::NotWritten,
            Self::TooLarge
            | Self::NotAList(_)
            | Self::Empty
            | Self::Wide(_)
            | Self::Shrunken { .. } => AllowlistRefresh::Refused,
        }
    }
}

/// Asks whenever it is time to, or whenever told of a list, until `stop`.
pub(super) async fn keep(
    mut lists: watch::Receiver<Option<PublishedList>>,
    counts: AllowlistRefreshes,
    stop: CancellationToken,
) {
    let keeping = async {
        loop {
            let list = lists.borrow_and_update().clone();
            let pause = match &list {
                Some(list) => keep_one(list, &counts).await,
                None => Duration::MAX,
            };
            // Whoever tells of lists is gone.
            if let Ok(Err(_)) = timeout(pause, lists.changed()).await {
                return;
            }
        }
    };
    stop.run_until_cancelled(keeping).await;
}

/// Asks once, and says how long to wait then.
async fn keep_one(list: &PublishedList, counts: &AllowlistRefreshes) -> Duration {
    let (outcome, pause) = match refresh(list).await {
        Ok(outcome) => (outcome, list.refresh),
        Err(fault) => {
            warn!(
                "the published allowlist stays as it was: {}: {fault}",
                list.url
            );
            (fault.outcome(), list.refresh.min(RETRY))
        }
    };
    counts.count(outcome);
    pause
}

/// Asks, and keeps the answer if it is a good list.
pub(super) async fn refresh(list: &PublishedList) -> Result<AllowlistRefresh, Fault> {
    let text = fetch(list).await?;
    let new = networks_of(&text, &list.regions)?;
    let before = std::fs::read_to_string(&list.cache).unwrap_or_default();
    if before == text {
        return Ok(AllowlistRefresh::Same);
    }
    // What cannot be read is nobody's list, and any good one may take its place.
    let old = networks_of(&before, &list.regions).unwrap_or_default();
    let (gone, of) = (lost(&old, &new), old.len());
    if gone * 2 > of {
        return Err(Fault::Shrunken { gone, of });
    }
    write(&list.cache, &text).map_err(Fault::Cache)?;
    info!(
        "the published allowlist has changed: {} networks, and {gone} of before are gone",
        new.len()
    );
    Ok(AllowlistRefresh::New)
}

async fn fetch(list: &PublishedList) -> Result<String, Fault> {
    let mut client = Client::builder()
        .https_only(true)
        .timeout(DEADLINE)
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("lychgate/", env!("CARGO_PKG_VERSION")));
    if let Some(authorities) = &list.authorities {
        let authorities = Certificate::from_pem_bundle(authorities);
        client = client.tls_certs_only(authorities.map_err(unreachable)?);
    }
    let client = client.build().map_err(unreachable)?;
    let answer = client.get(list.url.clone()).send().await;
    let mut answer = answer.map_err(unreachable)?;
    if answer.status() != StatusCode::OK {
        return Err(Fault::Status(answer.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(Fault::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Fault::NotAList("it is not UTF-8".to_owned()))
}

/// The networks of a list that could be meant.
fn networks_of(text: &str, regions: &[String]) -> Result<Vec<IpNet>, Fault> {
    if !text.trim_start().starts_with('{') {
        let reason = "it is not the JSON of ip-ranges.json".to_owned();
        return Err(Fault::NotAList(reason));
    }
    let networks =
        read_networks(text, regions).map_err(|error| Fault::NotAList(error.to_string()))?;
    if networks.is_empty() {
        return Err(Fault::Empty);
    }
    let is_wide = |network: &&IpNet| match network {
        IpNet::V4(network) => network.prefix_len() < SHORTEST_V4,
        IpNet::V6(network) => network.prefix_len() < SHORTEST_V6,
    };
    match networks.iter().find(is_wide) {
        Some(wide) => Err(Fault::Wide(*wide)),
        None => Ok(networks),
    }
}

/// How many of the old networks are not in the new ones.
fn lost(old: &[IpNet], new: &[IpNet]) -> usize {
    let mut new = IpNet::aggregate(&new.to_vec());
    new.sort_unstable();
    let holds = |network: &IpNet| {
        // They do not overlap, so only the last that starts at or before it can hold it.
        let after = new.partition_point(|candidate| candidate.network() <= network.network());
        let candidate = after.checked_sub(1).and_then(|place| new.get(place));
        candidate.is_some_and(|candidate| candidate.contains(network))
    };
    old.iter().filter(|network| !holds(network)).count()
}

/// Whole, or not at all.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|folder| folder.is_dir());
    let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// What went wrong, to its last cause.
fn unreachable(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    Fault::Unreachable(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_held_by_a_wider_network_is_not_lost() {
        let old = networks(&["192.0.2.1/32", "192.0.2.2/32", "203.0.113.7/32"]);
        assert_eq!(lost(&old, &networks(&["192.0.2.0/30"])), 1);
        let new = networks(&["192.0.2.0/31", "203.0.113.0/24"]);
        assert_eq!(lost(&old, &new), 1);
        assert_eq!(lost(&old, &[]), 3);
        assert_eq!(lost(&[], &old), 0);
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused() {
        let read = |networks: &str| {
            let list = format!(r#"{{"regions": {{"EU": {{"ipv4_cidrs": [{networks}]}}}}}}"#);
            networks_of(&list, &["EU".to_owned()])
        };
        assert!(read("\"192.0.2.0/24\"").is_ok());
        assert!(matches!(read(""), Err(Fault::Empty)));
        assert!(matches!(read("\"10.0.0.0/8\""), Err(Fault::Wide(_))));
        for other in ["192.0.2.0/24\n", "{}", "<html>", ""] {
            let refused = networks_of(other, &["EU".to_owned()]);
            assert!(matches!(refused, Err(Fault::NotAList(_))), "{other}");
        }
    }
}
