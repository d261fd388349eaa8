//! Configured statements, tried on the open file: what the database would not accept is found at start.

use std::collections::BTreeMap;

use sqlx::{
    AssertSqlSafe, Column as _, Either, Executor as _, Row as _, SqlSafeStr as _, SqlStr,
    SqliteConnection, Statement as _,
};

use crate::error::{Error, StatementFlaw};
use crate::fit;
use crate::statement::{Statement, StatementName};

/// A statement that SQLite accepts, in SQLite's words.
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) sql: SqlStr,
}

/// Prepares every statement; the error lists each one's flaw.
pub(super) async fn all(
    connection: &mut SqliteConnection,
    configured: &BTreeMap<StatementName, String>,
) -> Result<BTreeMap<StatementName, Prepared>, Error> {
    let mut prepared = BTreeMap::new();
    let mut flaws = Vec::new();
    for (&name, sql) in configured {
        match one(connection, name, sql).await {
            Ok(statement) => drop(prepared.insert(name, statement)),
            Err(flaw) => flaws.push((name, flaw)),
        }
    }
    if let Some(create) = prepared.get(&StatementName::Create)
        && let Err(flaw) = fit::check_create(
            &create.statement,
            configured.contains_key(&StatementName::Lookup),
        )
    {
        flaws.push((StatementName::Create, flaw));
    }
    if flaws.is_empty() {
        Ok(prepared)
    } else {
        Err(Error::Statements(flaws))
    }
}

async fn one(
    connection: &mut SqliteConnection,
    name: StatementName,
    sql: &str,
) -> Result<Prepared, StatementFlaw> {
    let named = fit::fitting(name, sql)?;
    // SQLite's placeholders carry their number, so that a name may be used twice.
    let numbered = named.with_placeholders(|number| format!("?{number}"));
    let explanation = configured(format!("explain {numbered}"));
    let sql = configured(numbered);

    let prepared = connection.prepare(sql.clone()).await.map_err(refused)?;
    let expected = named.parameters().len();
    match prepared.parameters() {
        Some(Either::Right(found)) if found != expected => {
            return Err(StatementFlaw::ParameterCount { expected, found });
        }
        _ => {}
    }
    match (name.is_read(), writes(connection, explanation).await?) {
        (true, true) => return Err(StatementFlaw::NotARead),
        (false, false) => return Err(StatementFlaw::NotAWrite),
        (true, false) | (false, true) => {}
    }
    let columns: Vec<_> = prepared
        .columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    fit::check_columns(name, &columns)?;
    Ok(Prepared {
        statement: Statement::new(named.parameters().to_vec(), columns),
        sql,
    })
}

/// Whether a statement would write, by the rule of SQLite's own `sqlite3_stmt_readonly`, which the driver does not
/// expose: its program holds a `Transaction` instruction whose second operand asks for a write lock.
async fn writes(
    connection: &mut SqliteConnection,
    explanation: SqlStr,
) -> Result<bool, StatementFlaw> {
    let program = sqlx::query(explanation)
        .persistent(false)
        .fetch_all(connection)
        .await
        .map_err(refused)?;
    let asks_to_write = |instruction: &sqlx::sqlite::SqliteRow| {
        let opcode: String = instruction.try_get("opcode")?;
        let operand: i64 = instruction.try_get("p2")?;
        Ok(opcode == "Transaction" && operand != 0)
    };
    program
        .iter()
        .map(asks_to_write)
        .try_fold(false, |any, one| one.map(|one| any || one))
        .map_err(refused)
}

/// The one place where SQL that is not ours is called safe: the operator wrote it, and only placeholders were put in.
fn configured(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

/// At this point there are no values yet, so the database's own words can hold none.
fn refused(error: sqlx::Error) -> StatementFlaw {
    StatementFlaw::Refused(match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    })
}
