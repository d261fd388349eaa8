//! The values of an entry as columns of a row, by the types of the directory's schema.
//! A profile has one value a field: of several the first is taken, and all of them only in metadata.

use serde_json::{Map, Number};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::entry::Entry;
use super::schema::{Attribute, Kind, Schema};
use crate::parameters::Value;

/// The value of an attribute as a column. Of several, which stand in no order, the first, unless there must be one.
pub(super) fn column(
    entry: &Entry,
    name: &str,
    attribute: Attribute,
    must_be_one: bool,
) -> Result<Value, &'static str> {
    match entry.values(name) {
        [] => Ok(Value::Null),
        [_, _, ..] if must_be_one => Err("has several values, and must have one to name a user by"),
        [first, ..] => value(attribute.kind, first),
    }
}

fn value(kind: Kind, bytes: &[u8]) -> Result<Value, &'static str> {
    if let Kind::Identity(identity) = kind {
        let text = identity.text(bytes);
        return text.map(Value::Text).ok_or("is not of its binary form");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text")?;
    match kind {
        Kind::Text | Kind::Identity(_) => Ok(text.into()),
        Kind::Boolean => match text {
            "TRUE" => Ok(true.into()),
            "FALSE" => Ok(false.into()),
            _ => Err("is neither TRUE nor FALSE"),
        },
        Kind::Integer => match text.parse() {
            Ok(number) => Ok(Value::Integer(number)),
            Err(_) => Ok(text.into()),
        },
        Kind::Time => rfc3339(text).map(Value::Text).ok_or("is not a time"),
    }
}

/// A JSON object of attributes: one value where the schema allows one only, else a list. What has no value is left out.
pub(super) fn object(
    entry: &Entry,
    names: &[String],
    schema: &Schema,
) -> Result<Value, &'static str> {
    let mut object = Map::new();
    for name in names {
        let Some(attribute) = schema.attribute(name) else {
            continue;
        };
        let values: Result<Vec<_>, _> = entry
            .values(name)
            .iter()
            .map(|bytes| value(attribute.kind, bytes).map(json))
            .collect();
        let mut values = values?;
        let json = match (attribute.is_single, values.len()) {
            (_, 0) => continue,
            (true, _) => values.swap_remove(0),
            (false, _) => serde_json::Value::Array(values),
        };
        object.insert(name.clone(), json);
    }
    Ok(Value::Text(serde_json::Value::Object(object).to_string()))
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Null | Value::Bytes(_) => serde_json::Value::Null,
        Value::Boolean(truth) => truth.into(),
        Value::Integer(number) => number.into(),
        Value::Real(number) => Number::from_f64(number).into(),
        Value::Text(text) => text.into(),
    }
}

/// A generalized time (RFC 4517 §3.3.13), such as `20260102030405.5Z` as RFC 3339 in UTC.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    let (digits, rest) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
    let digits = match digits.len() {
        10 => format!("{digits}0000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => return None,
    };
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        // A fraction of an hour or a minute is not one of a second.
        Some(_) if text.find(['.', ','])? != 14 => return None,
        Some(rest) => rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?,
        None => ("", rest),
    };
    let offset = match (zone, zone.len()) {
        ("Z", _) => "Z".to_owned(),
        (_, 3) => format!("{zone}:00"),
        (_, 5) => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
        _ => return None,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let part = |range| digits.get(range);
    let written = format!(
        "{}-{}-{}T{}:{}:{}{point}{fraction}{offset}",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?,
    );
    let moment = OffsetDateTime::parse(&written, &Rfc3339).ok()?;
    moment.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_generalized_time_is_written_as_rfc_3339() {
        for (text, expected) in [
            // The examples of RFC 4517 §3.3.13, and what Active Directory and OpenLDAP write.
            ("199412161032Z", Some("1994-12-16T10:32:00Z")),
            ("199412160532-0500", Some("1994-12-16T10:32:00Z")),
            ("20260102030405.0Z", Some("2026-01-02T03:04:05Z")),
            ("20260102030405.25Z", Some("2026-01-02T03:04:05.25Z")),
            ("20260102030405Z", Some("2026-01-02T03:04:05Z")),
            ("2026010203Z", Some("2026-01-02T03:00:00Z")),
            ("2026010203.5Z", None),
            ("20260102030405", None),
            ("20261302030405Z", None),
            ("Z", None),
            ("", None),
        ] {
            assert_eq!(rfc3339(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_of_its_type_or_refused() {
        assert_eq!(value(Kind::Boolean, b"TRUE"), Ok(true.into()));
        assert!(value(Kind::Boolean, b"true").is_err());
        assert_eq!(value(Kind::Integer, b"-7"), Ok(Value::Integer(-7)));
        let large = "123456789012345678901234567890";
        assert_eq!(value(Kind::Integer, large.as_bytes()), Ok(large.into()));
        assert!(value(Kind::Text, &[0xff]).is_err());
        assert_eq!(value(Kind::Text, b"TRUE"), Ok("TRUE".into()));
    }

    proptest! {
        #[test]
        fn no_time_makes_it_panic(text in "[0-9]{8,15}[.,]?[0-9]{0,3}[Z+-]?[0-9]{0,4}|\\PC{0,20}") {
            rfc3339(&text);
        }
    }
}
