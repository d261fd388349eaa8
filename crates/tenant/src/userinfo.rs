//! `/userinfo` (OpenID Connect Core §5.3): who the token's user is.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lychgate_listener::CertificateThumbprint;
use lychgate_token::{BearerToken, Confirmation, UnixTime};
use serde_json::{Map, Value, json};

use crate::{
    context::Context,
    oauth_error::OAuthError,
    tokens::{has_expired, is_for, profile_claims},
};

/// Why a bearer token opens nothing (RFC 6750 §3.1).
#[derive(Debug)]
pub(crate) enum BearerRefused {
    /// None was presented.
    Absent,
    /// It is no good here.
    InvalidToken,
    /// It lacks a scope.
    InsufficientScope(&'static str),
    /// Ours.
    Failed(OAuthError),
}

impl From<OAuthError> for BearerRefused {
    fn from(error: OAuthError) -> Self {
        Self::Failed(error)
    }
}

impl From<crate::Error> for BearerRefused {
    fn from(error: crate::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for BearerRefused {
    fn into_response(self) -> Response {
        let (status, error, challenge) = match self {
            Self::Absent => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "Bearer realm=\"api\"".to_owned(),
            ),
            Self::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                "invalid_token",
                "Bearer realm=\"api\", error=\"invalid_token\"".to_owned(),
            ),
            Self::InsufficientScope(scope) => {
                let challenge = format!(
                    "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"{scope}\""
                );
                (StatusCode::FORBIDDEN, "insufficient_scope", challenge)
            }
            Self::Failed(error) => return error.into_response(),
        };
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// `GET` and `POST /userinfo`.
pub(crate) async fn userinfo(
    State(context): State<Arc<Context>>,
    method: Method,
    certificate: Option<Extension<CertificateThumbprint>>,
    headers: HeaderMap,
) -> Result<Json<Map<String, Value>>, BearerRefused> {
    let now = UnixTime::now();
    let (scheme, token) = presented(&headers)?;
    let claims = context
        .keys
        .read_own(&context.issuer, token)
        .ok_or(BearerRefused::InvalidToken)?;
    let bound_to = match claims.get("cnf") {
        None => None,
        Some(Value::Object(bound_to)) => {
            Some(Confirmation::read(bound_to).ok_or(BearerRefused::InvalidToken)?)
        }
        Some(_) => return Err(BearerRefused::InvalidToken),
    };
    match (scheme, bound_to) {
        (Scheme::Bearer, None) => {}
        (Scheme::Dpop, Some(bound_to @ Confirmation::Key(_))) => {
            let token =
                BearerToken::new(token.to_owned()).map_err(|_| BearerRefused::InvalidToken)?;
            let key = context
                .proofs
                .read_at_userinfo(&headers, &method, &token, now)
                .map_err(|_| BearerRefused::InvalidToken)?;
            if key.confirmation() != bound_to {
                return Err(BearerRefused::InvalidToken);
            }
            context
                .proofs
                .use_at_userinfo(&key, now)
                .map_err(|_| BearerRefused::InvalidToken)?;
        }
        (_, Some(bound_to @ Confirmation::Certificate(_))) => {
            let shown =
                certificate.map(|Extension(shown)| Confirmation::of_certificate(shown.as_bytes()));
            if shown != Some(bound_to) {
                return Err(BearerRefused::InvalidToken);
            }
        }
        // A token that is bound to a key is never a plain bearer, and a plain one is no other.
        (Scheme::Bearer, Some(Confirmation::Key(_))) | (Scheme::Dpop, None) => {
            return Err(BearerRefused::InvalidToken);
        }
    }
    if has_expired(&claims, now) || !is_for(&claims, &context.issuer.userinfo()) {
        return Err(BearerRefused::InvalidToken);
    }
    let scope = claims
        .get("scope")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let scope = scope
        .parse()
        .ok()
        .filter(|scope: &lychgate_token::Scope| scope.contains("openid"));
    let scope = scope.ok_or(BearerRefused::InsufficientScope("openid"))?;
    let subject = claims
        .get("sub")
        .and_then(Value::as_str)
        .ok_or(BearerRefused::InvalidToken)?;
    let user = context
        .state
        .user(subject)
        .await?
        .ok_or(BearerRefused::InvalidToken)?;
    if user.profile.is_blocked() {
        return Err(BearerRefused::InvalidToken);
    }
    let mut answer = profile_claims(&user.profile, &scope);
    answer.insert("sub".to_owned(), Value::from(subject));
    Ok(Json(answer))
}

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

/// The one bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, BearerRefused> {
    match presented(headers)? {
        (Scheme::Bearer, token) => Ok(token),
        (Scheme::Dpop, _) => Err(BearerRefused::InvalidToken),
    }
}

/// The one token of a request; two headers are as bad as a wrong one.
fn presented(headers: &HeaderMap) -> Result<(Scheme, &str), BearerRefused> {
    let mut found = headers.get_all(header::AUTHORIZATION).iter();
    match (found.next(), found.next()) {
        (None, _) => Err(BearerRefused::Absent),
        (Some(one), None) => {
            let (scheme, token) = one
                .to_str()
                .ok()
                .and_then(|text| text.split_once(' '))
                .ok_or(BearerRefused::InvalidToken)?;
            if scheme.eq_ignore_ascii_case("bearer") {
                Ok((Scheme::Bearer, token))
            } else if scheme.eq_ignore_ascii_case("dpop") {
                Ok((Scheme::Dpop, token))
            } else {
                Err(BearerRefused::InvalidToken)
            }
        }
        (Some(_), Some(_)) => Err(BearerRefused::InvalidToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_token_is_not_an_absent_one() {
        let headers = |values: &[&str]| -> HeaderMap {
            values
                .iter()
                .map(|value| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap()))
                .collect()
        };
        assert!(matches!(bearer(&headers(&[])), Err(BearerRefused::Absent)));
        assert_eq!(bearer(&headers(&["bearer abc"])).unwrap(), "abc");
        for bad in [
            &["Basic abc"][..],
            &["DPoP abc"],
            &["Bearer"],
            &["Bearer a", "Bearer a"],
        ] {
            assert!(
                matches!(bearer(&headers(bad)), Err(BearerRefused::InvalidToken)),
                "{bad:?}"
            );
        }
    }
}
