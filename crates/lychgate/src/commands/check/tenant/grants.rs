//! The client grants of the API: one client, and no more than it needs.

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::Grant;

static MISSING: Check = Check {
    severity: Severity::Medium,
    id: "tenant-grant-missing",
    title: "no client is granted the API",
    why: "The scripts get no token, and every login fails.",
};

static OTHERS: Check = Check {
    severity: Severity::High,
    id: "tenant-grant-others",
    title: "somebody else than the script client is granted the API",
    why: "Each such client is a secret that can leak. Only the gateway's own list then stands in its way.",
};

static USERS: Check = Check {
    severity: Severity::High,
    id: "tenant-grant-users",
    title: "a client is granted the API for its users",
    why: "That is the way in at the policy `require_client_grant`, and the first that opens when `deny_all` goes.",
};

static SCOPES: Check = Check {
    severity: Severity::Medium,
    id: "tenant-grant-scopes",
    title: "the script client is granted more, or less, than the operations need",
    why: "The grant is the ceiling of what a stolen secret can do; no action can lower it as surely.",
};

pub(super) static CHECKS: [&Check; 4] = [&MISSING, &OTHERS, &USERS, &SCOPES];

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    if tenant.export.grants.is_none() {
        for check in CHECKS {
            findings.not_told(check, "the client grants of the tenant");
        }
        return;
    }
    let mut clients = 0;
    for grant in tenant.grants() {
        if grant.subject_type.as_deref() == Some("user") {
            findings.push_in_export(
                &USERS,
                &grant.place,
                "`subject_type` is `user`",
                "remove this grant: no user calls the gateway",
            );
        } else if is_of_other(tenant, grant, findings) {
            findings.push_in_export(
                &OTHERS,
                &grant.place,
                "it is for a client that `gateway.access_token.clients` does not list",
                "remove this grant",
            );
        } else {
            clients += 1;
            scopes(tenant, grant, findings);
        }
    }
    let listed = tenant.gateway.access_token.clients.len();
    if clients > listed {
        findings.push_in_export(
            &OTHERS,
            "the export",
            format!("{clients} clients are granted the API, and the config lists {listed}"),
            "keep the grant of the script client alone",
        );
    }
    if clients == 0 {
        findings.push_in_export(
            &MISSING,
            "the export",
            "there is no grant of the API for the script client",
            "grant it the scopes of the operations, with `subject_type` `client`",
        );
    }
    if !tenant.export.is_whole {
        findings.not_told(&OTHERS, "grants that are not in this export");
    }
}

/// Whether the grant is for a client that the config does not list.
fn is_of_other(tenant: &Tenant<'_>, grant: &Grant, findings: &mut Findings) -> bool {
    if grant.default_for.is_some() {
        return true;
    }
    let id = tenant.client_id_of(grant);
    if id.is_none() {
        let client = tenant
            .client_of(grant)
            .map_or("the client", |client| client.place.as_str());
        findings.not_told(
            &OTHERS,
            format!("the id of {client}: see that the config lists it"),
        );
    }
    id.is_some_and(|id| !tenant.is_listed(id))
}

fn scopes(tenant: &Tenant<'_>, grant: &Grant, findings: &mut Findings) {
    let place = &grant.place;
    if grant.allow_all_scopes == Some(true) {
        findings.push_in_export(
            &SCOPES,
            place,
            "`allow_all_scopes` is true: whatever the API will have, it has",
            "name the scopes of the operations in `scope`, and set `allow_all_scopes` to false",
        );
        return;
    }
    let Some(scope) = &grant.scope else {
        return findings.not_told(&SCOPES, format!("`scope` of {place}"));
    };
    let (missing, excess) = tenant.differing(scope);
    if !excess.is_empty() {
        findings.push_in_export(
            &SCOPES,
            place,
            format!(
                "no operation of the config asks for `{}`",
                excess.join("`, `")
            ),
            "remove them from the grant",
        );
    }
    if !missing.is_empty() {
        findings.push_in_export(
            &SCOPES,
            place,
            format!("it lacks `{}`", missing.join("`, `")),
            "add them, or take the operations out of the config",
        );
    }
}
