//! What is tried, and what must come back.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lychgate_gateway::operations::{OPERATIONS, OperationEntry};
use serde_json::{Map, Value, json};

use crate::support::{Issuer, PASSWORD, SCRIPT_CLIENT};

/// Where an attempt is made.
pub(crate) enum Place {
    /// At a gateway that lets our address in, in front of a store that works.
    Allowed,
    /// At a gateway that lets other addresses in.
    NotAllowed,
    /// At a gateway whose store does not answer.
    StoreDown,
}

/// One row of the table.
pub(crate) struct Attempt {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    /// `closed`, or the status and the last word of the problem's type.
    pub(crate) expected: &'static str,
    make: Make,
}

/// How the tokens of a row are made; a row with several must be denied with each.
enum Make {
    NoToken,
    /// These texts as they are.
    Texts(&'static [&'static str]),
    /// A good token with some claims changed; null takes a claim away.
    Claims(fn(&Map<String, Value>) -> Vec<Value>),
    /// A token that is good but for its signature.
    Forged(fn(&Issuer, &Issuer) -> String),
    /// A good token with every scope but the operation's; and with each other scope alone.
    OtherScopes,
    Good,
}

pub(crate) const ATTEMPTS: [Attempt; 19] = [
    at_gateway("no token", "401 invalid-token", Make::NoToken),
    at_gateway(
        "malformed",
        "401 invalid-token",
        Make::Texts(&["x", "a.b", "a.b.c", "e30.e30.", "..", "e30.e30.e30.e30.e30"]),
    ),
    at_gateway(
        "expired",
        "401 invalid-token",
        Make::Claims(|good| vec![json!({ "iat": at(good, -7200), "exp": at(good, -60) })]),
    ),
    at_gateway("wrong key", "401 invalid-token", Make::Forged(wrong_key)),
    at_gateway(
        "alg none",
        "401 invalid-token",
        Make::Forged(algorithm_none),
    ),
    at_gateway(
        "HMAC with the public key",
        "401 invalid-token",
        Make::Forged(hmac_with_public_key),
    ),
    at_gateway(
        "wrong issuer",
        "401 invalid-token",
        Make::Forged(wrong_issuer),
    ),
    at_gateway(
        "wrong audience",
        "401 invalid-token",
        Make::Claims(|_| {
            vec![
                json!({ "aud": "urn:another" }),
                json!({ "aud": ["urn:another"] }),
            ]
        }),
    ),
    at_gateway(
        "user token",
        "403 client-not-allowed",
        Make::Claims(user_tokens),
    ),
    at_gateway(
        "user token for /userinfo too",
        "403 client-not-allowed",
        Make::Claims(user_tokens_for_userinfo),
    ),
    at_gateway(
        "RFC 9068 user token",
        "403 client-not-allowed",
        Make::Claims(rfc9068_user_tokens),
    ),
    at_gateway(
        "other client",
        "403 client-not-allowed",
        Make::Claims(|_| {
            vec![
                json!({ "azp": "other", "sub": "other@clients" }),
                json!({ "azp": null, "client_id": "other", "sub": "other" }),
            ]
        }),
    ),
    at_gateway(
        "azp is not client_id",
        "401 invalid-token",
        Make::Claims(|_| vec![json!({ "client_id": "other" })]),
    ),
    at_gateway(
        "claim of the wrong type",
        "401 invalid-token",
        Make::Claims(wrong_types),
    ),
    at_gateway(
        "over-long life",
        "401 invalid-token",
        Make::Claims(|good| vec![json!({ "exp": at(good, 86_401) })]),
    ),
    at_gateway(
        "cnf not proven",
        "401 invalid-token",
        Make::Claims(|_| {
            vec![
                json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }),
                json!({ "cnf": {} }),
            ]
        }),
    ),
    at_gateway(
        "each other scope",
        "403 insufficient-scope",
        Make::OtherScopes,
    ),
    Attempt {
        name: "address not allowed",
        place: Place::NotAllowed,
        expected: "closed",
        make: Make::Good,
    },
    Attempt {
        name: "store down",
        place: Place::StoreDown,
        expected: "503 store-unavailable",
        make: Make::Good,
    },
];

const fn at_gateway(name: &'static str, expected: &'static str, make: Make) -> Attempt {
    Attempt {
        name,
        place: Place::Allowed,
        expected,
        make,
    }
}

impl Attempt {
    /// The tokens to try on `operation`; `None` is a request without one.
    pub(crate) fn tokens(
        &self,
        issuer: &Issuer,
        forger: &Issuer,
        operation: &OperationEntry,
    ) -> Vec<Option<String>> {
        let good = issuer.claims();
        let signed = |changes: Value| Some(issuer.sign(&with(&good, &changes)));
        match &self.make {
            Make::NoToken => vec![None],
            Make::Texts(texts) => texts.iter().map(|text| Some((*text).to_owned())).collect(),
            Make::Claims(changes) => changes(&good).into_iter().map(signed).collect(),
            Make::Forged(forge) => vec![Some(forge(issuer, forger))],
            Make::OtherScopes => {
                let others: Vec<&str> = OPERATIONS
                    .iter()
                    .map(|entry| entry.scope)
                    .filter(|scope| *scope != operation.scope)
                    .collect();
                let together = others.join(" ");
                let each = others.into_iter().chain([together.as_str()]);
                let mut tokens: Vec<_> = each
                    .map(|scope| signed(json!({ "scope": scope })))
                    .collect();
                tokens.push(signed(json!({ "scope": null })));
                tokens
            }
            Make::Good => vec![Some(issuer.sign(&good))],
        }
    }
}

/// A body with which the operation would do its work.
pub(crate) fn body_for(path: &str) -> Value {
    match path {
        "/v1/users/authenticate" => {
            json!({ "identifier": "ada@example.com", "password": PASSWORD })
        }
        "/v1/users/lookup" => json!({ "identifier": "ada@example.com" }),
        "/v1/users/create" => {
            json!({ "email": "new@example.com", "nickname": "new", "password": PASSWORD })
        }
        "/v1/users/verify-email" => json!({ "email": "grace@example.com" }),
        "/v1/users/change-password" => {
            json!({ "identifier": "ada@example.com", "new_password": "another password" })
        }
        "/v1/users/change-email" => {
            json!({ "identifier": "ada@example.com", "new_email": "ada@example.org", "email_verified": true })
        }
        "/v1/users/delete" => json!({ "user_id": "1" }),
        path => panic!("a new operation needs a body here: {path}"),
    }
}

fn with(good: &Map<String, Value>, changes: &Value) -> Map<String, Value> {
    let mut claims = good.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// `seconds` after the good token was issued.
fn at(good: &Map<String, Value>, seconds: i64) -> i64 {
    good["iat"].as_i64().unwrap() + seconds
}

/// What the platform gives to whoever logs in and names the audience; the script client's own ID does not help.
fn user_tokens(_: &Map<String, Value>) -> Vec<Value> {
    vec![
        json!({ "sub": "auth0|1", "azp": "some-application", "gty": null }),
        json!({ "sub": "auth0|1", "gty": null }),
        json!({ "sub": "auth0|1", "gty": "password" }),
        json!({ "gty": null, "sub": "auth0|1", "sid": "session" }),
        json!({ "nonce": "n" }),
        json!({ "auth_time": 1 }),
        json!({ "act": { "sub": "agent" } }),
        json!({ "scope": "openid authenticate:users" }),
        json!({ "scope": "offline_access authenticate:users" }),
        json!({ "sub": "agt_1", "gty": null }),
        json!({ "sub": null }),
    ]
}

fn user_tokens_for_userinfo(good: &Map<String, Value>) -> Vec<Value> {
    let audience = json!([
        good["aud"],
        format!("{}userinfo", good["iss"].as_str().unwrap())
    ]);
    vec![
        json!({ "sub": "auth0|1", "azp": "some-application", "gty": null, "aud": audience }),
        json!({ "aud": audience }),
    ]
}

fn rfc9068_user_tokens(good: &Map<String, Value>) -> Vec<Value> {
    let audience = json!([
        good["aud"],
        format!("{}userinfo", good["iss"].as_str().unwrap())
    ]);
    let none = Value::Null;
    vec![
        json!({ "azp": none, "gty": none, "sub": "auth0|1", "client_id": "some-application", "jti": "1" }),
        json!({ "azp": none, "gty": none, "sub": "auth0|1", "client_id": SCRIPT_CLIENT, "jti": "1" }),
        json!({ "azp": none, "gty": none, "sub": "auth0|1", "client_id": SCRIPT_CLIENT, "jti": "1", "aud": audience }),
    ]
}

fn wrong_types(good: &Map<String, Value>) -> Vec<Value> {
    vec![
        json!({ "exp": at(good, 3600).to_string() }),
        json!({ "iat": good["iat"].as_i64().unwrap().to_string() }),
        json!({ "nbf": "0" }),
        json!({ "exp": [at(good, 3600)] }),
        json!({ "sub": 1 }),
        json!({ "azp": [SCRIPT_CLIENT] }),
        json!({ "gty": ["client-credentials"] }),
        json!({ "scope": ["authenticate:users"] }),
        json!({ "aud": { "urn:legacy-identity": true } }),
        json!({ "cnf": "none" }),
    ]
}

fn wrong_key(issuer: &Issuer, forger: &Issuer) -> String {
    let by_another_key = forger.sign(&issuer.claims());
    let (_, rest) = by_another_key.split_once('.').unwrap();
    // With the header of a good token the key looks right, and the signature is not.
    let good = issuer.sign(&issuer.claims());
    let (header, _) = good.split_once('.').unwrap();
    format!("{header}.{rest}")
}

fn wrong_issuer(_: &Issuer, forger: &Issuer) -> String {
    forger.sign(&forger.claims())
}

fn algorithm_none(issuer: &Issuer, _: &Issuer) -> String {
    format!("{}.", unsigned(issuer, "none"))
}

fn hmac_with_public_key(issuer: &Issuer, _: &Issuer) -> String {
    let unsigned = unsigned(issuer, "HS256");
    let key = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        issuer.public_jwk().to_string().as_bytes(),
    );
    let signature = aws_lc_rs::hmac::sign(&key, unsigned.as_bytes());
    format!("{unsigned}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

fn unsigned(issuer: &Issuer, algorithm: &str) -> String {
    let header = json!({ "alg": algorithm, "typ": "JWT", "kid": issuer.public_jwk()["kid"] });
    let encode = |value: String| BASE64_URL_SAFE_NO_PAD.encode(value);
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(Value::Object(issuer.claims()).to_string())
    )
}
