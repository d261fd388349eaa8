//! Values on their way into PostgreSQL, whose parameters have types: what a caller sends as text becomes the integer, the
//! UUID, the timestamp that the statement compares with. What does not fit is told apart from what is not there.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, PgTypeKind};
use sqlx::{Arguments as _, Encode, Postgres, Type};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use super::kinds::Kind;
use super::numeric;
use super::values::EPOCH_SECONDS;
use crate::parameters::{Binding, Value};
use crate::server::Unfit;

/// The values of a run, each in the form of its parameter's type, or null.
pub(super) fn encoded(
    types: &[PgTypeInfo],
    bindings: &[Binding<'_>],
) -> Result<Vec<Option<Vec<u8>>>, Unfit> {
    let places = types.iter().zip(bindings).enumerate();
    let encoded = places.map(|(place, (info, binding))| {
        let bytes = match binding {
            Binding::PasswordHash(hash) => text(info, hash.expose_secret()).map(Some),
            Binding::Value(Value::Null) => Some(None),
            Binding::Value(value) => encode(info, value).map(Some),
        };
        bytes.ok_or(Unfit(place))
    });
    encoded.collect()
}

/// The same, as the driver takes them.
pub(super) fn arguments(
    types: &[PgTypeInfo],
    bindings: &[Binding<'_>],
) -> Result<PgArguments, Unfit> {
    let mut arguments = PgArguments::default();
    let encoded = encoded(types, bindings)?.into_iter();
    for (place, (info, bytes)) in types.iter().zip(encoded).enumerate() {
        let info = info.clone();
        let added = arguments.add(Typed { info, bytes });
        added.map_err(|_| Unfit(place))?;
    }
    Ok(arguments)
}

/// As many nulls as there are parameters.
pub(super) fn nulls(types: &[PgTypeInfo]) -> PgArguments {
    let nulls = types.iter().map(|_| Binding::Value(&Value::Null));
    arguments(types, &nulls.collect::<Vec<_>>()).unwrap_or_default()
}

fn encode(info: &PgTypeInfo, value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Boolean(value) => match Kind::of(info)? {
            Kind::Boolean => Some(vec![u8::from(*value)]),
            Kind::Text | Kind::PaddedText | Kind::Json | Kind::Jsonb => {
                text(info, if *value { "true" } else { "false" })
            }
            _ => text(info, if *value { "1" } else { "0" }),
        },
        Value::Integer(value) => text(info, &value.to_string()),
        Value::Real(value) => text(info, &value.to_string()),
        Value::Text(value) => text(info, value),
        Value::Bytes(value) if Kind::of(info)? == Kind::Bytes => Some(value.clone()),
        Value::Bytes(value) => text(info, std::str::from_utf8(value).ok()?),
    }
}

/// A text in the form of a type; nothing if it is not of that type.
fn text(info: &PgTypeInfo, value: &str) -> Option<Vec<u8>> {
    if let PgTypeKind::Domain(base) = info.kind() {
        return text(base, value);
    }
    let bytes = match Kind::of(info)? {
        Kind::Boolean => vec![match value {
            "1" | "t" | "true" => 1,
            "0" | "f" | "false" => 0,
            _ => return None,
        }],
        Kind::Int2 => whole::<i16>(value)?.to_be_bytes().to_vec(),
        Kind::Int4 => whole::<i32>(value)?.to_be_bytes().to_vec(),
        Kind::Int8 => whole::<i64>(value)?.to_be_bytes().to_vec(),
        Kind::Oid => whole::<u32>(value)?.to_be_bytes().to_vec(),
        Kind::Float4 => value.parse::<f32>().ok()?.to_be_bytes().to_vec(),
        Kind::Float8 => value.parse::<f64>().ok()?.to_be_bytes().to_vec(),
        Kind::Numeric => numeric::encode(value)?,
        // PostgreSQL's text has no NUL.
        Kind::Text | Kind::PaddedText if value.contains('\0') => return None,
        Kind::Text | Kind::PaddedText => match info.kind() {
            PgTypeKind::Enum(labels) if !labels.iter().any(|label| label == value) => return None,
            _ => value.as_bytes().to_vec(),
        },
        Kind::Json => json(value)?.to_vec(),
        Kind::Jsonb => [&[1], json(value)?].concat(),
        Kind::Uuid => uuid(value)?.to_vec(),
        Kind::Bytes => value.as_bytes().to_vec(),
        Kind::Date => date(value)?.to_be_bytes().to_vec(),
        Kind::Timestamp | Kind::TimestampWithZone => moment(value)?.to_be_bytes().to_vec(),
        Kind::Time | Kind::Array => return None,
    };
    Some(bytes)
}

/// A whole number in the one way to write it: were `07` and `+7` taken for 7, one user would have many identifiers.
fn whole<N: std::str::FromStr + ToString>(value: &str) -> Option<N> {
    let number: N = value.parse().ok()?;
    (number.to_string() == value).then_some(number)
}

/// JSON that PostgreSQL will accept: it has no NUL in its strings either.
fn json(value: &str) -> Option<&[u8]> {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
    (is_json && !value.contains("\\u0000")).then_some(value.as_bytes())
}

/// RFC 9562 §4, with its hyphens, in either case.
fn uuid(value: &str) -> Option<[u8; 16]> {
    let groups: Vec<&str> = value.split('-').collect();
    if groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) {
        return None;
    }
    let digits = groups.concat();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then_some(number.to_be_bytes())
}

/// Days since 2000-01-01 of `YYYY-MM-DD`.
fn date(value: &str) -> Option<i32> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let date = Date::parse(value, &format).ok()?;
    date.to_julian_day()
        .checked_sub(Date::from_ordinal_date(2000, 1).ok()?.to_julian_day())
}

/// Microseconds since 2000-01-01 of an RFC 3339 timestamp.
fn moment(value: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(value, &Rfc3339).ok()?;
    let since_1970 = i64::try_from(moment.unix_timestamp_nanos() / 1000).ok()?;
    since_1970.checked_sub(EPOCH_SECONDS * 1_000_000)
}

/// Bytes that are already in the form of a type.
struct Typed {
    info: PgTypeInfo,
    bytes: Option<Vec<u8>>,
}

impl Type<Postgres> for Typed {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("unknown")
    }
}

impl Encode<'_, Postgres> for Typed {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(match &self.bytes {
            Some(bytes) => {
                buffer.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.info.clone())
    }
}
