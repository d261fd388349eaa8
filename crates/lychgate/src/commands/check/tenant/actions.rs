//! The actions that refuse the audience, to users and to clients that are not listed: that they are there, run, come first
//! and decide by what cannot be got around.
//!
//! An action is known by what it does: in the flow of its trigger it calls `api.access.deny`, and it looks at the API that
//! the token will be for.

use super::Tenant;
use super::code::Code;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::Action;

static MISSING: Check = Check {
    severity: Severity::Medium,
    id: "tenant-action-missing",
    title: "no action refuses the gateway's audience",
    why: "The API's policy is then the only lock at the platform; one change of it opens the door.",
};

static UNBOUND: Check = Check {
    severity: Severity::Medium,
    id: "tenant-action-unbound",
    title: "the action that refuses the audience is in no flow",
    why: "An action that is not bound to its trigger never runs.",
};

static NOT_DEPLOYED: Check = Check {
    severity: Severity::Medium,
    id: "tenant-action-not-deployed",
    title: "the action that refuses the audience is not deployed",
    why: "Until it is, what runs is an older version, or nothing.",
};

static NOT_FIRST: Check = Check {
    severity: Severity::Medium,
    id: "tenant-action-not-first",
    title: "another action runs before the one that refuses the audience",
    why: "What it changes about the user stays changed, although the login is refused afterwards.",
};

static PARAMETER: Check = Check {
    severity: Severity::High,
    id: "tenant-action-parameter",
    title: "an action decides by a parameter of the request",
    why: "A refresh, the Default Audience, `resource` and pushed requests name the API elsewhere. \
          `event.resource_server` is the API that the token will be for.",
};

static SECRET: Check = Check {
    severity: Severity::Medium,
    id: "tenant-action-secret",
    title: "the action that refuses the audience lacks a secret that it reads",
    why: "It then refuses everybody or nobody, whichever its author thought of.",
};

static ARGUMENTS: Check = Check {
    severity: Severity::Medium,
    id: "tenant-action-arguments",
    title: "an action refuses a client in a way that the platform does not know",
    why: "In this flow `api.access.deny` takes a code of three and a reason; anything else is an error of the script.",
};

static LOOSE: Check = Check {
    severity: Severity::Low,
    id: "tenant-action-comparison",
    title: "an action compares loosely",
    why: "`==` takes a list of one for its element, and other things for each other. An audience is equal to the letter.",
};

pub(super) static CHECKS: [&Check; 8] = [
    &MISSING,
    &UNBOUND,
    &NOT_DEPLOYED,
    &NOT_FIRST,
    &PARAMETER,
    &SECRET,
    &ARGUMENTS,
    &LOOSE,
];

const POST_LOGIN: &str = "post-login";
const CREDENTIALS_EXCHANGE: &str = "credentials-exchange";

/// The codes of `api.access.deny` in the flow of credentials.
const CODES: [&str; 3] = ["invalid_scope", "invalid_request", "server_error"];

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    let Some(actions) = &tenant.export.actions else {
        return findings.not_told(&MISSING, "the actions of the tenant");
    };
    for trigger in [POST_LOGIN, CREDENTIALS_EXCHANGE] {
        flow(tenant, actions, trigger, findings);
    }
}

/// An action that refuses, and its code.
struct Refusing<'export> {
    action: &'export Action,
    code: Code,
}

fn flow(tenant: &Tenant<'_>, actions: &[Action], trigger: &str, findings: &mut Findings) {
    let of_flow = actions.iter().filter(|action| {
        let triggers = action.triggers.iter().flatten();
        triggers.into_iter().any(|own| own == trigger)
    });
    let refusing: Vec<_> = of_flow.filter_map(refusing).collect();
    if refusing.is_empty() {
        let (what, name) = if trigger == POST_LOGIN {
            ("users", "deny_gateway_audience")
        } else {
            ("other clients", "restrict_gateway_clients")
        };
        return findings.push_in_export(
            &MISSING,
            "the export",
            format!("no action of `{trigger}` refuses {what} the audience"),
            format!("add `{name}`: `lychgate export auth0` writes it"),
        );
    }
    let bound = bound(tenant, &refusing, trigger, findings);
    for one in refusing
        .iter()
        .filter(|one| bound.is_none_or(|bound| std::ptr::eq(bound, one.action)))
    {
        judge(one, trigger, findings);
    }
}

fn refusing(action: &Action) -> Option<Refusing<'_>> {
    let code = Code::of(action.code.as_deref()?);
    let looks_at_the_api = code.bare.contains("resource_server") || code.text.contains("audience");
    (looks_at_the_api && code.bare.contains("access.deny")).then_some(Refusing { action, code })
}

/// The first of the refusing actions that the flow runs.
fn bound<'export>(
    tenant: &Tenant<'_>,
    refusing: &[Refusing<'export>],
    trigger: &str,
    findings: &mut Findings,
) -> Option<&'export Action> {
    let Some(triggers) = &tenant.export.triggers else {
        findings.not_told(&UNBOUND, format!("what the flow `{trigger}` runs"));
        return None;
    };
    let flow = triggers.iter().find(|(name, _)| name == trigger);
    let flow = flow
        .map(|(_, actions)| actions.as_slice())
        .unwrap_or_default();
    let first = flow.iter().enumerate().find_map(|(index, name)| {
        let mut called = refusing.iter().filter(|one| one.action.is_called(name));
        called.next().map(|one| (index, one.action))
    });
    let Some((index, action)) = first else {
        if let Some(one) = refusing.first() {
            findings.push_in_export(
                &UNBOUND,
                &one.action.place,
                format!("the flow `{trigger}` does not run it"),
                format!("bind it to `{trigger}`, before all others"),
            );
        }
        return None;
    };
    if index > 0 && trigger == POST_LOGIN {
        findings.push_in_export(
            &NOT_FIRST,
            &action.place,
            format!("{index} action(s) run before it"),
            "put it first in the flow",
        );
    }
    Some(action)
}

fn judge(one: &Refusing<'_>, trigger: &str, findings: &mut Findings) {
    let Refusing { action, code } = one;
    let place = &action.place;
    match action.is_deployed {
        Some(true) => {}
        Some(false) => {
            findings.push_in_export(&NOT_DEPLOYED, place, "it is not deployed", "deploy it");
        }
        None => findings.not_told(&NOT_DEPLOYED, format!("whether {place} is deployed")),
    }
    if !code.bare.contains("resource_server") {
        findings.push_in_export(
            &PARAMETER,
            place,
            "it does not look at `event.resource_server`",
            "decide by `event.resource_server?.identifier` alone",
        );
    }
    if code.compares_loosely() {
        findings.push_in_export(
            &LOOSE,
            place,
            "it has a `==` or a `!=`",
            "write `===` and `!==`",
        );
    }
    if trigger == CREDENTIALS_EXCHANGE {
        arguments(code, place, findings);
    }
    secrets(action, code, findings);
}

fn arguments(code: &Code, place: &str, findings: &mut Findings) {
    for arguments in code.arguments_of("access.deny") {
        let first = arguments.split(',').next().unwrap_or_default().trim();
        let quoted = first.trim_matches(['\'', '"', '`']);
        let is_text = quoted.len() != first.len();
        if !arguments.contains(',') || is_text && !CODES.contains(&quoted) {
            findings.push_in_export(
                &ARGUMENTS,
                place,
                "a call of `api.access.deny` has not a code and a reason",
                "write `api.access.deny('invalid_request', 'why')`",
            );
            return;
        }
    }
}

/// Every secret that the code reads is one that the action has.
fn secrets(action: &Action, code: &Code, findings: &mut Findings) {
    let place = &action.place;
    let Some(secrets) = &action.secrets else {
        return findings.not_told(&SECRET, format!("the names of the secrets of {place}"));
    };
    for name in read_secrets(code) {
        if !secrets.contains_key(name) {
            findings.push_in_export(
                &SECRET,
                place,
                format!("it reads the secret `{name}` and has none of that name"),
                format!("give the action the secret `{name}`"),
            );
        }
    }
}

/// The names behind `event.secrets.`, and those in a pattern that takes it apart: `{ NAME: own = '' } = event.secrets`.
fn read_secrets(code: &Code) -> Vec<&str> {
    let is_part = |sign: char| sign.is_alphanumeric() || sign == '_';
    let mut names = Vec::new();
    for (at, object) in code.bare.match_indices("event.secrets") {
        let after = code.bare.get(at + object.len()..).unwrap_or_default();
        if let Some(member) = after.strip_prefix('.') {
            names.extend(member.split(|sign| !is_part(sign)).next());
        } else if let Some(before) = code.bare.get(..at).map(str::trim_end) {
            let pattern = before.strip_suffix('=').map(str::trim_end);
            let pattern = pattern.and_then(|pattern| pattern.strip_suffix('}')?.rsplit_once('{'));
            let members = pattern
                .map(|(_, members)| members.split(','))
                .into_iter()
                .flatten();
            names.extend(
                members.filter_map(|member| member.trim().split(|sign| !is_part(sign)).next()),
            );
        }
    }
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secrets_that_a_script_reads_are_found_in_both_writings() {
        let code = Code::of(
            "const a = event.secrets.ONE; const { TWO: b, THREE = '' } = event.secrets; event.secrets.ONE",
        );
        assert_eq!(read_secrets(&code), ["ONE", "THREE", "TWO"]);
        for (name, secrets) in [
            (
                "actions/post-login/deny_gateway_audience.js",
                vec!["GATEWAY_AUDIENCE"],
            ),
            (
                "actions/credentials-exchange/restrict_gateway_clients.js",
                vec!["GATEWAY_AUDIENCE", "GATEWAY_CLIENTS"],
            ),
        ] {
            let script = crate::templates::render(name, ()).unwrap();
            assert_eq!(read_secrets(&Code::of(&script)), secrets, "{name}");
        }
    }
}
