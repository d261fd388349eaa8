//! The tokens that the tenant hands out, and those of its own that come back.

use std::time::Duration;

use lychgate_token::{
    Algorithm, Confirmation, JwkSet, Scope, SigningKey, TokenDialect, UnixTime, VerificationKey,
    issue::AccessToken, jws::Jws, random_token, strict_json,
};
use serde_json::{Map, Value, json};

use crate::{
    Error, apis::Api, connections::Profile, grants::Authorization, issuer::Issuer, state::State,
};

/// The life of a token that is good for `/userinfo` only.
const USERINFO_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// The life of an ID token, the platform's default.
const ID_TOKEN_LIFETIME: Duration = Duration::from_hours(10);
/// The standard claims of OpenID Connect Core §5.4 that a profile may hold, by the scope that asks for them.
const CLAIMS_BY_SCOPE: [(&str, &[&str]); 3] = [
    (
        "profile",
        &["name", "nickname", "given_name", "family_name", "picture"],
    ),
    ("email", &["email", "email_verified"]),
    ("phone", &["phone_number"]),
];

/// The key that signs, and its public half.
pub(crate) struct Keys {
    signing: SigningKey,
    verification: VerificationKey,
    published: Value,
}

impl Keys {
    /// The key that the state keeps, made where there is none yet.
    pub(crate) async fn open(
        state: &State,
        algorithm: Algorithm,
        now: UnixTime,
    ) -> Result<Self, Error> {
        let signing = if let Some(key) = state.signing_key(algorithm).await? {
            key
        } else {
            let key = SigningKey::generate(algorithm).map_err(Error::Token)?;
            state.keep_signing_key(&key, now).await?;
            key
        };
        let verification = signing.verification_key().clone();
        let published = JwkSet::new([verification.clone()])
            .map_err(Error::Token)?
            .to_json();
        Ok(Self {
            signing,
            verification,
            published,
        })
    }

    /// The JSON Web Key Set that others verify with.
    pub(crate) fn published(&self) -> &Value {
        &self.published
    }

    /// The algorithm that signs.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.signing.algorithm()
    }

    /// The public half of the key.
    pub(crate) fn verification_key(&self) -> &VerificationKey {
        &self.verification
    }

    /// An access token that acts for a user, and its life. Without an API it is good for `/userinfo` only (the platform
    /// hands out an opaque one; this is a JWT that nobody else accepts).
    pub(crate) fn user_access_token(
        &self,
        issuer: &Issuer,
        granted: &Granted<'_>,
        claims: Map<String, Value>,
        now: UnixTime,
    ) -> Result<(String, Duration), Error> {
        let mut audience: Vec<String> = granted
            .api
            .iter()
            .map(|api| api.identifier.clone())
            .collect();
        if granted.api.is_none() || granted.scope.contains("openid") {
            audience.push(issuer.userinfo());
        }
        let token = AccessToken {
            issuer: issuer.as_str().to_owned(),
            subject: granted.authorization.user_id.clone(),
            audience,
            client_id: granted.authorization.client_id.clone(),
            scope: granted.scope.clone(),
            grant: granted.grant,
            issued_at: now,
            lifetime: granted
                .api
                .map_or(USERINFO_TOKEN_LIFETIME, |api| api.token_lifetime),
            token_id: random_token().map_err(Error::Token)?,
            confirmation: granted.binding.cloned(),
            extra: claims,
        };
        let dialect = granted
            .api
            .map_or_else(TokenDialect::default, |api| api.token_dialect);
        Ok((
            token.sign(&self.signing, dialect).map_err(Error::Token)?,
            token.lifetime,
        ))
    }

    /// An access token that acts for a client itself.
    pub(crate) fn client_access_token(
        &self,
        issuer: &Issuer,
        granted: GrantedToClient<'_>,
        claims: Map<String, Value>,
        now: UnixTime,
    ) -> Result<String, Error> {
        let (api, client_id) = (granted.api, granted.client_id);
        let token = AccessToken {
            issuer: issuer.as_str().to_owned(),
            subject: format!("{client_id}@clients"),
            audience: vec![api.identifier.clone()],
            client_id: client_id.to_owned(),
            scope: granted.scope,
            grant: Some("client-credentials"),
            issued_at: now,
            lifetime: api.token_lifetime,
            token_id: random_token().map_err(Error::Token)?,
            confirmation: granted.binding.cloned(),
            extra: claims,
        };
        token
            .sign(&self.signing, api.token_dialect)
            .map_err(Error::Token)
    }

    /// An ID token (OpenID Connect Core §2). What a script adds never takes the place of what the tenant says.
    pub(crate) fn id_token(
        &self,
        issuer: &Issuer,
        granted: &Granted<'_>,
        profile: &Profile,
        id_token: IdTokenClaims,
        now: UnixTime,
    ) -> Result<String, Error> {
        let authorization = granted.authorization;
        let mut claims = profile_claims(profile, granted.scope);
        claims.extend(id_token.custom);
        let own = json!({
            "iss": issuer.as_str(),
            "sub": authorization.user_id,
            "aud": authorization.client_id,
            "iat": now,
            "exp": now.plus(ID_TOKEN_LIFETIME),
            "auth_time": authorization.authenticated_at,
            "sid": authorization.session_id,
            "nonce": id_token.nonce,
        });
        if let Value::Object(own) = own {
            claims.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.signing.sign("JWT", &claims).map_err(Error::Token)
    }

    /// The claims of a token that this tenant signed, whatever it is for and however old; `None` for any other.
    pub(crate) fn read_own(&self, issuer: &Issuer, token: &str) -> Option<Map<String, Value>> {
        let jws = Jws::parse(token).ok()?;
        if jws.header().key_id.as_deref() != Some(self.verification.key_id()) {
            return None;
        }
        let claims = strict_json::parse_object(jws.verify(&self.verification).ok()?).ok()?;
        (claims.get("iss").and_then(Value::as_str) == Some(issuer.as_str())).then_some(claims)
    }
}

/// What a user's token is about.
pub(crate) struct Granted<'g> {
    pub(crate) authorization: &'g Authorization,
    pub(crate) api: Option<&'g Api>,
    pub(crate) scope: &'g Scope,
    /// `gty`, where the platform says one.
    pub(crate) grant: Option<&'static str>,
    /// What the access token is bound to, if it is.
    pub(crate) binding: Option<&'g Confirmation>,
}

/// What a client's own token is about.
pub(crate) struct GrantedToClient<'g> {
    pub(crate) client_id: &'g str,
    pub(crate) api: &'g Api,
    pub(crate) scope: Scope,
    /// What the access token is bound to, if it is.
    pub(crate) binding: Option<&'g Confirmation>,
}

/// What an ID token says beside who logged in.
pub(crate) struct IdTokenClaims {
    pub(crate) nonce: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

/// The standard claims of a profile that a scope asks for.
pub(crate) fn profile_claims(profile: &Profile, scope: &Scope) -> Map<String, Value> {
    CLAIMS_BY_SCOPE
        .iter()
        .filter(|(token, _)| scope.contains(token))
        .flat_map(|(_, names)| names.iter())
        .filter_map(|name| {
            profile
                .attribute(name)
                .map(|value| ((*name).to_owned(), value.clone()))
        })
        .collect()
}

/// Whether `aud` of a token names `audience`.
pub(crate) fn is_for(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// Whether a token is past its end, or has none.
pub(crate) fn has_expired(claims: &Map<String, Value>, now: UnixTime) -> bool {
    claims
        .get("exp")
        .and_then(Value::as_i64)
        .is_none_or(|end| UnixTime::from_seconds(end) <= now)
}
