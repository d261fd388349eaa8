//! Whether what happens can be told afterwards.

use lychgate_gateway::{AuditDestination, OnAuditFailure};

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

static UNSIGNED: Check = Check {
    severity: Severity::Low,
    id: "audit-not-signed",
    title: "the head of the audit chain is not signed",
    why: "Whoever can write the audit log can write it anew from some line on, and nobody can tell.",
};

static CANARIES: Check = Check {
    severity: Severity::Low,
    id: "canaries-missing",
    title: "there is no decoy that would tell of an intruder",
    why: "Whoever has a copy of the table, or a script's configuration, tries what stands in it. An account and a client that \
          nobody uses tell of that at the first try.",
};

static ANSWERED: Check = Check {
    severity: Severity::Medium,
    id: "audit-failure-answered",
    title: "requests are answered when they cannot be audited",
    why: "Whoever can fill the disk, or stop the log, can act without a trace.",
};

pub(super) static CHECKS: [&Check; 5] = [&STDOUT, &KEY, &UNSIGNED, &ANSWERED, &CANARIES];

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
    if gateway.canaries.is_empty() {
        findings.push(
            &CANARIES,
            "canaries",
            "`[canaries]` is missing",
            "name an account that nobody has, and a client that nobody runs, in `identifiers` and `clients` under `[canaries]`",
        );
    }
    if gateway.audit.on_failure == OnAuditFailure::Answer {
        findings.push(
            &ANSWERED,
            "audit.on_failure",
            "`on_failure` is `answer`",
            "remove `on_failure`, or set it to `refuse`",
        );
    }
    if gateway.audit.heads.is_none() {
        findings.push(
            &UNSIGNED,
            "audit.signing_key",
            "`signing_key` is missing",
            "make a key with `openssl genpkey -algorithm ed25519 -out audit-signing.pem`, keep it in mode 0600, and set \
             `signing_key = \"${file:audit-signing.pem}\"`",
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
