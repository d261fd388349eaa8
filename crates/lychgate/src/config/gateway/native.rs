//! `[[native]]` into the settings of doors.

use std::collections::BTreeSet;
use std::path::Path;

use lychgate_gateway::{NativeLimits, NativeSettings};
use lychgate_store::{StoreUrl, Upstream};

use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::RawNative;
use crate::config::{duration, endpoint};

/// Every door, or what is wrong with any of them.
pub(super) fn settings(
    raw: &[RawNative],
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Vec<NativeSettings>> {
    let key = Key::new("native");
    let doors = raw.iter().enumerate();
    let doors = doors.map(|(place, raw)| door(raw, folder, &key.element(place), findings));
    // Each is read, also behind a bad one: all that is wrong is shown at once.
    doors.collect::<Vec<_>>().into_iter().collect()
}

fn door(
    raw: &RawNative,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<NativeSettings> {
    let defaults = NativeLimits::default();
    let listen = endpoint::address(&raw.listen, &key.member("listen"), findings);
    let tls = endpoint::mutual_tls(&raw.tls, folder, &key.member("tls"), findings);
    let upstream = raw.upstream.parse::<StoreUrl>();
    let upstream = upstream.and_then(|url| Upstream::new(&url.below(folder)));
    let upstream = findings.keep(&key.member("upstream"), upstream);
    let users = names(&raw.users, &key.member("users"), findings);
    let databases = match &raw.databases {
        Some(databases) => names(databases, &key.member("databases"), findings),
        None => upstream
            .as_ref()
            .map(|upstream| BTreeSet::from([upstream.database().to_owned()])),
    };
    let idle = duration::or(
        raw.idle.as_ref(),
        defaults.idle,
        &key.member("idle"),
        findings,
    );
    Some(NativeSettings {
        listen: listen?,
        tls: tls?,
        upstream: upstream?,
        users: users?,
        databases: databases?,
        limits: NativeLimits {
            connections: raw
                .connections
                .map_or(defaults.connections, |number| number.get() as usize),
            idle: idle?,
            session_bytes: raw
                .session_mib
                .map_or(defaults.session_bytes, |mib| u64::from(mib.get()) << 20),
            ..defaults
        },
    })
}

fn names(names: &[String], key: &Key, findings: &mut Findings<'_>) -> Option<BTreeSet<String>> {
    if names.is_empty() {
        findings.push(key, "is empty; nobody could come in");
        return None;
    }
    let mut all = BTreeSet::new();
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() || name == "*" {
            let reason = "is empty or a wildcard; name each one";
            findings.push(&key.element(place), reason);
            return None;
        }
        all.insert(name.clone());
    }
    Some(all)
}
