//! Configured statements, tried on the open file.

use std::collections::BTreeMap;

use sqlx::{Either, Executor as _, Row as _, SqlStr, SqliteConnection, Statement as _};

use crate::error::{Error, StatementFlaw};
use crate::fit;
use crate::prepare::{self, Prepared, Statements, configured, refused};
use crate::statement::StatementName;

/// Prepares every statement; the error lists each one's flaw.
pub(super) async fn all(
    connection: &mut SqliteConnection,
    configured: &BTreeMap<StatementName, String>,
) -> Result<Statements<()>, Error> {
    let mut tried = Vec::new();
    for (&name, sql) in configured {
        tried.push((name, one(connection, name, sql).await));
    }
    prepare::gathered(tried)
}

async fn one(
    connection: &mut SqliteConnection,
    name: StatementName,
    sql: &str,
) -> Result<Prepared<()>, StatementFlaw> {
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
    Prepared::new(name, &named, prepared.columns(), sql, ())
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
