//! `[gateway.allowlist]`: networks of the config and of files, in one list.

use std::path::Path;

use ipnet::IpNet;
use lychgate_listener::allowlist::{parse_network, read_networks};
use lychgate_listener::{Allowlist, AnyNetwork};

use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::{RawAllowlist, RawConfig};

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
            "is missing: name the networks that calls may come from in `networks` or `files`",
        );
        return None;
    };
    let listed = findings.keep_each(&key.member("networks"), &raw.networks, parse_network);
    let mut whole = listed.is_some();
    let mut networks: Vec<IpNet> = listed.unwrap_or_default();
    for (index, file) in raw.files.iter().enumerate() {
        let key = key.member("files").element(index);
        let text = std::fs::read_to_string(folder.join(file))
            .map_err(|error| format!("cannot be read: {error}"));
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

/// The regions whose addresses are taken from the platform's own list.
pub(crate) fn regions(raw: &RawConfig) -> Vec<String> {
    let gateway = raw.gateway.as_ref();
    let allowlist = gateway.and_then(|gateway| gateway.allowlist.as_ref());
    allowlist
        .map(|allowlist| allowlist.regions.clone())
        .unwrap_or_default()
}
