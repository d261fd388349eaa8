//! What a person typed to say who they are, brought to the one form that the store is asked with.
//! What follows (lockout, decoy, audit, statement) sees that form only, so no spelling gets an attempt of its own.

use unicode_normalization::UnicodeNormalization;

use crate::error::Error;

/// What an identifier is, and when two are the same: `identifier`, `identifier_case` and `identifier_normalization` of
/// `[store]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IdentifierRules {
    /// What users are found by.
    pub kind: IdentifierKind,
    /// Whether upper and lower case are told apart.
    pub case: IdentifierCase,
    /// What is one character, however it is written.
    pub normalization: IdentifierNormalization,
}

/// What users are found by: `[store] identifier`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IdentifierKind {
    /// E-mail addresses; whatever is none is nobody's.
    Email,
    /// Names without an `@`; whatever has one is nobody's.
    Username,
    /// Whatever the statements compare.
    #[default]
    Either,
}

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

/// Which Unicode normalization form is asked with: `[store] identifier_normalization`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum IdentifierNormalization {
    /// Form C: a letter and its accent are one character, however they were typed.
    #[default]
    Nfc,
    /// Form KC: beyond that, full-width letters, ligatures and the like are the letters that they stand for.
    Nfkc,
    /// None: the code points as they were typed.
    None,
}

impl IdentifierNormalization {
    fn of(self, text: &str) -> String {
        match self {
            Self::Nfc => text.nfc().collect(),
            Self::Nfkc => text.nfkc().collect(),
            Self::None => text.to_owned(),
        }
    }
}

impl From<IdentifierCase> for IdentifierRules {
    fn from(case: IdentifierCase) -> Self {
        Self {
            case,
            ..Self::default()
        }
    }
}

/// An identifier, normalized, unless case matters lower-cased, and trimmed: 1 to 256 bytes, no control characters.
/// Personal data, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Identifier {
    text: String,
    is_of_kind: bool,
}

impl Identifier {
    /// The most bytes an identifier has in its normalized form. RFC 5321 §4.5.3.1 gives an address at most 254.
    pub const MAX_BYTES: usize = 256;

    /// Normalizes what was typed. The error says what is wrong and never repeats it.
    pub fn parse(text: &str, rules: impl Into<IdentifierRules>) -> Result<Self, Error> {
        let rules = rules.into();
        let composed = rules.normalization.of(text);
        let cased = match rules.case {
            IdentifierCase::Sensitive => composed,
            // Lower-casing may take a composed letter apart, hence a second time.
            IdentifierCase::Insensitive => rules.normalization.of(&composed.to_lowercase()),
        };
        // Last, since form KC makes spaces of what was none.
        let normalized = cased.trim();
        if normalized.is_empty() {
            Err(Error::Identifier("is empty"))
        } else if normalized.len() > Self::MAX_BYTES {
            Err(Error::Identifier("is longer than 256 bytes"))
        } else if normalized.chars().any(char::is_control) {
            Err(Error::Identifier("holds a control character"))
        } else {
            Ok(Self {
                is_of_kind: match rules.kind {
                    IdentifierKind::Email => is_email(normalized),
                    IdentifierKind::Username => !normalized.contains('@'),
                    IdentifierKind::Either => true,
                },
                text: normalized.to_owned(),
            })
        }
    }

    /// The normalized text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether users are found by such an identifier at all. One by which none is has to cost what any other costs.
    pub fn is_of_kind(&self) -> bool {
        self.is_of_kind
    }

    /// Whether it is an e-mail address: one `@` and something on either side (RFC 5321 §4.1.2), no white space, at most 254
    /// bytes. What else an address may be, its mail server knows.
    pub fn is_email(&self) -> bool {
        is_email(&self.text)
    }
}

/// Bytes of an e-mail address (RFC 5321 §4.5.3.1.3, as erratum 1690 counts them).
const ADDRESS_BYTES: usize = 254;

fn is_email(text: &str) -> bool {
    let has_two_sides = text
        .rsplit_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    has_two_sides && text.len() <= ADDRESS_BYTES && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL_NORMALIZATIONS: [IdentifierNormalization; 3] = [
        IdentifierNormalization::Nfc,
        IdentifierNormalization::Nfkc,
        IdentifierNormalization::None,
    ];

    fn parsed(text: &str, rules: impl Into<IdentifierRules>) -> Option<String> {
        Identifier::parse(text, rules)
            .ok()
            .map(|identifier| identifier.text)
    }

    fn normalized_by(normalization: IdentifierNormalization) -> IdentifierRules {
        IdentifierRules {
            normalization,
            ..IdentifierRules::default()
        }
    }

    fn is_of(kind: IdentifierKind, text: &str) -> bool {
        let rules = IdentifierRules {
            kind,
            normalization: IdentifierNormalization::Nfkc,
            ..IdentifierRules::default()
        };
        Identifier::parse(text, rules).is_ok_and(|identifier| identifier.is_of_kind())
    }

    #[test]
    fn only_an_address_is_of_the_kind_email_and_nothing_with_an_at_a_username() {
        for address in ["zoe@example.com", " a@b ", "zoe＠example.com", "a@b@c"] {
            assert!(is_of(IdentifierKind::Email, address), "{address}");
            assert!(!is_of(IdentifierKind::Username, address), "{address}");
        }
        let long = format!("{}@b", "a".repeat(253));
        for neither in ["@", "zoe@", "@zoe", "zo e@example.com", &long] {
            assert!(!is_of(IdentifierKind::Email, neither), "{neither}");
            assert!(!is_of(IdentifierKind::Username, neither), "{neither}");
        }
        for name in ["zoe", "Zoë Quinn"] {
            assert!(!is_of(IdentifierKind::Email, name), "{name}");
            assert!(is_of(IdentifierKind::Username, name), "{name}");
        }
        for any in ["zoe@example.com", "zoe", "@"] {
            assert!(is_of(IdentifierKind::Either, any), "{any}");
        }
    }

    #[test]
    fn what_is_one_character_is_for_the_config_to_say() {
        let forms = |typed| ALL_NORMALIZATIONS.map(|form| parsed(typed, normalized_by(form)));
        let expected =
            |nfc: &str, nfkc: &str, none: &str| [nfc, nfkc, none].map(|text| Some(text.to_owned()));
        // From the charts of Unicode's normalization: a mark, full width, a ligature, and the Kelvin sign, whose lower case
        // is a plain k in any form.
        assert_eq!(forms("Zoe\u{308}"), expected("zoë", "zoë", "zoe\u{308}"));
        assert_eq!(forms("Ｚｏｅ"), expected("ｚｏｅ", "zoe", "ｚｏｅ"));
        assert_eq!(forms("ﬁn"), expected("ﬁn", "fin", "ﬁn"));
        assert_eq!(forms("\u{212a}im"), expected("kim", "kim", "kim"));
    }

    #[test]
    fn a_space_that_normalization_makes_is_trimmed_like_any() {
        // U+00A8 in form KC is a space and a mark.
        let nfkc = parsed("¨a", normalized_by(IdentifierNormalization::Nfkc));
        assert_eq!(nfkc.as_deref(), Some("\u{308}a"));
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
                for rules in ALL_NORMALIZATIONS.map(normalized_by) {
                    let once = parsed(&typed, rules);
                    let twice = once.as_deref().and_then(|once| parsed(once, rules));
                    assert_eq!(once, twice, "{typed:?} {rules:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_normalized_identifier_stays_as_it_is(text in any::<String>()) {
            for case in [IdentifierCase::Insensitive, IdentifierCase::Sensitive] {
                for normalization in ALL_NORMALIZATIONS {
                    let rules = IdentifierRules { case, normalization, ..IdentifierRules::default() };
                    if let Some(once) = parsed(&text, rules) {
                        prop_assert_eq!(parsed(&once, rules), Some(once));
                    }
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
