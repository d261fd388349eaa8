//! Which hashes may log in.

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static WEAK: Check = Check {
    severity: Severity::Medium,
    id: "passwords-weak-accepted",
    title: "a weak hash format may log in",
    why: "Whoever gets the table gets the passwords of such rows, for little.",
};

static DECOY: Check = Check {
    severity: Severity::Low,
    id: "passwords-decoy-missing",
    title: "the mix of formats is guessed",
    why: "Until enough rows have been seen, an unknown user may cost another time than a known one, which tells who has an \
          account.",
};

pub(super) static CHECKS: [&Check; 2] = [&WEAK, &DECOY];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(gateway) = &facts.gateway else {
        return;
    };
    for format in &gateway.passwords.accept {
        if format.is_weak() {
            findings.push(
                &WEAK,
                "passwords.accept",
                format!("`{format}` is accepted"),
                "move those users to another format, then remove it from `accept`",
            );
        }
    }
    if !facts.source.has("passwords.decoy") {
        findings.push(
            &DECOY,
            "passwords",
            "`[passwords.decoy]` is missing",
            "write the weights of the formats in your store into `[passwords.decoy]`",
        );
    }
}
