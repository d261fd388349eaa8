//! From the members of a JSON object to the typed fields of an operation, each by its name.

use std::borrow::Cow;

use lychgate_password::Password;
use lychgate_store::{Identifier, IdentifierKind, IdentifierRules};
use serde_json::{Map, Value};

use crate::problem::{FieldFault, InvalidField};

/// Bytes of an unknown field's name that are repeated to the caller; a longer name is not.
const NAME_BYTES: usize = 64;

/// Bytes of a field that is plain text.
const TEXT_BYTES: usize = 1024;

/// The members of a body that no field has taken yet, and what config makes of them.
pub struct Fields<'a> {
    members: Map<String, Value>,
    rules: IdentifierRules,
    taken_by_statement: &'a dyn Fn(&str) -> bool,
}

/// An e-mail address, normalized as identifiers are, whatever users are found by.
pub struct Email(Identifier);

/// A type that a field can have.
pub trait FieldValue: Sized {
    /// The value, or what is wrong with it.
    fn from_member(member: Value, rules: IdentifierRules) -> Result<Self, FieldFault>;
}

impl<'a> Fields<'a> {
    /// All members are there to take; `taken_by_statement` says which fields the configured statement has a place for.
    pub(crate) fn new(
        members: Map<String, Value>,
        rules: IdentifierRules,
        taken_by_statement: &'a dyn Fn(&str) -> bool,
    ) -> Self {
        Self {
            members,
            rules,
            taken_by_statement,
        }
    }

    /// A field that must be there.
    pub fn required<T: FieldValue>(&mut self, field: &'static str) -> Result<T, InvalidField> {
        self.optional(field)?.ok_or(InvalidField {
            field: field.into(),
            fault: FieldFault::Missing,
        })
    }

    /// A field that must be there if the statement has a place for it, and must not if it has none.
    pub fn required_if_taken<T: FieldValue>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, InvalidField> {
        if (self.taken_by_statement)(field) {
            self.required(field).map(Some)
        } else {
            self.optional(field)
        }
    }

    /// A field that may be absent. `null` is a wrong type, not an absence.
    pub fn optional<T: FieldValue>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, InvalidField> {
        let Some(member) = self.members.remove(field) else {
            return Ok(None);
        };
        let invalid = |fault| InvalidField {
            field: field.into(),
            fault,
        };
        if !(self.taken_by_statement)(field) {
            return Err(invalid(FieldFault::NotTaken));
        }
        T::from_member(member, self.rules)
            .map(Some)
            .map_err(invalid)
    }

    /// What users are found by.
    pub(crate) fn identifier_kind(&self) -> IdentifierKind {
        self.rules.kind
    }

    /// The end: a member that nobody took is an unknown field.
    pub(crate) fn finish(self) -> Result<(), InvalidField> {
        match self.members.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(InvalidField {
                field: repeatable(name),
                fault: FieldFault::Unknown,
            }),
        }
    }
}

/// An unknown name goes back to the caller only where it looks like a name: it is the caller's own text.
fn repeatable(name: String) -> Cow<'static, str> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if plain && (1..=NAME_BYTES).contains(&name.len()) {
        name.into()
    } else {
        "(not a name)".into()
    }
}

impl FieldValue for bool {
    fn from_member(member: Value, _: IdentifierRules) -> Result<Self, FieldFault> {
        member.as_bool().ok_or(FieldFault::Mistyped)
    }
}

impl FieldValue for String {
    fn from_member(member: Value, _: IdentifierRules) -> Result<Self, FieldFault> {
        let text = string(member)?;
        let acceptable =
            (1..=TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        if acceptable {
            Ok(text)
        } else {
            Err(FieldFault::Unacceptable)
        }
    }
}

impl FieldValue for Map<String, Value> {
    fn from_member(member: Value, _: IdentifierRules) -> Result<Self, FieldFault> {
        match member {
            Value::Object(object) => Ok(object),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::String(_) => Err(FieldFault::Mistyped),
        }
    }
}

impl FieldValue for Identifier {
    fn from_member(member: Value, rules: IdentifierRules) -> Result<Self, FieldFault> {
        Self::parse(&string(member)?, rules).map_err(|_| FieldFault::Unacceptable)
    }
}

impl FieldValue for Email {
    fn from_member(member: Value, rules: IdentifierRules) -> Result<Self, FieldFault> {
        let identifier = Identifier::from_member(member, rules)?;
        if identifier.is_email() {
            Ok(Self(identifier))
        } else {
            Err(FieldFault::Unacceptable)
        }
    }
}

impl Email {
    /// The address, normalized as every identifier.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address as that by which its user is found.
    pub fn identifier(&self) -> &Identifier {
        &self.0
    }
}

impl FieldValue for Password {
    fn from_member(member: Value, _: IdentifierRules) -> Result<Self, FieldFault> {
        Self::new(string(member)?).map_err(|_| FieldFault::Unacceptable)
    }
}

fn string(member: Value) -> Result<String, FieldFault> {
    match member {
        Value::String(text) => Ok(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(FieldFault::Mistyped)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(body: Value, taken: &dyn Fn(&str) -> bool) -> Fields<'_> {
        let Value::Object(members) = body else {
            panic!("an object")
        };
        Fields::new(members, IdentifierRules::default(), taken)
    }

    #[test]
    fn a_fault_names_the_field_and_never_its_value() {
        let all = |_: &str| true;
        let missing = fields(json!({}), &all)
            .required::<bool>("flag")
            .unwrap_err();
        assert_eq!(
            missing,
            InvalidField {
                field: "flag".into(),
                fault: FieldFault::Missing
            }
        );
        for member in [json!("true"), json!(1), json!(null)] {
            let mistyped = fields(json!({"flag": member}), &all)
                .required::<bool>("flag")
                .unwrap_err();
            assert_eq!(
                mistyped,
                InvalidField {
                    field: "flag".into(),
                    fault: FieldFault::Mistyped
                }
            );
        }
        let empty = fields(json!({"password": ""}), &all)
            .required::<Password>("password")
            .err()
            .unwrap();
        assert_eq!(empty.fault, FieldFault::Unacceptable);
        let long = fields(json!({"identifier": "x".repeat(5000)}), &all)
            .required::<Identifier>("identifier")
            .err()
            .unwrap();
        assert_eq!(long.fault, FieldFault::Unacceptable);
    }

    #[test]
    fn what_the_statement_does_not_take_is_refused_even_where_the_operation_knows_it() {
        let only_flag = |field: &str| field == "flag";
        let refused = fields(json!({"other": true}), &only_flag)
            .optional::<bool>("other")
            .unwrap_err();
        assert_eq!(
            refused,
            InvalidField {
                field: "other".into(),
                fault: FieldFault::NotTaken
            }
        );
        assert_eq!(
            fields(json!({}), &only_flag).required_if_taken::<bool>("other"),
            Ok(None)
        );
        assert_eq!(
            fields(json!({}), &only_flag).required_if_taken::<bool>("flag"),
            Err(InvalidField {
                field: "flag".into(),
                fault: FieldFault::Missing
            })
        );
    }

    #[test]
    fn an_unknown_member_is_named_only_if_it_looks_like_a_name() {
        let all = |_: &str| true;
        let named = fields(json!({"pasword": "secret"}), &all)
            .finish()
            .unwrap_err();
        assert_eq!(
            named,
            InvalidField {
                field: "pasword".into(),
                fault: FieldFault::Unknown
            }
        );
        let unnamed = fields(json!({"<script>": 1}), &all).finish().unwrap_err();
        assert_eq!(unnamed.field, "(not a name)");
    }
}
