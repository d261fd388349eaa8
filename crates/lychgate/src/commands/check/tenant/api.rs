//! The API that stands for the gateway: who may have a token for it, and what such a token is like.

use lychgate_gateway::SenderConstraint;

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::Api;

static MISSING: Check = Check {
    severity: Severity::High,
    id: "tenant-api-missing",
    title: "the tenant has no API for the gateway's audience",
    why: "Without it there is nothing that keeps users away, and no token for the scripts.",
};

static USERS: Check = Check {
    severity: Severity::High,
    id: "tenant-api-users",
    title: "users may have tokens for the gateway",
    why: "Whoever logs in to any application of the tenant and names the audience gets one. Only `deny_all` covers every \
          flow, and depends on no code.",
};

static CLIENTS: Check = Check {
    severity: Severity::High,
    id: "tenant-api-clients",
    title: "the API does not ask clients for a grant",
    why: "A grant is what names the one client. At `deny_all` the scripts get no token either.",
};

static ANONYMOUS: Check = Check {
    severity: Severity::High,
    id: "tenant-api-anonymous",
    title: "whoever has not logged in may have tokens for the gateway",
    why: "Anonymous sessions are of nobody whom anyone could name.",
};

static OFFLINE: Check = Check {
    severity: Severity::Medium,
    id: "tenant-api-offline-access",
    title: "the API allows refresh tokens",
    why: "They are for users. One that was given while the policy was open gives tokens for as long as it lives.",
};

static CONSENT: Check = Check {
    severity: Severity::Medium,
    id: "tenant-api-consent",
    title: "the API skips consent",
    why: "That is what exchanges of tokens, and refresh tokens for several APIs, need to reach it without being asked.",
};

static LIFETIME: Check = Check {
    severity: Severity::Medium,
    id: "tenant-api-lifetime",
    title: "the API's tokens live for long",
    why: "A stolen token works until it expires. The script client can ask for a new one at any time.",
};

static ALGORITHM: Check = Check {
    severity: Severity::High,
    id: "tenant-api-algorithm",
    title: "the API's tokens are signed by an algorithm that the gateway does not take",
    why: "No script would get through; and HS256 means a secret that each verifier can sign with.",
};

static FORM: Check = Check {
    severity: Severity::Low,
    id: "tenant-api-token-form",
    title: "the API's tokens have a form that the gateway does not need",
    why: "Permissions of users are not read here, and encrypted tokens cannot be read.",
};

static PROOF: Check = Check {
    severity: Severity::Medium,
    id: "tenant-api-proof",
    title: "the API's tokens are not bound as the gateway asks",
    why: "Where the gateway asks for a proof, a token without one is refused; where it asks for none, a bound token is.",
};

static SCOPES: Check = Check {
    severity: Severity::Low,
    id: "tenant-api-scopes",
    title: "the API's scopes are not those of the operations",
    why: "A scope that is missing cannot be granted; one too many invites somebody to grant it.",
};

pub(super) static CHECKS: [&Check; 11] = [
    &MISSING, &USERS, &CLIENTS, &ANONYMOUS, &OFFLINE, &CONSENT, &LIFETIME, &ALGORITHM, &FORM,
    &PROOF, &SCOPES,
];

/// Seconds that a token should live at most.
const ADVISED_LIFETIME: u64 = 3600;

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    let Some(api) = tenant.api() else {
        missing(tenant, findings);
        return;
    };
    access(api, findings);
    indirect(api, findings);
    tokens(tenant, api, findings);
    scopes(tenant, api, findings);
}

fn missing(tenant: &Tenant<'_>, findings: &mut Findings) {
    let Some(apis) = &tenant.export.apis else {
        return findings.not_told(&MISSING, "the APIs of the tenant");
    };
    let unnamed = apis.iter().find(|api| api.identifier.is_none());
    let reason = match unnamed {
        Some(api) => format!("the identifier of {} is a parameter", api.place),
        None => "no API has the identifier that `gateway.access_token.audience` names".to_owned(),
    };
    findings.push_in_export(
        &MISSING,
        "the export",
        reason,
        "make the API: `lychgate export auth0 --config` writes it with the audience of the config",
    );
}

fn access(api: &Api, findings: &mut Findings) {
    let place = &api.place;
    let policy = "`subject_type_authorization";
    match api.user_policy.as_deref() {
        Some("deny_all") => {}
        Some(other) => findings.push_in_export(
            &USERS,
            place,
            format!("{policy}.user.policy` is `{other}`"),
            "set it to `deny_all`",
        ),
        None => findings.not_told(
            &USERS,
            format!("{policy}.user.policy` of {place}; without it, it is `allow_all`"),
        ),
    }
    match api.client_policy.as_deref() {
        Some("require_client_grant") => {}
        Some(other) => findings.push_in_export(
            &CLIENTS,
            place,
            format!("{policy}.client.policy` is `{other}`"),
            "set it to `require_client_grant`",
        ),
        None => findings.not_told(&CLIENTS, format!("{policy}.client.policy` of {place}")),
    }
    if let Some(other) = api
        .anonymous_policy
        .as_deref()
        .filter(|policy| *policy != "deny_all")
    {
        findings.push_in_export(
            &ANONYMOUS,
            place,
            format!("{policy}.anonymous_user.policy` is `{other}`"),
            "set it to `deny_all`, or remove it",
        );
    }
}

fn indirect(api: &Api, findings: &mut Findings) {
    let place = &api.place;
    let fields = [
        (&OFFLINE, "allow_offline_access", api.allow_offline_access),
        (
            &CONSENT,
            "skip_consent_for_verifiable_first_party_clients",
            api.skip_consent,
        ),
    ];
    for (check, field, value) in fields {
        match value {
            Some(false) => {}
            Some(true) => findings.push_in_export(
                check,
                place,
                format!("`{field}` is true"),
                format!("set `{field}` to false"),
            ),
            None => findings.not_told(check, format!("`{field}` of {place}")),
        }
    }
}

fn tokens(tenant: &Tenant<'_>, api: &Api, findings: &mut Findings) {
    let place = &api.place;
    let tokens = &tenant.gateway.access_token;
    let most = tokens.max_lifetime.as_secs();
    match api.token_lifetime {
        Some(seconds) if seconds <= ADVISED_LIFETIME.min(most) => {}
        Some(seconds) => findings.push_in_export(
            &LIFETIME,
            place,
            if seconds > most {
                format!("`token_lifetime` is {seconds} s, and the gateway takes tokens of up to {most} s")
            } else {
                format!("`token_lifetime` is {seconds} s")
            },
            format!("set it to {} or less", ADVISED_LIFETIME.min(most)),
        ),
        None => findings.not_told(&LIFETIME, format!("`token_lifetime` of {place}; without it, it is a day")),
    }
    match api.signing_alg.as_deref() {
        Some(name)
            if tokens
                .algorithms
                .iter()
                .any(|algorithm| algorithm.name() == name) => {}
        Some(name) => findings.push_in_export(
            &ALGORITHM,
            place,
            format!("`signing_alg` is `{name}`"),
            "set it to one of `gateway.access_token.algorithms`",
        ),
        None => findings.not_told(&ALGORITHM, format!("`signing_alg` of {place}")),
    }
    form(api, findings);
    proof(tenant, api, findings);
}

fn form(api: &Api, findings: &mut Findings) {
    let place = &api.place;
    if api.encrypts_tokens {
        findings.push_in_export(
            &FORM,
            place,
            "`token_encryption` is on",
            "switch it off: TLS is what hides a token",
        );
    }
    if api.enforce_policies == Some(true) {
        findings.push_in_export(
            &FORM,
            place,
            "`enforce_policies` is true: permissions of users are worked out for an API that no user calls",
            "switch RBAC off for this API",
        );
    }
    match api.token_dialect.as_deref() {
        Some("access_token" | "rfc9068_profile") => {}
        Some(other) => findings.push_in_export(
            &FORM,
            place,
            format!("`token_dialect` is `{other}`"),
            "set it to `access_token` or `rfc9068_profile`",
        ),
        None => findings.not_told(&FORM, format!("`token_dialect` of {place}")),
    }
}

fn proof(tenant: &Tenant<'_>, api: &Api, findings: &mut Findings) {
    let wanted = match tenant.gateway.access_token.sender_constraint {
        SenderConstraint::None => None,
        SenderConstraint::Dpop(_) => Some("dpop"),
        SenderConstraint::Mtls => Some("mtls"),
    };
    let is_required = api.proof_required == Some(true);
    let has = api.proof_mechanism.as_deref().filter(|_| is_required);
    if has == wanted {
        return;
    }
    // What binds tokens is switched on by whoever wants it: a whole tenant that does not tell of it has it not.
    if has.is_none() && api.proof_mechanism.is_none() && !tenant.export.is_whole {
        return findings.not_told(&PROOF, format!("`proof_of_possession` of {}", api.place));
    }
    let has = has.map_or("not required".to_owned(), |mechanism| {
        format!("by `{mechanism}`")
    });
    let (asks, mend) = match wanted {
        Some(wanted) => (
            format!("by `{wanted}`"),
            format!(
                "set `proof_of_possession` to `{{ \"mechanism\": \"{wanted}\", \"required\": true }}`"
            ),
        ),
        None => (
            "for none".to_owned(),
            "take `proof_of_possession` out, or set `gateway.access_token.sender_constraint`"
                .to_owned(),
        ),
    };
    let reason = format!("a proof of possession is {has}, and the gateway asks {asks}");
    findings.push_in_export(&PROOF, &api.place, reason, mend);
}

fn scopes(tenant: &Tenant<'_>, api: &Api, findings: &mut Findings) {
    let place = &api.place;
    let Some(scopes) = &api.scopes else {
        return findings.not_told(&SCOPES, format!("the scopes of {place}"));
    };
    let (missing, excess) = tenant.differing(scopes);
    if !missing.is_empty() {
        findings.push_in_export(
            &SCOPES,
            place,
            format!("it lacks `{}`", missing.join("`, `")),
            "add them, or the operations cannot be called",
        );
    }
    if !excess.is_empty() {
        findings.push_in_export(
            &SCOPES,
            place,
            format!(
                "no operation of the config asks for `{}`",
                excess.join("`, `")
            ),
            "remove them",
        );
    }
}
