//! Tokens of one kind are never taken for another (RFC 8725 §3.12), though one key has signed them all.

use std::time::Duration;

use lychgate_token::access_token::Rules;
use lychgate_token::client_auth::Assertion;
use lychgate_token::dpop::{Proof, Request, Target, sign};
use lychgate_token::{Algorithm, BearerToken, JwkSet, SigningKey, UnixTime, UnverifiedToken};
use serde_json::json;

const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
const ISSUER: &str = "https://tenant.example/";
const TOKEN_ENDPOINT: &str = "https://tenant.example/oauth/token";

fn is_access_token(text: &str, key: &SigningKey) -> bool {
    let rules = Rules {
        issuers: vec![ISSUER.to_owned()],
        audience: ISSUER.to_owned(),
        algorithms: vec![Algorithm::Es256],
        leeway: Duration::from_secs(10),
        max_lifetime: Duration::from_hours(24),
    };
    let token = BearerToken::new(text.to_owned()).unwrap();
    UnverifiedToken::parse(&token, &rules)
        .and_then(|token| token.verify(key.verification_key(), &rules, NOW))
        .is_ok()
}

fn is_proof(text: &str) -> bool {
    let target = Target::parse(TOKEN_ENDPOINT).unwrap();
    let request = Request {
        method: "POST",
        target: &target,
        access_token: None,
    };
    Proof::verify(text, &request, Duration::from_secs(10), NOW).is_ok()
}

fn is_assertion(text: &str, key: &SigningKey) -> bool {
    let keys = JwkSet::new([key.verification_key().clone()]).unwrap();
    Assertion::verify(text, ISSUER, &keys, &[ISSUER], NOW).is_ok()
}

#[test]
fn a_token_is_never_taken_for_another_kind() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    // Claims with which each of them would be good, were it not for what the header says.
    let claims = json!({
        "iss": ISSUER, "sub": ISSUER, "aud": ISSUER, "jti": "one", "htm": "POST", "htu": TOKEN_ENDPOINT,
        "iat": NOW.seconds(), "exp": NOW.seconds() + 60,
    });
    let access_token = key.sign("at+jwt", &claims).unwrap();
    let assertion = key.sign("client-authentication+jwt", &claims).unwrap();
    let proof = sign(&key, &claims).unwrap();
    let id_token = key.sign("id+jwt", &claims).unwrap();
    let kinds = |text: &str| {
        [
            is_access_token(text, &key),
            is_assertion(text, &key),
            is_proof(text),
        ]
    };
    assert_eq!(kinds(&access_token), [true, false, false]);
    assert_eq!(kinds(&assertion), [false, true, false]);
    assert_eq!(kinds(&proof), [false, false, true]);
    assert_eq!(kinds(&id_token), [false, false, false]);
}
