//! Access tokens as the platform issues them.
//!
//! In come the facts that a grant has established; out comes a token that says them in one of two
//! dialects, claim for claim as the platform does. Extra claims, which rules and actions may add, can
//! never stand in for a claim that the issuer answers for.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{Confirmation, Error, Scope, SigningKey, TokenDialect, UnixTime};

/// What an access token says.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`: written as a string if it is one, as an array if there are more.
    pub audience: Vec<String>,
    /// The client it is issued to: `azp` or `client_id`.
    pub client_id: String,
    /// `scope`; left out if empty.
    pub scope: Scope,
    /// `gty`, which only the platform's own dialect has: `client-credentials`, `password`,
    /// `refresh_token`, nothing for an authorization code.
    pub grant: Option<&'static str>,
    /// `iat`.
    pub issued_at: UnixTime,
    /// `exp` is this much after `iat`, in whole seconds.
    pub lifetime: Duration,
    /// `jti`, which only RFC 9068's dialect has.
    pub token_id: String,
    /// The key that its presenter has to prove, `cnf`.
    pub confirmation: Option<Confirmation>,
    /// Further claims.
    pub extra: Map<String, Value>,
}

impl AccessToken {
    /// The claims that an extra claim may not stand in for, whichever dialect writes them.
    pub const RESERVED_CLAIMS: [&str; 12] = [
        "iss",
        "sub",
        "aud",
        "azp",
        "client_id",
        "scope",
        "gty",
        "iat",
        "nbf",
        "exp",
        "jti",
        "cnf",
    ];

    /// Writes and signs it.
    pub fn sign(&self, key: &SigningKey, dialect: TokenDialect) -> Result<String, Error> {
        key.sign(dialect.token_type(), &self.claims(dialect)?)
    }

    fn claims(&self, dialect: TokenDialect) -> Result<Map<String, Value>, Error> {
        if let Some(name) = self
            .extra
            .keys()
            .find(|name| Self::RESERVED_CLAIMS.contains(&name.as_str()))
        {
            return Err(Error::ReservedClaim(name.clone()));
        }
        let mut claims = self.extra.clone();
        let mut claim = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        claim("iss", self.issuer.as_str().into());
        claim("sub", self.subject.as_str().into());
        claim(
            "aud",
            match self.audience.as_slice() {
                [] => return Err(Error::NoAudience),
                [one] => one.as_str().into(),
                more => more.into(),
            },
        );
        claim("iat", self.issued_at.seconds().into());
        claim("exp", self.issued_at.plus(self.lifetime).seconds().into());
        if !self.scope.is_empty() {
            claim("scope", self.scope.to_string().into());
        }
        if let Some(confirmation) = &self.confirmation {
            claim("cnf", confirmation.to_json());
        }
        match dialect {
            TokenDialect::AccessToken => {
                claim("azp", self.client_id.as_str().into());
                if let Some(grant) = self.grant {
                    claim("gty", grant.into());
                }
            }
            TokenDialect::Rfc9068Profile => {
                claim("client_id", self.client_id.as_str().into());
                claim("jti", self.token_id.as_str().into());
            }
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Algorithm;
    use crate::jws::Jws;

    fn access_token() -> AccessToken {
        AccessToken {
            issuer: "https://tenant.example/".to_owned(),
            subject: "script@clients".to_owned(),
            audience: vec!["urn:api".to_owned()],
            client_id: "script".to_owned(),
            scope: "read:users authenticate:users".parse().unwrap(),
            grant: Some("client-credentials"),
            issued_at: UnixTime::from_seconds(1_700_000_000),
            lifetime: Duration::from_hours(1),
            token_id: "id-1".to_owned(),
            confirmation: None,
            extra: Map::new(),
        }
    }

    fn claims(token: &AccessToken, dialect: TokenDialect) -> Value {
        Value::Object(token.claims(dialect).unwrap())
    }

    #[test]
    fn the_platforms_own_dialect_is_exact() {
        let expected = json!({
            "iss": "https://tenant.example/", "sub": "script@clients", "aud": "urn:api", "azp": "script",
            "gty": "client-credentials", "scope": "authenticate:users read:users",
            "iat": 1_700_000_000, "exp": 1_700_003_600,
        });
        assert_eq!(claims(&access_token(), TokenDialect::AccessToken), expected);
    }

    #[test]
    fn the_rfc_9068_dialect_is_exact() {
        let expected = json!({
            "iss": "https://tenant.example/", "sub": "script@clients", "aud": "urn:api", "client_id": "script",
            "jti": "id-1", "scope": "authenticate:users read:users",
            "iat": 1_700_000_000, "exp": 1_700_003_600,
        });
        assert_eq!(
            claims(&access_token(), TokenDialect::Rfc9068Profile),
            expected
        );
    }

    #[test]
    fn the_header_names_the_dialects_type() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        for (dialect, expected) in [
            (TokenDialect::AccessToken, "JWT"),
            (TokenDialect::Rfc9068Profile, "at+jwt"),
        ] {
            let token = access_token().sign(&key, dialect).unwrap();
            assert_eq!(
                Jws::parse(&token).unwrap().header().token_type.as_deref(),
                Some(expected)
            );
        }
    }

    #[test]
    fn a_users_token_has_two_audiences_and_no_grant() {
        let audience = vec![
            "urn:api".to_owned(),
            "https://tenant.example/userinfo".to_owned(),
        ];
        let token = AccessToken {
            audience: audience.clone(),
            grant: None,
            scope: Scope::default(),
            ..access_token()
        };
        let claims = claims(&token, TokenDialect::AccessToken);
        assert_eq!(claims["aud"], json!(audience));
        assert_eq!((claims.get("gty"), claims.get("scope")), (None, None));
    }

    #[test]
    fn an_extra_claim_is_added_and_a_reserved_one_refused() {
        let with = |name: &str| AccessToken {
            extra: Map::from_iter([(name.to_owned(), json!(1))]),
            ..access_token()
        };
        assert_eq!(
            claims(&with("https://example.com/role"), TokenDialect::AccessToken)["https://example.com/role"],
            1
        );
        for name in AccessToken::RESERVED_CLAIMS {
            for dialect in TokenDialect::ALL {
                let refused = with(name).claims(dialect);
                assert!(matches!(refused, Err(Error::ReservedClaim(named)) if named == name));
            }
        }
    }

    #[test]
    fn a_bound_token_says_to_which_key_in_either_dialect() {
        let token = AccessToken {
            confirmation: Some(Confirmation::Key("thumbprint".to_owned())),
            ..access_token()
        };
        for dialect in TokenDialect::ALL {
            assert_eq!(
                claims(&token, dialect)["cnf"],
                json!({ "jkt": "thumbprint" })
            );
        }
    }

    #[test]
    fn a_token_for_nobody_is_not_issued() {
        let token = AccessToken {
            audience: Vec::new(),
            ..access_token()
        };
        assert!(matches!(
            token.claims(TokenDialect::AccessToken),
            Err(Error::NoAudience)
        ));
    }
}
