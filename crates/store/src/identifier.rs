//! What a person typed to say who they are, brought to the one form that the store is asked with.
//! What follows (lockout, decoy, audit, statement) sees that form only, so no spelling gets an attempt of its own.

use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// Whether upper and lower case are told apart: `[store] identifier_case`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IdentifierCase {
    /// Lower-cased by Unicode's rules before it is used, as most stores treat e-mail addresses. The statement has to
    /// compare with something lower-cased, too; SQLite's own `lower()` leaves letters beyond ASCII as they are.
    #[default]
    Insensitive,
    /// Left as it was typed.
    Sensitive,
}

/// An identifier, trimmed, in Unicode normalization form C and, unless case matters, lower-cased: 1 to 256 bytes,
/// no control characters. Personal data, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// The most bytes an identifier has in its normalized form. RFC 5321 §4.5.3.1 gives an address at most 254.
    pub const MAX_BYTES: usize = 256;

    /// Normalizes what was typed. The error says what is wrong and never repeats it.
    pub fn parse(text: &str, case: IdentifierCase) -> Result<Self, Error> {
        let composed = text.trim().nfc();
        let normalized: String = match case {
            IdentifierCase::Sensitive => composed.collect(),
            // Lower-casing may take a composed letter apart, hence a second time.
            IdentifierCase::Insensitive => {
                composed.collect::<String>().to_lowercase().nfc().collect()
            }
        };
        if normalized.is_empty() {
            Err(Error::Identifier("is empty"))
        } else if normalized.len() > Self::MAX_BYTES {
            Err(Error::Identifier("is longer than 256 bytes"))
        } else if normalized.chars().any(char::is_control) {
            Err(Error::Identifier("holds a control character"))
        } else {
            Ok(Self(normalized))
        }
    }

    /// The normalized text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str, case: IdentifierCase) -> Option<String> {
        Identifier::parse(text, case)
            .ok()
            .map(|identifier| identifier.0)
    }

    #[test]
    fn one_person_has_one_form() {
        for typed in [
            "Zoë@Example.com",
            "  zoe\u{308}@example.COM\n",
            "ZOË@EXAMPLE.COM",
        ] {
            assert_eq!(
                parsed(typed, IdentifierCase::Insensitive).as_deref(),
                Some("zoë@example.com")
            );
        }
    }

    #[test]
    fn where_case_matters_only_space_and_composition_change() {
        assert_eq!(
            parsed(" Zoe\u{308} ", IdentifierCase::Sensitive).as_deref(),
            Some("Zoë")
        );
    }

    #[test]
    fn the_limits_hold_after_normalization() {
        let longest = "a".repeat(Identifier::MAX_BYTES);
        assert!(parsed(&format!("  {longest}  "), IdentifierCase::Insensitive).is_some());
        assert!(parsed(&format!("{longest}a"), IdentifierCase::Insensitive).is_none());
        // U+0130 is two bytes, its lower case three.
        assert!(parsed(&"İ".repeat(128), IdentifierCase::Sensitive).is_some());
        assert!(parsed(&"İ".repeat(128), IdentifierCase::Insensitive).is_none());
    }

    #[test]
    fn nothing_and_control_characters_are_refused_without_being_repeated() {
        for typed in [
            "",
            " \t ",
            "zoe\0@example.com",
            "zoe\r\n@example.com",
            "zoe\u{85}@example.com",
        ] {
            let Err(error) = Identifier::parse(typed, IdentifierCase::Insensitive) else {
                panic!("{typed:?} was accepted");
            };
            assert!(!error.to_string().contains("zoe"));
        }
    }

    #[test]
    fn no_character_has_a_second_normal_form_not_even_before_a_mark() {
        // An accent, which composes, and the iota subscript, which changes its place. No letter is beyond these planes
        // that has a case.
        for mark in ["", "\u{301}", "\u{345}"] {
            for character in '\0'..='\u{1ffff}' {
                let typed = format!("a{character}{mark}z");
                let once = parsed(&typed, IdentifierCase::Insensitive);
                let twice = once
                    .as_deref()
                    .and_then(|once| parsed(once, IdentifierCase::Insensitive));
                assert_eq!(once, twice, "{typed:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_normalized_identifier_stays_as_it_is(text in any::<String>()) {
            for case in [IdentifierCase::Insensitive, IdentifierCase::Sensitive] {
                if let Some(once) = parsed(&text, case) {
                    prop_assert_eq!(parsed(&once, case), Some(once));
                }
            }
        }

        #[test]
        fn upper_case_ascii_makes_no_other_person(text in "[ -~]{1,64}") {
            let upper = parsed(&text.to_ascii_uppercase(), IdentifierCase::Insensitive);
            prop_assert_eq!(upper, parsed(&text, IdentifierCase::Insensitive));
        }
    }
}
