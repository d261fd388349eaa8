//! What Auth0 does not run any more: rules and hooks, since 2026-11-18; and versions of Node that it has given up.

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::Switched;

static RULES: Check = Check {
    severity: Severity::High,
    id: "tenant-rules",
    title: "rules or hooks are still relied on",
    why: "Auth0 stopped running them on 2026-11-18. What one of them kept shut is open, unless a policy or an action shuts it.",
};

static RUNTIME: Check = Check {
    severity: Severity::Low,
    id: "tenant-runtime",
    title: "scripts or actions run on an old version of Node",
    why: "What is out of support gets no fixes, and is switched off or forced to another version some day.",
};

pub(super) static CHECKS: [&Check; 2] = [&RULES, &RUNTIME];

/// The version that Auth0 recommends.
const ADVISED: u32 = 22;

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    for (what, switched) in [
        ("rule", &tenant.export.rules),
        ("hook", &tenant.export.hooks),
    ] {
        match switched {
            Some(all) => relied_on(what, all, findings),
            None => findings.not_told(&RULES, format!("the {what}s of the tenant")),
        }
    }
    let sandbox = tenant.export.settings.as_ref();
    if let Some((settings, version)) =
        sandbox.and_then(|settings| Some((settings, settings.sandbox_version.as_deref()?)))
    {
        runtime(&settings.place, "sandbox_version", version, findings);
    }
    for action in tenant.export.actions.iter().flatten() {
        if let Some(version) = action.runtime.as_deref() {
            runtime(&action.place, "runtime", version, findings);
        }
    }
}

fn relied_on(what: &str, all: &[Switched], findings: &mut Findings) {
    for one in all.iter().filter(|one| one.is_on != Some(false)) {
        findings.push_in_export(
            &RULES,
            &one.place,
            format!("this {what} is switched on, and is not run"),
            "do in an action what it did, or see that the API's policy does; then switch it off",
        );
    }
}

fn runtime(place: &str, field: &str, version: &str, findings: &mut Findings) {
    let digits = version.trim_start_matches(|sign: char| !sign.is_ascii_digit());
    let major = digits
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < ADVISED) {
        findings.push_in_export(
            &RUNTIME,
            place,
            format!("`{field}` is `{version}`"),
            format!("set it to Node {ADVISED}"),
        );
    }
}
