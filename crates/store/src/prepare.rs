//! Configured statements, tried on the open store: what the database would not accept is found at start.
//! What every database shares of it; how one is asked is its own file's matter.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Column, SqlSafeStr as _, SqlStr};

use crate::error::{Error, StatementFlaw};
use crate::fit;
use crate::sql::NamedSql;
use crate::statement::{Statement, StatementName};

/// A statement that the database accepts, in the database's words, with what it says of the parameters.
pub(crate) struct Prepared<S> {
    pub(crate) statement: Statement,
    pub(crate) sql: SqlStr,
    pub(crate) signature: S,
}

impl<S> Prepared<S> {
    /// A statement whose columns fit its operation.
    pub(crate) fn new(
        name: StatementName,
        named: &NamedSql,
        columns: &[impl Column],
        sql: SqlStr,
        signature: S,
    ) -> Result<Self, StatementFlaw> {
        let columns: Vec<_> = columns
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        fit::check_columns(name, &columns)?;
        Ok(Self {
            statement: Statement::new(named.parameters().to_vec(), columns),
            sql,
            signature,
        })
    }
}

/// The statements of an open store, by name.
pub(crate) type Statements<S> = BTreeMap<StatementName, Prepared<S>>;

/// Every statement, or all the flaws.
pub(crate) fn gathered<S>(
    tried: Vec<(StatementName, Result<Prepared<S>, StatementFlaw>)>,
) -> Result<Statements<S>, Error> {
    let has_lookup = tried.iter().any(|(name, _)| *name == StatementName::Lookup);
    let mut statements = BTreeMap::new();
    let mut flaws = Vec::new();
    for (name, prepared) in tried {
        match prepared {
            Ok(prepared) => drop(statements.insert(name, prepared)),
            Err(flaw) => flaws.push((name, flaw)),
        }
    }
    if let Some(create) = statements.get(&StatementName::Create)
        && let Err(flaw) = fit::check_create(&create.statement, has_lookup)
    {
        flaws.push((StatementName::Create, flaw));
    }
    if flaws.is_empty() {
        Ok(statements)
    } else {
        Err(Error::Statements(flaws))
    }
}

/// The one place where SQL that is not ours is called safe: the operator wrote it, and only placeholders were put in.
pub(crate) fn configured(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}

/// At this point there are no values yet, so the database's own words can hold none.
pub(crate) fn refused(error: sqlx::Error) -> StatementFlaw {
    StatementFlaw::Refused(match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    })
}
