//! Findings as SARIF.

use anyhow::Result;
use serde_json::json;

use super::super::sarif::{document, level, rule, uri};
use super::facts::Facts;
use super::finding::Finding;
use super::{report, table};

pub(super) fn print(findings: &[Finding], facts: &Facts) -> Result<()> {
    let checks = table::all();
    let rules: Vec<_> = checks
        .iter()
        .map(|check| rule(check.id, check.title, check.why, check.severity))
        .collect();
    let results = findings.iter().map(|finding| {
        let (line, column) = facts.source.place(&finding.key);
        let index = checks.iter().position(|check| check.id == finding.check.id);
        json!({
            "ruleId": finding.check.id,
            "ruleIndex": index,
            "level": level(finding.check.severity),
            "message": { "text": format!("{}. Mend: {}", finding.reason, finding.mend) },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(&facts.path) },
                    "region": { "startLine": line, "startColumn": column },
                },
            }],
        })
    });
    let results: Vec<_> = results.collect();
    report::print(&document(&rules, &results))
}
