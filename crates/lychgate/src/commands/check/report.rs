//! Findings for people, and as one JSON document.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::facts::Facts;
use super::finding::Finding;
use super::table;

/// One paragraph a finding, the worst first.
pub(super) fn text(findings: &[Finding], facts: &Facts) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let mut say = || -> std::io::Result<()> {
        for finding in findings {
            let check = finding.check;
            writeln!(
                stdout,
                "{} {}: {}\n  {}\n  mend: {}\n",
                check.severity.name(),
                check.id,
                check.title,
                finding.reason,
                finding.mend
            )?;
        }
        let (found, made) = (findings.len(), table::all().len());
        let path = facts.path.display();
        writeln!(stdout, "{path}: {made} checks, {found} found")
    };
    say().context("cannot print the findings")
}

/// Everything in one document.
pub(super) fn json(findings: &[Finding], facts: &Facts) -> Result<()> {
    let findings = findings.iter().map(|finding| {
        let (line, column) = facts.source.place(&finding.key);
        json!({
            "id": finding.check.id,
            "severity": finding.check.severity.name(),
            "title": finding.check.title,
            "reason": finding.reason,
            "mend": finding.mend,
            "key": finding.key,
            "line": line,
            "column": column,
        })
    });
    let findings: Vec<_> = findings.collect();
    print(&json!({
        "config": facts.path.display().to_string(),
        "checks": table::all().len(),
        "findings": findings,
        "ok": findings.is_empty(),
    }))
}

pub(super) fn print(document: &serde_json::Value) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{document:#}").context("cannot print the findings")
}
