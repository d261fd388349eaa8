//! JSON objects, read in the one way that nobody else can read differently.
//!
//! In comes text that an attacker may have written; out comes an object in which, at every level,
//! each member stands once. Two readers that disagree on which of two equal members counts are what
//! an attacker would want: one checks the first, the other acts on the second. How long the text may
//! be is the caller's to bound; how deep it may nest is bounded here.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How many objects and arrays may stand inside one another.
pub const MOST_DEPTH: usize = 16;

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Not JSON (RFC 8259), or something behind it.
    #[error("not JSON, or more than one JSON text")]
    Syntax,
    /// JSON, but no object.
    #[error("not a JSON object")]
    NotAnObject,
    /// A member stands twice in one object.
    #[error("an object has the same member twice")]
    DuplicateMember,
    /// Nested deeper than [`MOST_DEPTH`].
    #[error("nested too deep")]
    TooDeep,
}

/// Parses exactly one JSON object; members are compared after their escapes are resolved.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    let fault = Cell::new(Fault::Syntax);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict {
        levels: MOST_DEPTH,
        fault: &fault,
    }
    .deserialize(&mut reader)
    .map_err(|_| fault.get())?;
    reader.end().map_err(|_| Fault::Syntax)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Fault::NotAnObject),
    }
}

/// Reads one value. serde's errors carry text only, so the fault travels beside them.
#[derive(Clone, Copy)]
struct Strict<'f> {
    levels: usize,
    fault: &'f Cell<Fault>,
}

impl Strict<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(self.refuse(Fault::TooDeep)),
        }
    }

    fn refuse<E: Error>(self, fault: Fault) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                return Err(self.refuse(Fault::DuplicateMember));
            }
            object.insert(name, members.next_value_seed(inside)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fault(text: &str) -> Fault {
        parse_object(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_object_reads_as_it_is_written() {
        let text = br#" {"a": [1, -2, 0.5, "x", null, true, {"b": {}}]} "#;
        let expected = json!({"a": [1, -2, 0.5, "x", null, true, {"b": {}}]});
        assert_eq!(Value::Object(parse_object(text).unwrap()), expected);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_every_level() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert_eq!(fault(text), Fault::DuplicateMember, "{text}");
        }
    }

    #[test]
    fn the_same_member_in_two_objects_is_no_duplicate() {
        assert!(parse_object(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#).is_ok());
    }

    #[test]
    fn anything_behind_the_object_is_refused() {
        for text in ["{}{}", "{} x", "{},", "{}\0", ""] {
            assert_eq!(fault(text), Fault::Syntax, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "null", "1", "\"a\"", "[{}]"] {
            assert_eq!(fault(text), Fault::NotAnObject, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_no_json_are_refused() {
        for bytes in [
            &b"\xff{}"[..],
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"{'a':1}",
            b"{\"a\":01}",
        ] {
            assert_eq!(parse_object(bytes), Err(Fault::Syntax));
        }
        assert_eq!(fault(r#"{"a":"\ud800"}"#), Fault::Syntax);
        assert_eq!(fault(r#"{"a":1e999}"#), Fault::Syntax);
        assert_eq!(fault(r#"{"a":NaN}"#), Fault::Syntax);
    }

    #[test]
    fn depth_is_bounded_to_the_level() {
        let nested = |levels: usize| {
            format!(
                "{}{}",
                r#"{"a":"#.repeat(levels - 1) + "{}",
                "}".repeat(levels - 1)
            )
        };
        assert!(parse_object(nested(MOST_DEPTH).as_bytes()).is_ok());
        assert_eq!(fault(&nested(MOST_DEPTH + 1)), Fault::TooDeep);
        assert_eq!(
            fault(&format!(r#"{{"a":{}"#, "[".repeat(100_000))),
            Fault::TooDeep
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_read_back(value in any_json()) {
            let text = json!({ "a": value });
            let parsed = parse_object(text.to_string().as_bytes()).map(Value::Object);
            prop_assert_eq!(parsed, Ok(text));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let agrees = parse_object(&bytes).is_err() || serde_json::from_slice::<Value>(&bytes).is_ok();
            prop_assert!(agrees, "accepted what serde_json refuses");
        }
    }
}
