//! From a token that anyone may have written to a fact.
//!
//! [`UnverifiedToken`] tells which issuer's which key to look for, and nothing else; only its `verify`
//! makes a [`VerifiedToken`], so whoever holds one knows that signature, issuer, audience and time were
//! found right. An attacker would want a way to that type around the check: there is none.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::access_token::Rules;
use crate::claims::{self, Validity};
use crate::jws::Jws;
use crate::{Algorithm, BearerToken, Refusal, Scope, UnixTime, VerificationKey, strict_json};

/// A token that names an accepted issuer, a key and an accepted algorithm, and whose claims have their
/// right types. Anyone may have written it.
pub struct UnverifiedToken<'t> {
    jws: Jws<'t>,
    key_id: String,
    claims: Claims,
}

impl<'t> UnverifiedToken<'t> {
    /// Takes a token apart, and refuses at once what no key could make good.
    pub fn parse(token: &'t BearerToken, rules: &Rules) -> Result<Self, Refusal> {
        let jws = Jws::parse(token.expose_secret())?;
        let claims = Claims::read(jws.unverified_payload())?;
        rules.admit_header(jws.header())?;
        let key_id = jws
            .header()
            .key_id
            .clone()
            .ok_or(Refusal::MissingHeader("kid"))?;
        rules.admit_issuer(&claims.issuer)?;
        Ok(Self {
            jws,
            key_id,
            claims,
        })
    }

    /// The issuer whose key is needed, `iss`.
    pub fn issuer(&self) -> &str {
        &self.claims.issuer
    }

    /// The id of the key that is needed, `kid`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The algorithm that the key is needed for, `alg`.
    pub fn algorithm(&self) -> Algorithm {
        self.jws.header().algorithm
    }

    /// Believes the token, or says why not. The key must be one of [`UnverifiedToken::issuer`]'s own; the
    /// rules may be newer than those it was parsed by and are applied whole.
    pub fn verify(
        self,
        key: &VerificationKey,
        rules: &Rules,
        now: UnixTime,
    ) -> Result<VerifiedToken, Refusal> {
        let claims = self.claims;
        rules.admit_header(self.jws.header())?;
        self.jws.verify(key)?;
        rules.admit_issuer(&claims.issuer)?;
        rules.admit_audience(&claims.issuer, &claims.audience)?;
        rules.admit_time(&claims.validity, now)?;
        Ok(VerifiedToken(Arc::new(claims)))
    }
}

/// An access token that one of the issuers signed for our audience and that was good when it was verified.
/// Whoever keeps it must ask [`VerifiedToken::expires_at`] again. Cheap to clone.
///
/// Nothing but [`UnverifiedToken::verify`] makes one:
///
/// ```compile_fail,E0423
/// let token = lychgate_token::VerifiedToken(std::sync::Arc::default());
/// ```
///
/// ```compile_fail,E0277
/// let token: lychgate_token::VerifiedToken = serde_json::from_str("{}").unwrap();
/// ```
///
/// ```compile_fail,E0599
/// let token = lychgate_token::VerifiedToken::default();
/// ```
#[derive(Clone, Debug)]
pub struct VerifiedToken(Arc<Claims>);

impl VerifiedToken {
    /// Who issued it, `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Whom it is about, `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The client it was issued to, in the platform's own dialect: `azp`.
    pub fn authorized_party(&self) -> Option<&str> {
        self.0.authorized_party.as_deref()
    }

    /// The client it was issued to, in RFC 9068's dialect: `client_id`.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// The grant that it was issued by, where the platform says so: `gty`.
    pub fn grant_type(&self) -> Option<&str> {
        self.0.grant_type.as_deref()
    }

    /// What it allows, `scope`; empty if there is none.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// Whom it is for, `aud`: ours and perhaps the issuer's `/userinfo`.
    pub fn audience(&self) -> &[String] {
        &self.0.audience
    }

    /// The key that its presenter has to prove, `cnf` (RFC 7800). A token that has it is no plain bearer token.
    pub fn confirmation(&self) -> Option<&Map<String, Value>> {
        self.0.confirmation.as_ref()
    }

    /// The end of its life, `exp`.
    pub fn expires_at(&self) -> UnixTime {
        self.0.validity.expires_at
    }

    /// The beginning of its life, `iat`.
    pub fn issued_at(&self) -> UnixTime {
        self.0.issued_at
    }

    /// Its id, `jti`.
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.as_deref()
    }

    /// Whether a claim is there at all, whatever its value; `null` counts.
    pub fn has_claim(&self, name: &str) -> bool {
        self.0.all.contains_key(name)
    }
}

/// The claims that are used, each of its right type, and all of them by name.
#[derive(Debug)]
struct Claims {
    issuer: String,
    subject: Option<String>,
    authorized_party: Option<String>,
    client_id: Option<String>,
    grant_type: Option<String>,
    scope: Scope,
    audience: Vec<String>,
    confirmation: Option<Map<String, Value>>,
    issued_at: UnixTime,
    validity: Validity,
    token_id: Option<String>,
    all: Map<String, Value>,
}

impl Claims {
    fn read(payload: &[u8]) -> Result<Self, Refusal> {
        let all = strict_json::parse_object(payload)?;
        let text = |name| claims::text(&all, name);
        let validity = Validity::read(&all)?;
        Ok(Self {
            issuer: text("iss")?.ok_or(Refusal::MissingClaim("iss"))?,
            subject: text("sub")?,
            authorized_party: text("azp")?,
            client_id: text("client_id")?,
            grant_type: text("gty")?,
            scope: match text("scope")? {
                None => Scope::default(),
                Some(scope) => scope.parse().map_err(|_| Refusal::MistypedClaim("scope"))?,
            },
            audience: claims::audience(&all)?,
            confirmation: match all.get("cnf") {
                None => None,
                Some(Value::Object(confirmation)) => Some(confirmation.clone()),
                Some(_) => return Err(Refusal::MistypedClaim("cnf")),
            },
            issued_at: validity.issued_at.ok_or(Refusal::MissingClaim("iat"))?,
            validity,
            token_id: text("jti")?,
            all,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::SigningKey;

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
    const ISSUER: &str = "https://tenant.example/";

    static KEY: LazyLock<SigningKey> =
        LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

    fn rules() -> Rules {
        Rules {
            issuers: vec![ISSUER.to_owned()],
            audience: "urn:api".to_owned(),
            algorithms: vec![Algorithm::Es256],
            leeway: Duration::from_secs(10),
            max_lifetime: Duration::from_hours(24),
        }
    }

    fn good_claims() -> Value {
        json!({
            "iss": ISSUER, "sub": "script@clients", "aud": "urn:api", "azp": "script",
            "gty": "client-credentials", "scope": "read:users authenticate:users",
            "iat": NOW.seconds(), "exp": NOW.seconds() + 3600,
        })
    }

    /// The good claims, but for one: with another value, or, for `null`, without it.
    fn changed(name: &str, value: Value) -> Value {
        let mut claims = good_claims();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        claims
    }

    fn read(token: String) -> Result<VerifiedToken, Refusal> {
        let token = BearerToken::new(token).unwrap();
        UnverifiedToken::parse(&token, &rules())?.verify(KEY.verification_key(), &rules(), NOW)
    }

    fn verify(claims: &Value) -> Result<VerifiedToken, Refusal> {
        read(KEY.sign("JWT", claims).unwrap())
    }

    fn refusal(name: &'static str, value: Value) -> Refusal {
        verify(&changed(name, value)).unwrap_err()
    }

    #[test]
    fn a_good_token_tells_what_it_says() {
        let token = verify(&good_claims()).unwrap();
        assert_eq!(token.issuer(), ISSUER);
        assert_eq!(token.subject(), Some("script@clients"));
        assert_eq!(token.authorized_party(), Some("script"));
        assert_eq!(token.client_id(), None);
        assert_eq!(token.grant_type(), Some("client-credentials"));
        assert_eq!(token.scope().to_string(), "authenticate:users read:users");
        assert_eq!(token.audience(), ["urn:api"]);
        assert_eq!(token.confirmation(), None);
        assert_eq!(token.issued_at(), NOW);
        assert_eq!(token.expires_at(), NOW.plus(Duration::from_hours(1)));
        assert_eq!(token.token_id(), None);
        assert!(token.has_claim("azp") && !token.has_claim("sid"));
    }

    #[test]
    fn an_unverified_token_names_issuer_key_and_algorithm() {
        let token = BearerToken::new(KEY.sign("at+jwt", &good_claims()).unwrap()).unwrap();
        let token = UnverifiedToken::parse(&token, &rules()).unwrap();
        assert_eq!(
            (token.issuer(), token.key_id(), token.algorithm()),
            (ISSUER, KEY.key_id(), Algorithm::Es256)
        );
    }

    #[test]
    fn claims_that_must_be_there_are_missed() {
        for name in ["iss", "aud", "iat", "exp"] {
            assert_eq!(refusal(name, Value::Null), Refusal::MissingClaim(name));
        }
        for name in ["sub", "azp", "gty", "scope"] {
            assert!(verify(&changed(name, Value::Null)).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_claim_of_the_wrong_type_is_refused_and_never_absent() {
        for name in ["iss", "sub", "azp", "client_id", "gty", "scope", "jti"] {
            for value in [json!(1), json!(["script"]), json!({}), json!(true)] {
                assert_eq!(refusal(name, value), Refusal::MistypedClaim(name));
            }
        }
        for name in ["iat", "exp", "nbf"] {
            for value in [
                json!(1.5e9),
                json!("1700000000"),
                json!(u64::MAX),
                json!([1]),
            ] {
                assert_eq!(refusal(name, value), Refusal::MistypedClaim(name));
            }
        }
        for value in [json!("jkt"), json!([]), json!(1)] {
            assert_eq!(refusal("cnf", value), Refusal::MistypedClaim("cnf"));
        }
        assert_eq!(
            refusal("scope", json!("a  b")),
            Refusal::MistypedClaim("scope")
        );
        assert_eq!(refusal("aud", json!([])), Refusal::MistypedClaim("aud"));
    }

    #[test]
    fn a_claim_that_is_null_has_the_wrong_type() {
        for name in ["sub", "azp", "cnf", "nbf", "scope"] {
            let mut claims = good_claims();
            claims[name] = Value::Null;
            assert_eq!(verify(&claims).unwrap_err(), Refusal::MistypedClaim(name));
        }
    }

    #[test]
    fn a_foreign_issuer_or_audience_is_refused() {
        assert_eq!(
            refusal("iss", json!("https://evil.example/")),
            Refusal::WrongIssuer
        );
        assert_eq!(
            refusal("iss", json!("https://tenant.example")),
            Refusal::WrongIssuer
        );
        assert_eq!(refusal("aud", json!("urn:other")), Refusal::WrongAudience);
        assert_eq!(
            refusal("aud", json!(["urn:api", "urn:other"])),
            Refusal::WrongAudience
        );
    }

    #[test]
    fn an_expired_token_is_refused() {
        assert_eq!(refusal("exp", json!(NOW.seconds() - 10)), Refusal::Expired);
        assert_eq!(refusal("exp", json!(i64::MIN)), Refusal::Expired);
    }

    #[test]
    fn a_token_that_lives_too_long_is_refused() {
        assert!(verify(&changed("exp", json!(NOW.seconds() + 86_400))).is_ok());
        assert_eq!(
            refusal("exp", json!(NOW.seconds() + 86_401)),
            Refusal::LivesTooLong
        );
        assert_eq!(refusal("exp", json!(i64::MAX)), Refusal::LivesTooLong);
        assert_eq!(refusal("iat", json!(i64::MIN)), Refusal::LivesTooLong);
    }

    #[test]
    fn the_confirmation_is_handed_on() {
        let token = verify(&changed("cnf", json!({ "jkt": "thumbprint" }))).unwrap();
        assert_eq!(token.confirmation().unwrap()["jkt"], "thumbprint");
    }

    #[test]
    fn a_token_of_another_type_or_without_key_id_is_refused() {
        let id_token = KEY.sign("dpop+jwt", &good_claims()).unwrap();
        assert_eq!(read(id_token).unwrap_err(), Refusal::WrongType);
        let header = crate::base64url::encode(br#"{"alg":"ES256","typ":"JWT"}"#);
        let rest = KEY.sign("JWT", &good_claims()).unwrap();
        let (_, rest) = rest.split_once('.').unwrap();
        assert_eq!(
            read(format!("{header}.{rest}")).unwrap_err(),
            Refusal::MissingHeader("kid")
        );
    }

    #[test]
    fn rules_that_became_stricter_after_parsing_count() {
        let token = BearerToken::new(KEY.sign("JWT", &good_claims()).unwrap()).unwrap();
        let verify = |rules: Rules| {
            UnverifiedToken::parse(&token, &self::rules())
                .unwrap()
                .verify(KEY.verification_key(), &rules, NOW)
        };
        let refused = verify(Rules {
            issuers: vec!["https://other.example/".to_owned()],
            ..rules()
        });
        assert_eq!(refused.unwrap_err(), Refusal::WrongIssuer);
        let refused = verify(Rules {
            algorithms: vec![Algorithm::Rs256],
            ..rules()
        });
        assert_eq!(refused.unwrap_err(), Refusal::WrongAlgorithm);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            prop::collection::vec(".{0,4}", 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", ".{0,4}", 0..3)
                .prop_map(|members| json!(members)),
        ]
    }

    proptest! {
        #[test]
        fn a_claim_of_any_value_is_taken_only_with_its_type(
            name in prop::sample::select(&["sub", "azp", "client_id", "gty", "jti", "cnf", "nbf", "other"][..]),
            value in any_value(),
        ) {
            let mut claims = good_claims();
            claims[name] = value.clone();
            let typed = match name {
                "cnf" => value.is_object(),
                "nbf" => value.as_i64().is_some_and(|time| time <= NOW.seconds() + 10),
                "other" => true,
                _ => value.is_string(),
            };
            let verified = verify(&claims);
            prop_assert_eq!(verified.is_ok(), typed, "{:?}", verified.err());
        }

        #[test]
        fn any_changed_character_is_refused(position: prop::sample::Index, other in "[A-Za-z0-9_.-]") {
            static TOKEN: LazyLock<String> = LazyLock::new(|| KEY.sign("JWT", &good_claims()).unwrap());
            let at = position.index(TOKEN.len());
            let mut mutated = TOKEN.clone();
            mutated.replace_range(at..=at, &other);
            prop_assume!(mutated != *TOKEN);
            prop_assert!(read(mutated).is_err());
        }
    }
}
