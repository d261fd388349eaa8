//! The cryptography behind `require('crypto')`, all of it `aws-lc-rs`.

use std::num::NonZeroU32;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2, rand};

/// Random bytes asked for at once; Node's own bound for one `getRandomValues` call.
const RANDOM_BYTES: usize = 65_536;
/// Hash invocations of one PBKDF2: it runs to its end, about a second, whatever the clock says.
const PBKDF2_INVOCATIONS: u64 = 5_000_000;

pub(super) fn random_bytes(count: usize) -> Result<Vec<u8>, &'static str> {
    if count > RANDOM_BYTES {
        return Err("at most 65536 random bytes are given at once");
    }
    let mut bytes = vec![0; count];
    rand::fill(&mut bytes).map_err(|_| "the system gave no random bytes")?;
    Ok(bytes)
}

pub(super) fn digest(name: &str, data: &[u8]) -> Result<Vec<u8>, &'static str> {
    let algorithm = match name {
        "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        _ => return Err("the digest is not supported"),
    };
    Ok(digest::digest(algorithm, data).as_ref().to_vec())
}

pub(super) fn hmac(name: &str, key: &[u8], data: &[u8]) -> Result<Vec<u8>, &'static str> {
    let algorithm = match name {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => hmac::HMAC_SHA256,
        "sha384" => hmac::HMAC_SHA384,
        "sha512" => hmac::HMAC_SHA512,
        _ => return Err("the digest is not supported"),
    };
    Ok(hmac::sign(&hmac::Key::new(algorithm, key), data)
        .as_ref()
        .to_vec())
}

pub(super) fn timing_safe_equal(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

pub(super) fn derive(
    name: &str,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    length: usize,
) -> Result<Vec<u8>, &'static str> {
    let (algorithm, digest_length) = match name {
        "sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        "sha384" => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
        "sha512" => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        _ => return Err("the digest is not supported"),
    };
    let iterations = NonZeroU32::new(iterations).ok_or("PBKDF2 needs at least one iteration")?;
    let blocks = u64::try_from(length.div_ceil(digest_length)).unwrap_or(u64::MAX);
    if blocks.saturating_mul(iterations.get().into()) > PBKDF2_INVOCATIONS {
        return Err("PBKDF2 is bounded to 5000000 hash invocations here");
    }
    let mut key = vec![0; length];
    if length > 0 {
        pbkdf2::derive(algorithm, iterations, salt, password, &mut key);
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::codec::encode;

    fn hex(bytes: Result<Vec<u8>, &'static str>) -> String {
        encode(&bytes.unwrap(), "hex").unwrap()
    }

    #[test]
    fn digests_match_fips_180_4_examples() {
        assert_eq!(
            hex(digest("sha1", b"abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(
            hex(digest("sha256", b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(digest("md5", b"abc").is_err());
    }

    #[test]
    fn hmac_matches_rfc_4231_case_2() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            hex(hmac("sha256", b"Jefe", b"what do ya want for nothing?")),
            expected
        );
    }

    #[test]
    fn pbkdf2_matches_rfc_6070_case_2() {
        assert_eq!(
            hex(derive("sha1", b"password", b"salt", 2, 20)),
            "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"
        );
    }

    #[test]
    fn endless_work_is_refused_before_it_starts() {
        assert!(derive("sha256", b"p", b"s", u32::MAX, 32).is_err());
        assert!(derive("sha256", b"p", b"s", 1_000, 10_000_000).is_err());
        assert!(random_bytes(65_537).is_err());
    }
}
