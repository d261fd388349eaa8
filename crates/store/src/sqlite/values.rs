//! Values on their way into SQLite and out of it.
//! A column's declared type says little in SQLite, so a value is taken for what it is, not for what its column says.

use sqlx::sqlite::{SqliteArguments, SqliteValueRef};
use sqlx::{Arguments as _, Decode, Sqlite, TypeInfo as _, ValueRef as _};

use crate::error::Error;
use crate::parameters::{Binding, Value};
use crate::statement::StatementName;

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

/// A value of a row, by its own kind.
pub(crate) fn value(raw: SqliteValueRef<'_>) -> Result<Value, &'static str> {
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
            Ok(Value::Text(text.to_owned()))
        }
        "BLOB" => {
            let bytes = <&[u8] as Decode<Sqlite>>::decode(raw).map_err(|_| "is not bytes")?;
            Ok(Value::Bytes(bytes.to_owned()))
        }
        _ => Err("is of a kind that SQLite does not have"),
    }
}
