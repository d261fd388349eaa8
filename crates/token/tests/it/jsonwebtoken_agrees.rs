//! A second implementation reads what we write and writes what we read.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken as theirs;
use lychgate_token::access_token::Rules;
use lychgate_token::issue::AccessToken;
use lychgate_token::{
    Algorithm, BearerToken, Refusal, Scope, SigningKey, TokenDialect, UnixTime, UnverifiedToken,
    VerifiedToken,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://tenant.example/";
const NOW: i64 = 1_700_000_000;

/// The key for an algorithm, generated once: RSA keys take their time.
fn key(algorithm: Algorithm) -> &'static SigningKey {
    static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
        Algorithm::ALL
            .map(|algorithm| SigningKey::generate(algorithm).unwrap())
            .into()
    });
    KEYS.iter()
        .find(|key| key.algorithm() == algorithm)
        .unwrap()
}

fn rules() -> Rules {
    Rules {
        issuers: vec![ISSUER.to_owned()],
        audience: "urn:api".to_owned(),
        algorithms: Algorithm::ALL.to_vec(),
        leeway: Duration::from_secs(10),
        max_lifetime: Duration::from_hours(24),
    }
}

fn their_algorithm(algorithm: Algorithm) -> theirs::Algorithm {
    match algorithm {
        Algorithm::Rs256 => theirs::Algorithm::RS256,
        Algorithm::Ps256 => theirs::Algorithm::PS256,
        Algorithm::Es256 => theirs::Algorithm::ES256,
        Algorithm::EdDsa => theirs::Algorithm::EdDSA,
    }
}

/// Reads with their code: signature, issuer, audience, `exp` and `nbf`, at the real time.
fn their_reading(token: &str, key: &SigningKey) -> theirs::errors::Result<Value> {
    let jwk: theirs::jwk::Jwk = serde_json::from_value(key.public_jwk().to_json()).unwrap();
    let mut validation = theirs::Validation::new(their_algorithm(key.algorithm()));
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&["urn:api"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.leeway = 10;
    validation.validate_nbf = true;
    let read = theirs::decode::<Value>(token, &theirs::DecodingKey::from_jwk(&jwk)?, &validation)?;
    Ok(read.claims)
}

fn their_writing(claims: &Value, key: &SigningKey) -> String {
    let mut header = theirs::Header::new(their_algorithm(key.algorithm()));
    header.kid = Some(key.key_id().to_owned());
    let der = key.to_pkcs8().unwrap();
    let signer = match key.algorithm() {
        Algorithm::Rs256 | Algorithm::Ps256 => {
            theirs::EncodingKey::from_rsa_pem(pem(&der).as_bytes()).unwrap()
        }
        Algorithm::Es256 => theirs::EncodingKey::from_ec_der(&der),
        Algorithm::EdDsa => theirs::EncodingKey::from_ed_der(&der),
    };
    theirs::encode(&header, claims, &signer).unwrap()
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn our_reading(token: String, key: &SigningKey, now: UnixTime) -> Result<VerifiedToken, Refusal> {
    let token = BearerToken::new(token).unwrap();
    UnverifiedToken::parse(&token, &rules())?.verify(key.verification_key(), &rules(), now)
}

fn any_algorithm() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(&Algorithm::ALL[..])
}

fn any_audience() -> impl Strategy<Value = Value> {
    let userinfo = format!("{ISSUER}userinfo");
    prop_oneof![
        Just(json!("urn:api")),
        Just(json!(["urn:api"])),
        Just(json!(["urn:api", userinfo])),
        Just(json!("urn:other")),
        Just(json!(["urn:other"])),
    ]
}

prop_compose! {
    /// Claims around the real time, so that both readers can be asked: each good or bad in one way.
    fn any_claims()(
        issuer in prop_oneof![4 => Just(ISSUER), 1 => Just("https://evil.example/")],
        audience in any_audience(),
        issued_before in 0_i64..7200,
        lifetime in 60_i64..86_400,
        not_before in prop::option::weighted(0.3, -3600_i64..3600),
        subject in ".{0,20}",
        client in "[A-Za-z0-9]{1,32}",
    ) -> Value {
        let now = UnixTime::now().seconds();
        let issued_at = now - issued_before;
        let mut claims = json!({
            "iss": issuer, "aud": audience, "sub": subject, "azp": client,
            "iat": issued_at, "exp": issued_at + lifetime,
        });
        if let Some(not_before) = not_before {
            claims["nbf"] = json!(now + not_before);
        }
        claims
    }
}

/// A second before or after which the two readers, who look at their clocks one after the other, may differ.
fn is_on_the_edge(claims: &Value) -> bool {
    let now = UnixTime::now().seconds();
    let near = |name: &str, edge: i64| {
        claims[name]
            .as_i64()
            .is_some_and(|time| (time - edge).abs() <= 5)
    };
    near("exp", now - 10) || near("nbf", now + 10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_accept_and_both_refuse_what_we_write(algorithm in any_algorithm(), claims in any_claims()) {
        prop_assume!(!is_on_the_edge(&claims));
        let key = key(algorithm);
        let token = key.sign("JWT", &claims).unwrap();
        let theirs = their_reading(&token, key);
        let ours = our_reading(token, key, UnixTime::now());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "ours {:?}, theirs {:?}", ours.err(), theirs.err());
        if let Ok(read) = theirs {
            prop_assert_eq!(read, claims);
        }
    }

    #[test]
    fn both_accept_and_both_refuse_what_they_write(algorithm in any_algorithm(), claims in any_claims()) {
        prop_assume!(!is_on_the_edge(&claims));
        let key = key(algorithm);
        let token = their_writing(&claims, key);
        let theirs = their_reading(&token, key);
        let ours = our_reading(token, key, UnixTime::now());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "ours {:?}, theirs {:?}", ours.err(), theirs.err());
        if let Ok(read) = ours {
            prop_assert_eq!(read.subject(), claims["sub"].as_str());
            prop_assert_eq!(read.authorized_party(), claims["azp"].as_str());
            prop_assert_eq!(read.expires_at().seconds(), claims["exp"].as_i64().unwrap());
        }
    }

    #[test]
    fn they_refuse_the_signature_of_another_key(algorithm in any_algorithm(), other in any_algorithm()) {
        prop_assume!(algorithm != other);
        let claims = json!({ "iss": ISSUER, "aud": "urn:api", "exp": UnixTime::now().seconds() + 60 });
        prop_assert!(their_reading(&key(algorithm).sign("JWT", &claims).unwrap(), key(other)).is_err());
    }

    #[test]
    fn an_issued_access_token_is_read_as_it_was_meant(
        algorithm in any_algorithm(),
        dialect in prop::sample::select(&TokenDialect::ALL[..]),
        scope in prop::collection::btree_set("[a-z]{1,8}:[a-z]{1,8}", 0..5),
        client_id in "[A-Za-z0-9]{1,32}",
        lifetime in 1_u64..=86_400,
    ) {
        let scope = scope.into_iter().collect::<Vec<_>>().join(" ");
        let scope: Scope = if scope.is_empty() { Scope::default() } else { scope.parse().unwrap() };
        let issued_at = UnixTime::from_seconds(NOW);
        let token = AccessToken {
            issuer: ISSUER.to_owned(),
            subject: format!("{client_id}@clients"),
            audience: vec!["urn:api".to_owned()],
            client_id: client_id.clone(),
            scope: scope.clone(),
            grant: Some("client-credentials"),
            issued_at,
            lifetime: Duration::from_secs(lifetime),
            token_id: "id-1".to_owned(),
            confirmation: None,
            extra: Map::from_iter([("https://example.com/role".to_owned(), json!("x"))]),
        };
        let key = key(algorithm);
        let read = our_reading(token.sign(key, dialect).unwrap(), key, issued_at).unwrap();
        let platform = dialect == TokenDialect::AccessToken;
        prop_assert_eq!(read.subject(), Some(token.subject.as_str()));
        prop_assert_eq!(read.scope(), &scope);
        prop_assert_eq!(read.expires_at(), issued_at.plus(token.lifetime));
        prop_assert_eq!(read.authorized_party(), platform.then_some(client_id.as_str()));
        prop_assert_eq!(read.grant_type(), platform.then_some("client-credentials"));
        prop_assert_eq!(read.client_id(), (!platform).then_some(client_id.as_str()));
        prop_assert_eq!(read.token_id(), (!platform).then_some("id-1"));
        prop_assert!(read.has_claim("https://example.com/role"));
    }
}
