//! A client's own JWT as the proof of who it is (RFC 7523 §3).
//!
//! In comes the text of an assertion and the client's registered keys; out comes the id that the caller
//! must end, so that no assertion is taken twice. An attacker would want an assertion that was meant for
//! another server, or one that never ends.

use std::time::Duration;

use crate::claims::{self, Validity};
use crate::jws::{Header, Jws};
use crate::{Error, JwkSet, Refusal, UnixTime, strict_json};

/// A client assertion that was found good, and that its `jti` makes usable once: the caller ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The id of the assertion, 1 to 64 bytes, unique for its client.
    pub jti: String,
    /// Until when the id has to be remembered, leeway included.
    pub expires_at: UnixTime,
}

impl Assertion {
    /// The one `client_assertion_type` (RFC 7523 §2.2).
    pub const TYPE: &'static str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    /// The longest assertion, in bytes; the platform's bound.
    pub const MOST_BYTES: usize = 2048;
    /// The longest `jti`, in bytes; the platform's bound.
    pub const MOST_JTI_BYTES: usize = 64;
    /// The longest life, from `iat` or else from now; the platform's bound.
    pub const MAX_LIFETIME: Duration = Duration::from_mins(5);
    /// How far the client's clock may be from ours.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Finds an assertion good, or says why not: signed by one of the client's keys, which `kid` names, by
    /// and about `client_id`, for one of `audiences` alone, short-lived and with an id.
    ///
    /// The platform's `RS384` is not here; RS256, PS256, ES256 and `EdDSA` are.
    pub fn verify(
        assertion: &str,
        client_id: &str,
        keys: &JwkSet,
        audiences: &[&str],
        now: UnixTime,
    ) -> Result<Self, Error> {
        verify(assertion, client_id, keys, audiences, now).map_err(Error::Assertion)
    }
}

/// Whom an assertion says it is about, to find the client whose keys to try.
pub(super) fn unverified_subject(assertion: &str) -> Result<String, Error> {
    let subject = || {
        let claims = strict_json::parse_object(parse(assertion)?.unverified_payload())?;
        claims::text(&claims, "sub")?.ok_or(Refusal::MissingClaim("sub"))
    };
    subject().map_err(Error::Assertion)
}

fn verify(
    assertion: &str,
    client_id: &str,
    keys: &JwkSet,
    audiences: &[&str],
    now: UnixTime,
) -> Result<Assertion, Refusal> {
    let jws = parse(assertion)?;
    let Header {
        algorithm,
        key_id,
        token_type,
    } = jws.header();
    if !token_type.as_deref().is_none_or(is_assertion_type) {
        return Err(Refusal::WrongType);
    }
    let key_id = key_id.as_deref().ok_or(Refusal::MissingHeader("kid"))?;
    let key = keys.key(key_id, *algorithm).ok_or(Refusal::UnknownKey)?;
    let claims = strict_json::parse_object(jws.verify(key)?)?;

    let required = |name| claims::text(&claims, name)?.ok_or(Refusal::MissingClaim(name));
    if required("iss")? != client_id {
        return Err(Refusal::WrongIssuer);
    }
    if required("sub")? != client_id {
        return Err(Refusal::WrongSubject);
    }
    match claims::audience(&claims)?.as_slice() {
        [one] if audiences.contains(&one.as_str()) => {}
        _ => return Err(Refusal::WrongAudience),
    }
    let validity = Validity::read(&claims)?;
    validity.admit(now, Assertion::LEEWAY, Assertion::MAX_LIFETIME)?;
    let jti = required("jti")?;
    if jti.is_empty() || jti.len() > Assertion::MOST_JTI_BYTES {
        return Err(Refusal::MistypedClaim("jti"));
    }
    Ok(Assertion {
        jti,
        expires_at: validity.expires_at.plus(Assertion::LEEWAY),
    })
}

fn parse(assertion: &str) -> Result<Jws<'_>, Refusal> {
    if assertion.len() > Assertion::MOST_BYTES {
        return Err(Refusal::TooLarge);
    }
    Jws::parse(assertion)
}

/// RFC 7523 names no type; `JWT` is usual and draft-ietf-oauth-rfc7523bis has one of its own. Any other says
/// that the token was made for something else (RFC 8725 §3.11).
fn is_assertion_type(token_type: &str) -> bool {
    ["JWT", "client-authentication+jwt"]
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(token_type))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use serde_json::{Value, json};

    use super::*;
    use crate::{Algorithm, SigningKey};

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);
    const AUDIENCES: [&str; 2] = [
        "https://tenant.example/",
        "https://tenant.example/oauth/token",
    ];

    static KEY: LazyLock<SigningKey> =
        LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

    fn good_claims() -> Value {
        json!({
            "iss": "script", "sub": "script", "aud": "https://tenant.example/", "jti": "once",
            "iat": NOW.seconds(), "exp": NOW.seconds() + 60,
        })
    }

    fn verify_text(assertion: &str) -> Result<Assertion, Refusal> {
        let keys = JwkSet::new([KEY.verification_key().clone()]).unwrap();
        match Assertion::verify(assertion, "script", &keys, &AUDIENCES, NOW) {
            Err(Error::Assertion(refusal)) => Err(refusal),
            other => Ok(other.unwrap()),
        }
    }

    fn verify_changed(name: &str, value: Value) -> Result<Assertion, Refusal> {
        let mut claims = good_claims();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        verify_text(&KEY.sign("JWT", &claims).unwrap())
    }

    #[test]
    fn a_good_assertion_yields_its_id_and_how_long_to_remember_it() {
        let assertion = verify_text(&KEY.sign("JWT", &good_claims()).unwrap()).unwrap();
        assert_eq!(assertion.jti, "once");
        assert_eq!(assertion.expires_at, NOW.plus(Duration::from_secs(70)));
        assert!(verify_changed("iat", Value::Null).is_ok());
        assert!(verify_changed("aud", json!(["https://tenant.example/oauth/token"])).is_ok());
    }

    #[test]
    fn it_must_be_by_and_about_the_client() {
        assert_eq!(
            verify_changed("iss", json!("other")),
            Err(Refusal::WrongIssuer)
        );
        assert_eq!(
            verify_changed("sub", json!("other")),
            Err(Refusal::WrongSubject)
        );
        for name in ["iss", "sub", "aud", "exp", "jti"] {
            assert_eq!(
                verify_changed(name, Value::Null),
                Err(Refusal::MissingClaim(name))
            );
        }
    }

    #[test]
    fn it_must_be_for_this_server_alone() {
        for audience in [
            json!("https://tenant.example"),
            json!("https://other.example/"),
            json!(["https://tenant.example/", "https://other.example/"]),
        ] {
            assert_eq!(verify_changed("aud", audience), Err(Refusal::WrongAudience));
        }
    }

    #[test]
    fn it_must_be_short_lived() {
        assert!(verify_changed("exp", json!(NOW.seconds() + 300)).is_ok());
        assert_eq!(
            verify_changed("exp", json!(NOW.seconds() + 301)),
            Err(Refusal::LivesTooLong)
        );
        assert_eq!(
            verify_changed("exp", json!(NOW.seconds() - 10)),
            Err(Refusal::Expired)
        );
        assert_eq!(
            verify_changed("iat", json!(NOW.seconds() + 11)),
            Err(Refusal::IssuedInTheFuture)
        );
        assert_eq!(
            verify_changed("nbf", json!(NOW.seconds() + 11)),
            Err(Refusal::NotYetValid)
        );
    }

    #[test]
    fn its_id_is_bounded() {
        assert!(verify_changed("jti", json!("j".repeat(64))).is_ok());
        for jti in [json!(""), json!("j".repeat(65)), json!(1)] {
            assert_eq!(
                verify_changed("jti", jti),
                Err(Refusal::MistypedClaim("jti"))
            );
        }
    }

    #[test]
    fn another_key_type_or_length_is_refused() {
        let other = SigningKey::generate(Algorithm::Es256).unwrap();
        assert_eq!(
            verify_text(&other.sign("JWT", &good_claims()).unwrap()),
            Err(Refusal::UnknownKey)
        );
        assert_eq!(
            verify_text(&KEY.sign("at+jwt", &good_claims()).unwrap()),
            Err(Refusal::WrongType)
        );
        assert!(
            verify_text(
                &KEY.sign("client-authentication+jwt", &good_claims())
                    .unwrap()
            )
            .is_ok()
        );
        assert_eq!(
            verify_changed("padding", json!("p".repeat(2048))),
            Err(Refusal::TooLarge)
        );
    }
}
