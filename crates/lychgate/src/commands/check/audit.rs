//! Whether what happens can be told afterwards.

use lychgate_gateway::AuditDestination;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static STDOUT: Check = Check {
    severity: Severity::Low,
    id: "audit-standard-output",
    title: "audit lines go to standard output",
    why: "They are among whatever else is printed, and kept as long as that is.",
};

static KEY: Check = Check {
    severity: Severity::Low,
    id: "audit-key-missing",
    title: "the key of the pseudonyms is made at each start",
    why: "What one user did before and after a restart cannot be put together.",
};

pub(super) static CHECKS: [&Check; 2] = [&STDOUT, &KEY];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(gateway) = &facts.gateway else {
        return;
    };
    if matches!(gateway.audit.destination, AuditDestination::Stdout) {
        findings.push(
            &STDOUT,
            "audit.file",
            "`file` is missing, or `-`",
            "set `file` under `[audit]`",
        );
    }
    if !facts.source.has("audit.pseudonym_key") {
        findings.push(
            &KEY,
            "audit.pseudonym_key",
            "`pseudonym_key` is missing",
            "make 32 random bytes, keep them in a file of mode 0600, and set `pseudonym_key = \"${file:NAME}\"`",
        );
    }
}
