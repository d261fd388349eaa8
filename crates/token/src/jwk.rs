//! Public keys as JSON Web Keys (RFC 7517), in and out.
//!
//! In comes one member of somebody's key set; out comes what it can be used for, each with exactly one
//! algorithm (RFC 8725 §3.1). Weak keys, keys for encryption and keys whose private half is published
//! never become a [`Jwk`].

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{Algorithm, base64url, jws::Header};

/// A public signature key with its id and its one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    key_id: String,
    algorithm: Algorithm,
    public_key: PublicKey,
}

/// A public key in the form in which it can be used: numbers in minimal form, points of full length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PublicKey {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256 { x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl Jwk {
    pub(crate) fn new(key_id: String, algorithm: Algorithm, public_key: PublicKey) -> Self {
        Self {
            key_id,
            algorithm,
            public_key,
        }
    }

    /// What a member of a key set can be used for here: nothing, or one algorithm, or, for an RSA key that
    /// does not say, two.
    pub(crate) fn read(members: &Map<String, Value>) -> Vec<Self> {
        Self::read_usable(members).unwrap_or_default()
    }

    fn read_usable(members: &Map<String, Value>) -> Option<Vec<Self>> {
        let key_id = text(members, "kid")?;
        if key_id.is_empty()
            || key_id.len() > Header::MOST_KEY_ID_BYTES
            || !is_public_signature_key(members)
        {
            return None;
        }
        let public_key = PublicKey::read(members)?;
        let algorithms = public_key.algorithms();
        let named = match members.get("alg") {
            None => None,
            Some(name) => Some(name.as_str()?.parse::<Algorithm>().ok()?),
        };
        let usable = algorithms
            .iter()
            .filter(|algorithm| named.is_none_or(|named| named == **algorithm));
        Some(
            usable
                .map(|algorithm| Self::new(key_id.to_owned(), *algorithm, public_key.clone()))
                .collect(),
        )
    }

    /// The key's id, `kid`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The one algorithm it is for, `alg`.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The thumbprint of the key itself, whatever its id (RFC 7638, with SHA-256), as base64url.
    pub fn thumbprint(&self) -> String {
        self.public_key.thumbprint()
    }

    /// The key as a JSON object with `use`, `alg` and `kid`.
    pub fn to_json(&self) -> Value {
        let mut members = self.public_key.members();
        members.insert("use", "sig".to_owned());
        members.insert("alg", self.algorithm.to_string());
        members.insert("kid", self.key_id.clone());
        members.into_iter().collect()
    }

    /// The members that make the key and nothing more, as they stand in the header of a proof.
    pub(crate) fn public_members(&self) -> Value {
        self.public_key.members().into_iter().collect()
    }

    pub(crate) fn parse_key(&self) -> Option<ParsedPublicKey> {
        self.public_key.parse_for(self.algorithm)
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(out)
    }
}

impl PublicKey {
    pub(crate) fn read(members: &Map<String, Value>) -> Option<Self> {
        let bytes = |name| base64url::decode(text(members, name)?);
        let curve = || text(members, "crv");
        match text(members, "kty")? {
            "RSA" => Self::rsa(bytes("n")?, bytes("e")?),
            "EC" if curve()? == "P-256" => Self::p256(bytes("x")?, bytes("y")?),
            "OKP" if curve()? == "Ed25519" => Self::ed25519(bytes("x")?),
            _ => None,
        }
    }

    /// A modulus of 2048 to 8192 bits and an odd exponent from 2^16 + 1 (FIPS 186-5 §5.1) to below 2^33 (the
    /// library's limit: a huge exponent is work for nothing). RFC 7518 §6.3.1 wants both without leading zeros.
    pub(crate) fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Option<Self> {
        let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
        let minimal = *modulus.first()? != 0 && *exponent.first()? != 0;
        let odd = modulus.last()? % 2 == 1 && exponent.last()? % 2 == 1;
        let value = exponent.iter().fold(0_u64, |value, byte| {
            value.saturating_mul(256).saturating_add(u64::from(*byte))
        });
        let sane = minimal && odd && (65_537..1 << 33).contains(&value);
        ((2048..=8192).contains(&bits) && sane).then_some(Self::Rsa { modulus, exponent })
    }

    /// Both coordinates of full length (RFC 7518 §6.2.1); that they are on the curve is found when parsed.
    pub(crate) fn p256(x: Vec<u8>, y: Vec<u8>) -> Option<Self> {
        (x.len() == 32 && y.len() == 32).then_some(Self::P256 { x, y })
    }

    pub(crate) fn ed25519(x: Vec<u8>) -> Option<Self> {
        (x.len() == 32).then_some(Self::Ed25519 { x })
    }

    fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Ps256],
            Self::P256 { .. } => &[Algorithm::Es256],
            Self::Ed25519 { .. } => &[Algorithm::EdDsa],
        }
    }

    pub(crate) fn parse_for(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        match (self, algorithm) {
            (Self::Rsa { modulus, exponent }, Algorithm::Rs256) => {
                parse_rsa(modulus, exponent, &signature::RSA_PKCS1_2048_8192_SHA256)
            }
            (Self::Rsa { modulus, exponent }, Algorithm::Ps256) => {
                parse_rsa(modulus, exponent, &signature::RSA_PSS_2048_8192_SHA256)
            }
            (Self::P256 { x, y }, Algorithm::Es256) => {
                // SEC 1 §2.3.3: an uncompressed point begins with 4.
                let point = [&[4], x.as_slice(), y].concat();
                ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).ok()
            }
            (Self::Ed25519 { x }, Algorithm::EdDsa) => {
                ParsedPublicKey::new(&signature::ED25519, x).ok()
            }
            (Self::Rsa { .. } | Self::P256 { .. } | Self::Ed25519 { .. }, _) => None,
        }
    }

    /// The members that make the key, sorted by name.
    fn members(&self) -> BTreeMap<&'static str, String> {
        let encode = |bytes: &[u8]| base64url::encode(bytes);
        match self {
            Self::Rsa { modulus, exponent } => BTreeMap::from([
                ("kty", "RSA".to_owned()),
                ("n", encode(modulus)),
                ("e", encode(exponent)),
            ]),
            Self::P256 { x, y } => BTreeMap::from([
                ("kty", "EC".to_owned()),
                ("crv", "P-256".to_owned()),
                ("x", encode(x)),
                ("y", encode(y)),
            ]),
            Self::Ed25519 { x } => BTreeMap::from([
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", encode(x)),
            ]),
        }
    }

    /// RFC 7638 §3: the digest of these members as JSON, sorted and without white space. Their values have
    /// no character that JSON would escape.
    pub(crate) fn thumbprint(&self) -> String {
        let members: Vec<_> = self
            .members()
            .iter()
            .map(|(name, value)| format!(r#""{name}":"{value}""#))
            .collect();
        let canonical = format!("{{{}}}", members.join(","));
        base64url::encode(digest(&SHA256, canonical.as_bytes()).as_ref())
    }
}

fn parse_rsa(
    modulus: &[u8],
    exponent: &[u8],
    parameters: &'static signature::RsaParameters,
) -> Option<ParsedPublicKey> {
    RsaPublicKeyComponents {
        n: modulus,
        e: exponent,
    }
    .to_parsed_public_key(parameters)
    .ok()
}

/// For signatures by `use` and `key_ops`, where they are there, and without any private member: a key
/// whose private half is published is everybody's.
pub(crate) fn is_public_signature_key(members: &Map<String, Value>) -> bool {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let for_signatures = members.get("use").is_none_or(|usage| usage == "sig");
    let verifies = |operations: &Value| {
        operations
            .as_array()
            .is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    };
    for_signatures
        && members.get("key_ops").is_none_or(verifies)
        && !PRIVATE.iter().any(|name| members.contains_key(*name))
}

fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    members.get(name)?.as_str()
}
