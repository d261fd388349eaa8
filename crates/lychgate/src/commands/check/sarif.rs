//! Findings as SARIF.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::super::sarif::{document, level, rule, uri};
use super::facts::Facts;
use super::finding::{Check, Finding, NotTold, Place};
use super::{report, table};

pub(super) fn print(findings: &[Finding], not_told: &[NotTold], facts: &Facts) -> Result<()> {
    let checks = table::all();
    let rules: Vec<_> = checks
        .iter()
        .map(|check| rule(check.id, check.title, check.why, check.severity))
        .collect();
    let index = |check: &Check| checks.iter().position(|one| one.id == check.id);
    let results = findings.iter().map(|finding| {
        json!({
            "ruleId": finding.check.id,
            "ruleIndex": index(finding.check),
            "level": level(finding.check.severity),
            "message": { "text": format!("{}. Mend: {}", finding.reason, finding.mend) },
            "locations": [{ "physicalLocation": location(&finding.place, facts) }],
        })
    });
    // `open` (§3.27.9): there was not enough to tell.
    let open = not_told.iter().map(|one| {
        json!({
            "ruleId": one.check.id,
            "ruleIndex": index(one.check),
            "kind": "open",
            "level": "none",
            "message": { "text": format!("Not told by the export: {}", one.what) },
        })
    });
    let results = results.chain(open);
    let results: Vec<_> = results.collect();
    report::print(&document(&rules, &results))
}

fn location(place: &Place, facts: &Facts) -> Value {
    match (place, &facts.tenant) {
        (Place::Export(place), Some(tenant)) => {
            json!({ "artifactLocation": { "uri": uri(Path::new(&tenant.file_of(place))) } })
        }
        (Place::Config(key) | Place::Export(key), _) => {
            let (line, column) = facts.source.place(key);
            json!({
                "artifactLocation": { "uri": uri(&facts.path) },
                "region": { "startLine": line, "startColumn": column },
            })
        }
    }
}
