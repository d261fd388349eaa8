//! The script client: it takes tokens for the gateway, and does nothing else.

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::Client;

static GRANT_TYPES: Check = Check {
    severity: Severity::High,
    id: "tenant-client-grant-types",
    title: "the script client may do more than client credentials",
    why: "Its id and secret would then get tokens of users, too.",
};

static AUTHENTICATION: Check = Check {
    severity: Severity::High,
    id: "tenant-client-authentication",
    title: "the script client needs no secret",
    why: "Its id is no secret, and whoever knows it is the script client.",
};

static KIND: Check = Check {
    severity: Severity::Low,
    id: "tenant-client-type",
    title: "the script client is no machine-to-machine application",
    why: "Other types come with flows for people, and tools switch these on.",
};

static CONNECTIONS: Check = Check {
    severity: Severity::Medium,
    id: "tenant-client-connections",
    title: "people may log in to the script client",
    why: "No person belongs there. A tenant may switch each new connection on for every client by itself.",
};

static OTHER_APIS: Check = Check {
    severity: Severity::Medium,
    id: "tenant-client-other-apis",
    title: "the script client is granted another API",
    why: "It shares a secret with every script of the tenant. What else it opens is open to whoever finds it.",
};

pub(super) static CHECKS: [&Check; 5] = [
    &GRANT_TYPES,
    &AUTHENTICATION,
    &KIND,
    &CONNECTIONS,
    &OTHER_APIS,
];

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    let clients = tenant.script_clients();
    if clients.is_empty() {
        for check in CHECKS {
            findings.not_told(check, "the script client");
        }
    }
    for client in clients {
        alone(client, findings);
        connections(tenant, client, findings);
        other_apis(tenant, client, findings);
    }
}

fn alone(client: &Client, findings: &mut Findings) {
    let place = &client.place;
    match client.grant_types.as_deref() {
        Some([only]) if only == "client_credentials" => {}
        Some(types) => findings.push_in_export(
            &GRANT_TYPES,
            place,
            format!("`grant_types` are `{}`", types.join("`, `")),
            "keep `client_credentials` alone",
        ),
        None => findings.not_told(&GRANT_TYPES, format!("`grant_types` of {place}")),
    }
    match client.token_endpoint_auth_method.as_deref() {
        Some("none") => findings.push_in_export(
            &AUTHENTICATION,
            place,
            "`token_endpoint_auth_method` is `none`",
            "set it to `client_secret_post`, as which the scripts ask",
        ),
        Some(_) => {}
        None => findings.not_told(
            &AUTHENTICATION,
            format!("`token_endpoint_auth_method` of {place}"),
        ),
    }
    match client.app_type.as_deref() {
        Some("non_interactive") => {}
        Some(other) => findings.push_in_export(
            &KIND,
            place,
            format!("`app_type` is `{other}`"),
            "set it to `non_interactive`",
        ),
        None => findings.not_told(&KIND, format!("`app_type` of {place}")),
    }
}

fn connections(tenant: &Tenant<'_>, client: &Client, findings: &mut Findings) {
    let connections = tenant.export.connections.iter().flatten();
    for connection in connections {
        match &connection.enabled_clients {
            Some(enabled) if enabled.iter().any(|name| client.is_called(name)) => findings
                .push_in_export(
                    &CONNECTIONS,
                    &connection.place,
                    "the connection is on for the script client",
                    "switch it off there",
                ),
            Some(_) => {}
            None => findings.not_told(
                &CONNECTIONS,
                format!("`enabled_clients` of {}", connection.place),
            ),
        }
    }
    if tenant.export.connections.is_none() {
        findings.not_told(&CONNECTIONS, "the connections of the tenant");
    }
}

fn other_apis(tenant: &Tenant<'_>, client: &Client, findings: &mut Findings) {
    let Some(grants) = &tenant.export.grants else {
        return findings.not_told(&OTHER_APIS, "the client grants of the tenant");
    };
    for grant in grants {
        let is_its = grant
            .client
            .as_deref()
            .is_some_and(|name| client.is_called(name));
        if is_its
            && grant
                .audience
                .as_deref()
                .is_some_and(|audience| audience != tenant.audience())
        {
            findings.push_in_export(
                &OTHER_APIS,
                &grant.place,
                "it grants the script client another API than the gateway's",
                "give that to a client of its own",
            );
        }
    }
}
