//! The examples of the RFCs, as files with their source.

use std::fs;
use std::path::Path;

use lychgate_token::jws::Jws;
use lychgate_token::{JwkSet, Refusal, VerificationKey};
use serde_json::{Value, json};

fn vectors() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let vectors: Vec<Value> = files
        .filter(|file| file.file_name().as_encoded_bytes().starts_with(b"rfc"))
        .map(|file| serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap())
        .collect();
    assert_eq!(vectors.len(), 12);
    vectors
}

fn keys(vector: &Value) -> Option<JwkSet> {
    let key = vector.get("key")?;
    Some(JwkSet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap())
}

fn key<'k>(keys: &'k JwkSet, jws: &Jws<'_>) -> &'k VerificationKey {
    keys.keys()
        .find(|key| key.algorithm() == jws.header().algorithm)
        .unwrap()
}

#[test]
fn signatures_with_our_algorithms_verify() {
    let mut verified = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector.get("payload").is_some())
    {
        let jws = Jws::parse(vector["token"].as_str().unwrap()).unwrap();
        let keys = keys(vector).unwrap();
        let payload = jws.verify(key(&keys, &jws));
        assert_eq!(
            payload,
            Ok(vector["payload"].as_str().unwrap().as_bytes()),
            "{}",
            vector["source"]
        );
        verified += 1;
    }
    assert_eq!(verified, 4);
}

#[test]
fn unsecured_symmetric_and_foreign_algorithms_are_refused() {
    let mut refused = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector.get("refusal").is_some())
    {
        let refusal = Jws::parse(vector["token"].as_str().unwrap())
            .err()
            .map(Refusal::name);
        assert_eq!(refusal, vector["refusal"].as_str(), "{}", vector["source"]);
        refused += 1;
    }
    assert_eq!(refused, 7);
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let mut compared = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector.get("thumbprint").is_some())
    {
        for key in keys(vector).unwrap().keys() {
            assert_eq!(
                key.thumbprint(),
                vector["thumbprint"],
                "{}",
                vector["source"]
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 2);
}
