//! `[gateway.allowlist]`: networks of the config, of files and of a published list, in one list.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use lychgate_listener::allowlist::{parse_network, read_networks};
use lychgate_listener::{Allowlist, AnyNetwork};
use url::Url;

use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::{RawAllowlist, RawConfig};

/// How often a published list is asked for, and how often at most.
pub(crate) const REFRESH: Duration = Duration::from_hours(6);
const SHORTEST_REFRESH: Duration = Duration::from_mins(1);

/// Where the networks of an allowlist come from, beside those that stand in the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowlistSources {
    /// Files, and the cache of the published list.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) regions: Vec<String>,
    pub(crate) published: Option<PublishedList>,
}

/// A list that is published at a URL, and kept in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublishedList {
    pub(crate) url: Url,
    pub(crate) refresh: Duration,
    pub(crate) cache: PathBuf,
    pub(crate) regions: Vec<String>,
    /// The authorities that stand for the URL's certificate, in PEM; `None`: those that this machine trusts.
    pub(crate) authorities: Option<Vec<u8>>,
}

/// The allowlist. There is no gateway without one.
pub(crate) fn allowlist(
    raw: Option<&RawAllowlist>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Allowlist> {
    let key = Key::new("gateway.allowlist");
    let Some(raw) = raw else {
        findings.push(
            &key,
            "is missing: name the networks that calls may come from in `networks`, `files` or `url`",
        );
        return None;
    };
    let listed = findings.keep_each(&key.member("networks"), &raw.networks, parse_network);
    let mut whole = listed.is_some();
    let mut networks: Vec<IpNet> = listed.unwrap_or_default();
    let files = raw.files.iter().enumerate();
    let mut files: Vec<_> = files
        .map(|(index, file)| (key.member("files").element(index), folder.join(file)))
        .collect();
    if let Some(cache) = raw.cache.as_ref().map(|cache| folder.join(cache)) {
        if cache.exists() {
            files.push((key.member("cache"), cache));
        } else if networks.is_empty() && files.is_empty() && whole {
            let reason = "has not been read yet, and there is nothing else; `lychgate serve` fetches it at its start";
            findings.push(&key.member("url"), reason);
            return None;
        }
    }
    for (key, file) in files {
        let text =
            std::fs::read_to_string(file).map_err(|error| format!("cannot be read: {error}"));
        let read = findings
            .keep(&key, text)
            .and_then(|text| findings.keep(&key, read_networks(&text, &raw.regions)));
        whole &= read.is_some();
        networks.extend(read.into_iter().flatten());
    }
    if !whole {
        return None;
    }
    let any = if raw.i_accept_any_network {
        AnyNetwork::Accepted
    } else {
        AnyNetwork::Refused
    };
    findings.keep(&key, Allowlist::new(networks, any))
}

/// Where its networks come from.
pub(crate) fn sources(
    raw: &RawAllowlist,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> AllowlistSources {
    let files = raw.files.iter().chain(&raw.cache);
    AllowlistSources {
        files: files.map(|file| folder.join(file)).collect(),
        regions: raw.regions.clone(),
        published: published(raw, folder, findings),
    }
}

fn published(
    raw: &RawAllowlist,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<PublishedList> {
    let key = Key::new("gateway.allowlist");
    let Some(url) = &raw.url else {
        let alone = [
            ("refresh", raw.refresh.is_some()),
            ("cache", raw.cache.is_some()),
            ("url_ca", raw.url_ca.is_some()),
        ];
        for (name, _) in alone.into_iter().filter(|(_, is_there)| *is_there) {
            findings.push(
                &key.member(name),
                "does nothing without `url`; remove it, or add the URL",
            );
        }
        return None;
    };
    let refresh_key = key.member("refresh");
    let refresh = duration::or(raw.refresh.as_ref(), REFRESH, &refresh_key, findings)?;
    if refresh < SHORTEST_REFRESH {
        findings.push(&refresh_key, "must be at least a minute");
    }
    if raw.cache.is_none() {
        let reason = "is missing: a start without the network needs the list that was fetched last";
        findings.push(&key.member("cache"), reason);
    }
    if raw.regions.is_empty() {
        let reason = "is missing: name those of your tenant, as `EU`";
        findings.push(&key.member("regions"), reason);
    }
    let parsed = Url::parse(url).ok();
    let parsed = parsed.filter(|url| url.scheme() == "https" && url.has_host());
    let url = findings.keep(
        &key.member("url"),
        parsed.ok_or("must be an `https://` URL"),
    );
    let authorities = match &raw.url_ca {
        Some(file) => Some(authorities(
            &folder.join(file),
            &key.member("url_ca"),
            findings,
        )?),
        None => None,
    };
    Some(PublishedList {
        url: url?,
        refresh,
        cache: folder.join(raw.cache.as_ref()?),
        regions: raw.regions.clone(),
        authorities,
    })
}

fn authorities(file: &Path, key: &Key, findings: &mut Findings<'_>) -> Option<Vec<u8>> {
    let pem = std::fs::read(file).map_err(|error| format!("cannot be read: {error}"));
    let pem = findings.keep(key, pem)?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(authorities) if !authorities.is_empty() => Some(pem),
        Ok(_) | Err(_) => {
            findings.push(key, "has no certificates: it must be PEM");
            None
        }
    }
}

/// The regions whose addresses are taken from the platform's own list.
pub(crate) fn regions(raw: &RawConfig) -> Vec<String> {
    let gateway = raw.gateway.as_ref();
    let allowlist = gateway.and_then(|gateway| gateway.allowlist.as_ref());
    allowlist
        .map(|allowlist| allowlist.regions.clone())
        .unwrap_or_default()
}
