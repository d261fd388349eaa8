//! Values on their way into SQLite and out of it.
//! A column's declared type says little in SQLite, so a value is taken for what it is, not for what its column says.

use sqlx::sqlite::{SqliteArguments, SqliteRow, SqliteValueRef};
use sqlx::{Arguments as _, Column as _, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use crate::error::Error;
use crate::parameters::{Binding, Value};
use crate::row::Row;
use crate::statement::StatementName;

/// The most bytes that one value of a row may have.
const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// The parameters of a statement, in its order.
pub(super) fn arguments(
    name: StatementName,
    bindings: Vec<Binding<'_>>,
) -> Result<SqliteArguments, Error> {
    let mut arguments = SqliteArguments::default();
    for binding in bindings {
        let added = match binding {
            Binding::PasswordHash(hash) => arguments.add(hash.expose_secret()),
            Binding::Value(Value::Null) => arguments.add(None::<i64>),
            Binding::Value(Value::Boolean(value)) => arguments.add(*value),
            Binding::Value(Value::Integer(value)) => arguments.add(*value),
            Binding::Value(Value::Real(value)) => arguments.add(*value),
            Binding::Value(Value::Text(value)) => arguments.add(value.as_str()),
            Binding::Value(Value::Bytes(value)) => arguments.add(value.as_slice()),
        };
        added.map_err(|_| Error::Failed {
            statement: name,
            code: "parameter".to_owned(),
        })?;
    }
    Ok(arguments)
}

/// A row, with the password hash apart from the other columns.
pub(super) fn row(name: StatementName, row: &SqliteRow) -> Result<Row, Error> {
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
                .map(|value| (column.name().to_owned(), value))
                .map_err(fault)
        })
        .collect();
    columns.map(Row::new)
}

fn value(raw: SqliteValueRef<'_>) -> Result<Value, &'static str> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    match kind.name() {
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(raw)
            .map(Value::Integer)
            .map_err(|_| "is not a whole number"),
        "REAL" => <f64 as Decode<Sqlite>>::decode(raw)
            .map(Value::Real)
            .map_err(|_| "is not a number"),
        "TEXT" => {
            let text =
                <&str as Decode<Sqlite>>::decode(raw).map_err(|_| "is text, but not UTF-8")?;
            within_limit(text.len())?;
            Ok(Value::Text(text.to_owned()))
        }
        "BLOB" => {
            let bytes = <&[u8] as Decode<Sqlite>>::decode(raw).map_err(|_| "is not bytes")?;
            within_limit(bytes.len())?;
            Ok(Value::Bytes(bytes.to_owned()))
        }
        _ => Err("is of a kind that SQLite does not have"),
    }
}

fn within_limit(length: usize) -> Result<(), &'static str> {
    if length > MAX_VALUE_BYTES {
        Err("is longer than 1 MiB")
    } else {
        Ok(())
    }
}
