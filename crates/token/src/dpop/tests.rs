use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
const LEEWAY: Duration = Duration::from_secs(10);
const TOKEN: [u8; 32] = [7; 32];

static KEY: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
static TARGET: LazyLock<Target> =
    LazyLock::new(|| Target::parse("https://gateway.example/v1/users/lookup").unwrap());

fn request() -> Request<'static> {
    Request {
        method: "POST",
        target: &TARGET,
        access_token: Some(TOKEN),
    }
}

fn good_claims() -> Value {
    json!({
        "jti": "once", "htm": "POST", "htu": TARGET.as_str(), "iat": NOW.seconds(),
        "ath": base64url::encode(&TOKEN), "nonce": "the server's",
    })
}

fn verify_at(text: &str, now: UnixTime) -> Result<Proof, Refusal> {
    Proof::verify(text, &request(), LEEWAY, now)
}

fn verify(text: &str) -> Result<Proof, Refusal> {
    verify_at(text, NOW)
}

/// The good claims, but for one: with another value, or, for `null`, without it.
fn changed(name: &str, value: Value) -> Result<Proof, Refusal> {
    let mut claims = good_claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    verify(&sign(&KEY, &claims).unwrap())
}

/// A good proof, but for one member of its header, over which it is signed all the same.
fn with_header(name: &str, value: Value) -> Result<Proof, Refusal> {
    let mut header = json!({
        "typ": Proof::TYPE, "alg": "ES256", "jwk": KEY.verification_key().jwk().public_members(),
    });
    if value.is_null() {
        header.as_object_mut().unwrap().remove(name);
    } else {
        header[name] = value;
    }
    verify(&KEY.sign_under(&header, &good_claims()).unwrap())
}

#[test]
fn a_good_proof_tells_its_key_and_its_nonce() {
    for algorithm in Proof::ALGORITHMS {
        let key = SigningKey::generate(algorithm).unwrap();
        let proof = verify(&sign(&key, &good_claims()).unwrap()).unwrap();
        assert_eq!(proof.thumbprint(), key.verification_key().thumbprint());
        assert_eq!(proof.nonce(), Some("the server's"));
    }
    assert_eq!(changed("nonce", Value::Null).unwrap().nonce(), None);
}

#[test]
fn a_proof_for_another_request_is_refused() {
    assert_eq!(changed("htm", json!("GET")), Err(Refusal::WrongMethod));
    assert_eq!(changed("htm", json!("post")), Err(Refusal::WrongMethod));
    for place in [
        "https://gateway.example/v1/users/delete",
        "https://evil.example/v1/users/lookup",
        "http://gateway.example/v1/users/lookup",
        "/v1/users/lookup",
        "",
    ] {
        assert_eq!(
            changed("htu", json!(place)),
            Err(Refusal::WrongTarget),
            "{place}"
        );
    }
    let with_query = format!("{}?a=b", TARGET.as_str());
    assert!(changed("htu", json!(with_query)).is_ok());
}

#[test]
fn a_proof_for_another_token_is_refused() {
    let other = base64url::encode(&[8; 32]);
    assert_eq!(changed("ath", json!(other)), Err(Refusal::WrongAccessToken));
    assert_eq!(
        changed("ath", Value::Null),
        Err(Refusal::MissingClaim("ath"))
    );
    let without_token = Request {
        access_token: None,
        ..request()
    };
    let proof = sign(
        &KEY,
        &json!({
            "jti": "once", "htm": "POST", "htu": TARGET.as_str(), "iat": NOW.seconds(),
        }),
    );
    assert!(Proof::verify(&proof.unwrap(), &without_token, LEEWAY, NOW).is_ok());
}

#[test]
fn the_first_and_the_last_second_of_a_proof_are_exact() {
    let text = sign(&KEY, &good_claims()).unwrap();
    assert!(verify_at(&text, NOW.minus(LEEWAY)).is_ok());
    assert_eq!(
        verify_at(&text, NOW.minus(Duration::from_secs(11))),
        Err(Refusal::IssuedInTheFuture)
    );
    let proof = verify_at(&text, NOW.plus(Duration::from_secs(69))).unwrap();
    assert_eq!(
        verify_at(&text, proof.remember_until()),
        Err(Refusal::Expired),
        "it is remembered exactly as long as it is good"
    );
    assert_eq!(proof.remember_until(), NOW.plus(Duration::from_secs(70)));
}

#[test]
fn a_proof_that_says_when_it_ends_or_begins_is_taken_at_its_word() {
    assert_eq!(
        changed("exp", json!(NOW.seconds() - 10)),
        Err(Refusal::Expired)
    );
    assert_eq!(
        changed("nbf", json!(NOW.seconds() + 11)),
        Err(Refusal::NotYetValid)
    );
    assert!(changed("exp", json!(NOW.seconds() + 5)).is_ok());
}

#[test]
fn claims_are_there_and_of_their_type() {
    for name in ["jti", "htm", "htu", "iat"] {
        assert_eq!(changed(name, Value::Null), Err(Refusal::MissingClaim(name)));
    }
    for name in ["jti", "htm", "htu", "ath", "nonce"] {
        assert_eq!(changed(name, json!(1)), Err(Refusal::MistypedClaim(name)));
    }
    for value in [json!("1"), json!(1.5), json!(u64::MAX)] {
        assert_eq!(changed("iat", value), Err(Refusal::MistypedClaim("iat")));
    }
    let longest = "j".repeat(Proof::MOST_JTI_BYTES);
    assert!(changed("jti", json!(longest)).is_ok());
    for jti in [String::new(), format!("{longest}j")] {
        assert_eq!(
            changed("jti", json!(jti)),
            Err(Refusal::MistypedClaim("jti"))
        );
    }
}

#[test]
fn the_header_is_that_of_a_proof_and_brings_one_public_key() {
    for name in ["typ", "alg", "jwk"] {
        assert_eq!(
            with_header(name, Value::Null),
            Err(Refusal::MissingHeader(name))
        );
    }
    for token_type in ["JWT", "at+jwt", "dpop"] {
        assert_eq!(
            with_header("typ", json!(token_type)),
            Err(Refusal::WrongType)
        );
    }
    assert!(with_header("typ", json!("DPoP+JWT")).is_ok());
    for algorithm in ["none", "HS256", "RS256", "ES384", "es256"] {
        assert_eq!(
            with_header("alg", json!(algorithm)),
            Err(Refusal::WrongAlgorithm)
        );
    }
    for name in ["crit", "jku", "x5u", "x5c", "x5t", "b64"] {
        assert_eq!(
            with_header(name, json!("x")),
            Err(Refusal::ForbiddenHeader(name))
        );
    }
    assert_eq!(
        with_header("jwk", json!("key")),
        Err(Refusal::MistypedHeader("jwk"))
    );
    assert!(
        with_header("kid", json!("any")).is_ok(),
        "what means nothing is left"
    );
}

#[test]
fn a_key_that_is_private_symmetric_or_for_something_else_is_refused() {
    let good = KEY.verification_key().jwk().public_members();
    let with = |name: &str, value: Value| {
        let mut key = good.clone();
        key[name] = value;
        key
    };
    for key in [
        with("d", json!("AQAB")),
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("crv", json!("P-384")),
        with("x", json!("AQAB")),
        with("y", good["x"].clone()),
        json!({ "kty": "oct", "k": "AQAB" }),
        json!({}),
    ] {
        assert_eq!(
            with_header("jwk", key.clone()),
            Err(Refusal::UnusableKey),
            "{key}"
        );
    }
    let ed25519 = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let other_kind = ed25519.verification_key().jwk().public_members();
    assert_eq!(with_header("jwk", other_kind), Err(Refusal::UnusableKey));
    let another = SigningKey::generate(Algorithm::Es256).unwrap();
    let another = another.verification_key().jwk().public_members();
    assert_eq!(with_header("jwk", another), Err(Refusal::WrongSignature));
}

#[test]
fn a_proof_is_known_by_its_key_and_its_jti() {
    let id = |key: &SigningKey, jti: &str| {
        let mut claims = good_claims();
        claims["jti"] = json!(jti);
        verify(&sign(key, &claims).unwrap()).unwrap().id()
    };
    let another = SigningKey::generate(Algorithm::Es256).unwrap();
    assert_eq!(id(&KEY, "one"), id(&KEY, "one"));
    assert_ne!(id(&KEY, "one"), id(&KEY, "two"));
    assert_ne!(id(&KEY, "one"), id(&another, "one"));
}

#[test]
fn every_changed_missing_or_added_byte_is_refused() {
    for algorithm in Proof::ALGORITHMS {
        let key = SigningKey::generate(algorithm).unwrap();
        let text = sign(&key, &good_claims()).unwrap();
        assert!(verify(&text).is_ok());
        for at in 0..text.len() {
            for byte in [b'A', b'.', text.as_bytes()[at] ^ 1] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = byte;
                let tampered = String::from_utf8(bytes).unwrap();
                assert!(
                    tampered == text || verify(&tampered).is_err(),
                    "{algorithm}: byte {at}"
                );
            }
            let mut shorter = text.clone();
            shorter.remove(at);
            assert!(verify(&shorter).is_err(), "{algorithm}: without byte {at}");
            let mut longer = text.clone();
            longer.insert(at, 'A');
            assert!(
                verify(&longer).is_err(),
                "{algorithm}: with one more at {at}"
            );
        }
    }
}

#[test]
fn more_than_the_longest_proof_is_too_large() {
    let padded = json!("p".repeat(Proof::MOST_BYTES));
    assert_eq!(changed("padding", padded), Err(Refusal::TooLarge));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(header: Vec<u8>, payload: Vec<u8>, tail in ".{0,20}") {
        let text = format!("{}.{}.{tail}", base64url::encode(&header), base64url::encode(&payload));
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn no_key_makes_it_panic(x: Vec<u8>, y: Vec<u8>, kind in "EC|OKP|RSA|oct") {
        let key = json!({ "kty": kind, "crv": "P-256", "x": base64url::encode(&x), "y": base64url::encode(&y) });
        prop_assert!(with_header("jwk", key).is_err());
    }
}
