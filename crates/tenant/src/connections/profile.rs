//! The profile of a user, as a script returned it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What the platform puts before the user id of a database connection.
const SUBJECT_PREFIX: &str = "auth0|";
/// Bytes of a user id.
const USER_ID_BYTES: usize = 255;
/// Bytes of a profile, as JSON: it is kept, and handed to every rule and action.
const PROFILE_BYTES: usize = 64 * 1024;
/// What a profile never holds: what opens a door, and what is the tenant's to say.
const LEFT_OUT: [&str; 6] = [
    "access_token",
    "refresh_token",
    "password",
    "password_hash",
    "identities",
    "sub",
];

/// A user's profile: what a script returned, with a `user_id` that is a string.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    user_id: String,
    attributes: Map<String, Value>,
}

impl Profile {
    /// Reads what a script returned; the error says what is wrong with it, for the script's author.
    pub(crate) fn read(value: Value) -> Result<Self, &'static str> {
        let Value::Object(mut attributes) = value else {
            return Err("the profile is not an object");
        };
        let user_id = match attributes.remove("user_id") {
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err("the profile has no user_id that is a string or a number"),
        };
        if user_id.is_empty()
            || user_id.len() > USER_ID_BYTES
            || user_id.chars().any(char::is_control)
        {
            return Err("the profile's user_id must be 1 to 255 bytes without control characters");
        }
        attributes.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        // The old checklist of the platform calls it `metadata`; both names mean the same.
        if let Some(metadata) = attributes.remove("metadata") {
            attributes.entry("app_metadata").or_insert(metadata);
        }
        if serde_json::to_vec(&attributes).map_or(true, |text| text.len() > PROFILE_BYTES) {
            return Err("the profile is larger than 64 KiB");
        }
        Ok(Self {
            user_id,
            attributes,
        })
    }

    /// The id in the legacy store.
    pub(crate) fn user_id(&self) -> &str {
        &self.user_id
    }

    /// `sub`.
    pub(crate) fn subject(&self) -> String {
        format!("{SUBJECT_PREFIX}{}", self.user_id)
    }

    /// The address, if there is one.
    pub(crate) fn email(&self) -> Option<&str> {
        self.attributes.get("email").and_then(Value::as_str)
    }

    /// The same profile with another address.
    #[must_use]
    pub(crate) fn with_email(mut self, email: &str, verified: bool) -> Self {
        self.attributes
            .insert("email".to_owned(), Value::from(email));
        self.attributes
            .insert("email_verified".to_owned(), Value::from(verified));
        self
    }

    /// Whether the address has been shown to be the user's.
    pub(crate) fn is_email_verified(&self) -> bool {
        self.attributes.get("email_verified") == Some(&Value::Bool(true))
    }

    /// Whether the account is closed.
    pub(crate) fn is_blocked(&self) -> bool {
        self.attributes.get("blocked") == Some(&Value::Bool(true))
    }

    /// An attribute, as it came.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes.get(name).filter(|value| !value.is_null())
    }

    /// The user as rules and actions see one.
    pub(crate) fn to_user(&self, connection: &str) -> Map<String, Value> {
        let mut user = self.attributes.clone();
        user.insert("user_id".to_owned(), Value::from(self.subject()));
        user.insert(
            "identities".to_owned(),
            json!([{ "connection": connection, "provider": "auth0", "user_id": self.user_id, "isSocial": false }]),
        );
        user
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_becomes_a_string() {
        let profile = Profile::read(json!({ "user_id": 42, "email": "ada@example.com" })).unwrap();
        assert_eq!(profile.subject(), "auth0|42");
        assert_eq!(profile.email(), Some("ada@example.com"));
    }

    #[test]
    fn a_profile_without_a_user_id_is_none() {
        for value in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "user_id": null }),
            json!({ "user_id": "" }),
            json!({ "user_id": true }),
            json!({ "user_id": "a\nb" }),
            json!({ "user_id": "x".repeat(256) }),
        ] {
            assert!(Profile::read(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn what_opens_a_door_is_left_out() {
        let profile =
            Profile::read(json!({ "user_id": "1", "password_hash": "$2b$", "access_token": "t" }))
                .unwrap();
        let user = Value::Object(profile.to_user("legacy")).to_string();
        assert!(!user.contains("$2b$") && !user.contains("access_token"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_script_returns_a_profile_has_a_sound_id(user_id in ".{0,300}", name in ".{0,20}") {
            let value = json!({ "user_id": user_id, name: user_id });
            if let Ok(profile) = Profile::read(value) {
                proptest::prop_assert!((1..=255).contains(&profile.user_id().len()));
                proptest::prop_assert!(!profile.subject().chars().any(char::is_control));
            }
        }
    }
}
