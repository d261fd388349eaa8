//! The secret that a client and the authorization server share.

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::Error;

/// A client's secret: 1 to 1024 characters of printable ASCII (RFC 6749 appendix A.2).
///
/// It is zeroed on drop and has no `Debug`, `Clone` or `==`.
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// The longest secret, in bytes.
    pub const MOST_BYTES: usize = 1024;

    /// Takes a secret by its grammar.
    pub fn new(secret: String) -> Result<Self, Error> {
        let secret = Zeroizing::new(secret);
        let printable = secret.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if secret.is_empty() || secret.len() > Self::MOST_BYTES || !printable {
            return Err(Error::ClientSecret);
        }
        Ok(Self(secret))
    }

    /// The secret itself.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Whether both are the same, in a time that tells nothing of where they differ: digests are compared,
    /// so that not even the length shows.
    pub fn matches(&self, other: &Self) -> bool {
        let digests = [self, other].map(|secret| digest(&SHA256, secret.0.as_bytes()));
        let [one, another] = digests.each_ref().map(AsRef::as_ref);
        one.ct_eq(another).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> ClientSecret {
        ClientSecret::new(text.to_owned()).unwrap()
    }

    #[test]
    fn only_the_same_secret_matches() {
        assert!(secret("a secret").matches(&secret("a secret")));
        for other in ["a secre", "a secret ", "A secret", "b secret"] {
            assert!(!secret("a secret").matches(&secret(other)), "{other}");
        }
    }

    #[test]
    fn the_grammar_of_rfc_6749_decides() {
        for text in ["", "a\n", "é", "a\u{7f}", &"a".repeat(1025)] {
            assert!(ClientSecret::new(text.to_owned()).is_err(), "{text:?}");
        }
        assert!(ClientSecret::new("~".repeat(1024)).is_ok());
    }
}
