//! What was found, for people and for programs: names, counts and SQL, never a value of a row.

use std::fmt::Write as _;
use std::path::PathBuf;

use lychgate_gateway::profile::ProfileField;
use serde_json::{Value, json};

use crate::init::Proposal;

/// What was found, as lines.
pub(super) fn text(proposal: &Proposal, place: &str) -> String {
    let Proposal {
        table,
        comparison,
        hashes,
        operations,
        remarks,
        rows,
    } = proposal;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<16}{value}");
    };
    line("store", place);
    let made_by = table
        .made_by()
        .map_or_else(String::new, |product| format!(", the table of {product}"));
    line(
        "table",
        &format!("{}, about {rows} rows{made_by}", table.relation.shown()),
    );
    for (field, sql) in fields(proposal) {
        line(field, &sql);
    }
    let served = if comparison.is_served {
        "served by an index"
    } else {
        "NO INDEX SERVES THIS"
    };
    line("found by", &format!("{} ({served})", comparison.condition));
    if let Some(index) = &comparison.index {
        line("", &format!("this index would: {index};"));
    }
    let formats = hashes
        .accept
        .iter()
        .map(|(format, count)| format!("{format} ({count})"));
    let undecided = hashes.undecided.iter().map(|group| {
        let names: Vec<_> = group
            .candidates
            .iter()
            .map(|candidate| candidate.format.name())
            .collect();
        format!("one of {} ({})", names.join(", "), group.hashes)
    });
    let formats: Vec<_> = formats.chain(undecided).collect();
    line(
        "hashes",
        &format!(
            "{}; of {} rows {} have none, {} are locked or empty, {} are not known",
            if formats.is_empty() {
                "none".to_owned()
            } else {
                formats.join(", ")
            },
            hashes.rows,
            hashes.missing,
            hashes.blank,
            hashes.unknown,
        ),
    );
    let named = |is_enabled: bool| {
        let named = operations
            .iter()
            .filter(|operation| operation.is_enabled == is_enabled);
        named
            .map(|operation| operation.name.name())
            .collect::<Vec<_>>()
            .join(", ")
    };
    line("operations", &named(true));
    line("as comments", &named(false));
    for remark in remarks {
        let _ = writeln!(text, "note: {remark}");
    }
    text
}

/// What was written, and what comes next.
pub(super) fn next_steps(written: &[PathBuf], has_roles: bool) -> String {
    let mut text = String::from("\n");
    for file in written {
        let _ = writeln!(text, "wrote {}", file.display());
    }
    text.push_str("next: read lychgate.toml, fill in what stands as ${fill:…}");
    if has_roles {
        text.push_str(", make the role, run grants.sql, put its password into store.password");
    }
    text.push_str("; then `lychgate preflight` and `lychgate serve`\n");
    text
}

/// The same as one document.
pub(super) fn json(proposal: &Proposal, place: &str, written: &[PathBuf]) -> String {
    let hashes = &proposal.hashes;
    let fields: serde_json::Map<_, _> = fields(proposal)
        .into_iter()
        .map(|(field, sql)| (field.to_owned(), Value::from(sql)))
        .collect();
    let operations: Vec<_> = proposal
        .operations
        .iter()
        .map(|operation| json!({ "name": operation.name.name(), "enabled": operation.is_enabled, "sql": operation.sql }))
        .collect();
    let undecided: Vec<_> = hashes
        .undecided
        .iter()
        .map(|group| {
            let formats: Vec<_> = group
                .candidates
                .iter()
                .map(|candidate| candidate.format.name())
                .collect();
            json!({ "hashes": group.hashes, "formats": formats })
        })
        .collect();
    let accept: serde_json::Map<_, _> = hashes
        .accept
        .iter()
        .map(|(format, count)| (format.name().to_owned(), Value::from(*count)))
        .collect();
    let document = json!({
        "store": place,
        "table": proposal.table.relation.shown(),
        "product": proposal.table.made_by(),
        "rows": proposal.rows,
        "profile": fields,
        "identifier": {
            "condition": proposal.comparison.condition,
            "served_by_index": proposal.comparison.is_served,
            "index": proposal.comparison.index,
        },
        "hashes": {
            "rows": hashes.rows, "missing": hashes.missing, "blank": hashes.blank, "unknown": hashes.unknown,
            "accept": accept, "undecided": undecided,
        },
        "operations": operations,
        "remarks": proposal.remarks,
        "written": written,
    });
    format!("{document:#}\n")
}

fn fields(proposal: &Proposal) -> Vec<(&'static str, String)> {
    let table = &proposal.table;
    let known = [
        (ProfileField::UserId.name(), Some(&table.id)),
        (ProfileField::Email.name(), table.email.as_ref()),
        (ProfileField::EmailVerified.name(), table.verified.as_ref()),
        (ProfileField::Username.name(), table.username.as_ref()),
        (ProfileField::Blocked.name(), table.blocked.as_ref()),
        ("password_hash", Some(&table.hash)),
    ];
    let known = known
        .into_iter()
        .filter_map(|(field, sql)| Some((field, sql?.clone())));
    known
        .chain(
            table
                .names
                .iter()
                .map(|(field, sql)| (field.name(), sql.clone())),
        )
        .collect()
}
