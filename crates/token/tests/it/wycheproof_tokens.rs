//! Wycheproof's whole JSON Web Signatures: not only whether a signature is right, but which algorithm and which key it
//! is tried with.
//!
//! They are tried as what they are, signatures with a key from a set, and not as access tokens: their payloads are no
//! claims (`foo`, `Test`, nothing), and their headers have no `typ`, so that even the valid ones would go no further.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lychgate_token::jws::Jws;
use lychgate_token::{JwkSet, Refusal};
use serde_json::{Map, Value, json};

/// How many tokens were tried.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tried {
    valid: usize,
    /// Valid for Wycheproof, but by an algorithm that is not one of ours, or with a character that is not base64url's.
    valid_but_refused: usize,
    invalid: usize,
}

#[test]
fn a_whole_token_of_wycheproof_verifies_only_if_it_is_valid_and_by_our_algorithms() {
    let vectors = vectors();
    let mut tried = Tried::default();
    for (group, test) in tests(&vectors) {
        let verified = verify(keys(&vectors, group, &[]), &token(&vectors, group, test));
        let refusal = verified.as_ref().err().map(|refusal| refusal.name());
        assert_eq!(refusal, test["refusal"].as_str(), "{}", test["id"]);
        match (test["result"].as_str().unwrap(), verified) {
            ("valid", Ok(payload)) => {
                let text = part(&vectors, group, test, "payload");
                assert_eq!(URL_SAFE_NO_PAD.encode(payload), text, "{}", test["id"]);
                tried.valid += 1;
            }
            ("valid", Err(_)) => tried.valid_but_refused += 1,
            ("invalid", Err(_)) => tried.invalid += 1,
            (result, verified) => panic!("{}: {verified:?}, and not {result}", test["id"]),
        }
    }
    let all = Tried {
        valid: 16,
        valid_but_refused: 10,
        invalid: 147,
    };
    assert_eq!(tried, all);
}

/// With `use`, `key_ops` or `alg` left out of the key, the same tokens verify: it is these that refuse them, and nothing
/// else is wrong.
#[test]
fn a_key_for_something_else_is_not_used_even_if_the_signature_is_right() {
    let vectors = vectors();
    let mut refused = Vec::new();
    for (group, test) in tests(&vectors) {
        let Some(unfit) = group.get("unfit").and_then(Value::as_array) else {
            continue;
        };
        if test["refusal"] != Refusal::UnknownKey.name() {
            continue;
        }
        let token = token(&vectors, group, test);
        let verified = verify(keys(&vectors, group, &[]), &token);
        assert_eq!(verified, Err(Refusal::UnknownKey), "{}", test["id"]);

        let unfit: Vec<&str> = unfit.iter().filter_map(Value::as_str).collect();
        let verified = verify(keys(&vectors, group, &unfit), &token);
        assert!(verified.is_ok(), "{}: {verified:?}", test["id"]);
        refused.extend(test["id"].as_u64());
    }
    assert_eq!(refused, [332, 338, 353, 354, 355, 356]);
}

/// The payload, if the set has the key that the header names and it made the signature.
fn verify(keys: Option<JwkSet>, token: &str) -> Result<Vec<u8>, Refusal> {
    let jws = Jws::parse(token)?;
    let key_id = jws.header().key_id.as_deref();
    let key_id = key_id.ok_or(Refusal::MissingHeader("kid"))?;
    let keys = keys.ok_or(Refusal::UnknownKey)?;
    let key = keys.key(key_id, jws.header().algorithm);
    jws.verify(key.ok_or(Refusal::UnknownKey)?)
        .map(<[u8]>::to_vec)
}

fn vectors() -> Value {
    let file = "tests/vectors/wycheproof_json_web_signature.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn tests(vectors: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = vectors["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| {
        let tests = group["tests"].as_array().unwrap();
        tests.iter().map(move |test| (group, test))
    })
}

/// The set with the key of the group, without some members; `None` if it has no key, or none that can be used.
fn keys(vectors: &Value, group: &Value, without: &[&str]) -> Option<JwkSet> {
    let mut key: Map<String, Value> = group.get("key")?.as_object().unwrap().clone();
    let numbers = key.remove("numbers").unwrap();
    let numbers = vectors["keys"][numbers.as_str().unwrap()].as_object();
    key.extend(numbers.unwrap().clone());
    key.retain(|name, _| !without.contains(&name.as_str()));
    JwkSet::parse(json!({ "keys": [key] }).to_string().as_bytes()).ok()
}

/// The token of a test, put together as the file says under `form`.
fn token(vectors: &Value, group: &Value, test: &Value) -> String {
    let form = test.get("jws").and_then(Value::as_str);
    let mut token = form.unwrap_or("{header}.{payload}.{signature}").to_owned();
    for name in ["header", "payload", "signature"] {
        let place = format!("{{{name}}}");
        if token.contains(&place) {
            token = token.replace(&place, part(vectors, group, test, name));
        }
    }
    if token.contains("{tail}") {
        let signature = part(vectors, group, test, "signature");
        token = token.replace("{tail}", signature.get(1..).unwrap());
    }
    token
}

/// What the test says, or else its group, or else the group that this one is like.
fn part<'v>(vectors: &'v Value, group: &'v Value, test: &'v Value, name: &str) -> &'v str {
    let groups = vectors["groups"].as_array().unwrap();
    let like = groups.iter().find(|other| {
        let like = group.get("like");
        like.is_some() && other.get("comment") == like
    });
    let places = [Some(test), Some(group), like];
    let said = places.into_iter().flatten().find_map(|it| it.get(name));
    said.unwrap().as_str().unwrap()
}
