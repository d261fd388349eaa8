//! Values on their way into MySQL and MariaDB, and out of them.
//! Their parameters have no types, so values go in as what they are; what comes out is taken for what its column says,
//! and bytes for text where they are text, since MariaDB calls its JSON bytes.

use sqlx::mysql::{MySqlArguments, MySqlColumn, MySqlValueRef};
use sqlx::{Arguments as _, Column as _, Decode, MySql, TypeInfo as _, ValueRef as _};

use crate::error::StatementFlaw;
use crate::parameters::{Binding, Value};
use crate::server::Unfit;

/// What is wrong with a value.
type Fault = &'static str;

/// The values of a run, one for each `?`.
pub(super) fn arguments(
    places: &[usize],
    bindings: &[Binding<'_>],
) -> Result<MySqlArguments, Unfit> {
    let mut arguments = MySqlArguments::default();
    for &place in places {
        let unfit = || Unfit(place);
        let added = match bindings.get(place).ok_or_else(unfit)? {
            Binding::PasswordHash(hash) => arguments.add(hash.expose_secret()),
            Binding::Value(Value::Null) => arguments.add(None::<&str>),
            Binding::Value(Value::Boolean(value)) => arguments.add(i64::from(*value)),
            Binding::Value(Value::Integer(value)) => arguments.add(*value),
            Binding::Value(Value::Real(value)) => arguments.add(*value),
            Binding::Value(Value::Text(value)) => arguments.add(value.as_str()),
            Binding::Value(Value::Bytes(value)) => arguments.add(value.as_slice()),
        };
        added.map_err(|_| unfit())?;
    }
    Ok(arguments)
}

/// Whether every column is of a type whose values can be read.
pub(super) fn check_columns(columns: &[MySqlColumn]) -> Result<(), StatementFlaw> {
    let is_unreadable = |column: &&MySqlColumn| column.type_info().name() == "GEOMETRY";
    match columns.iter().find(is_unreadable) {
        Some(column) => Err(StatementFlaw::ColumnType {
            column: column.name().to_owned(),
            kind: "geometry".to_owned(),
        }),
        None => Ok(()),
    }
}

/// A value of a row. A date of zeros, as MySQL keeps for 'none', is none.
pub(crate) fn value(raw: MySqlValueRef<'_>) -> Result<Value, Fault> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    match kind.as_str() {
        "BOOLEAN" => Ok(truth(decoded(raw)?)),
        kind if kind.ends_with("INT") => decoded(raw).map(Value::Integer),
        kind if kind.ends_with("UNSIGNED") => decoded::<u64>(raw).map(whole),
        "YEAR" => decoded::<u64>(raw).map(whole),
        "FLOAT" => decoded::<f32>(raw).map(|value| Value::Real(value.into())),
        "DOUBLE" => decoded(raw).map(Value::Real),
        "DECIMAL" => decoded::<&str>(raw).map(number),
        "BIT" => decoded::<&[u8]>(raw).and_then(bits),
        "DATE" => decoded::<&[u8]>(raw).map(date),
        "DATETIME" => decoded::<&[u8]>(raw).and_then(moment),
        "TIMESTAMP" => match decoded::<&[u8]>(raw).and_then(moment)? {
            Value::Text(text) => Ok(Value::Text(text + "Z")),
            other => Ok(other),
        },
        "TIME" => decoded::<&[u8]>(raw).and_then(span),
        "CHAR" | "VARCHAR" | "ENUM" | "SET" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT"
        | "JSON" => decoded::<&str>(raw).map(Value::from),
        _ => decoded::<&[u8]>(raw).map(text_or_bytes),
    }
}

fn decoded<'r, T: Decode<'r, MySql>>(raw: MySqlValueRef<'r>) -> Result<T, Fault> {
    T::decode(raw).map_err(|_| "is not what its type says")
}

/// `tinyint(1)` is what MySQL has for a truth value, and other numbers fit into it, too.
fn truth(number: i64) -> Value {
    match number {
        0 => Value::Boolean(false),
        1 => Value::Boolean(true),
        other => Value::Integer(other),
    }
}

/// An unsigned number beyond `i64` keeps all its digits as text.
fn whole(number: u64) -> Value {
    match i64::try_from(number) {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Text(number.to_string()),
    }
}

fn number(text: &str) -> Value {
    match text.parse() {
        Ok(whole) => Value::Integer(whole),
        Err(_) => Value::from(text),
    }
}

/// `bit(n)`, the first byte the highest.
fn bits(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.len() > 8 {
        return Err("has more than 64 bits");
    }
    let number = bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    Ok(whole(number))
}

fn text_or_bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            Value::from(text)
        }
        Ok(_) | Err(_) => Value::Bytes(bytes.to_owned()),
    }
}

/// Length, year, month, day and, if there are any, hour, minute, second, microseconds
/// (<https://mariadb.com/kb/en/resultset-row/#timestamp-binary-encoding>). Taken apart by hand: MySQL has a month 0.
fn date(bytes: &[u8]) -> Value {
    match bytes {
        [_, 0, 0, 0, 0, ..] => Value::Null,
        [_, low, high, month, day, ..] => {
            let year = u16::from_le_bytes([*low, *high]);
            Value::Text(format!("{year:04}-{month:02}-{day:02}"))
        }
        _ => Value::Null,
    }
}

fn moment(bytes: &[u8]) -> Result<Value, Fault> {
    let Value::Text(date) = date(bytes) else {
        return Ok(Value::Null);
    };
    let time = match bytes.get(5..).unwrap_or_default() {
        [] => "00:00:00".to_owned(),
        [hour, minute, second] => format!("{hour:02}:{minute:02}:{second:02}"),
        [hour, minute, second, a, b, c, d] => {
            let microseconds = u32::from_le_bytes([*a, *b, *c, *d]);
            format!("{hour:02}:{minute:02}:{second:02}.{microseconds:06}")
        }
        _ => return Err("is a time in an unknown form"),
    };
    Ok(Value::Text(format!("{date}T{time}")))
}

/// Length, sign, days, hours, minutes, seconds and, if there are any, microseconds.
fn span(bytes: &[u8]) -> Result<Value, Fault> {
    let (sign, hours, minute, second) = match bytes {
        [0] => (0, 0, 0, 0),
        [_, sign, a, b, c, d, hour, minute, second, ..] => {
            let days = u32::from_le_bytes([*a, *b, *c, *d]);
            let hours = u64::from(days) * 24 + u64::from(*hour);
            (*sign, hours, *minute, *second)
        }
        _ => return Err("is a time in an unknown form"),
    };
    let sign = if sign == 0 { "" } else { "-" };
    Ok(Value::Text(format!(
        "{sign}{hours:02}:{minute:02}:{second:02}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_of_zeros_is_none_and_half_of_one_is_kept() {
        assert_eq!(date(&[0]), Value::Null);
        assert_eq!(date(&[4, 0, 0, 0, 0]), Value::Null);
        assert_eq!(moment(&[7, 0, 0, 0, 0, 0, 0, 0]), Ok(Value::Null));
        assert_eq!(date(&[4, 0xd9, 7, 0, 0]), Value::from("2009-00-00"));
        let midnight = moment(&[4, 0xd9, 7, 1, 2]);
        assert_eq!(midnight, Ok(Value::from("2009-01-02T00:00:00")));
        let bytes = [11, 0xd9, 7, 12, 31, 23, 59, 58, 1, 0, 0, 0];
        assert_eq!(
            moment(&bytes),
            Ok(Value::from("2009-12-31T23:59:58.000001"))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            date(&bytes);
            drop(moment(&bytes));
            drop(span(&bytes));
            drop(bits(&bytes));
            text_or_bytes(&bytes);
        }
    }
}
