//! The keys behind the cryptography of the web: ECDSA on P-256, made and used by `aws-lc-rs`.
//!
//! A private key goes back to the environment as PKCS#8, so that the engine's memory limit counts it and its collector
//! frees it; the environment shows it to no script.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

/// A new key: its public half as an uncompressed point (SEC 1 §2.3.3), and the whole of it as PKCS#8.
pub(super) struct NewKey {
    pub(super) point: Vec<u8>,
    pub(super) pkcs8: Vec<u8>,
}

pub(super) fn generate() -> Result<NewKey, &'static str> {
    let failed = "no key could be made";
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed)?;
    let pkcs8 = pair.to_pkcs8v1().map_err(|_| failed)?;
    Ok(NewKey {
        point: pair.public_key().as_ref().to_vec(),
        pkcs8: pkcs8.as_ref().to_vec(),
    })
}

/// The signature as two numbers of full length, as JOSE has it (RFC 7518 §3.4).
pub(super) fn sign(pkcs8: &[u8], message: &[u8]) -> Result<Vec<u8>, &'static str> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
        .map_err(|_| "the key cannot be read")?;
    let signature = pair
        .sign(&SystemRandom::new(), message)
        .map_err(|_| "the message could not be signed")?;
    Ok(signature.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_a_key_signs_its_public_half_verifies() {
        let key = generate().unwrap();
        assert_eq!(key.point.len(), 65);
        let signature = sign(&key.pkcs8, b"message").unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point);
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"another", &signature).is_err());
        assert!(sign(b"no key", b"message").is_err());
    }
}
