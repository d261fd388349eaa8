//! Scope: what a token allows, as a set of words.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A set of scope tokens (RFC 6749 §3.3). The empty set is [`Scope::default`]; as text a scope has at
/// least one token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<String>);

impl Scope {
    /// The longest text that is read as a scope, in bytes.
    pub const MOST_BYTES: usize = 8 * 1024;

    /// Whether the token is in the set, to the letter.
    pub fn contains(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of this set is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The tokens that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// The tokens, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Scope {
    type Err = Error;

    /// `scope-token *( SP scope-token )`
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > Self::MOST_BYTES || !text.split(' ').all(is_scope_token) {
            return Err(Error::Scope);
        }
        Ok(Self(text.split(' ').map(str::to_owned).collect()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(out, "{space}{token}")?;
        }
        Ok(())
    }
}

/// `1*( %x21 / %x23-5B / %x5D-7E )`
fn is_scope_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn tokens_are_compared_to_the_letter() {
        let scope = scope("read:users update:passwords");
        assert!(scope.contains("read:users"));
        for other in ["read", "READ:USERS", "read:users ", ""] {
            assert!(!scope.contains(other), "{other:?}");
        }
    }

    #[test]
    fn the_grammar_of_rfc_6749_decides() {
        for text in [
            "", " ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "é", "a\u{7f}",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn its_text_is_sorted_and_names_each_token_once() {
        assert_eq!(scope("b a b").to_string(), "a b");
        assert_eq!(Scope::default().to_string(), "");
    }

    #[test]
    fn sets_behave_like_sets() {
        let (small, large) = (scope("a b"), scope("a b c"));
        assert!(small.is_subset(&large) && !large.is_subset(&small));
        assert_eq!(scope("b d").intersection(&large), scope("b"));
        assert!(scope("d").intersection(&large).is_empty());
        assert!(Scope::default().is_subset(&small));
    }

    #[test]
    fn its_length_is_bounded() {
        assert!("a".repeat(Scope::MOST_BYTES).parse::<Scope>().is_ok());
        assert!("a".repeat(Scope::MOST_BYTES + 1).parse::<Scope>().is_err());
    }

    proptest! {
        #[test]
        fn a_scope_survives_its_text(text in "[!#-\\[\\]-~]{1,6}( [!#-\\[\\]-~]{1,6}){0,5}") {
            let parsed = scope(&text);
            prop_assert_eq!(scope(&parsed.to_string()), parsed);
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert!(scope.iter().all(is_scope_token));
            }
        }
    }
}
