//! A token changed anywhere is a token refused, and so is one signed with a foreign key.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lychgate_token::access_token::Rules;
use lychgate_token::{
    Algorithm, BearerToken, Refusal, SigningKey, UnixTime, UnverifiedToken, VerifiedToken,
};
use serde_json::{Value, json};

const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
const ISSUER: &str = "https://tenant.example/";

fn rules() -> Rules {
    Rules {
        issuers: vec![ISSUER.to_owned()],
        audience: "urn:api".to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        leeway: Duration::from_secs(10),
        max_lifetime: Duration::from_hours(24),
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "urn:api", "sub": "script@clients",
        "iat": NOW.seconds(), "exp": NOW.seconds() + 3600,
    })
}

fn verify(token: String, key: &SigningKey) -> Result<VerifiedToken, Refusal> {
    // What is no bearer token at all never gets as far as a signature.
    let token = BearerToken::new(token).map_err(|_| Refusal::Malformed)?;
    UnverifiedToken::parse(&token, &rules())?.verify(key.verification_key(), &rules(), NOW)
}

#[test]
fn every_changed_byte_is_refused() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let token = key.sign("JWT", &claims()).unwrap();
        assert!(verify(token.clone(), &key).is_ok());
        for (at, byte) in token.bytes().enumerate() {
            // The lowest bit as well as the character beside: both ways to hit unused trailing bits.
            for changed in [byte ^ 1, byte ^ 2, b'A', b'.']
                .into_iter()
                .filter(|changed| *changed != byte)
            {
                let mut bytes = token.clone().into_bytes();
                bytes[at] = changed;
                let tampered = String::from_utf8(bytes).unwrap();
                assert!(
                    verify(tampered, &key).is_err(),
                    "{algorithm}: byte {at} as {changed:#04x}"
                );
            }
        }
    }
}

#[test]
fn every_missing_and_every_added_byte_is_refused() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let token = key.sign("JWT", &claims()).unwrap();
        for at in 0..token.len() {
            let mut shorter = token.clone();
            shorter.remove(at);
            assert!(
                verify(shorter, &key).is_err(),
                "{algorithm}: without byte {at}"
            );
            let mut longer = token.clone();
            longer.insert(at, 'A');
            assert!(
                verify(longer, &key).is_err(),
                "{algorithm}: with a byte more at {at}"
            );
            let mut cut = token.clone();
            cut.truncate(at);
            assert!(verify(cut, &key).is_err(), "{algorithm}: cut at {at}");
        }
        for tail in ["A", "=", ".", ".AA"] {
            assert!(
                verify(format!("{token}{tail}"), &key).is_err(),
                "{algorithm}: with {tail}"
            );
        }
    }
}

#[test]
fn a_signature_by_another_key_is_refused() {
    for algorithm in Algorithm::ALL {
        let (key, other) = (
            SigningKey::generate(algorithm).unwrap(),
            SigningKey::generate(algorithm).unwrap(),
        );
        let token = key.sign("JWT", &claims()).unwrap();
        let forged = other.sign("JWT", &claims()).unwrap();
        // The header of the good token, so that the good key is looked for, with the forger's signature.
        let signed = token.rsplit_once('.').unwrap().0;
        let signature = forged.rsplit_once('.').unwrap().1;
        let refusal = verify(format!("{signed}.{signature}"), &key).unwrap_err();
        assert_eq!(refusal, Refusal::WrongSignature, "{algorithm}");
    }
}

#[test]
fn a_good_key_does_not_verify_for_another_algorithm() {
    let rsa = SigningKey::generate(Algorithm::Rs256).unwrap();
    let pss = SigningKey::from_pkcs8(Algorithm::Ps256, &rsa.to_pkcs8().unwrap()).unwrap();
    assert_eq!(rsa.key_id(), pss.key_id());
    let token = rsa.sign("JWT", &claims()).unwrap();
    assert_eq!(verify(token, &pss).unwrap_err(), Refusal::WrongKey);
}

#[test]
fn a_token_without_signature_is_refused() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let token = key.sign("JWT", &claims()).unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let header = json!({ "alg": "none", "typ": "JWT", "kid": key.key_id() }).to_string();
    let unsecured = format!("{}.{payload}.", URL_SAFE_NO_PAD.encode(header));
    assert_eq!(
        verify(unsecured, &key).unwrap_err(),
        Refusal::WrongAlgorithm
    );
    let stripped = token.rsplit_once('.').unwrap().0;
    assert_eq!(
        verify(format!("{stripped}."), &key).unwrap_err(),
        Refusal::WrongSignature
    );
}

#[test]
fn a_token_with_an_hmac_by_the_public_key_is_refused() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm).unwrap();
        let public = key.public_jwk().to_json().to_string();
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
        header.kid = Some(key.key_id().to_owned());
        let secret = jsonwebtoken::EncodingKey::from_secret(public.as_bytes());
        let forged = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
        assert_eq!(verify(forged, &key).unwrap_err(), Refusal::WrongAlgorithm);
    }
}

#[test]
fn an_es256_signature_in_der_is_refused() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = key.sign("JWT", &claims()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (r, s) = URL_SAFE_NO_PAD
        .decode(signature)
        .map(|both| (both[..32].to_vec(), both[32..].to_vec()))
        .unwrap();
    // Two INTEGERs in a SEQUENCE, each with a leading zero, so that neither is negative.
    let integer = |bytes: Vec<u8>| [vec![0x02, 33, 0], bytes].concat();
    let der = [vec![0x30, 70], integer(r), integer(s)].concat();
    let refusal = verify(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(der)), &key).unwrap_err();
    assert_eq!(refusal, Refusal::WrongSignature);
}
