//! Lists of tables and columns, against the columns that are needed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, identifier};
use crate::privilege::excess::{Context, Excess, ExcessKind, listed};
use crate::privilege::{ObjectName, RelationNeeds, StoreKind};

/// What one grantee has of one table and does not need.
#[derive(Default)]
struct Surplus<'a> {
    /// Rights to the whole of it.
    whole: BTreeSet<&'a str>,
    /// Rights to columns.
    columns: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// Rights that it needs, and may grant on.
    grantable: BTreeSet<String>,
}

/// The excess of all entries about tables and columns, one a table, grantee and kind.
pub(super) fn entries(context: &mut Context<'_>, entries: &[Entry], role: &str) {
    let all = context.needs.relations();
    let nothing = RelationNeeds::default();
    let mut surpluses: BTreeMap<(ObjectName, &str), (&Entry, Surplus<'_>)> = BTreeMap::new();
    for entry in entries {
        let is_column = match entry.class.as_str() {
            "relation" => false,
            "column" => true,
            _ => continue,
        };
        let object = entry.object();
        let needs = all.get(&object).unwrap_or(&nothing);
        let privilege = entry.privilege.as_str();
        let is_needed = if is_column {
            columns(needs, privilege).is_some_and(|needed| needed.contains(&entry.detail))
        } else {
            is_whole_needed(needs, privilege)
        };
        let (_, surplus) = surpluses
            .entry((object, entry.grantee.as_str()))
            .or_insert_with(|| (entry, Surplus::default()));
        match (is_needed, is_column) {
            (false, false) => drop(surplus.whole.insert(privilege)),
            (false, true) => {
                let columns = surplus.columns.entry(privilege).or_default();
                columns.insert(entry.detail.as_str());
            }
            (true, _) if entry.is_grantable => {
                let column = is_column.then(|| format!(" ({})", identifier(&entry.detail)));
                let right = format!("{privilege}{}", column.unwrap_or_default());
                surplus.grantable.insert(right);
            }
            (true, _) => {}
        }
    }
    for ((object, _), (entry, surplus)) in surpluses {
        push(context, &object, entry, &surplus, role);
    }
}

fn push(
    context: &mut Context<'_>,
    object: &ObjectName,
    entry: &Entry,
    surplus: &Surplus<'_>,
    role: &str,
) {
    let table = object.quoted(StoreKind::Postgres);
    let grantee = entry.grantee();
    let mut found = |kind, may, mend| {
        context.found.insert(Excess {
            kind,
            subject: object.to_string(),
            may,
            via: entry.via(role),
            mend,
        });
    };
    if !surplus.columns.is_empty() {
        let mut may = Vec::new();
        let mut mend = Vec::new();
        for (privilege, columns) in &surplus.columns {
            let names = listed(columns.iter().copied());
            let quoted: Vec<_> = columns.iter().map(identifier).collect();
            may.push(format!("{privilege} ({names})"));
            mend.push(format!("{privilege} ({})", quoted.join(", ")));
        }
        found(
            ExcessKind::Column,
            format!("may {} of it", may.join(", ")),
            format!(
                "REVOKE {} ON TABLE {table} FROM {grantee};",
                mend.join(", ")
            ),
        );
    }
    if !surplus.grantable.is_empty() {
        let rights = surplus.grantable.iter().map(String::as_str);
        let rights = listed(rights);
        found(
            ExcessKind::GrantOption,
            format!("may grant {rights} on it to others"),
            format!("REVOKE GRANT OPTION FOR {rights} ON TABLE {table} FROM {grantee};"),
        );
    }
    if !surplus.whole.is_empty() {
        let rights = listed(surplus.whole.iter().copied());
        let regrant = context.regrant(object);
        context.found.insert(Excess {
            kind: ExcessKind::Table,
            subject: object.to_string(),
            may: format!("may {rights} the whole of it"),
            via: entry.via(role),
            mend: format!("REVOKE {rights} ON TABLE {table} FROM {grantee};{regrant}"),
        });
    }
}

/// The columns for which a right is needed, if it is one that columns have.
fn columns<'a>(needs: &'a RelationNeeds, privilege: &str) -> Option<&'a BTreeSet<String>> {
    match privilege {
        "SELECT" => Some(&needs.select),
        "INSERT" => Some(&needs.insert),
        "UPDATE" => Some(&needs.update),
        _ => None,
    }
}

fn is_whole_needed(needs: &RelationNeeds, privilege: &str) -> bool {
    if privilege == "DELETE" {
        return needs.delete;
    }
    columns(needs, privilege).is_some_and(|needed| {
        !needs.columns.is_empty() && needs.columns.iter().all(|column| needed.contains(column))
    })
}
