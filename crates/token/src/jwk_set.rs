//! Key sets: what an issuer publishes, what a client registers (RFC 7517 §5).
//!
//! In comes a document from the network; out come keys that are parsed, strong enough and told apart by
//! id and algorithm. An attacker who could slip a second key under a known id would want this to take
//! either of them.

use serde_json::{Value, json};

use crate::{Algorithm, Error, Jwk, VerificationKey, strict_json};

/// Keys by id and algorithm.
#[derive(Clone, Debug)]
pub struct JwkSet {
    keys: Vec<VerificationKey>,
}

impl JwkSet {
    /// The longest document that is read, in bytes. Certificate chains beside the keys make sets long.
    pub const MOST_BYTES: usize = 256 * 1024;
    /// The most keys that a set may have, usable or not.
    pub const MOST_KEYS: usize = 100;

    /// Reads a key set. Keys that cannot be used here are passed over, as RFC 7517 §5 wants; a set
    /// without a usable key is an error, and so are two different keys under one id and algorithm.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > Self::MOST_BYTES {
            return Err(Error::KeySet("it is longer than 256 KiB"));
        }
        let members = strict_json::parse_object(bytes).map_err(Error::KeySetJson)?;
        let Some(Value::Array(keys)) = members.get("keys") else {
            return Err(Error::KeySet("it has no array `keys`"));
        };
        if keys.len() > Self::MOST_KEYS {
            return Err(Error::KeySet("it has more than 100 keys"));
        }
        let usable = keys.iter().filter_map(Value::as_object).flat_map(Jwk::read);
        Self::new(usable.filter_map(VerificationKey::new))
    }

    /// A set of these keys, of which there must be one at least.
    pub fn new(keys: impl IntoIterator<Item = VerificationKey>) -> Result<Self, Error> {
        let mut set = Self { keys: Vec::new() };
        for key in keys {
            match set.key(key.key_id(), key.algorithm()) {
                None => set.keys.push(key),
                Some(known) if known.thumbprint() == key.thumbprint() => {}
                Some(_) => return Err(Error::KeySet("two different keys have the same `kid`")),
            }
        }
        if set.keys.is_empty() {
            return Err(Error::KeySet(
                "it has no key that can be used: a public signature key with `kid`, RSA from 2048 bits, P-256 or Ed25519",
            ));
        }
        Ok(set)
    }

    /// The key with this id for this algorithm.
    pub fn key(&self, key_id: &str, algorithm: Algorithm) -> Option<&VerificationKey> {
        self.keys
            .iter()
            .find(|key| key.key_id() == key_id && key.algorithm() == algorithm)
    }

    /// All keys, in the order of the set.
    pub fn keys(&self) -> impl Iterator<Item = &VerificationKey> {
        self.keys.iter()
    }

    /// The ids of the keys, in the order of the set; an id stands twice if its key has two algorithms.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(VerificationKey::key_id)
    }

    /// The set as a document to publish.
    pub fn to_json(&self) -> Value {
        json!({ "keys": self.keys.iter().map(VerificationKey::jwk).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::{SigningKey, base64url};

    /// Always the same key for an algorithm: RSA keys take their time.
    fn jwk(algorithm: Algorithm) -> Value {
        static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
            Algorithm::ALL
                .map(|algorithm| SigningKey::generate(algorithm).unwrap())
                .into()
        });
        KEYS.iter()
            .find(|key| key.algorithm() == algorithm)
            .unwrap()
            .public_jwk()
            .to_json()
    }

    fn parse(keys: &[Value]) -> Result<JwkSet, Error> {
        JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    /// Whether the key, changed like this, is passed over while a good one beside it is taken.
    fn is_passed_over(algorithm: Algorithm, change: impl FnOnce(&mut Value)) -> bool {
        let mut changed = jwk(algorithm);
        changed["kid"] = "changed".into();
        change(&mut changed);
        let set = parse(&[changed, jwk(Algorithm::Es256)]).unwrap();
        set.keys().count() == 1 && set.key("changed", algorithm).is_none()
    }

    #[test]
    fn what_is_published_is_read_back() {
        let keys = Algorithm::ALL.map(|algorithm| SigningKey::generate(algorithm).unwrap());
        let set = JwkSet::new(keys.iter().map(|key| key.verification_key().clone())).unwrap();
        let read = JwkSet::parse(set.to_json().to_string().as_bytes()).unwrap();
        for key in &keys {
            let found = read.key(key.key_id(), key.algorithm()).unwrap();
            assert_eq!(found.thumbprint(), key.key_id());
        }
        assert_eq!(read.key_ids().count(), 4);
    }

    #[test]
    fn keys_that_cannot_be_used_are_passed_over() {
        use Algorithm::{EdDsa, Es256, Rs256};
        assert!(!is_passed_over(Es256, |_| {}));
        assert!(is_passed_over(Es256, |key| key["use"] = "enc".into()));
        assert!(is_passed_over(Es256, |key| key["key_ops"] = json!(["sign"])));
        assert!(is_passed_over(Es256, |key| key["alg"] = "ES384".into()));
        assert!(is_passed_over(Es256, |key| key["alg"] = "RS256".into()));
        assert!(is_passed_over(Es256, |key| key["alg"] = Value::Null));
        assert!(is_passed_over(Es256, |key| key["kty"] = "RSA".into()));
        assert!(is_passed_over(Es256, |key| key["crv"] = "P-384".into()));
        assert!(is_passed_over(Es256, |key| key["x"] = key["y"].clone()));
        assert!(is_passed_over(Es256, |key| key["kid"] = Value::Null));
        assert!(is_passed_over(Es256, |key| key["kid"] = "".into()));
        assert!(is_passed_over(EdDsa, |key| key["x"] = "AAAA".into()));
        assert!(is_passed_over(Rs256, |key| key["n"] = "AQAB".into()));
    }

    #[test]
    fn a_key_whose_private_half_is_published_is_passed_over() {
        for name in ["d", "p", "k"] {
            assert!(
                is_passed_over(Algorithm::Rs256, |key| key[name] = "AQAB".into()),
                "{name}"
            );
        }
    }

    #[test]
    fn an_rsa_key_out_of_bounds_is_passed_over() {
        let modulus = |bits: usize| {
            let mut bytes = vec![0xff; bits.div_ceil(8)];
            bytes[0] = 0xff_u8 >> (bytes.len() * 8 - bits);
            Value::from(base64url::encode(&bytes))
        };
        for bits in [1024, 2047, 8193] {
            assert!(
                is_passed_over(Algorithm::Rs256, |key| key["n"] = modulus(bits)),
                "{bits}"
            );
        }
        for bits in [2048, 3072, 8192] {
            assert!(
                !is_passed_over(Algorithm::Rs256, |key| key["n"] = modulus(bits)),
                "{bits}"
            );
        }
        // 3; 65 536; 65 537 with a leading zero; 2^33 + 1; zero; nothing.
        for exponent in ["Aw", "AQAA", "AAEAAQ", "AgAAAAE", "AA", ""] {
            assert!(
                is_passed_over(Algorithm::Rs256, |key| key["e"] = exponent.into()),
                "{exponent}"
            );
        }
    }

    #[test]
    fn an_rsa_key_that_names_no_algorithm_serves_both() {
        let mut key = jwk(Algorithm::Rs256);
        key["kid"] = "both".into();
        key.as_object_mut().unwrap().remove("alg");
        let set = parse(&[key]).unwrap();
        assert!(set.key("both", Algorithm::Rs256).is_some());
        assert!(set.key("both", Algorithm::Ps256).is_some());
        assert!(set.key("both", Algorithm::Es256).is_none());
    }

    #[test]
    fn two_keys_under_one_id_are_an_error_and_one_key_twice_is_not() {
        let one = jwk(Algorithm::Es256);
        let mut other = SigningKey::generate(Algorithm::Es256)
            .unwrap()
            .public_jwk()
            .to_json();
        other["kid"] = one["kid"].clone();
        assert!(parse(&[one.clone(), one.clone()]).is_ok());
        assert!(matches!(parse(&[one, other]), Err(Error::KeySet(_))));
    }

    #[test]
    fn a_document_that_is_no_key_set_is_an_error() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[]}"#,
            r#"{"keys":[1,null,{}]}"#,
        ] {
            assert!(JwkSet::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(matches!(
            JwkSet::parse(br#"{"keys":[],"keys":[]}"#),
            Err(Error::KeySetJson(_))
        ));
        assert!(JwkSet::parse(&vec![b' '; JwkSet::MOST_BYTES + 1]).is_err());
        assert!(parse(&vec![jwk(Algorithm::Es256); JwkSet::MOST_KEYS]).is_ok());
        assert!(parse(&vec![jwk(Algorithm::Es256); JwkSet::MOST_KEYS + 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_numbers_make_it_panic(n: Vec<u8>, e: Vec<u8>, x: Vec<u8>, y: Vec<u8>) {
            let [n, e, x, y] = [n, e, x, y].map(|bytes| base64url::encode(&bytes));
            let rsa = json!({ "kty": "RSA", "kid": "a", "n": n, "e": e });
            let ec = json!({ "kty": "EC", "crv": "P-256", "kid": "b", "x": x, "y": y });
            prop_assert!(parse(&[rsa, ec]).is_err());
        }
    }
}
