//! `[tenant]` into the settings of a tenant.

mod clients;
mod connections;
mod policy;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lychgate_listener::{Demand, Limits, Transport};
use lychgate_tenant::{Error, Issuer, Lifetimes, Settings};
use lychgate_token::Algorithm;

use super::document::Key;
use super::endpoint;
use super::finding::{Findings, with_causes};
use super::raw::{RawClientCertificates, RawConfig, RawTenant};

/// The settings of the tenant, if the config has that role and nothing is wrong with it.
pub(crate) fn settings(
    raw: &RawConfig,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Settings> {
    let tenant = raw.tenant.as_ref()?;
    let key = Key::new("tenant");
    // Each of them is read, whatever the others say: all that is wrong is shown at once.
    let issuer = findings.keep(
        &key.member("issuer"),
        tenant.issuer.parse::<Issuer>().map_err(without_value),
    );
    let listen = listen(tenant, folder, &key, findings);
    let state = state(&tenant.state, folder, &key.member("state"), findings);
    let clients = clients::clients(&tenant.clients, folder, &key.member("clients"), findings);
    let connections = connections::connections(
        &tenant.connections,
        folder,
        &key.member("connections"),
        findings,
    );
    let policy = policy::policy(tenant, folder, &key, findings);
    let (listen, transport) = listen?;
    Some(Settings {
        issuer: issuer?,
        listen,
        transport,
        limits: Limits::default(),
        state: state?,
        signing_algorithm: Algorithm::Rs256,
        clients: clients?,
        connections: connections?,
        policy: policy?,
        outbox: tenant.outbox.as_ref().map(|outbox| folder.join(outbox)),
        lifetimes: Lifetimes::default(),
    })
}

fn listen(
    tenant: &RawTenant,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<(SocketAddr, Transport)> {
    let address = endpoint::address(&tenant.listen, &key.member("listen"), findings);
    let demand = client_certificates(tenant, key, findings)?;
    if let Some(tls) = &tenant.tls {
        let tls = endpoint::tls(tls, demand, folder, &key.member("tls"), findings);
        return Some((address?, Transport::Tls(tls?)));
    }
    let address = address?;
    if !address.ip().to_canonical().is_loopback() {
        findings.push(
            &key.member("listen"),
            "is not a loopback address: add `tls`, passwords travel on it",
        );
        return None;
    }
    Some((address, Transport::Plain))
}

/// Whether everybody has to show a certificate, or who has one may.
fn client_certificates(
    tenant: &RawTenant,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Demand> {
    let has_authorities = asks_for_certificates(tenant);
    match (tenant.client_certificates, has_authorities) {
        (None, _) | (Some(RawClientCertificates::Required), true) => Some(Demand::Required),
        (Some(RawClientCertificates::Requested), true) => Some(Demand::Requested),
        (Some(_), false) => {
            let reason = "says how clients are asked for certificates, and `tls` has no `client_ca` to know them by";
            findings.push(&key.member("client_certificates"), reason);
            None
        }
    }
}

fn asks_for_certificates(tenant: &RawTenant) -> bool {
    let tls = tenant.tls.as_ref();
    tls.is_some_and(|tls| tls.client_ca.is_some())
}

/// What is wrong with a setting, without the value that the error quotes.
fn without_value(error: Error) -> String {
    match error {
        Error::Setting { reason, .. } => reason.to_owned(),
        other => with_causes(other),
    }
}

/// What is wrong with the scripts in `folder`, whose own name is a value, too.
fn wrong_script(error: Error, folder: &Path) -> String {
    let below = |file: &Path| match file.strip_prefix(folder) {
        Ok(name) if !name.as_os_str().is_empty() => name.display().to_string(),
        _ => "the folder".to_owned(),
    };
    match error {
        Error::Read { file, source } => format!("cannot open {}: {source}", below(&file)),
        Error::Script { file, source } => format!("cannot use {}: {source}", below(&file)),
        other => without_value(other),
    }
}

fn state(text: &str, folder: &Path, key: &Key, findings: &mut Findings<'_>) -> Option<PathBuf> {
    let file = text.strip_prefix("sqlite:").filter(|file| !file.is_empty());
    findings
        .keep(key, file.ok_or("must be `sqlite:FILE`"))
        .map(|file| folder.join(file))
}
