//! A value of config with named parameters in it: `:name` stands for what a caller sent, `\3a` for the byte of that number.
//! It is parsed once; what is put in later is bytes of a value, whatever they look like.

use std::collections::BTreeSet;

use crate::error::StatementFlaw;
use crate::parameters::{Binding, Value};

/// Literal bytes and parameters, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Parameter(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self, StatementFlaw> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let after = rest.get(character.len_utf8()..).unwrap_or_default();
            let name = match character {
                '\0' => return Err(StatementFlaw::Nul),
                '\\' => {
                    literal.push(hex_byte(after).ok_or(StatementFlaw::Filter(ESCAPE))?);
                    rest = after.get(2..).unwrap_or_default();
                    continue;
                }
                ':' => parameter(after),
                _ => "",
            };
            if name.is_empty() {
                let mut buffer = [0; 4];
                literal.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                rest = after;
            } else {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Parameter(name.to_owned()));
                rest = after.get(name.len()..).unwrap_or_default();
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one parameter that is all of it, if it is.
    pub(super) fn sole_parameter(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Piece::Parameter(name)] => Some(name),
            _ => None,
        }
    }

    /// Adds the names of its parameters.
    pub(super) fn collect_parameters(&self, names: &mut BTreeSet<String>) {
        for piece in &self.0 {
            if let Piece::Parameter(name) = piece {
                names.insert(name.clone());
            }
        }
    }

    /// The bytes of the value; `None` if one of its parameters has none.
    pub(super) fn fill(&self, values: &Values<'_>) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => bytes.extend_from_slice(literal),
                Piece::Parameter(name) => bytes.extend(values.bytes(name)?),
            }
        }
        Some(bytes)
    }
}

/// What the parameters of one run stand for.
pub(super) struct Values<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Values<'a> {
    pub(super) fn new(names: &'a [String], bindings: &[Binding<'a>]) -> Self {
        let values = names.iter().zip(bindings);
        let visible = values.filter_map(|(name, binding)| match binding {
            Binding::Value(value) => Some((name.as_str(), *value)),
            Binding::PasswordHash(_) => None,
        });
        Self(visible.collect())
    }

    /// The parameter whose text holds a NUL, if there is one.
    pub(super) fn with_nul(&self) -> Option<&'a str> {
        let holds_nul = |value: &Value| matches!(value, Value::Text(text) if text.contains('\0'));
        let mut values = self.0.iter();
        let found = values.find(|(_, value)| holds_nul(value));
        found.map(|(name, _)| *name)
    }

    /// The value as a directory writes it (RFC 4517): truth values are `TRUE` and `FALSE`.
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        match value {
            Value::Null => None,
            Value::Boolean(true) => Some(b"TRUE".to_vec()),
            Value::Boolean(false) => Some(b"FALSE".to_vec()),
            Value::Integer(number) => Some(number.to_string().into_bytes()),
            Value::Real(number) => Some(number.to_string().into_bytes()),
            Value::Text(text) => Some(text.clone().into_bytes()),
            Value::Bytes(bytes) => Some(bytes.clone()),
        }
    }
}

/// The name with which a text begins, if it begins with one.
fn parameter(text: &str) -> &str {
    if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
        return "";
    }
    let is_of_name = |character: char| character.is_ascii_lowercase() || character == '_';
    let end = text
        .find(|character| !is_of_name(character))
        .unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The byte that two hexadecimal digits name.
fn hex_byte(text: &str) -> Option<u8> {
    let digits = text.get(..2)?;
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    all_digits.then(|| u8::from_str_radix(digits, 16).ok())?
}

/// Writes bytes so that none of them means anything to a reader of filters or names: letters and digits as they are, all
/// else by number (RFC 4515 §3, RFC 4514 §2.4).
pub(super) fn escaped(bytes: &[u8]) -> String {
    let escape = |&byte: &u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("\\{byte:02x}")
        }
    };
    bytes.iter().map(escape).collect()
}

const ESCAPE: &str = "a `\\` stands before two hexadecimal digits, such as `\\2a` for `*`";

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, value: &Value) -> Option<Vec<u8>> {
        let values = Values(vec![("email", value)]);
        Template::parse(template).unwrap().fill(&values)
    }

    #[test]
    fn a_parameter_is_all_of_a_value_or_stands_among_literal_text() {
        let value = Value::from("a\\b*:email");
        for (template, expected) in [
            (":email", "a\\b*:email"),
            ("smtp:", "smtp:"),
            ("SMTP\\3a:email;", "SMTP:a\\b*:email;"),
            ("urn: :email", "urn: a\\b*:email"),
            ("\\c3\\a9", "é"),
            ("", ""),
        ] {
            assert_eq!(
                filled(template, &value).as_deref(),
                Some(expected.as_bytes()),
                "{template}"
            );
        }
    }

    #[test]
    fn what_has_no_value_makes_none() {
        assert_eq!(filled("x:email", &Value::Null), None);
        assert_eq!(filled("x:nickname", &Value::from("a")), None);
    }

    #[test]
    fn truth_and_numbers_are_written_as_directories_do() {
        assert_eq!(filled(":email", &true.into()).unwrap(), b"TRUE");
        assert_eq!(filled(":email", &Value::Integer(-7)).unwrap(), b"-7");
    }

    #[test]
    fn an_escape_that_is_none_is_refused() {
        for text in ["\\", "\\4", "\\zz", "\\+1", "a\\,b", "\\4é"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
