//! Unguessable references: codes, refresh tokens, session and transaction cookies, tickets.

use aws_lc_rs::digest;
use lychgate_token::random_token;
use zeroize::Zeroizing;

use crate::Error;

/// Characters of a reference: 256 bits in base64url without padding.
const LENGTH: usize = 43;

/// 256 random bits that whoever holds them may spend. The state keeps their SHA-256, never themselves; looking one up by
/// its digest tells nothing through time.
pub(crate) struct Reference(Zeroizing<String>);

impl Reference {
    /// A new one.
    pub(crate) fn generate() -> Result<Self, Error> {
        random_token()
            .map(|text| Self(Zeroizing::new(text)))
            .map_err(Error::Token)
    }

    /// One that somebody presents; `None` if it cannot be one of ours.
    pub(crate) fn presented(text: &str) -> Option<Self> {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (text.len() == LENGTH && text.bytes().all(base64url))
            .then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What its holder gets to see.
    pub(crate) fn expose_secret(&self) -> &str {
        &self.0
    }

    /// What the state keeps.
    pub(crate) fn digest(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes())
            .as_ref()
            .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_generated_can_be_presented() {
        let reference = Reference::generate().unwrap();
        let presented = Reference::presented(reference.expose_secret()).unwrap();
        assert_eq!(presented.digest(), reference.digest());
    }

    #[test]
    fn what_cannot_be_ours_is_not_looked_up() {
        for text in [
            "",
            "short",
            &"a".repeat(44),
            &format!("{}=", "a".repeat(42)),
            &"é".repeat(21),
        ] {
            assert!(Reference::presented(text).is_none(), "{text}");
        }
    }
}
