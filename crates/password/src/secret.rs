//! What must never be shown: a password as a person typed it, and a hash as the legacy store keeps it.
//! Both come in as strings and are bounded from here on, so that nobody after this has to ask how long they are.
//! An attacker wants them in a log line, an error message or freed memory; none of these can hold them.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, de::Error as _};
use zeroize::Zeroizing;

use crate::Error;

/// A password as a person typed it: from 1 to 1024 bytes of UTF-8, zeroed on drop.
///
/// It has no `Debug`, `Display`, `Serialize`, `PartialEq` or `Clone`.
///
/// ```compile_fail,E0277
/// # let password = lychgate_password::Password::new("correct horse".to_owned()).ok().unwrap();
/// format!("{password:?}");
/// ```
pub struct Password(Zeroizing<String>);

impl Password {
    /// The most bytes that a password may have.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a password in; empty ones and ones over [`Password::MAX_BYTES`] are refused.
    pub fn new(password: String) -> Result<Self, Error> {
        let password = Zeroizing::new(password);
        if password.is_empty() {
            return Err(Error::EmptyPassword);
        }
        if password.len() > Self::MAX_BYTES {
            return Err(Error::PasswordTooLong {
                limit: Self::MAX_BYTES,
            });
        }
        Ok(Self(password))
    }

    /// The password itself, for the one who computes with it.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of `String` shows what it met instead, and that may be a password typed as a number.
        let password = String::deserialize(deserializer)
            .map_err(|_| D::Error::custom("a password must be a string"))?;
        Self::new(password).map_err(D::Error::custom)
    }
}

/// A secret of the application that it hashes with every password: from 1 to 1024 bytes, zeroed with its last clone.
///
/// It has no `Debug`, `Display`, `Serialize` or `PartialEq`; it can be cloned, for every hash needs it.
#[derive(Clone)]
pub struct Pepper(Arc<Zeroizing<Vec<u8>>>);

impl Pepper {
    /// The most bytes that a pepper may have.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a pepper in; empty ones and ones over [`Pepper::MAX_BYTES`] are refused.
    pub fn new(pepper: String) -> Result<Self, Error> {
        let pepper = Zeroizing::new(pepper.into_bytes());
        if !(1..=Self::MAX_BYTES).contains(&pepper.len()) {
            return Err(Error::Pepper {
                limit: Self::MAX_BYTES,
            });
        }
        Ok(Self(Arc::new(pepper)))
    }

    /// The pepper itself, for the one who computes with it.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

/// A password hash as the legacy store keeps it: at most 1024 bytes without NUL, of any format or none, zeroed on drop.
///
/// It has no `Debug`, `Display`, `Serialize`, `PartialEq` or `Clone`.
///
/// ```compile_fail,E0599
/// # let hash = lychgate_password::StoredHash::new(String::new()).ok().unwrap();
/// hash.clone();
/// ```
pub struct StoredHash(Zeroizing<String>);

impl StoredHash {
    /// The most bytes that a stored hash may have.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a hash in as a store's row has it. Whether it can be verified is the pool's to say.
    pub fn new(hash: String) -> Result<Self, Error> {
        let hash = Zeroizing::new(hash);
        if hash.len() > Self::MAX_BYTES {
            return Err(Error::HashTooLong {
                limit: Self::MAX_BYTES,
            });
        }
        if hash.contains('\0') {
            return Err(Error::NulInHash);
        }
        Ok(Self(hash))
    }

    /// Takes in what this crate wrote itself, which is short and has no NUL.
    pub(crate) fn encoded(hash: String) -> Self {
        Self(Zeroizing::new(hash))
    }

    /// The hash itself, for the one who verifies it or writes it to the store.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Password, StoredHash};
    use crate::Error;

    #[test]
    fn a_password_has_from_1_to_1024_bytes() {
        assert!(matches!(
            Password::new(String::new()),
            Err(Error::EmptyPassword)
        ));
        assert!(Password::new("a".repeat(1024)).is_ok());
        let refused = Password::new("a".repeat(1025));
        assert!(matches!(
            refused,
            Err(Error::PasswordTooLong { limit: 1024 })
        ));
        // 513 letters, 1026 bytes.
        assert!(Password::new("ü".repeat(513)).is_err());
        assert_eq!(
            Password::new(" a ".to_owned()).unwrap().expose_secret(),
            " a "
        );
    }

    #[test]
    fn a_stored_hash_has_at_most_1024_bytes_and_no_nul() {
        assert!(StoredHash::new(String::new()).is_ok());
        assert!(StoredHash::new("a".repeat(1024)).is_ok());
        let refused = StoredHash::new("a".repeat(1025));
        assert!(matches!(refused, Err(Error::HashTooLong { limit: 1024 })));
        assert!(matches!(
            StoredHash::new("$2a$\0".to_owned()),
            Err(Error::NulInHash)
        ));
    }

    #[test]
    fn a_password_is_read_from_json_and_an_error_never_shows_it() {
        let password: Password = serde_json::from_str("\"correct horse\"").unwrap();
        assert_eq!(password.expose_secret(), "correct horse");
        for refused in [
            "20051231",
            "2005.5",
            "true",
            "[\"2005\"]",
            "{\"2005\":1}",
            "\"\"",
            "\"\\u2005\\x\"",
        ] {
            let error = serde_json::from_str::<Password>(refused)
                .err()
                .unwrap()
                .to_string();
            assert!(
                !error.contains("2005") && !error.contains("true"),
                "{error}"
            );
            assert!(error.contains("a password must"), "{error}");
        }
    }
}
