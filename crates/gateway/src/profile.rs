//! From a row of the legacy store to a profile with the tenant's field names.
//!
//! The columns of each statement are held against the fields at start: one that maps to nothing is an error, so nothing
//! leaves the store by accident. Values become the types that the contract promises, or the row is refused. An attacker
//! wants the column that nobody meant to return; a hash cannot be one, the row gives it up before it comes here.

mod columns;

use lychgate_store::Value;
use lychgate_token::strict_json;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

pub use columns::ColumnFault;
pub(crate) use columns::{Columns, refuse_unused_renames};

/// Any JSON object.
type Metadata = Map<String, serde_json::Value>;

/// A user as the tenant knows users: normalized field names, never a password hash.
#[derive(Serialize, JsonSchema, Default)]
pub struct Profile {
    /// Stable for the life of the user.
    pub user_id: String,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The name to log in with, where it is not the e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What to call the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number is the user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_verified: Option<bool>,
    /// Whether the account is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<bool>,
    /// What the user may change about herself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_metadata: Option<Metadata>,
    /// What only applications may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_metadata: Option<Metadata>,
}

/// The fields of a profile: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileField {
    /// `user_id`: required, a string.
    UserId,
    /// `email`.
    Email,
    /// `email_verified`: a boolean.
    EmailVerified,
    /// `username`.
    Username,
    /// `nickname`.
    Nickname,
    /// `name`.
    Name,
    /// `given_name`.
    GivenName,
    /// `family_name`.
    FamilyName,
    /// `picture`.
    Picture,
    /// `phone_number`.
    PhoneNumber,
    /// `phone_verified`: a boolean.
    PhoneVerified,
    /// `blocked`: a boolean.
    Blocked,
    /// `user_metadata`: an object.
    UserMetadata,
    /// `app_metadata`: an object.
    AppMetadata,
}

/// A value that cannot be what its field promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnfitValue;

impl ProfileField {
    /// All fields, in the contract's order.
    pub const ALL: [Self; 14] = [
        Self::UserId,
        Self::Email,
        Self::EmailVerified,
        Self::Username,
        Self::Nickname,
        Self::Name,
        Self::GivenName,
        Self::FamilyName,
        Self::Picture,
        Self::PhoneNumber,
        Self::PhoneVerified,
        Self::Blocked,
        Self::UserMetadata,
        Self::AppMetadata,
    ];

    /// The field's name in a profile and in `[store.profile]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserId => "user_id",
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::Username => "username",
            Self::Nickname => "nickname",
            Self::Name => "name",
            Self::GivenName => "given_name",
            Self::FamilyName => "family_name",
            Self::Picture => "picture",
            Self::PhoneNumber => "phone_number",
            Self::PhoneVerified => "phone_verified",
            Self::Blocked => "blocked",
            Self::UserMetadata => "user_metadata",
            Self::AppMetadata => "app_metadata",
        }
    }

    /// The field of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl Profile {
    /// Puts a column's value into a field.
    fn set(&mut self, field: ProfileField, value: Value) -> Result<(), UnfitValue> {
        match field {
            ProfileField::UserId => {
                self.user_id = text(value)?.filter(|id| !id.is_empty()).ok_or(UnfitValue)?;
            }
            ProfileField::Email => self.email = text(value)?,
            ProfileField::EmailVerified => self.email_verified = boolean(value)?,
            ProfileField::Username => self.username = text(value)?,
            ProfileField::Nickname => self.nickname = text(value)?,
            ProfileField::Name => self.name = text(value)?,
            ProfileField::GivenName => self.given_name = text(value)?,
            ProfileField::FamilyName => self.family_name = text(value)?,
            ProfileField::Picture => self.picture = text(value)?,
            ProfileField::PhoneNumber => self.phone_number = text(value)?,
            ProfileField::PhoneVerified => self.phone_verified = boolean(value)?,
            ProfileField::Blocked => self.blocked = boolean(value)?,
            ProfileField::UserMetadata => self.user_metadata = object(value)?,
            ProfileField::AppMetadata => self.app_metadata = object(value)?,
        }
        Ok(())
    }

    /// Whether the store says that this account is disabled.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked == Some(true)
    }
}

fn text(value: Value) -> Result<Option<String>, UnfitValue> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        Value::Integer(number) => Ok(Some(number.to_string())),
        Value::Boolean(_) | Value::Real(_) | Value::Bytes(_) => Err(UnfitValue),
    }
}

fn boolean(value: Value) -> Result<Option<bool>, UnfitValue> {
    match value {
        Value::Null => Ok(None),
        Value::Boolean(truth) => Ok(Some(truth)),
        Value::Integer(0) => Ok(Some(false)),
        Value::Integer(1) => Ok(Some(true)),
        Value::Text(text) => match text.as_str() {
            // The capitals are a directory's, whose schema may not be there to tell booleans from texts.
            "f" | "0" | "false" | "FALSE" => Ok(Some(false)),
            "t" | "1" | "true" | "TRUE" => Ok(Some(true)),
            _ => Err(UnfitValue),
        },
        Value::Integer(_) | Value::Real(_) | Value::Bytes(_) => Err(UnfitValue),
    }
}

fn object(value: Value) -> Result<Option<Metadata>, UnfitValue> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => strict_json::parse_object(text.as_bytes())
            .map(Some)
            .map_err(|_| UnfitValue),
        Value::Boolean(_) | Value::Integer(_) | Value::Real(_) | Value::Bytes(_) => Err(UnfitValue),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_of_the_profile() {
        let schema = serde_json::to_value(schemars::schema_for!(Profile)).unwrap();
        let mut promised: Vec<_> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let mut fields: Vec<_> = ProfileField::ALL
            .iter()
            .map(|field| field.name().to_owned())
            .collect();
        promised.sort();
        fields.sort();
        assert_eq!(promised, fields);
    }

    #[test]
    fn booleans_come_from_bool_zero_one_t_and_f_and_nothing_else() {
        for (value, truth) in [
            (Value::Boolean(true), Some(true)),
            (Value::Integer(0), Some(false)),
            (Value::Integer(1), Some(true)),
            (Value::Text("t".into()), Some(true)),
            (Value::Text("f".into()), Some(false)),
            (Value::Text("TRUE".into()), Some(true)),
            (Value::Text("FALSE".into()), Some(false)),
            (Value::Null, None),
        ] {
            assert_eq!(boolean(value), Ok(truth));
        }
        for value in [
            Value::Integer(2),
            Value::Integer(-1),
            Value::Text("yes".into()),
            Value::Real(1.0),
            Value::Bytes(vec![1]),
        ] {
            assert_eq!(boolean(value), Err(UnfitValue));
        }
    }

    #[test]
    fn a_user_id_is_a_string_and_never_absent() {
        let set = |value| {
            let mut profile = Profile::default();
            profile
                .set(ProfileField::UserId, value)
                .map(|()| profile.user_id)
        };
        assert_eq!(set(Value::Integer(42)), Ok("42".to_owned()));
        assert_eq!(set(Value::Text("a-b".into())), Ok("a-b".to_owned()));
        for value in [Value::Null, Value::Text(String::new()), Value::Real(1.5)] {
            assert_eq!(set(value), Err(UnfitValue));
        }
    }

    #[test]
    fn metadata_is_a_json_object_or_the_row_is_refused() {
        assert_eq!(
            object(Value::Text(r#"{"a":1}"#.into())).unwrap().unwrap()["a"],
            1
        );
        for text in ["", "[]", "1", r#"{"a":1,"a":2}"#] {
            assert_eq!(object(Value::Text(text.into())), Err(UnfitValue), "{text}");
        }
    }
}
