//! The grants by which the proposed statements work, and nothing else does: column by column, for whoever may grant.
//! Only what this program has written itself is read here, so that finding its columns needs no parser of SQL.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use lychgate_store::{Column, StatementName, StoreKind, quoted};

use super::Proposal;

/// The role that gets the grants.
pub(crate) struct Role<'a> {
    pub(crate) name: &'a str,
    /// MySQL: the host that it comes from.
    pub(crate) host: &'a str,
}

/// The script for the statements that are on; `None` where there are no roles.
pub(crate) fn script(proposal: &Proposal, role: &Role<'_>) -> Option<String> {
    let table = &proposal.table;
    let kind = table.dialect.0;
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (account, create) = match kind {
        StoreKind::Sqlite => return None,
        StoreKind::Postgres => {
            let account = quoted(kind, role.name);
            let create =
                format!("CREATE ROLE {account} LOGIN;\n-- Then, in psql: \\password {account}\n");
            (account, create)
        }
        StoreKind::Mysql => {
            let account = format!("{}@{}", literal(role.name), literal(role.host));
            let create =
                format!("-- Make the account first: CREATE USER {account} IDENTIFIED BY '…';\n");
            (account, create)
        }
    };
    let mut script = format!(
        "-- Made by `lychgate init`: what the statements that are on need of {}, and nothing else.\n\
         -- Its password goes into `store.password`, beside the config.\n{create}\n",
        table.name
    );
    if let (StoreKind::Postgres, Some(schema)) = (kind, &table.relation.schema) {
        let _ = writeln!(
            script,
            "GRANT USAGE ON SCHEMA {} TO {account};",
            quoted(kind, schema)
        );
    }
    let needs = needs(proposal);
    for (right, columns) in [
        ("SELECT", &needs.select),
        ("INSERT", &needs.insert),
        ("UPDATE", &needs.update),
    ] {
        if !columns.is_empty() {
            let columns: Vec<_> = columns.iter().copied().collect();
            let _ = writeln!(
                script,
                "GRANT {right} ({}) ON {} TO {account};",
                columns.join(", "),
                table.name
            );
        }
    }
    if needs.delete {
        let _ = writeln!(script, "GRANT DELETE ON {} TO {account};", table.name);
    }
    let sequences = table.relation.columns.iter().filter_map(sequence);
    for sequence in sequences.filter(|_| !needs.insert.is_empty()) {
        let _ = writeln!(script, "GRANT USAGE ON SEQUENCE {sequence} TO {account};");
    }
    if let Some(join) = table.product.and_then(|product| product.join) {
        let _ = writeln!(
            script,
            "-- NOT KNOWN, and so not granted: SELECT on the columns that the statements read of `{join}`."
        );
    }
    Some(script)
}

/// Columns by right, as SQL writes them.
#[derive(Default)]
struct Needs<'a> {
    select: BTreeSet<&'a str>,
    insert: BTreeSet<&'a str>,
    update: BTreeSet<&'a str>,
    delete: bool,
}

fn needs(proposal: &Proposal) -> Needs<'_> {
    let table = &proposal.table;
    let mut needs = Needs::default();
    for operation in proposal
        .operations
        .iter()
        .filter(|operation| operation.is_enabled)
    {
        let sql = operation.sql.as_str();
        let (written, condition) = sql.split_once(" where ").unwrap_or((sql, ""));
        match operation.name {
            StatementName::Authenticate | StatementName::Lookup => {
                needs.select.extend(table.named_in(sql));
            }
            StatementName::Create => {
                let columns = written
                    .split_once(" values ")
                    .map_or(written, |(columns, _)| columns);
                needs.insert.extend(table.named_in(columns));
            }
            _ => {
                needs.select.extend(table.named_in(condition));
                match written.split_once(" set ") {
                    Some((_, set)) => needs.update.extend(table.named_in(set)),
                    None => needs.delete = true,
                }
            }
        }
    }
    needs
}

/// The sequence that a column takes its value from: `nextval('users_id_seq'::regclass)`.
fn sequence(column: &Column) -> Option<&str> {
    let (_, after) = column.default.as_deref()?.split_once("nextval('")?;
    after.split_once('\'').map(|(sequence, _)| sequence)
}

/// Whether SQL names a column, other than as a parameter, a function or another column's new name.
pub(super) fn names(sql: &str, column: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '"' || c == '`';
    sql.match_indices(column).any(|(place, _)| {
        let (before, rest) = sql.split_at_checked(place).unwrap_or((sql, ""));
        let after = rest.get(column.len()..).unwrap_or_default();
        let stands_alone =
            !before.ends_with(is_part) && !after.starts_with(is_part) && !before.ends_with('\'');
        stands_alone
            && !before.ends_with(':')
            && !before.ends_with(" as ")
            && !after.starts_with('(')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_told_from_a_parameter_a_function_and_a_new_name() {
        let sql = "select id as user_id, (coalesce(\"Mail\", '') <> 'mail') as name, lower(e) from t where email2 = :email";
        for (column, expected) in [
            ("id", true),
            ("\"Mail\"", true),
            ("e", true),
            ("email2", true),
            ("user_id", false),
            ("name", false),
            ("email", false),
            ("lower", false),
            ("mail", false),
        ] {
            assert_eq!(names(sql, column), expected, "{column}");
        }
    }

    #[test]
    fn a_sequence_is_read_from_the_default_of_its_column() {
        let column = |default: &str| Column {
            default: Some(default.to_owned()),
            ..Column::default()
        };
        assert_eq!(
            sequence(&column("nextval('users_id_seq'::regclass)")),
            Some("users_id_seq")
        );
        assert_eq!(sequence(&column("0")), None);
    }
}
