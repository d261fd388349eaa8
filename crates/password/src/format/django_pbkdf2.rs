//! PBKDF2 (RFC 8018) as Django writes it: `pbkdf2_sha256$iterations$salt$digest`, or `pbkdf2_sha1$…`.
//! The salt is the text between the dollars itself; the digest is base64 with padding, as long as its hash function's.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Cost, decimal};
use crate::Password;

/// Django's own salts have 12 or 22 characters.
const MAX_SALT_BYTES: usize = 128;

#[derive(Clone, Copy)]
enum Function {
    Sha256,
    Sha1,
}

impl Function {
    const ALL: [Self; 2] = [Self::Sha256, Self::Sha1];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Sha256 => "pbkdf2_sha256$",
            Self::Sha1 => "pbkdf2_sha1$",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
        }
    }

    const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha1 => 20,
        }
    }

    fn algorithm(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        }
    }
}

pub(crate) struct DjangoPbkdf2 {
    function: Function,
    iterations: NonZeroU32,
    salt: String,
    digest: Zeroizing<Vec<u8>>,
}

impl DjangoPbkdf2 {
    pub(super) fn identify(text: &str) -> bool {
        Function::ALL
            .iter()
            .any(|function| text.starts_with(function.prefix()))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (function, rest) = Function::ALL
            .into_iter()
            .find_map(|function| Some((function, text.strip_prefix(function.prefix())?)))?;
        let (iterations, rest) = rest.split_once('$')?;
        let (salt, digest) = rest.split_once('$')?;

        let iterations = NonZeroU32::new(decimal(iterations)?)?;
        let printable = salt.bytes().all(|byte| byte.is_ascii_graphic());
        let digest = Zeroizing::new(STANDARD.decode(digest).ok()?);
        let legal = (1..=MAX_SALT_BYTES).contains(&salt.len())
            && printable
            && digest.len() == function.digest_bytes();
        legal.then(|| Self {
            function,
            iterations,
            salt: salt.to_owned(),
            digest,
        })
    }

    /// A hash by SHA-256 that says nothing; `None` for no iterations.
    pub(super) fn blank(iterations: u32) -> Option<Self> {
        Some(Self {
            function: Function::Sha256,
            iterations: NonZeroU32::new(iterations)?,
            salt: "a".repeat(22),
            digest: Zeroizing::new(vec![0; Function::Sha256.digest_bytes()]),
        })
    }

    pub(super) fn cost(&self) -> Cost {
        Cost::DjangoPbkdf2 {
            digest: self.function.name(),
            iterations: self.iterations.get(),
        }
    }

    pub(super) fn verify(&self, password: &Password) -> bool {
        // Compares in constant time.
        pbkdf2::verify(
            self.function.algorithm(),
            self.iterations,
            self.salt.as_bytes(),
            password.expose_secret().as_bytes(),
            &self.digest,
        )
        .is_ok()
    }

    pub(super) fn with_bytes(&self, fill: &mut impl FnMut(&mut [u8])) -> Self {
        let mut salt = vec![0; self.salt.len()];
        let mut digest = Zeroizing::new(vec![0; self.digest.len()]);
        fill(&mut salt);
        fill(&mut digest);
        let salt = salt
            .into_iter()
            .map(|byte| char::from(b'a' + byte % 26))
            .collect();
        Self {
            function: self.function,
            iterations: self.iterations,
            salt,
            digest,
        }
    }

    pub(super) fn encode(&self) -> String {
        let digest = STANDARD.encode(&*self.digest);
        format!(
            "{}{}${}${digest}",
            self.function.prefix(),
            self.iterations,
            self.salt
        )
    }
}

#[cfg(test)]
mod tests {
    use super::DjangoPbkdf2;
    use crate::{Password, format::Cost};

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[test]
    fn hashes_of_other_implementations_verify_and_are_written_as_they_were_read() {
        for (right, hash) in [
            // Django 5.2.19, `make_password`, then `PBKDF2PasswordHasher` and `PBKDF2SHA1PasswordHasher`.
            (
                "correct horse",
                "pbkdf2_sha256$1000000$kBs5BNmB4gFc997EDU8ecY$J41WOJKPc4iA+8Na9StP1dGXHv+44DThnkpwiylXLT0=",
            ),
            (
                "pässwörd",
                "pbkdf2_sha256$1000$salt1234$NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFI=",
            ),
            (
                "correct horse",
                "pbkdf2_sha1$1000$seasalt2$z8uI+Wl4zj9ngVTOBcFxL2SxGng=",
            ),
            // passlib 1.7.4, `django_pbkdf2_sha256`.
            (
                "correct horse",
                "pbkdf2_sha256$1000$9kBGAXpkGa2H$8084Q+DX13KdsGWKX9nqgQl0vBHtIUjKVj7Sa2vIroM=",
            ),
        ] {
            let parsed = DjangoPbkdf2::parse(hash).unwrap();
            assert!(parsed.verify(&password(right)), "{hash}");
            assert!(!parsed.verify(&password("wrong horse")), "{hash}");
            assert_eq!(parsed.encode(), hash);
        }
    }

    #[test]
    fn the_cost_names_hash_function_and_iterations() {
        let parsed =
            DjangoPbkdf2::parse("pbkdf2_sha1$1000$seasalt2$z8uI+Wl4zj9ngVTOBcFxL2SxGng=").unwrap();
        assert_eq!(
            parsed.cost(),
            Cost::DjangoPbkdf2 {
                digest: "sha1",
                iterations: 1000
            }
        );
    }

    #[test]
    fn what_no_library_writes_is_malformed() {
        let digest = "NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFI=";
        let long = "s".repeat(129);
        for malformed in [
            "pbkdf2_sha256$".to_owned(),
            "pbkdf2_sha256$1000$salt".to_owned(),
            format!("pbkdf2_sha256$0$salt${digest}"),
            format!("pbkdf2_sha256$01000$salt${digest}"),
            format!("pbkdf2_sha256$-1$salt${digest}"),
            format!("pbkdf2_sha256$99999999999$salt${digest}"),
            format!("pbkdf2_sha256$1000$${digest}"),
            format!("pbkdf2_sha256$1000$sa lt${digest}"),
            format!("pbkdf2_sha256$1000$sält${digest}"),
            format!("pbkdf2_sha256$1000${long}${digest}"),
            format!("pbkdf2_sha256$1000$salt$salt${digest}"),
            format!("pbkdf2_sha1$1000$salt${digest}"),
            "pbkdf2_sha256$1000$salt$z8uI+Wl4zj9ngVTOBcFxL2SxGng=".to_owned(),
            // Without its padding, and with stray bits before it.
            "pbkdf2_sha256$1000$salt$NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFI".to_owned(),
            "pbkdf2_sha256$1000$salt$NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFJ=".to_owned(),
            format!("pbkdf2_sha512$1000$salt${digest}"),
        ] {
            assert!(DjangoPbkdf2::parse(&malformed).is_none(), "{malformed}");
        }
    }
}
