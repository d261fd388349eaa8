//! Which tokens open the gateway, and for how long.

use std::time::Duration;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static LIFETIME: Check = Check {
    severity: Severity::Medium,
    id: "token-lifetime",
    title: "access tokens may live for long",
    why: "A stolen token works until it expires. The script client can ask for a new one at any time.",
};

static CLIENTS: Check = Check {
    severity: Severity::Low,
    id: "token-clients",
    title: "several clients may call",
    why: "Each is a secret that can leak. A connection needs one.",
};

static ISSUERS: Check = Check {
    severity: Severity::Low,
    id: "token-issuers",
    title: "several issuers are trusted",
    why: "Each can let anybody in. Two are right where a tenant has a custom domain.",
};

static ALGORITHMS: Check = Check {
    severity: Severity::Low,
    id: "token-algorithms",
    title: "several signature algorithms are accepted",
    why: "An issuer signs with one. Another is a way that nobody watches.",
};

pub(super) static CHECKS: [&Check; 4] = [&LIFETIME, &CLIENTS, &ISSUERS, &ALGORITHMS];

/// As long as a token should live at most.
const ADVISED: Duration = Duration::from_hours(1);

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(gateway) = &facts.gateway else {
        return;
    };
    let tokens = &gateway.access_token;
    if tokens.max_lifetime > ADVISED {
        findings.push(
            &LIFETIME,
            "gateway.access_token.max_lifetime",
            format!(
                "tokens of up to {} are accepted",
                humantime::format_duration(tokens.max_lifetime)
            ),
            "set the lifetime of the API's tokens to an hour at the platform, then `max_lifetime = \"1h\"`",
        );
    }
    if tokens.clients.len() > 1 {
        findings.push(
            &CLIENTS,
            "gateway.access_token.clients",
            format!("{} clients may call", tokens.clients.len()),
            "keep the client of the action scripts alone",
        );
    }
    if tokens.issuers.len() > 1 {
        findings.push(
            &ISSUERS,
            "gateway.access_token.issuers",
            format!("{} issuers are trusted", tokens.issuers.len()),
            "keep the one that the scripts take their tokens from",
        );
    }
    if tokens.algorithms.len() > 1 {
        findings.push(
            &ALGORITHMS,
            "gateway.access_token.algorithms",
            format!("{} algorithms are accepted", tokens.algorithms.len()),
            "keep the one that the issuer signs with",
        );
    }
}
