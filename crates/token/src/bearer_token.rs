//! The access token as the caller presented it, before anything is known about it.

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::Error;

/// The text of a bearer token: `b64token` of RFC 6750 §2.1, at most [`BearerToken::MOST_BYTES`] long.
///
/// Whoever holds it can use it, so it is a secret: it is zeroed on drop and has no `Debug`, `Clone` or `==`.
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// The longest token that is looked at, in bytes.
    pub const MOST_BYTES: usize = 16 * 1024;

    /// Takes a token by the grammar of RFC 6750 §2.1.
    pub fn new(token: String) -> Result<Self, Error> {
        let token = Zeroizing::new(token);
        if token.len() > Self::MOST_BYTES || !is_b64token(&token) {
            return Err(Error::BearerToken);
        }
        Ok(Self(token))
    }

    /// The token itself.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the token, to know it again without keeping it.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, self.0.as_bytes()).as_ref());
        bytes
    }
}

/// `1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(token: &str) -> bool {
        BearerToken::new(token.to_owned()).is_ok()
    }

    #[test]
    fn the_grammar_of_rfc_6750_decides() {
        assert!(accepts("mF_9.B5f-4.1JqM"));
        assert!(accepts("a+/~=="));
        for token in ["", "=", "a b", "a\n", "a=b", "é", "a,b"] {
            assert!(!accepts(token), "{token:?}");
        }
    }

    #[test]
    fn the_longest_token_is_taken_and_one_byte_more_is_not() {
        assert!(accepts(&"a".repeat(BearerToken::MOST_BYTES)));
        assert!(!accepts(&"a".repeat(BearerToken::MOST_BYTES + 1)));
    }

    #[test]
    fn the_digest_is_sha_256() {
        // FIPS 180-2 appendix B.1: SHA-256("abc").
        let digest = BearerToken::new("abc".to_owned()).unwrap().digest();
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(digest[28..], [0xf2, 0x00, 0x15, 0xad]);
    }

    proptest! {
        #[test]
        fn what_the_grammar_makes_is_taken(token in "[A-Za-z0-9._~+/-]{1,40}={0,3}") {
            prop_assert!(accepts(&token));
        }

        #[test]
        fn what_is_taken_has_only_the_grammars_characters(token: String) {
            let foreign = token.is_empty() || !token.chars().all(|it| it.is_ascii_alphanumeric() || "-._~+/=".contains(it));
            prop_assert!(!(foreign && accepts(&token)));
        }
    }
}
