//! The hash functions beneath the formats, in one interface: parts in, digest out, bare or keyed.

use std::fmt;

use hmac::{EagerHash, Hmac, KeyInit as _, Mac as _};
use md4::Md4;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// A digest, zeroed on drop: of some formats it is as good as the password.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Function {
    pub(crate) const ALL: [Self; 7] = [
        Self::Md4,
        Self::Md5,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Md4 => "md4",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of its digests.
    pub(crate) const fn digest_bytes(self) -> usize {
        match self {
            Self::Md4 | Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of these parts one after another.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Bytes {
        match self {
            Self::Md4 => digest::<Md4>(parts),
            Self::Md5 => digest::<Md5>(parts),
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha224 => digest::<Sha224>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha384 => digest::<Sha384>(parts),
            Self::Sha512 => digest::<Sha512>(parts),
        }
    }

    /// HMAC (RFC 2104) of a message under a key of any length.
    pub(crate) fn hmac(self, key: &[u8], message: &[u8]) -> Bytes {
        match self {
            Self::Md4 => keyed::<Md4>(key, message),
            Self::Md5 => keyed::<Md5>(key, message),
            Self::Sha1 => keyed::<Sha1>(key, message),
            Self::Sha224 => keyed::<Sha224>(key, message),
            Self::Sha256 => keyed::<Sha256>(key, message),
            Self::Sha384 => keyed::<Sha384>(key, message),
            Self::Sha512 => keyed::<Sha512>(key, message),
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Bytes {
    let mut state = D::new();
    for part in parts {
        state.update(part);
    }
    Zeroizing::new(state.finalize().to_vec())
}

fn keyed<D: EagerHash>(key: &[u8], message: &[u8]) -> Bytes {
    // A key of any length is a key; the error is one of the trait's other implementations.
    let Ok(mac) = Hmac::<D>::new_from_slice(key) else {
        return Zeroizing::default();
    };
    Zeroizing::new(mac.chain_update(message).finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::Function;

    fn hex(bytes: &[u8]) -> String {
        bytes
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }

    #[test]
    fn digests_are_those_of_the_standards_and_as_long_as_they_say() {
        for (function, expected) in [
            // RFC 1320 §A.5, RFC 1321 §A.5, FIPS 180-4 examples: "abc".
            (Function::Md4, "a448017aaf21d8525fc10ae87aa6729d"),
            (Function::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Function::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                Function::Sha224,
                "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            ),
            (
                Function::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ] {
            assert_eq!(hex(&function.digest(&[b"a", b"", b"bc"])), expected);
        }
        for function in Function::ALL {
            assert_eq!(function.digest(&[]).len(), function.digest_bytes());
            assert_eq!(function.hmac(b"", b"").len(), function.digest_bytes());
        }
    }

    #[test]
    fn keyed_digests_are_those_of_the_standards() {
        for (function, expected) in [
            // RFC 2202 §2 and §3, RFC 4231 §4.3: test case 2.
            (Function::Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (Function::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                Function::Sha256,
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let digest = function.hmac(b"Jefe", b"what do ya want for nothing?");
            assert_eq!(hex(&digest), expected);
        }
    }
}
