//! What the caller presented: nothing, a token, or something that is refused. Bad is never absent.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Uri};
use lychgate_token::BearerToken;
use url::form_urlencoded;

use crate::problem::{InvalidToken, Malformed, Problem, Scheme};

/// Credentials that are not refused yet.
pub(crate) enum Credentials {
    /// None at all.
    Absent,
    /// `Authorization: Bearer …` (RFC 6750 §2.1), or `DPoP …` (RFC 9449 §7.1).
    Token(BearerToken),
}

impl Credentials {
    /// Reads them from the one place where they may be, in a scheme that this gateway wants.
    pub(crate) fn read(headers: &HeaderMap, uri: &Uri, wanted: &[Scheme]) -> Result<Self, Problem> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next();
        if values.next().is_some() {
            return Err(Problem::MalformedRequest(Malformed::SeveralCredentials));
        }
        if form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .any(|(name, _)| name == "access_token")
        {
            return Err(Problem::MalformedRequest(Malformed::TokenInQuery));
        }
        let Some(value) = value else {
            return Ok(Self::Absent);
        };
        let value = value.to_str().map_err(|_| refused("malformed"))?;
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = [Scheme::Bearer, Scheme::Dpop]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(scheme))
            .ok_or_else(|| refused("unknown-scheme"))?;
        if !wanted.contains(&scheme) {
            return Err(refused(match scheme {
                Scheme::Bearer => "constraint-not-proven",
                Scheme::Dpop => "constraint-not-configured",
            }));
        }
        BearerToken::new(token.trim_start_matches(' ').to_owned())
            .map(Self::Token)
            .map_err(|_| refused("malformed"))
    }
}

fn refused(reason: &'static str) -> Problem {
    Problem::InvalidToken(InvalidToken::Refused(reason))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(authorization: &[&str], uri: &str) -> Result<Credentials, Problem> {
        read_as(Scheme::Bearer, authorization, uri)
    }

    fn read_as(wanted: Scheme, authorization: &[&str], uri: &str) -> Result<Credentials, Problem> {
        let headers = authorization
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()))
            .collect();
        Credentials::read(&headers, &uri.parse().unwrap(), &[wanted])
    }

    #[test]
    fn nothing_is_absent_and_a_bearer_token_is_taken_whatever_the_case_of_its_scheme() {
        assert!(matches!(read(&[], "/"), Ok(Credentials::Absent)));
        for value in ["Bearer abc", "bearer abc", "BEARER  abc"] {
            assert!(
                matches!(read(&[value], "/"), Ok(Credentials::Token(token)) if token.expose_secret() == "abc"),
                "{value}"
            );
        }
    }

    #[test]
    fn bad_credentials_are_refused_and_never_absent() {
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a, Bearer b",
            "Basic YTpi",
            "DPoP abc",
            "abc",
        ] {
            assert!(
                matches!(
                    read(&[value], "/"),
                    Err(Problem::InvalidToken(InvalidToken::Refused(_)))
                ),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_token_in_another_scheme_than_is_wanted_is_refused() {
        for value in ["DPoP abc", "dpop abc"] {
            let read = read_as(Scheme::Dpop, &[value], "/");
            assert!(matches!(read, Ok(Credentials::Token(_))), "{value}");
        }
        let refusal = |wanted, value| match read_as(wanted, &[value], "/") {
            Err(Problem::InvalidToken(InvalidToken::Refused(reason))) => reason,
            _ => panic!("{value} is not refused"),
        };
        assert_eq!(refusal(Scheme::Dpop, "Bearer abc"), "constraint-not-proven");
        assert_eq!(
            refusal(Scheme::Bearer, "DPoP abc"),
            "constraint-not-configured"
        );
    }

    #[test]
    fn two_headers_and_a_token_in_the_query_are_malformed() {
        assert!(matches!(
            read(&["Bearer a", "Bearer a"], "/"),
            Err(Problem::MalformedRequest(Malformed::SeveralCredentials))
        ));
        for uri in [
            "/?access_token=a",
            "/?x=1&access_token",
            "/?access%5Ftoken=a",
        ] {
            for authorization in [&["Bearer a"][..], &[]] {
                assert!(
                    matches!(
                        read(authorization, uri),
                        Err(Problem::MalformedRequest(Malformed::TokenInQuery))
                    ),
                    "{uri}"
                );
            }
        }
        assert!(read(&["Bearer a"], "/?token=a").is_ok());
    }

    proptest! {
        #[test]
        fn no_header_value_makes_it_panic_or_be_absent(value in "[ -~]{0,80}") {
            prop_assert!(!matches!(read(&[&value], "/"), Ok(Credentials::Absent)));
        }
    }
}
