//! Findings as SARIF 2.1.0, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use anyhow::Result;
use serde_json::{Value, json};

use super::facts::Facts;
use super::finding::{Check, Finding, NotTold, Place, Severity};
use super::{report, table};

pub(super) fn print(findings: &[Finding], not_told: &[NotTold], facts: &Facts) -> Result<()> {
    let checks = table::all();
    let rules: Vec<_> = checks.iter().map(|check| rule(check)).collect();
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
    report::print(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "lychgate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn rule(check: &Check) -> Value {
    json!({
        "id": check.id,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": check.why },
        "defaultConfiguration": { "level": level(check.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

fn location(place: &Place, facts: &Facts) -> Value {
    match (place, &facts.tenant) {
        (Place::Export(place), Some(tenant)) => {
            json!({ "artifactLocation": { "uri": uri(&tenant.file_of(place)) } })
        }
        (Place::Config(key) | Place::Export(key), _) => {
            let (line, column) = facts.source.place(key);
            json!({
                "artifactLocation": { "uri": uri(&facts.path.to_string_lossy()) },
                "region": { "startLine": line, "startColumn": column },
            })
        }
    }
}

/// A path as a relative or absolute URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let encoded = path.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    });
    let encoded: String = encoded.collect();
    if path.starts_with('/') {
        format!("file://{encoded}")
    } else {
        encoded
    }
}
