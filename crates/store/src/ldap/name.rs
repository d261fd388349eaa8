//! The name of a new entry (RFC 4514), from config and what a caller sends: a name below the base, and never another.
//! Values are escaped byte by byte, so no comma in one of them can move the entry to another place.

use std::collections::BTreeSet;

use super::template::{Template, Values, escaped};
use crate::error::StatementFlaw;

/// A name relative to the base, such as `uid=:username,ou=people`, with places for values.
#[derive(Clone, Debug)]
pub(super) struct RelativeName(Vec<Vec<(String, Template)>>);

impl RelativeName {
    /// Names are separated by `,`, and the parts of one by `+`; either in a value is written by number, `\2c`.
    pub(super) fn parse(text: &str) -> Result<Self, StatementFlaw> {
        let names = text.split(',').map(|name| {
            name.split('+')
                .map(|part| {
                    let (attribute, value) = part.split_once('=').ok_or(NOT_A_NAME)?;
                    let attribute = attribute.trim();
                    let is_sound = attribute.chars().all(|character| {
                        character.is_ascii_alphanumeric() || "-.".contains(character)
                    });
                    let value = Template::parse(value.trim())?;
                    if attribute.is_empty() || !is_sound || value.is_empty() {
                        return Err(NOT_A_NAME);
                    }
                    Ok((attribute.to_owned(), value))
                })
                .collect()
        });
        names.collect::<Result<_, _>>().map(Self)
    }

    /// The names of its parameters.
    pub(super) fn collect_parameters(&self, names: &mut BTreeSet<String>) {
        for (_, value) in self.0.iter().flatten() {
            value.collect_parameters(names);
        }
    }

    /// The attributes that the name is made of.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &str> {
        let parts = self.0.iter().flatten();
        parts.map(|(attribute, _)| attribute.as_str())
    }

    /// The whole name below `base`; `None` if a value is missing or empty.
    pub(super) fn below(&self, base: &str, values: &Values<'_>) -> Option<String> {
        let mut whole = String::new();
        for name in &self.0 {
            for (place, (attribute, value)) in name.iter().enumerate() {
                let value = value.fill(values).filter(|value| !value.is_empty())?;
                if place > 0 {
                    whole.push('+');
                }
                whole.push_str(attribute);
                whole.push('=');
                whole.push_str(&escaped(&value));
            }
            whole.push(',');
        }
        whole.push_str(base);
        Some(whole)
    }
}

const NOT_A_NAME: StatementFlaw = StatementFlaw::Filter(
    "`rdn` is not a name such as `uid=:username`; a comma in a value is written `\\2c`",
);

/// The name of the entry above; `None` of one that has nobody above it.
pub(super) fn above(name: &str) -> Option<&str> {
    let mut is_escaped = false;
    let comma = name.char_indices().find(|&(_, character)| {
        let is_comma = character == ',' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_comma
    });
    let (comma, _) = comma?;
    name.get(comma + 1..).map(str::trim_start)
}

/// Whether two names are of the same entry, as far as case and spaces between the parts go.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| {
        let parts = name.split(',').map(str::trim);
        let parts: Vec<_> = parts.collect();
        parts.join(",").to_lowercase()
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{Binding, Value};
    use proptest::prelude::*;

    fn named(rdn: &str, value: &str) -> Option<String> {
        let (names, value) = (["email".to_owned()], Value::from(value));
        let bindings = [Binding::Value(&value)];
        let rdn = RelativeName::parse(rdn).unwrap();
        rdn.below("dc=example", &Values::new(&names, &bindings))
    }

    #[test]
    fn a_name_is_made_below_the_base() {
        assert_eq!(
            named("uid=:email, ou=people", "ada").as_deref(),
            Some("uid=ada,ou=people,dc=example")
        );
        assert_eq!(
            named("uid=:email+cn=x", "a,b=c").as_deref(),
            Some("uid=a\\2cb\\3dc+cn=x,dc=example")
        );
        assert_eq!(named("uid=:email", ""), None);
    }

    #[test]
    fn the_name_above_begins_after_the_first_comma_that_separates() {
        assert_eq!(above("ou=a\\, b, dc=example"), Some("dc=example"));
        assert_eq!(above("cn=a\\\\,dc=example"), Some("dc=example"));
        assert_eq!(above("dc=example"), None);
        assert!(is_same("OU=People, DC=example", "ou=people,dc=example"));
        assert!(!is_same("ou=people,dc=example", "dc=example"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "uid",
            "uid=",
            "=x",
            "uid=a,",
            "u d=a",
            "uid=a\\,b",
            ":email=a",
        ] {
            assert!(RelativeName::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_place(value in any::<String>()) {
            let Some(name) = named("uid=:email", &value) else {
                prop_assert!(value.is_empty());
                return Ok(());
            };
            let inner = name.strip_prefix("uid=").unwrap().strip_suffix(",dc=example").unwrap();
            prop_assert!(inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '\\'));
            prop_assert_eq!(ldap3::ldap_unescape(inner).unwrap(), value);
        }
    }
}
