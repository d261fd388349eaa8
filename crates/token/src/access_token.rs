//! What makes an access token good.
//!
//! The rules that a configuration fills in, and their judgement of a header and of claims. They are used
//! by [`UnverifiedToken`](crate::UnverifiedToken) and say nothing of signatures. An attacker would want a
//! comparison that is not to the letter: of issuers, of audiences, of types.

use std::time::Duration;

use crate::claims::Validity;
use crate::jws::Header;
use crate::{Algorithm, Refusal, UnixTime};

/// What an access token has to satisfy here, apart from its signature.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The issuers, to the letter: a tenant with a domain of its own issues under either name.
    pub issuers: Vec<String>,
    /// Our audience, to the letter.
    pub audience: String,
    /// The algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// How far the issuer's clock may be from ours.
    pub leeway: Duration,
    /// The longest `exp - iat`, inclusive.
    pub max_lifetime: Duration,
}

impl Rules {
    /// The types of header that access tokens have: RFC 7519 §5.1 and RFC 9068 §2.1, in any case.
    const TOKEN_TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

    pub(crate) fn admit_header(&self, header: &Header) -> Result<(), Refusal> {
        let token_type = header
            .token_type
            .as_deref()
            .ok_or(Refusal::MissingHeader("typ"))?;
        if !Self::TOKEN_TYPES
            .iter()
            .any(|accepted| accepted.eq_ignore_ascii_case(token_type))
        {
            return Err(Refusal::WrongType);
        }
        if !self.algorithms.contains(&header.algorithm) {
            return Err(Refusal::WrongAlgorithm);
        }
        Ok(())
    }

    pub(crate) fn admit_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        if self.issuers.iter().any(|accepted| accepted == issuer) {
            Ok(())
        } else {
            Err(Refusal::WrongIssuer)
        }
    }

    /// Ours has to be there. Beside it only the issuer's own `/userinfo` may be: the platform adds it to
    /// users' tokens, which a later step refuses with a better reason. Any other audience would be a
    /// resource server that could hand the token on to us.
    pub(crate) fn admit_audience(&self, issuer: &str, audience: &[String]) -> Result<(), Refusal> {
        let userinfo = format!("{}/userinfo", issuer.strip_suffix('/').unwrap_or(issuer));
        let known = |one: &String| *one == self.audience || *one == userinfo;
        if audience.contains(&self.audience) && audience.iter().all(known) {
            Ok(())
        } else {
            Err(Refusal::WrongAudience)
        }
    }

    pub(crate) fn admit_time(&self, validity: &Validity, now: UnixTime) -> Result<(), Refusal> {
        validity.admit(now, self.leeway, self.max_lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://tenant.example/";

    fn rules() -> Rules {
        Rules {
            issuers: vec![ISSUER.to_owned(), "https://login.example/".to_owned()],
            audience: "urn:api".to_owned(),
            algorithms: vec![Algorithm::Rs256],
            leeway: Duration::from_secs(10),
            max_lifetime: Duration::from_hours(24),
        }
    }

    fn header(algorithm: Algorithm, token_type: Option<&str>) -> Header {
        Header {
            algorithm,
            key_id: None,
            token_type: token_type.map(str::to_owned),
        }
    }

    #[test]
    fn the_type_is_compared_in_any_case_and_must_be_there() {
        let admit = |token_type| rules().admit_header(&header(Algorithm::Rs256, token_type));
        for token_type in [
            "JWT",
            "jwt",
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/At+Jwt",
        ] {
            assert_eq!(admit(Some(token_type)), Ok(()), "{token_type}");
        }
        for token_type in [
            "",
            "JWT ",
            "dpop+jwt",
            "id+jwt",
            "application/jwt",
            "secevent+jwt",
            "logout+jwt",
        ] {
            assert_eq!(
                admit(Some(token_type)),
                Err(Refusal::WrongType),
                "{token_type}"
            );
        }
        assert_eq!(admit(None), Err(Refusal::MissingHeader("typ")));
    }

    #[test]
    fn an_algorithm_that_is_not_on_the_list_is_refused() {
        for algorithm in [Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
            assert_eq!(
                rules().admit_header(&header(algorithm, Some("JWT"))),
                Err(Refusal::WrongAlgorithm)
            );
        }
    }

    #[test]
    fn the_issuer_is_compared_to_the_letter() {
        assert_eq!(rules().admit_issuer(ISSUER), Ok(()));
        assert_eq!(rules().admit_issuer("https://login.example/"), Ok(()));
        for issuer in [
            "https://tenant.example",
            "https://TENANT.example/",
            "https://tenant.example//",
            "",
        ] {
            assert_eq!(
                rules().admit_issuer(issuer),
                Err(Refusal::WrongIssuer),
                "{issuer}"
            );
        }
    }

    #[test]
    fn the_audience_is_ours_and_at_most_the_issuers_own_userinfo() {
        let admit = |audience: &[&str]| {
            let audience: Vec<_> = audience.iter().map(|one| (*one).to_owned()).collect();
            rules().admit_audience(ISSUER, &audience)
        };
        assert_eq!(admit(&["urn:api"]), Ok(()));
        assert_eq!(
            admit(&["urn:api", "https://tenant.example/userinfo"]),
            Ok(())
        );
        assert_eq!(
            admit(&["https://tenant.example/userinfo", "urn:api"]),
            Ok(())
        );
        for audience in [
            &["urn:other"][..],
            &["urn:api "],
            &["https://tenant.example/userinfo"],
            &["urn:api", "urn:other"],
            &["urn:api", "https://login.example/userinfo"],
            &["urn:api", "https://tenant.example/userinfo", "urn:other"],
        ] {
            assert_eq!(admit(audience), Err(Refusal::WrongAudience), "{audience:?}");
        }
    }

    #[test]
    fn the_userinfo_of_an_issuer_without_trailing_slash_has_one_slash() {
        let audience = [
            "urn:api".to_owned(),
            "https://idp.example/userinfo".to_owned(),
        ];
        assert_eq!(
            rules().admit_audience("https://idp.example", &audience),
            Ok(())
        );
    }
}
