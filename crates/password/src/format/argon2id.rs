//! Argon2id in PHC form (RFC 9106, and the string format of its reference implementation):
//! `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`, base64 without padding.
//! Version 16 is read as well, with `v=16` or, as its libraries wrote it, without any `v`.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Cost, decimal, random_salt};
use crate::{Error, Password};

const PREFIX: &str = "$argon2id$";

/// Lengths that honest libraries use; shorter digests could be guessed, longer ones are only work.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// The memory of new hashes.
const NEW_MEMORY_KIB: u32 = 19 * 1024;

pub(crate) struct Argon2id {
    version: Version,
    params: Params,
    salt: Vec<u8>,
    digest: Zeroizing<Vec<u8>>,
}

impl Argon2id {
    pub(super) fn identify(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (version, rest) = match rest.strip_prefix("v=") {
            Some(versioned) => versioned.split_once('$')?,
            None => ("16", rest),
        };
        let version = match version {
            "16" => Version::V0x10,
            "19" => Version::V0x13,
            _ => return None,
        };

        let (costs, rest) = rest.split_once('$')?;
        let (memory, costs) = costs.strip_prefix("m=")?.split_once(",t=")?;
        let (passes, lanes) = costs.split_once(",p=")?;

        let (salt, digest) = rest.split_once('$')?;
        let salt = STANDARD_NO_PAD.decode(salt).ok()?;
        let digest = Zeroizing::new(STANDARD_NO_PAD.decode(digest).ok()?);
        if !SALT_BYTES.contains(&salt.len()) || !DIGEST_BYTES.contains(&digest.len()) {
            return None;
        }

        let (memory_kib, passes, lanes) = (decimal(memory)?, decimal(passes)?, decimal(lanes)?);
        let params = Params::new(memory_kib, passes, lanes, Some(digest.len())).ok()?;
        Some(Self {
            version,
            params,
            salt,
            digest,
        })
    }

    /// A hash that says nothing, of so many KiB in two passes and one lane; `None` when there is none such.
    pub(super) fn blank(memory_kib: u32) -> Option<Self> {
        Some(Self {
            version: Version::V0x13,
            params: Params::new(memory_kib, 2, 1, Some(32)).ok()?,
            salt: vec![0; 16],
            digest: Zeroizing::new(vec![0; 32]),
        })
    }

    /// A hash at the cost that OWASP's Password Storage Cheat Sheet names first for two passes: 19 MiB.
    pub(super) fn compute(password: &Password) -> Result<Self, Error> {
        let mut hash = Self::blank(NEW_MEMORY_KIB).ok_or(Error::Internal(
            "the cost of new argon2id hashes is not legal",
        ))?;
        hash.salt = random_salt::<16>()?.to_vec();
        hash.digest = hash.digest_of(password)?;
        Ok(hash)
    }

    pub(super) fn cost(&self) -> Cost {
        Cost::Argon2id {
            memory_kib: self.params.m_cost(),
            passes: self.params.t_cost(),
            lanes: self.params.p_cost(),
        }
    }

    pub(super) fn verify(&self, password: &Password) -> Result<bool, Error> {
        Ok(self.digest_of(password)?.ct_eq(&self.digest).into())
    }

    pub(super) fn with_bytes(&self, fill: &mut impl FnMut(&mut [u8])) -> Self {
        let mut salt = vec![0; self.salt.len()];
        let mut digest = Zeroizing::new(vec![0; self.digest.len()]);
        fill(&mut salt);
        fill(&mut digest);
        Self {
            version: self.version,
            params: self.params.clone(),
            salt,
            digest,
        }
    }

    pub(super) fn encode(&self) -> String {
        format!(
            "{PREFIX}v={}$m={},t={},p={}${}${}",
            u32::from(self.version),
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(&*self.digest),
        )
    }

    fn digest_of(&self, password: &Password) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut digest = Zeroizing::new(vec![0; self.digest.len()]);
        Argon2::new(Algorithm::Argon2id, self.version, self.params.clone())
            .hash_password_into(password.expose_secret().as_bytes(), &self.salt, &mut digest)
            .map_err(|_| Error::Internal("argon2id found no memory to work in"))?;
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::Argon2id;
    use crate::{Password, format::Cost};

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    /// Made with argon2-cffi 25.1.0 (the reference implementation in C), `low_level.hash_secret`.
    const VECTORS: [(&str, &str); 6] = [
        (
            "correct horse",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$oVLnFW4Vdd+KZaNyuHNZYDlTeeRDSkyoACLFGAAhgLc",
        ),
        (
            "correct horse",
            "$argon2id$v=19$m=256,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$uYZHFaKXitWyIBwhY2ODZx+z3Oa2fAWpxSs9Kvw1BFw",
        ),
        (
            "correct horse",
            "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$2C6qlKKmJfo4vGGOpZbqYKKaduI1U2cFcbG4VpCffeU",
        ),
        // The same without its version: `low_level.verify_secret` takes it for version 16, too.
        (
            "correct horse",
            "$argon2id$m=256,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$2C6qlKKmJfo4vGGOpZbqYKKaduI1U2cFcbG4VpCffeU",
        ),
        (
            "pässwörd",
            "$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHQ$YBQ2+0xK9Wj5vXhn8/YYbLgL5k1SrJbMpN2kIayTEsnXkHHFLRglx4AWRemKx0Jd+KiTxqVbI69p1a0ixNAEog",
        ),
        (
            "x",
            "$argon2id$v=19$m=8,t=1,p=1$MTIzNDU2NzgxMjM0NTY3ODEyMzQ1Njc4MTIzNDU2NzgxMjM0NTY3ODEyMzQ1Njc4$Ux0doE66NDiOVMOTA+1W9g",
        ),
    ];

    #[test]
    fn hashes_of_the_reference_implementation_verify() {
        for (right, hash) in VECTORS {
            let parsed = Argon2id::parse(hash).unwrap();
            assert!(parsed.verify(&password(right)).unwrap(), "{hash}");
            assert!(!parsed.verify(&password("wrong horse")).unwrap(), "{hash}");
        }
    }

    #[test]
    fn the_cost_is_known_before_any_work() {
        let parsed = Argon2id::parse(VECTORS[1].1).unwrap();
        assert_eq!(
            parsed.cost(),
            Cost::Argon2id {
                memory_kib: 256,
                passes: 3,
                lanes: 4
            }
        );
    }

    #[test]
    fn a_new_hash_has_the_documented_cost_and_a_salt_of_its_own() {
        let (one, two) = (
            Argon2id::compute(&password("correct horse")).unwrap(),
            Argon2id::compute(&password("correct horse")).unwrap(),
        );
        assert!(one.encode().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(one.encode(), two.encode());
        let read_back = Argon2id::parse(&one.encode()).unwrap();
        assert!(read_back.verify(&password("correct horse")).unwrap());
        assert!(!read_back.verify(&password("correct horsf")).unwrap());
    }

    #[test]
    fn what_no_library_writes_is_malformed() {
        let salt = "c29tZXNhbHQxMjM0NTY3OA";
        let digest = "oVLnFW4Vdd+KZaNyuHNZYDlTeeRDSkyoACLFGAAhgLc";
        assert!(Argon2id::parse(&format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}")).is_some());
        for malformed in [
            "$argon2id$".to_owned(),
            "$argon2id$v=19$m=64,t=1,p=1$$".to_owned(),
            format!("$argon2id$v=18$m=64,t=1,p=1${salt}${digest}"),
            format!("$argon2id$v=019$m=64,t=1,p=1${salt}${digest}"),
            format!("$argon2id$v=19$t=1,m=64,p=1${salt}${digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AA${salt}${digest}"),
            format!("$argon2id$v=19$m=064,t=1,p=1${salt}${digest}"),
            format!("$argon2id$v=19$m=+64,t=1,p=1${salt}${digest}"),
            format!("$argon2id$v=19$m=99999999999,t=1,p=1${salt}${digest}"),
            // Less memory than eight blocks a lane, no pass, no lane.
            format!("$argon2id$v=19$m=64,t=1,p=9${salt}${digest}"),
            format!("$argon2id$v=19$m=64,t=0,p=1${salt}${digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=0${salt}${digest}"),
            // A salt, then a digest, that is too short or too long.
            format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA${digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${}${digest}", "AAAA".repeat(22)),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}$c2FsdA"),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${}", "AAAA".repeat(22)),
            // Padding, stray bits, something after the end.
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}=={digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OB${digest}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}="),
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}$"),
        ] {
            assert!(Argon2id::parse(&malformed).is_none(), "{malformed}");
        }
    }
}
