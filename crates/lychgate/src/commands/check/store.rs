//! Whether the store can be judged at all, and does what the config asks of it.

use lychgate_store::Error;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static UNREACHABLE: Check = Check {
    severity: Severity::High,
    id: "store-unreachable",
    title: "the store cannot be looked at",
    why: "What nobody has looked at is not known to be safe; and the gateway would not start.",
};

static STATEMENTS: Check = Check {
    severity: Severity::High,
    id: "store-statements-refused",
    title: "the store refuses a statement of the config",
    why: "The operation would fail: the statement does not fit, or the role lacks a right that it needs.",
};

static UNKNOWN: Check = Check {
    severity: Severity::Low,
    id: "store-needs-unknown",
    title: "what a statement needs cannot be told",
    why: "A right that nobody can account for is granted by guess. Functions, triggers and views that run with the \
          role's own rights are read by a person, or made to run with their owner's.",
};

pub(super) static CHECKS: [&Check; 3] = [&UNREACHABLE, &STATEMENTS, &UNKNOWN];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(store) = &facts.store else { return };
    match &store.opened {
        Ok(()) => {}
        Err(Error::Statements(flaws)) => {
            for (name, flaw) in flaws {
                findings.push(
                    &STATEMENTS,
                    format!("store.operations.{name}"),
                    format!("`{name}`: {flaw}"),
                    "mend the statement, or grant what it needs: `lychgate export grants` writes it",
                );
            }
        }
        Err(error) => findings.push(
            &UNREACHABLE,
            "store.url",
            error.to_string(),
            "start the store, or correct `url`, then check again: nothing about it has been checked",
        ),
    }
    if let Err(error) = &store.in_directory {
        findings.push(
            &UNREACHABLE,
            "store.url",
            error.to_string(),
            "check again: what the account may do has not been tried to the end",
        );
    }
    match &store.seen {
        Some(Ok(seen)) => {
            for unknown in &seen.needs.unknown {
                findings.push(
                    &UNKNOWN,
                    format!("store.operations.{}", unknown.statement),
                    format!("`{}`: {}", unknown.statement, unknown.reason),
                    "write the statement more plainly, or have what it calls run with its owner's rights",
                );
            }
        }
        Some(Err(error)) if store.opened.is_ok() => findings.push(
            &UNREACHABLE,
            "store.url",
            error.to_string(),
            "let the role read the catalogue, then check again: its rights have not been checked",
        ),
        Some(Err(_)) | None => {}
    }
}
