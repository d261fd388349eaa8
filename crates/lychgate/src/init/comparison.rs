//! How users are found by what they type: in the store's own way to compare, and by one of its indexes where there is one.
//! An identifier comes to the store trimmed, composed and in lower case; the statement has to meet it there.

use lychgate_password::Format;
use lychgate_store::{IndexPart, Inspection, StoreKind};

use super::products::filled;
use super::user_table::UserTable;
use super::{IdentifierKind, look};
use crate::commands::Failure;

/// How users are found.
pub(crate) struct Comparison {
    pub(crate) kind: IdentifierKind,
    /// The condition, over `:identifier`.
    pub(crate) condition: String,
    /// The same for an e-mail address, over `:email`.
    pub(crate) by_email: Option<String>,
    /// Whether an index serves it.
    pub(crate) is_served: bool,
    /// The statement that makes such an index.
    pub(crate) index: Option<String>,
}

/// How one identifier is compared.
struct One {
    condition: String,
    index: Option<String>,
}

/// Chooses the identifier, and how it is compared.
pub(super) async fn compare(
    inspection: &mut Inspection,
    table: &UserTable,
    wanted: Option<IdentifierKind>,
    remarks: &mut Vec<String>,
) -> Result<Comparison, Failure> {
    let kind = wanted.unwrap_or_else(|| usual(table));
    let product = table.product;
    let template = |text: Option<&str>| filled(text?, &table.relation, table.dialect);
    let email = match &table.email {
        Some(sql) => Some(
            one(
                inspection,
                table,
                sql,
                template(product.and_then(|product| product.by_email)),
                remarks,
            )
            .await?,
        ),
        None => None,
    };
    let username = match &table.username {
        Some(sql) if kind != IdentifierKind::Email => {
            let by_username = template(product.and_then(|product| product.by_username));
            Some(one(inspection, table, sql, by_username, remarks).await?)
        }
        _ => None,
    };
    let missing = |what: &str| {
        Failure::Finding(format!(
            "the table `{}` has no column that looks like {what}",
            table.relation.shown()
        ))
    };
    let email_condition = email.as_ref().map(|one| one.condition.clone());
    let (condition, index) = match (kind, email, username) {
        (IdentifierKind::Email, Some(one), _) | (IdentifierKind::Username, _, Some(one)) => {
            (one.condition, one.index)
        }
        (IdentifierKind::Either, Some(email), Some(username)) => (
            format!("({} or {})", email.condition, username.condition),
            email.index.or(username.index),
        ),
        (IdentifierKind::Email, None, _) => return Err(missing("an e-mail address")),
        (IdentifierKind::Username, _, None) => return Err(missing("a username")),
        (IdentifierKind::Either, ..) => return Err(missing("an e-mail address beside a username")),
    };
    let condition = match &table.condition {
        Some(rows) => format!("{condition} and {rows}"),
        None => condition,
    };
    let probe = condition.replace(":identifier", "'lychgate'");
    let is_served = look(inspection.is_served_by_index(&table.from, &probe).await)?;
    if is_served && kind == IdentifierKind::Either {
        remarks.push("two users of whom one has the other's address for a username can then neither log in: \
                      `lychgate preflight` counts them".to_owned());
    }
    Ok(Comparison {
        kind,
        condition,
        by_email: email_condition.map(|condition| condition.replace(":identifier", ":email")),
        index: if is_served { None } else { index },
        is_served,
    })
}

/// The e-mail address, unless the hashes need the name that is typed.
fn usual(table: &UserTable) -> IdentifierKind {
    let format = table
        .product
        .and_then(|product| product.format?.parse::<Format>().ok());
    let needs_name = format.is_some_and(Format::needs_user_name);
    match (&table.email, &table.username) {
        (None, _) => IdentifierKind::Username,
        (Some(_), Some(_)) if needs_name => IdentifierKind::Username,
        _ => IdentifierKind::Email,
    }
}

async fn one(
    inspection: &mut Inspection,
    table: &UserTable,
    sql: &str,
    template: Option<String>,
    remarks: &mut Vec<String>,
) -> Result<One, Failure> {
    if let Some(condition) = template {
        return Ok(One {
            condition,
            index: None,
        });
    }
    let column = table
        .relation
        .columns
        .iter()
        .find(|column| table.dialect.name(&column.name) == sql);
    let plain = One {
        condition: format!("{sql} = :identifier"),
        index: Some(format!(
            "create index {}_lychgate on {} ({sql})",
            table.relation.name, table.name
        )),
    };
    if column.is_some_and(|column| column.ignores_case) {
        return Ok(plain);
    }
    let begins_with = |wanted: &dyn Fn(&IndexPart) -> bool| {
        table
            .indexes
            .iter()
            .any(|index| !index.is_partial && index.parts.first().is_some_and(wanted))
    };
    let lowered = format!("lower({sql})");
    let is_lowered = begins_with(
        &|part| matches!(part, IndexPart::Expression(text) if bare(text) == bare(&lowered)),
    );
    let is_indexed = begins_with(
        &|part| matches!((part, column), (IndexPart::Column(name) | IndexPart::Prefix(name), Some(column)) if *name == column.name),
    );
    if !is_lowered && is_indexed {
        // Where nobody has a capital, the index that is there serves; whoever adds one later is not found.
        let mixed = inspection
            .is_any(&table.from, &format!("{sql} <> {lowered}"))
            .await;
        if mixed.is_ok_and(|mixed| !mixed) {
            remarks.push(format!(
                "every `{sql}` is in lower case today, so it is compared as it is, by its index; a user who is added \
                 with a capital is not found until the comparison is `{lowered} = :identifier`"
            ));
            return Ok(plain);
        }
    }
    Ok(One {
        condition: format!("{lowered} = :identifier"),
        // What is joined is another table's.
        index: column.map(|_| index_on(table, &lowered)),
    })
}

fn index_on(table: &UserTable, lowered: &str) -> String {
    let (name, on) = (&table.relation.name, &table.name);
    let name = table.dialect.name(&format!("{name}_lychgate"));
    match table.dialect.0 {
        StoreKind::Postgres => format!("create index concurrently {name} on {on} ({lowered})"),
        StoreKind::Sqlite => format!("create index {name} on {on} ({lowered})"),
        // MySQL 8 only; MariaDB wants a generated column, or a collation that ignores case.
        StoreKind::Mysql => format!("create index {name} on {on} (({lowered}))"),
    }
}

/// An expression without what a database adds when it repeats it.
fn bare(expression: &str) -> String {
    let expression = expression
        .to_lowercase()
        .replace("::text", "")
        .replace("lower((", "lower(");
    expression
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_known_again_in_the_databases_own_words() {
        for stored in [
            "lower(email)",
            "lower((email)::text)",
            "lower(\"email\")",
            "LOWER( email )",
        ] {
            assert_eq!(bare(stored), bare("lower(email)"), "{stored}");
        }
        assert_ne!(bare("upper(email)"), bare("lower(email)"));
    }
}
