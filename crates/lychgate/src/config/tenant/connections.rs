//! `[[tenant.connections]]`: the action scripts, and what they may reach.

use std::path::Path;

use lychgate_script::OutboundHost;
use lychgate_tenant::{ActionScripts, Connection};

use super::wrong_script;
use crate::config::document::Key;
use crate::config::finding::{Findings, with_causes};
use crate::config::raw::{RawConnection, RawSecret};

/// All connections, or none if one of them is wrong.
pub(crate) fn connections(
    raw: &[RawConnection],
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Vec<Connection>> {
    let connections = raw
        .iter()
        .enumerate()
        .map(|(index, one)| connection(one, folder, &key.element(index), findings));
    connections.collect::<Vec<_>>().into_iter().collect()
}

fn connection(
    raw: &RawConnection,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Connection> {
    let scripts_folder = folder.join(&raw.scripts);
    let scripts = ActionScripts::read(&scripts_folder);
    let scripts = findings.keep(
        &key.member("scripts"),
        scripts.map_err(|error| wrong_script(error, &scripts_folder)),
    );
    let hosts = key.member("outbound_hosts");
    let outbound_hosts = findings.keep_each(&hosts, &raw.outbound_hosts, outbound_host);
    Some(Connection {
        name: raw.name.clone(),
        scripts: scripts?,
        sandbox: lychgate_script::Settings {
            configuration: exposed(&raw.configuration),
            outbound_hosts: outbound_hosts?,
            ..lychgate_script::Settings::default()
        },
    })
}

/// The host; the error quotes the entry, and is said without it.
fn outbound_host(entry: &str) -> Result<OutboundHost, String> {
    entry.parse().map_err(|error| match error {
        lychgate_script::Error::OutboundHost { reason, .. } => {
            format!("{reason}; write `host`, `host:port` or `*.example.com`")
        }
        other => with_causes(other),
    })
}

/// What scripts read is no secret to them.
pub(crate) fn exposed<'a>(
    secrets: impl IntoIterator<Item = (&'a String, &'a RawSecret)>,
) -> std::collections::BTreeMap<String, String> {
    secrets
        .into_iter()
        .map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()))
        .collect()
}
