//! The parameters of a request, from a query or a body.
//!
//! In come at most 64 KiB that anybody may have written; out comes a list in which no name stands twice (RFC 6749 §3.1)
//! and every value has a bound. An attacker would want two readers of one request to see two different values.

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::{header::CONTENT_TYPE, request::Parts};
use lychgate_token::strict_json;
use serde_json::{Map, Value};

use crate::oauth_error::OAuthError;

/// Bytes of a body that are read.
pub(crate) const BODY_BYTES: usize = 64 * 1024;
/// Parameters of one request.
const PARAMETERS: usize = 64;
/// Bytes of a parameter's name.
const NAME_BYTES: usize = 128;
/// Bytes of a parameter's value, after decoding.
const VALUE_BYTES: usize = 8 * 1024;

/// Parameters by name, none of them twice.
#[derive(Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn from_form(encoded: &[u8]) -> Result<Self, OAuthError> {
        let pairs = form_urlencoded::parse(encoded).take(PARAMETERS + 1);
        Self::collect(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())))
    }

    /// Reads a JSON object whose members are strings, as clients of the platform send it.
    fn from_json(body: &[u8]) -> Result<Self, OAuthError> {
        let object = strict_json::parse_object(body)
            .map_err(|_| OAuthError::invalid_request("the body is not a JSON object"))?;
        let text = |(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(OAuthError::invalid_request(
                "every member of the body must be a string",
            )),
        };
        Self::collect(
            object
                .into_iter()
                .map(text)
                .collect::<Result<Vec<_>, _>>()?,
        )
    }

    fn collect(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, OAuthError> {
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if read.len() == PARAMETERS || name.len() > NAME_BYTES || value.len() > VALUE_BYTES {
                return Err(OAuthError::invalid_request(
                    "too many or too long parameters",
                ));
            }
            if read.iter().any(|(known, _)| *known == name) {
                return Err(OAuthError::invalid_request("a parameter stands twice"));
            }
            read.push((name, value));
        }
        Ok(Self(read))
    }

    /// A parameter; one without a value is as if omitted (RFC 6749 §3.1).
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.optional(name).ok_or_else(|| {
            OAuthError::invalid_request(format!("the parameter '{name}' is missing"))
        })
    }

    /// The API that is asked for: `audience`, or RFC 8707's `resource`; both only where they agree.
    pub(crate) fn audience(&self) -> Result<Option<&str>, OAuthError> {
        match (self.optional("audience"), self.optional("resource")) {
            (Some(audience), Some(resource)) if audience != resource => Err(
                OAuthError::invalid_request("'audience' and 'resource' name different APIs"),
            ),
            (audience, resource) => Ok(audience.or(resource)),
        }
    }

    /// Everything, as [`lychgate_token::client_auth::PresentedClient::read`] wants it.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Bytes of all names and values.
    pub(crate) fn bytes(&self) -> usize {
        self.0
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    /// Everything that a script may see: no credentials.
    pub(crate) fn without_credentials(&self) -> Map<String, Value> {
        const CREDENTIALS: [&str; 7] = [
            "client_secret",
            "client_assertion",
            "code",
            "code_verifier",
            "refresh_token",
            "password",
            "id_token_hint",
        ];
        let visible = self
            .0
            .iter()
            .filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
        visible
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect()
    }
}

/// The parameters of the query.
pub(crate) struct Query(pub(crate) Result<Parameters, OAuthError>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Parameters::from_form(
            parts.uri.query().unwrap_or_default().as_bytes(),
        )))
    }
}

/// The parameters of the body; a refusal is an RFC 6749 answer.
pub(crate) struct Form(pub(crate) Parameters);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, OAuthError> {
        let (media_type, body) = read_body(request).await?;
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => Parameters::from_form(&body).map(Self),
            "application/json" => Parameters::from_json(&body).map(Self),
            _ => Err(OAuthError::invalid_request(
                "the body must be application/x-www-form-urlencoded",
            )),
        }
    }
}

/// The members of a body that may hold more than strings: a JSON object, or a form.
pub(crate) struct Members(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Members {
    type Rejection = OAuthError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, OAuthError> {
        let (media_type, body) = read_body(request).await?;
        match media_type.as_str() {
            "application/json" => strict_json::parse_object(&body)
                .map(Self)
                .map_err(|_| OAuthError::invalid_request("the body is not a JSON object")),
            "application/x-www-form-urlencoded" => {
                let pairs = Parameters::from_form(&body)?.0;
                Ok(Self(
                    pairs
                        .into_iter()
                        .map(|(name, value)| (name, Value::from(value)))
                        .collect(),
                ))
            }
            _ => Err(OAuthError::invalid_request(
                "the body must be application/json",
            )),
        }
    }
}

/// The media type, without its parameters, and the body.
async fn read_body(request: Request) -> Result<(String, axum::body::Bytes), OAuthError> {
    let media_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let body = axum::body::to_bytes(request.into_body(), BODY_BYTES)
        .await
        .map_err(|_| OAuthError::invalid_request("the body is too large or did not arrive"))?;
    Ok((media_type, body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        assert!(Parameters::from_form(b"a=1&b=2&a=1").is_err());
        assert!(Parameters::from_json(br#"{"a":"1","a":"1"}"#).is_err());
    }

    #[test]
    fn a_parameter_without_a_value_is_as_if_omitted() {
        let parameters = Parameters::from_form(b"scope=&state=x").unwrap();
        assert_eq!(parameters.optional("scope"), None);
        assert_eq!(parameters.optional("state"), Some("x"));
    }

    #[test]
    fn resource_is_an_alias_of_audience() {
        assert_eq!(
            Parameters::from_form(b"resource=urn:a")
                .unwrap()
                .audience()
                .unwrap(),
            Some("urn:a")
        );
        assert_eq!(
            Parameters::from_form(b"audience=urn:a&resource=urn:a")
                .unwrap()
                .audience()
                .unwrap(),
            Some("urn:a")
        );
        assert!(
            Parameters::from_form(b"audience=urn:a&resource=urn:b")
                .unwrap()
                .audience()
                .is_err()
        );
    }

    #[test]
    fn too_much_is_refused() {
        let many = (0..65)
            .map(|n| format!("p{n}=1"))
            .collect::<Vec<_>>()
            .join("&");
        assert!(Parameters::from_form(many.as_bytes()).is_err());
        let long = format!("a={}", "x".repeat(VALUE_BYTES + 1));
        assert!(Parameters::from_form(long.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_in_no_name_comes_out_twice(encoded in proptest::collection::vec(any::<u8>(), 0..2000)) {
            if let Ok(parameters) = Parameters::from_form(&encoded) {
                let mut names: Vec<_> = parameters.pairs().iter().map(|(name, _)| name).collect();
                let all = names.len();
                names.sort();
                names.dedup();
                prop_assert_eq!(names.len(), all);
            }
        }
    }
}
