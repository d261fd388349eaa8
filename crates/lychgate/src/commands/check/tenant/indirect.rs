//! Ways to a token for the API that nobody asks for by its name.

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};

static DEFAULT: Check = Check {
    severity: Severity::High,
    id: "tenant-default-audience",
    title: "the API is the tenant's Default Audience",
    why: "Every login that names no API then asks for a token for the gateway.",
};

static REFRESH: Check = Check {
    severity: Severity::High,
    id: "tenant-refresh-policies",
    title: "a client's refresh tokens may be exchanged for tokens of the gateway",
    why: "A refresh token for several APIs reaches each that its policies list, without a login.",
};

static EXCHANGE: Check = Check {
    severity: Severity::Medium,
    id: "tenant-token-exchange",
    title: "a client may exchange users' tokens for tokens of the gateway",
    why: "A client that is the API (`resource_server_identifier`) acts on behalf of users there.",
};

pub(super) static CHECKS: [&Check; 3] = [&DEFAULT, &REFRESH, &EXCHANGE];

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    match &tenant.export.settings {
        Some(settings) if settings.default_audience.as_deref() == Some(tenant.audience()) => {
            findings.push_in_export(
                &DEFAULT,
                &settings.place,
                "`default_audience` is the gateway's audience",
                "clear it, or name another API",
            );
        }
        Some(_) => {}
        None => findings.not_told(
            &DEFAULT,
            "the settings of the tenant, its `default_audience` among them",
        ),
    }
    for client in tenant.export.clients.iter().flatten() {
        let audience = tenant.audience();
        let listed = client.refresh_audiences.iter().flatten();
        if listed.into_iter().any(|listed| listed == audience) {
            findings.push_in_export(
                &REFRESH,
                &client.place,
                "`refresh_token.policies` list the gateway's audience",
                "remove that policy",
            );
        }
        if client.resource_server_identifier.as_deref() == Some(audience) {
            let exchanges = client.token_exchange.as_deref().unwrap_or_default();
            let may = if exchanges.is_empty() {
                ""
            } else {
                ", and may exchange tokens"
            };
            findings.push_in_export(
                &EXCHANGE,
                &client.place,
                format!("the client is the gateway's API{may}"),
                "remove this client: the gateway calls no other API",
            );
        }
    }
    if !tenant.export.is_whole {
        findings.not_told(&REFRESH, "clients that are not in this export");
        findings.not_told(&EXCHANGE, "clients that are not in this export");
    }
}
