//! PostgreSQL's arrays, as the text of a JSON array: a profile has no field of its own for them.

use serde_json::json;
use sqlx::postgres::PgTypeInfo;

use super::values::{self, Cursor, Fault};
use crate::parameters::Value;

/// The JSON of an array with one dimension, or none.
pub(super) fn decode(element: &PgTypeInfo, bytes: &[u8]) -> Result<String, Fault> {
    let mut cursor = Cursor(bytes);
    let dimensions = cursor.unsigned::<4>()?;
    let [_has_nulls, _element_type] = [cursor.unsigned::<4>()?, cursor.unsigned::<4>()?];
    let length = match dimensions {
        0 => 0,
        1 => {
            let length = cursor.unsigned::<4>()?;
            let _lower_bound = cursor.unsigned::<4>()?;
            length
        }
        _ => return Err("is an array of more than one dimension"),
    };
    let mut elements = Vec::new();
    for _ in 0..length {
        let size = i32::from_be_bytes(cursor.take()?);
        elements.push(match usize::try_from(size) {
            Ok(size) => to_json(values::decode(element, cursor.take_slice(size)?)?),
            Err(_) => serde_json::Value::Null,
        });
    }
    Ok(serde_json::Value::Array(elements).to_string())
}

fn to_json(value: Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(value) => json!(value),
        Value::Integer(value) => json!(value),
        Value::Real(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Bytes(value) => json!(String::from_utf8_lossy(&value)),
    }
}
