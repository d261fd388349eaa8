//! What a statement answered, whatever database it ran on: its rows, and how many it matched.
//! Two rows are enough to know that there are too many, so no statement can fill the memory.

use futures_util::TryStreamExt as _;
use sqlx::query::Query;
use sqlx::{Column as _, ColumnIndex, Database, Either, Executor, IntoArguments, Row as _};

use crate::error::Error;
use crate::parameters::Value;
use crate::row::Row;
use crate::statement::StatementName;

/// The most bytes that one value of a row may have.
const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// The rows of a statement, in the database's own form.
pub(crate) struct Answer<R> {
    rows: Vec<R>,
    changes: u64,
    is_complete: bool,
}

impl<R> Answer<R> {
    /// The rows that a write matched. Changes that a trigger makes in a view's stead are not counted by every database,
    /// but their rows are returned.
    pub(crate) fn matched(&self) -> u64 {
        self.changes
            .max(self.rows.len().try_into().unwrap_or(u64::MAX))
    }

    /// Whether it was read to its end.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// The one row, if there is one, read by `read`.
    pub(crate) fn the_row(
        &self,
        name: StatementName,
        read: impl Fn(StatementName, &R) -> Result<Row, Error>,
    ) -> Result<Option<Row>, Error> {
        match self.rows.as_slice() {
            [] => Ok(None),
            [row] => read(name, row).map(Some),
            _ => Err(Error::Ambiguous(name)),
        }
    }
}

/// Runs a statement; `changes` is how its database counts what it matched.
pub(crate) async fn run<'c, D>(
    connection: &'c mut D::Connection,
    query: Query<'c, D, D::Arguments>,
    changes: fn(&D::QueryResult) -> u64,
) -> sqlx::Result<Answer<D::Row>>
where
    D: Database,
    D::Arguments: IntoArguments<D>,
    &'c mut D::Connection: Executor<'c, Database = D>,
{
    let mut answer = Answer {
        rows: Vec::new(),
        changes: 0,
        is_complete: false,
    };
    let mut parts = connection.fetch_many(query);
    while answer.rows.len() < 2 {
        match parts.try_next().await? {
            Some(Either::Right(row)) => answer.rows.push(row),
            Some(Either::Left(done)) => {
                answer.changes = changes(&done);
                answer.is_complete = true;
            }
            // A driver counts its answers at the end of the stream, so it is read that far.
            None if answer.is_complete => break,
            // A driver that broke off just ends the stream: not to be taken for 'no such user'.
            None => return Err(sqlx::Error::WorkerCrashed),
        }
    }
    Ok(answer)
}

/// Reads a row, with the password hash apart from the other columns; `value` is how its database's values are read.
pub(crate) fn row<D>(
    name: StatementName,
    row: &D::Row,
    value: impl Fn(D::ValueRef<'_>) -> Result<Value, &'static str>,
) -> Result<Row, Error>
where
    D: Database,
    usize: ColumnIndex<D::Row>,
{
    let columns: Result<Vec<_>, _> = row
        .columns()
        .iter()
        .map(|column| {
            let fault = |fault| Error::Column {
                statement: name,
                column: column.name().to_owned(),
                fault,
            };
            let raw = row
                .try_get_raw(column.ordinal())
                .map_err(|_| fault("is not there"))?;
            value(raw)
                .and_then(within_limit)
                .map(|value| (column.name().to_owned(), value))
                .map_err(fault)
        })
        .collect();
    columns.map(Row::new)
}

/// The value, unless nothing of a user can be so long.
pub(crate) fn within_limit(value: Value) -> Result<Value, &'static str> {
    let length = match &value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Real(_) => 0,
    };
    if length > MAX_VALUE_BYTES {
        Err("is longer than 1 MiB")
    } else {
        Ok(value)
    }
}
