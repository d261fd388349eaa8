//! Private keys, and the tokens they sign.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::jwk::PublicKey;
use crate::{Algorithm, Error, Jwk, VerificationKey, base64url};

/// A private key that signs with exactly one algorithm.
///
/// It has no `Debug`, `Clone` or `==`; the library that holds it clears its memory when it is freed.
pub struct SigningKey {
    pair: KeyPair,
    verification_key: VerificationKey,
}

enum KeyPair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A new key; RSA keys have 2048 bits. RSA takes tens to hundreds of milliseconds of computing.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let failed = |_| Error::Internal("no key could be generated");
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed);
        let pair = match algorithm {
            Algorithm::Rs256 => KeyPair::Rsa(rsa()?, &RSA_PKCS1_SHA256),
            Algorithm::Ps256 => KeyPair::Rsa(rsa()?, &RSA_PSS_SHA256),
            Algorithm::Es256 => KeyPair::P256(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?,
            ),
            Algorithm::EdDsa => KeyPair::Ed25519(Ed25519KeyPair::generate().map_err(failed)?),
        };
        Self::new(algorithm, pair)
    }

    /// A key from PKCS#8 in DER (RFC 5208).
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, Error> {
        let rejected = |_| Error::SigningKey(algorithm);
        let rsa = || RsaKeyPair::from_pkcs8(der).map_err(rejected);
        let pair = match algorithm {
            Algorithm::Rs256 => KeyPair::Rsa(rsa()?, &RSA_PKCS1_SHA256),
            Algorithm::Ps256 => KeyPair::Rsa(rsa()?, &RSA_PSS_SHA256),
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                KeyPair::P256(pair.map_err(rejected)?)
            }
            Algorithm::EdDsa => {
                KeyPair::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(rejected)?)
            }
        };
        Self::new(algorithm, pair)
    }

    fn new(algorithm: Algorithm, pair: KeyPair) -> Result<Self, Error> {
        let verification_key = pair.public_key().and_then(|public_key| {
            VerificationKey::new(Jwk::new(public_key.thumbprint(), algorithm, public_key))
        });
        Ok(Self {
            pair,
            verification_key: verification_key.ok_or(Error::SigningKey(algorithm))?,
        })
    }

    /// The key as PKCS#8 in DER, to be kept where only its owner can read it.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let der = match &self.pair {
            KeyPair::Rsa(pair, _) => pair
                .as_der()
                .map(|der: Pkcs8V1Der<'_>| der.as_ref().to_vec()),
            KeyPair::P256(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            KeyPair::Ed25519(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        der.map(Zeroizing::new)
            .map_err(|_| Error::Internal("the key cannot be written"))
    }

    /// The key's id, `kid`: the thumbprint of the public key (RFC 7638, with SHA-256).
    pub fn key_id(&self) -> &str {
        self.verification_key.key_id()
    }

    /// The one algorithm it is for.
    pub fn algorithm(&self) -> Algorithm {
        self.verification_key.algorithm()
    }

    /// The public key, ready to verify.
    pub fn verification_key(&self) -> &VerificationKey {
        &self.verification_key
    }

    /// The public key, to be published.
    pub fn public_jwk(&self) -> Jwk {
        self.verification_key.jwk().clone()
    }

    /// Signs claims, which must be a JSON object, as a JWT with this `typ` and the key's `kid`.
    pub fn sign(&self, token_type: &str, claims: &impl Serialize) -> Result<String, Error> {
        let header =
            json!({ "alg": self.algorithm().name(), "typ": token_type, "kid": self.key_id() });
        self.sign_under(&header, claims)
    }

    /// Signs claims, which must be a JSON object, under a header that is right for this key.
    pub(crate) fn sign_under(
        &self,
        header: &Value,
        claims: &impl Serialize,
    ) -> Result<String, Error> {
        let claims = serde_json::to_string(claims).map_err(|_| Error::Claims)?;
        if !claims.starts_with('{') {
            return Err(Error::Claims);
        }
        let mut token = base64url::encode(header.to_string().as_bytes());
        token.push('.');
        token.push_str(&base64url::encode(claims.as_bytes()));
        let signature = self.pair.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url::encode(&signature));
        Ok(token)
    }
}

impl KeyPair {
    fn public_key(&self) -> Option<PublicKey> {
        match self {
            Self::Rsa(pair, _) => {
                let public = pair.public_key();
                let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
                PublicKey::rsa(
                    modulus,
                    public.exponent().big_endian_without_leading_zero().to_vec(),
                )
            }
            Self::P256(pair) => {
                let (_, coordinates) = pair.public_key().as_ref().split_first()?;
                let (x, y) = coordinates.split_at_checked(32)?;
                PublicKey::p256(x.to_vec(), y.to_vec())
            }
            Self::Ed25519(pair) => PublicKey::ed25519(pair.public_key().as_ref().to_vec()),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        let failed = |_| Error::Internal("the token could not be signed");
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
            Self::P256(pair) => Ok(pair
                .sign(&random, message)
                .map_err(failed)?
                .as_ref()
                .to_vec()),
            Self::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jws::Jws;

    #[test]
    fn a_key_survives_pkcs8() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let read = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(read.key_id(), key.key_id());
            let token = read.sign("JWT", &json!({})).unwrap();
            assert!(
                Jws::parse(&token)
                    .unwrap()
                    .verify(key.verification_key())
                    .is_ok(),
                "{algorithm}"
            );
        }
    }

    #[test]
    fn a_key_of_another_kind_is_rejected() {
        let rsa = SigningKey::generate(Algorithm::Rs256)
            .unwrap()
            .to_pkcs8()
            .unwrap();
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let rejected = SigningKey::from_pkcs8(algorithm, &rsa);
            assert!(matches!(rejected, Err(Error::SigningKey(named)) if named == algorithm));
        }
        assert!(SigningKey::from_pkcs8(Algorithm::Rs256, b"not a key").is_err());
    }

    #[test]
    fn the_header_names_algorithm_type_and_key() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let token = key.sign("at+jwt", &json!({})).unwrap();
        let header = Jws::parse(&token).unwrap().header().clone();
        assert_eq!(header.algorithm, Algorithm::EdDsa);
        assert_eq!(header.token_type.as_deref(), Some("at+jwt"));
        assert_eq!(header.key_id.as_deref(), Some(key.key_id()));
    }

    #[test]
    fn claims_that_are_no_object_are_not_signed() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        assert!(matches!(key.sign("JWT", &"text"), Err(Error::Claims)));
        assert!(matches!(key.sign("JWT", &[1]), Err(Error::Claims)));
    }

    #[test]
    fn the_public_key_has_no_private_member() {
        for algorithm in Algorithm::ALL {
            let json = SigningKey::generate(algorithm)
                .unwrap()
                .public_jwk()
                .to_json();
            let names: Vec<_> = json
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert!(names.iter().all(|name| {
                ["kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"].contains(name)
            }));
        }
    }
}
