//! Whether those who were let in by certificates can be kept out again.

use std::time::Duration;

use lychgate_gateway::{AdminEndpoint, Endpoint};
use lychgate_listener::ClientCertificates;
use lychgate_token::UnixTime;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static NO_LIST: Check = Check {
    severity: Severity::Low,
    id: "client-revocation-list-missing",
    title: "a client's certificate cannot be revoked",
    why: "Whoever takes the key of a certificate is let in by it until it expires.",
};

static RUNS_OUT: Check = Check {
    severity: Severity::Medium,
    id: "client-revocation-list-expiring",
    title: "a revocation list runs out soon, or has",
    why: "A list that is past its `nextUpdate` says nothing of what was revoked since, so nobody is let in by it.",
};

pub(super) static CHECKS: [&Check; 2] = [&NO_LIST, &RUNS_OUT];

/// How long before its `nextUpdate` a list is found.
const SOON: Duration = Duration::from_hours(72);

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(gateway) = &facts.gateway else {
        return;
    };
    let now = UnixTime::now();
    if let Endpoint::Tls(_, tls) = &gateway.listen
        && let Some(clients) = tls.client_certificates()
    {
        judge("gateway.tls", clients, now, findings);
    }
    for (index, door) in gateway.natives.iter().enumerate() {
        if let Some(clients) = door.tls.client_certificates() {
            judge(&format!("native[{index}].tls"), clients, now, findings);
        }
    }
    if let AdminEndpoint::MutualTls(_, tls) = &gateway.admin_listen
        && let Some(clients) = tls.client_certificates()
    {
        judge("gateway.admin_tls", clients, now, findings);
    }
}

fn judge(key: &str, clients: &ClientCertificates, now: UnixTime, findings: &mut Findings) {
    let Some(next_update) = clients.next_update() else {
        return findings.push(
            &NO_LIST,
            format!("{key}.client_ca"),
            "there is no `client_crl`",
            "let the authority publish a revocation list, and name its file in `client_crl`",
        );
    };
    let left = next_update.saturating_sub(Duration::from_secs(now.seconds().unsigned_abs()));
    if left < SOON {
        let reason = match left.as_secs() / 3600 {
            0 => "a list runs out within the hour, or has run out".to_owned(),
            hours => format!("a list runs out in {hours} hours"),
        };
        findings.push(
            &RUNS_OUT,
            format!("{key}.client_crl"),
            reason,
            "let the authority publish a newer list before that, and put it in the place of the file",
        );
    }
}
