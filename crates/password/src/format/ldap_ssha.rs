//! Salted SHA-1 of LDAP directories (the scheme of `OpenLDAP` and 389ds): `{SSHA}` in any case, then base64 with padding
//! over SHA-1 of password and salt, followed by the salt, of whatever length.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::Password;

const SCHEME: &str = "{SSHA}";

/// Directories use 4, 8 or 16 bytes.
const MAX_SALT_BYTES: usize = 64;

pub(crate) struct LdapSsha {
    digest: Zeroizing<[u8; 20]>,
    salt: Vec<u8>,
}

impl LdapSsha {
    pub(super) fn identify(text: &str) -> bool {
        payload(text).is_some()
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(payload(text)?).ok()?);
        let (digest, salt) = bytes.split_first_chunk()?;
        (1..=MAX_SALT_BYTES).contains(&salt.len()).then(|| Self {
            digest: Zeroizing::new(*digest),
            salt: salt.to_vec(),
        })
    }

    /// A hash that says nothing.
    pub(super) fn blank() -> Self {
        Self {
            digest: Zeroizing::new([0; 20]),
            salt: vec![0; 8],
        }
    }

    pub(super) fn verify(&self, password: &Password) -> bool {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(password.expose_secret().as_bytes());
        context.update(&self.salt);
        context
            .finish()
            .as_ref()
            .ct_eq(self.digest.as_slice())
            .into()
    }

    pub(super) fn with_bytes(&self, fill: &mut impl FnMut(&mut [u8])) -> Self {
        let mut salt = vec![0; self.salt.len()];
        let mut digest = Zeroizing::new([0; 20]);
        fill(&mut salt);
        fill(digest.as_mut_slice());
        Self { digest, salt }
    }

    pub(super) fn encode(&self) -> String {
        let bytes = Zeroizing::new([self.digest.as_slice(), &self.salt].concat());
        format!("{SCHEME}{}", STANDARD.encode(&*bytes))
    }
}

/// What follows the scheme.
fn payload(text: &str) -> Option<&str> {
    let (scheme, payload) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::LdapSsha;
    use crate::Password;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[test]
    fn hashes_of_other_implementations_verify_and_are_written_as_they_were_read() {
        for (right, hash) in [
            // OpenLDAP 2.5.13, `slappasswd -h '{SSHA}'`.
            ("correct horse", "{SSHA}XM1by3OszMhDbmnYV5OpKVqDNVeGIcPu"),
            ("pässwörd", "{SSHA}v/tz5khEE5odGvj05DF9renyJ9cq/4cn"),
            // passlib 1.7.4, `tests/test_handlers.py`: salts of 4, 8, 15 and 16 bytes.
            ("testing123", "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr"),
            ("test", "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw=="),
            (
                "test",
                "{SSHA}/ZMF5KymNM+uEOjW+9STKlfCFj51bg3BmBNCiPHeW2ttbU0=",
            ),
            (
                "test",
                "{SSHA}Pfx6Vf48AT9x3FVv8znbo8WQkEVSipHSWovxXmvNWUvp/d/7",
            ),
        ] {
            let parsed = LdapSsha::parse(hash).unwrap();
            assert!(parsed.verify(&password(right)), "{hash}");
            assert!(!parsed.verify(&password("wrong horse")), "{hash}");
            assert_eq!(parsed.encode(), hash);
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for hash in [
            "{ssha}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
            "{SsHa}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
        ] {
            assert!(LdapSsha::identify(hash));
            assert!(
                LdapSsha::parse(hash)
                    .unwrap()
                    .verify(&password("testing123"))
            );
        }
    }

    #[test]
    fn what_no_directory_writes_is_malformed() {
        let too_much_salt = format!("{{SSHA}}{}", "A".repeat(116));
        for malformed in [
            "{SSHA}",
            "{SSHA256}x1tymSTVjozxQ2PtT46ysrzhZxbcskK0o2f8hEFx7fAQQmhtDSEkJA==",
            // Twenty bytes leave no salt, ten no digest.
            "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "{SSHA}AAAAAAAAAAAAAA==",
            // passlib 1.7.4, `tests/test_handlers.py`, `known_malformed_hashes`.
            "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOck",
            "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw=",
            "{SSHA}P90+qijSp8MJ1tN25j5o1Pf=UvlqjXHOGeOckw==",
            "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOck===",
            // Stray bits, the other alphabet, white space.
            "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckx==",
            "{SSHA}P90-qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw==",
            "{SSHA} P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw==",
            &too_much_salt,
        ] {
            assert!(LdapSsha::parse(malformed).is_none(), "{malformed}");
        }
    }
}
