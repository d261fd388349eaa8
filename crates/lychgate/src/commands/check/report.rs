//! Findings for people, and as one JSON document.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::facts::Facts;
use super::finding::{Finding, NotTold, Place};
use super::table;

/// One paragraph a finding, the worst first.
pub(super) fn text(findings: &[Finding], not_told: &[NotTold], facts: &Facts) -> Result<()> {
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
        for one in not_told {
            writeln!(
                stdout,
                "not told by the export: {}: {}",
                one.check.id, one.what
            )?;
        }
        let (found, made) = (findings.len(), table::count(facts.tenant.is_some()));
        let path = facts.path.display();
        write!(stdout, "{path}: {made} checks, {found} found")?;
        match not_told.len() {
            0 => writeln!(stdout),
            untold => writeln!(
                stdout,
                ", {untold} not told by the export: look at these yourself"
            ),
        }
    };
    say().context("cannot print the findings")
}

/// Everything in one document.
pub(super) fn json(findings: &[Finding], not_told: &[NotTold], facts: &Facts) -> Result<()> {
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| in_json(finding, facts))
        .collect();
    let not_told = not_told.iter();
    let not_told = not_told.map(|one| json!({ "id": one.check.id, "what": one.what }));
    let mut document = json!({
        "config": facts.path.display().to_string(),
        "checks": table::count(facts.tenant.is_some()),
        "findings": findings,
        "ok": findings.is_empty(),
    });
    if let (Some(tenant), Some(members)) = (&facts.tenant, document.as_object_mut()) {
        members.insert("tenant_export".to_owned(), json!(tenant.origin));
        members.insert("not_told".to_owned(), not_told.collect());
    }
    print(&document)
}

fn in_json(finding: &Finding, facts: &Facts) -> serde_json::Value {
    let mut document = json!({
        "id": finding.check.id,
        "severity": finding.check.severity.name(),
        "title": finding.check.title,
        "reason": finding.reason,
        "mend": finding.mend,
    });
    let place = match &finding.place {
        Place::Config(key) => {
            let (line, column) = facts.source.place(key);
            json!({ "key": key, "line": line, "column": column })
        }
        Place::Export(place) => json!({ "place": place }),
    };
    if let (Some(members), serde_json::Value::Object(place)) = (document.as_object_mut(), place) {
        members.extend(place);
    }
    document
}

pub(super) fn print(document: &serde_json::Value) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{document:#}").context("cannot print the findings")
}
