//! The statements: those that a migration needs, and as comments those that it does not.

use lychgate_gateway::profile::ProfileField;
use lychgate_store::{StatementName, StoreKind};

use super::columns::{self, Kind, Role};
use super::comparison::Comparison;
use super::hashes::Hashes;
use super::user_table::UserTable;

/// A statement that is proposed.
pub(crate) struct Operation {
    pub(crate) name: StatementName,
    pub(crate) sql: String,
    /// Whether it is on from the beginning.
    pub(crate) is_enabled: bool,
}

/// What users can do is what an operation more can be abused for: only reading is on by itself. A platform that imports
/// users at their first login needs no more, and a role that may not write cannot be made to.
pub(crate) const BY_ITSELF: [StatementName; 2] =
    [StatementName::Authenticate, StatementName::Lookup];

/// A statement for each operation that the table has the columns for.
pub(super) fn propose(
    table: &UserTable,
    comparison: &Comparison,
    hashes: &Hashes,
    wanted: &[StatementName],
    remarks: &mut Vec<String>,
) -> Vec<Operation> {
    let wanted = if wanted.is_empty() {
        &BY_ITSELF[..]
    } else {
        wanted
    };
    let is_simple = table.product.is_none_or(|product| product.is_simple);
    let written = |sql: Result<String, &'static str>| {
        if is_simple {
            sql
        } else {
            Err("what this product keeps beside the row has to be written, too")
        }
    };
    let proposed = [
        (
            StatementName::Authenticate,
            Ok(select(table, comparison, true)),
        ),
        (StatementName::Lookup, Ok(select(table, comparison, false))),
        (
            StatementName::Create,
            written(create(table, comparison, hashes)),
        ),
        (
            StatementName::VerifyEmail,
            written(verify_email(table, comparison)),
        ),
        (
            StatementName::ChangePassword,
            written(change_password(table, comparison, hashes)),
        ),
        (
            StatementName::ChangeEmail,
            written(change_email(table, comparison)),
        ),
        (StatementName::Delete, written(delete(table))),
        (
            StatementName::UpgradePassword,
            written(upgrade_password(table, comparison, hashes)),
        ),
    ];
    let mut operations = Vec::new();
    for (name, sql) in proposed {
        let is_enabled = wanted.contains(&name);
        match sql {
            Ok(sql) => operations.push(Operation {
                name,
                sql,
                is_enabled,
            }),
            Err(why) if is_enabled => remarks.push(format!(
                "`{name}` was asked for and cannot be proposed: {why}"
            )),
            Err(_) => {}
        }
    }
    operations
}

/// Reads one user.
fn select(table: &UserTable, comparison: &Comparison, with_hash: bool) -> String {
    let mut columns = profile(table);
    if with_hash {
        columns.push(aliased(&table.hash, "password_hash"));
    }
    format!(
        "select {} from {} where {}",
        columns.join(", "),
        table.from,
        comparison.condition
    )
}

/// The fields of the profile, each under its own name: nothing needs to be renamed afterwards.
fn profile(table: &UserTable) -> Vec<String> {
    let fields = [
        (Some(&table.id), ProfileField::UserId),
        (table.email.as_ref(), ProfileField::Email),
        (table.verified.as_ref(), ProfileField::EmailVerified),
        (table.username.as_ref(), ProfileField::Username),
    ];
    let fields = fields
        .into_iter()
        .filter_map(|(sql, field)| Some((sql?, field)));
    let names = table.names.iter().map(|(field, sql)| (sql, *field));
    let blocked = table
        .blocked
        .as_ref()
        .map(|sql| (sql, ProfileField::Blocked));
    fields
        .chain(names)
        .chain(blocked)
        .map(|(sql, field)| aliased(sql, field.name()))
        .collect()
}

fn aliased(sql: &str, name: &str) -> String {
    if sql == name {
        sql.to_owned()
    } else if sql.contains(' ') {
        format!("({sql}) as {name}")
    } else {
        format!("{sql} as {name}")
    }
}

fn change_password(
    table: &UserTable,
    comparison: &Comparison,
    hashes: &Hashes,
) -> Result<String, &'static str> {
    let (column, _) = table
        .hash_column
        .as_ref()
        .ok_or("the hash is put together of several columns")?;
    hashes
        .write
        .ok_or("the column is too short for a hash that the gateway writes")?;
    Ok(format!(
        "update {} set {column} = :password_hash where {}",
        table.name, comparison.condition
    ))
}

/// Rewrites a hash, if it is still the one that a login has verified: to the byte, which MySQL compares by no collation.
fn upgrade_password(
    table: &UserTable,
    comparison: &Comparison,
    hashes: &Hashes,
) -> Result<String, &'static str> {
    let change = change_password(table, comparison, hashes)?;
    let mut columns = table.relation.columns.iter();
    let is_bytes = columns.any(|column| {
        table.dialect.name(&column.name) == table.hash && columns::kind(column) == Kind::Bytes
    });
    let old = match table.dialect.0 {
        StoreKind::Mysql => "binary :old_hash",
        StoreKind::Sqlite if is_bytes => "cast(:old_hash as blob)",
        StoreKind::Postgres | StoreKind::Sqlite => ":old_hash",
    };
    Ok(format!("{change} and {} = {old}", table.hash))
}

fn verify_email(table: &UserTable, comparison: &Comparison) -> Result<String, &'static str> {
    let flag = table
        .verified_flag
        .as_ref()
        .ok_or("no column says whether an address is verified")?;
    let yes = flag
        .yes()
        .ok_or("it is not known how the column says yes")?;
    let condition = comparison
        .by_email
        .as_ref()
        .ok_or("there is no e-mail address")?;
    Ok(format!(
        "update {} set {} = {yes} where {condition}",
        table.name,
        flag.column()
    ))
}

fn change_email(table: &UserTable, comparison: &Comparison) -> Result<String, &'static str> {
    let email = table.email.as_ref().ok_or("there is no e-mail address")?;
    if table
        .product
        .is_some_and(|product| product.by_email.is_some())
    {
        return Err("the product keeps a second form of the address, which has to change with it");
    }
    let verified = table
        .verified_flag
        .as_ref()
        .and_then(|flag| Some((flag.column(), flag.by(":email_verified")?)));
    let verified = verified.map_or_else(String::new, |(column, value)| {
        format!(", {column} = {value}")
    });
    Ok(format!(
        "update {} set {email} = :new_email{verified} where {}",
        table.name, comparison.condition
    ))
}

/// A row that marks who was deleted stays, as the application would have it.
fn delete(table: &UserTable) -> Result<String, &'static str> {
    let (column, kind) = table.id_column.as_ref().ok_or("there is no key")?;
    if *kind == Kind::Bytes {
        return Err("the key is kept as bytes, and would have to be turned back into them");
    }
    // A number there is compared with a text as numbers are: `01` is 1. The first comparison has the index.
    let is_exact = table.dialect.0 != StoreKind::Mysql || *kind != Kind::Number;
    let condition = if is_exact {
        format!("{column} = :user_id")
    } else {
        format!("{column} = :user_id and cast({column} as char) = :user_id")
    };
    Ok(match &table.soft_delete {
        Some((mark, value)) => {
            format!(
                "update {} set {mark} = {value} where {condition}",
                table.name
            )
        }
        None => format!("delete from {} where {condition}", table.name),
    })
}

fn create(
    table: &UserTable,
    comparison: &Comparison,
    hashes: &Hashes,
) -> Result<String, &'static str> {
    change_password(table, comparison, hashes)?;
    let mut given = Vec::new();
    let hash = table.hash_column.as_ref().map(|(column, _)| column.clone());
    given.extend(hash.map(|column| (column, ":password_hash".to_owned())));
    given.extend(
        table
            .email
            .clone()
            .map(|column| (column, ":email".to_owned())),
    );
    given.extend(
        table
            .username
            .clone()
            .map(|column| (column, ":username".to_owned())),
    );
    given.extend(
        table
            .names
            .iter()
            .map(|(field, column)| (column.clone(), format!(":{}", field.name()))),
    );
    for column in &table.relation.columns {
        let name = table.dialect.name(&column.name);
        let is_key = table.id_column.as_ref().is_some_and(|(id, _)| *id == name);
        let is_given = given.iter().any(|(given, _)| *given == name);
        if is_given || column.is_nullable || column.default.is_some() {
            continue;
        }
        if is_key {
            if !matches!(columns::kind(column), Kind::Number) {
                return Err("the key has no default, and somebody has to make it");
            }
        } else if columns::of_role(&table.relation, Role::Created)
            .iter()
            .any(|created| created.name == column.name)
            && columns::kind(column) == Kind::Moment
        {
            given.push((name, table.dialect.now().to_owned()));
        } else {
            return Err("a column that must have a value has none to be given");
        }
    }
    let (columns, values): (Vec<_>, Vec<_>) = given.into_iter().unzip();
    Ok(format!(
        "insert into {} ({}) values ({})",
        table.name,
        columns.join(", "),
        values.join(", ")
    ))
}
