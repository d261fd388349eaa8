//! Signatures of a chain's head. Whoever can write the file can write a chain anew; without the key nobody can sign it.
//!
//! A signed line ends in `,"signature":"…"}`. Signed are its bytes before that, and with them, as it names the digest of the
//! line before, every line before it. Ed25519, RFC 8032.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use super::chain::Digest;
use super::hex;
use crate::error::Error;

/// What is before the 32 bytes of a public key of Ed25519 in its DER (RFC 8410 §4).
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// What is before a signature in its line.
const BEFORE: &[u8] = b",\"signature\":\"";

/// The private key that signs heads. It has no voice.
pub struct HeadKey {
    pair: Ed25519KeyPair,
    public_key: HeadPublicKey,
}

/// The public key of a [`HeadKey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadPublicKey {
    key: [u8; 32],
    id: String,
}

impl HeadKey {
    /// From PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` makes it.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| Error::AuditSigningKey)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| Error::AuditSigningKey)?;
        let mut key = [0; 32];
        key.copy_from_slice(pair.public_key().as_ref());
        Ok(Self {
            pair,
            public_key: HeadPublicKey::new(key),
        })
    }

    /// What its signatures are verified with.
    pub fn public_key(&self) -> &HeadPublicKey {
        &self.public_key
    }

    /// Signs a line that ends in `}`.
    pub(super) fn sign(&self, mut line: Vec<u8>) -> Option<Vec<u8>> {
        line.pop();
        let signature = self.pair.try_sign(&line).ok()?;
        line.extend_from_slice(BEFORE);
        line.extend_from_slice(hex::encode(signature.as_ref()).as_bytes());
        line.extend_from_slice(b"\"}");
        Some(line)
    }
}

impl HeadPublicKey {
    fn new(key: [u8; 32]) -> Self {
        let id = Digest::of(&key).to_string().chars().take(16).collect();
        Self { key, id }
    }

    /// From PEM, as `openssl pkey -pubout` and `lychgate audit public-key` write it.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let der =
            SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| Error::AuditPublicKey)?;
        let key = der.as_ref().strip_prefix(&SPKI);
        let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
        key.map(Self::new).ok_or(Error::AuditPublicKey)
    }

    /// The key in DER (RFC 8410 §4).
    pub fn to_der(&self) -> Vec<u8> {
        [&SPKI[..], &self.key].concat()
    }

    /// What signed lines call it: the beginning of its SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this line was signed with it, as it stands.
    pub(super) fn has_signed(&self, line: &[u8]) -> bool {
        let signed = || {
            let rest = line.strip_suffix(b"\"}")?;
            let (rest, signature) = rest.split_at_checked(rest.len().checked_sub(128)?)?;
            Some((rest.strip_suffix(BEFORE)?, hex::decode::<64>(signature)?))
        };
        signed().is_some_and(|(message, signature)| {
            let key = UnparsedPublicKey::new(&ED25519, self.key);
            key.verify(message, &signature).is_ok()
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Made by `openssl genpkey -algorithm ed25519`, and `openssl pkey -pubout` of it.
    pub(in crate::audit) const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIOveyR/FcU/YfrgvmPYOCfHLjDpbX8+HmQzoLp6moez0\n-----END PRIVATE KEY-----\n";
    pub(in crate::audit) const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAzKwbtJEL2cAM9ksJbdU1X8v8KEctTVfPvY35FktmgCg=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_of_openssl_signs_and_its_public_key_verifies() {
        let key = HeadKey::from_pem(KEY).unwrap();
        let public = HeadPublicKey::from_pem(PUBLIC_KEY.as_bytes()).unwrap();
        assert_eq!(key.public_key(), &public);
        let line = key.sign(b"{\"event\":\"head\"}".to_vec()).unwrap();
        assert!(public.has_signed(&line));
        for position in 0..line.len() {
            let mut other = line.clone();
            other[position] ^= 1;
            assert!(!public.has_signed(&other), "at {position}");
        }
    }

    #[test]
    fn what_is_no_key_of_ed25519_is_refused() {
        for pem in [
            "",
            "a key",
            PUBLIC_KEY,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(HeadKey::from_pem(pem).is_err(), "{pem}");
        }
        assert!(HeadPublicKey::from_pem(KEY.as_bytes()).is_err());
    }
}
