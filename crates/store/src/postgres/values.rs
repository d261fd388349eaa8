//! Values on their way out of PostgreSQL, from the binary form in which it sends them.
//! The database is trusted with its users, not with our process: no bytes of it make anything here panic.

use sqlx::postgres::{PgColumn, PgTypeInfo, PgTypeKind, PgValueRef};
use sqlx::{Column as _, ValueRef as _};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime, Time};

use super::arrays;
use super::kinds::Kind;
use super::numeric;
use crate::error::StatementFlaw;
use crate::parameters::Value;

/// What is wrong with a value.
pub(super) type Fault = &'static str;

/// Whether every column is of a type whose values can be read.
pub(super) fn check_columns(columns: &[PgColumn]) -> Result<(), StatementFlaw> {
    match columns
        .iter()
        .find(|column| Kind::of(column.type_info()).is_none())
    {
        Some(column) => Err(StatementFlaw::ColumnType {
            column: column.name().to_owned(),
            kind: column.type_info().to_string().to_lowercase(),
        }),
        None => Ok(()),
    }
}

/// A value of a row.
pub(super) fn value(raw: &PgValueRef<'_>) -> Result<Value, Fault> {
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let bytes = raw.as_bytes().map_err(|_| "is not there")?;
    decode(&raw.type_info(), bytes)
}

/// A value that is not null, from the bytes of its type.
pub(super) fn decode(info: &PgTypeInfo, bytes: &[u8]) -> Result<Value, Fault> {
    if let PgTypeKind::Domain(base) = info.kind() {
        return decode(base, bytes);
    }
    let mut cursor = Cursor(bytes);
    Ok(match Kind::of(info).ok_or(UNSUPPORTED)? {
        Kind::Boolean => Value::Boolean(cursor.unsigned::<1>()? != 0),
        Kind::Int2 => Value::Integer(i16::from_be_bytes(cursor.take()?).into()),
        Kind::Int4 => Value::Integer(i32::from_be_bytes(cursor.take()?).into()),
        Kind::Int8 => Value::Integer(i64::from_be_bytes(cursor.take()?)),
        Kind::Oid => Value::Integer(u32::from_be_bytes(cursor.take()?).into()),
        Kind::Float4 => Value::Real(f32::from_be_bytes(cursor.take()?).into()),
        Kind::Float8 => Value::Real(f64::from_be_bytes(cursor.take()?)),
        Kind::Numeric => number(numeric::decode(bytes)?),
        Kind::Text | Kind::Json => Value::Text(text(bytes)?.to_owned()),
        Kind::PaddedText => Value::Text(text(bytes)?.trim_end_matches(' ').to_owned()),
        Kind::Jsonb => match bytes.split_first() {
            Some((1, json)) => Value::Text(text(json)?.to_owned()),
            _ => return Err("is JSON of an unknown version"),
        },
        Kind::Uuid => Value::Text(uuid(cursor.take()?)),
        Kind::Bytes => Value::Bytes(bytes.to_owned()),
        Kind::Date => Value::Text(date(i32::from_be_bytes(cursor.take()?))?),
        Kind::Time => Value::Text(time_of_day(i64::from_be_bytes(cursor.take()?))?),
        Kind::Timestamp => {
            let moment = moment(i64::from_be_bytes(cursor.take()?))?;
            Value::Text(moment.trim_end_matches('Z').to_owned())
        }
        Kind::TimestampWithZone => Value::Text(moment(i64::from_be_bytes(cursor.take()?))?),
        Kind::Array => match info.kind() {
            PgTypeKind::Array(element) => Value::Text(arrays::decode(element, bytes)?),
            _ => return Err(UNSUPPORTED),
        },
    })
}

/// A whole number is one, as ids of stores that came from elsewhere are; any other keeps all its digits as text.
fn number(text: String) -> Value {
    match text.parse() {
        Ok(whole) => Value::Integer(whole),
        Err(_) => Value::Text(text),
    }
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| "is text, but not UTF-8")
}

/// RFC 9562 §4.
fn uuid(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes);
    let group = |shift: u32, bits: u32| number >> shift & ((1 << bits) - 1);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        group(96, 32),
        group(80, 16),
        group(64, 16),
        group(48, 16),
        group(0, 48)
    )
}

/// Days since 2000-01-01.
fn date(days: i32) -> Result<String, Fault> {
    match days {
        i32::MAX => return Ok("infinity".to_owned()),
        i32::MIN => return Ok("-infinity".to_owned()),
        _ => {}
    }
    let epoch = Date::from_ordinal_date(2000, 1).map_err(|_| BEYOND)?;
    let date = epoch
        .checked_add(Duration::days(days.into()))
        .ok_or(BEYOND)?;
    Ok(date.to_string())
}

/// Microseconds since midnight.
fn time_of_day(microseconds: i64) -> Result<String, Fault> {
    let day = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000);
    let day = day.map_err(|_| BEYOND)?;
    let time = Time::from_hms_micro(day.hour(), day.minute(), day.second(), day.microsecond());
    Ok(time.map_err(|_| BEYOND)?.to_string())
}

/// Microseconds since 2000-01-01, as RFC 3339 in UTC.
fn moment(microseconds: i64) -> Result<String, Fault> {
    match microseconds {
        i64::MAX => return Ok("infinity".to_owned()),
        i64::MIN => return Ok("-infinity".to_owned()),
        _ => {}
    }
    let since_1970 = i128::from(microseconds) * 1000 + i128::from(EPOCH_SECONDS) * 1_000_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(since_1970).map_err(|_| BEYOND)?;
    moment.format(&Rfc3339).map_err(|_| BEYOND)
}

/// 2000-01-01 in seconds since 1970-01-01.
pub(super) const EPOCH_SECONDS: i64 = 946_684_800;

const BEYOND: Fault = "is a time before the year 0 or after 9999";
const UNSUPPORTED: Fault = "is of a type that is not supported";

/// Bytes that are read from the front.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next bytes, as many as are asked for.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (first, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*first)
    }

    /// The next bytes, of a length that is known only now.
    pub(super) fn take_slice(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (first, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(first)
    }

    /// The next number of so many bytes, at most 8.
    pub(super) fn unsigned<const N: usize>(&mut self) -> Result<u64, Fault> {
        let bytes: [u8; N] = self.take()?;
        Ok(bytes
            .into_iter()
            .fold(0, |number, byte| number << 8 | u64::from(byte)))
    }
}

const SHORT: Fault = "is shorter than its type";
