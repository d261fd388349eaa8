//! What a client asks `/authorize` for (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 §4.3, RFC 8707 §2).

use lychgate_token::{Scope, pkce::CodeChallenge};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ReturnAddress;
use crate::{
    context::Context,
    oauth_error::{ErrorCode, OAuthError},
    parameters::Parameters,
};

/// Bytes of all parameters together: they are kept until the user has logged in.
const REQUEST_BYTES: usize = 8 * 1024;
/// Bytes of a `nonce`, `login_hint`, `scope` or `audience`.
const VALUE_BYTES: usize = 1024;

/// A request that can be answered, kept while its user logs in.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizeRequest {
    pub(crate) client_id: String,
    pub(crate) return_address: ReturnAddress,
    /// The scope, in its plain form.
    pub(crate) scope: String,
    pub(crate) audience: Option<String>,
    pub(crate) connection: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) login_hint: Option<String>,
    pub(crate) prompt: Prompt,
    /// Seconds since the password was asked for.
    pub(crate) max_age: Option<u64>,
    /// `S256`, in its plain form.
    pub(crate) code_challenge: Option<String>,
    /// The query as rules and actions see it.
    pub(crate) query: Map<String, Value>,
}

/// Whether a user may be, or must be, asked for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Prompt {
    /// As needed.
    AsNeeded,
    /// Never: whoever is not logged in is not.
    None,
    /// Always.
    Login,
}

impl Prompt {
    fn read(text: Option<&str>) -> Result<Self, OAuthError> {
        match text {
            None => Ok(Self::AsNeeded),
            Some("none") => Ok(Self::None),
            Some("login") => Ok(Self::Login),
            Some(_) => Err(OAuthError::invalid_request(
                "the parameter 'prompt' must be none or login",
            )),
        }
    }

    /// The value on the wire.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::AsNeeded => None,
            Self::None => Some("none"),
            Self::Login => Some("login"),
        }
    }
}

impl AuthorizeRequest {
    /// Reads everything but the return address; an error may be sent there.
    pub(super) fn read(
        context: &Context,
        parameters: &Parameters,
        return_address: ReturnAddress,
    ) -> Result<Self, OAuthError> {
        if parameters.bytes() > REQUEST_BYTES {
            return Err(OAuthError::invalid_request(
                "the request is longer than 8 KiB",
            ));
        }
        let client_id = parameters.required("client_id")?.to_owned();
        let is_public = context
            .client(&client_id)
            .is_none_or(crate::Client::is_public);
        for unsupported in ["request", "request_uri", "claims", "registration"] {
            if parameters.optional(unsupported).is_some() {
                return Err(OAuthError::invalid_request(format!(
                    "the parameter '{unsupported}' is not supported"
                )));
            }
        }
        if parameters.required("response_type")? != "code" {
            return Err(OAuthError::new(
                ErrorCode::UnsupportedResponseType,
                "the response_type must be 'code'",
            ));
        }
        if parameters
            .optional("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err(OAuthError::invalid_request(
                "the response_mode must be 'query'",
            ));
        }
        let audience = bounded("audience", parameters.audience()?)?;
        context.access().api(audience.as_deref())?;
        let connection = parameters.optional("connection").map(str::to_owned);
        if context.database(connection.as_deref()).is_none() {
            return Err(OAuthError::invalid_request("the connection was not found"));
        }
        Ok(Self {
            client_id,
            return_address,
            scope: read_scope(parameters.optional("scope"))?.to_string(),
            audience,
            connection,
            nonce: bounded("nonce", parameters.optional("nonce"))?,
            login_hint: bounded("login_hint", parameters.optional("login_hint"))?,
            prompt: Prompt::read(parameters.optional("prompt"))?,
            max_age: read_max_age(parameters.optional("max_age"))?,
            code_challenge: read_challenge(parameters, is_public)?,
            query: parameters.without_credentials(),
        })
    }
}

/// A scope; none where none is asked for.
pub(crate) fn read_scope(text: Option<&str>) -> Result<Scope, OAuthError> {
    let Some(text) = text else {
        return Ok(Scope::default());
    };
    let malformed = || OAuthError::new(ErrorCode::InvalidScope, "the scope is malformed");
    if text.len() > VALUE_BYTES {
        return Err(malformed());
    }
    text.parse().map_err(|_| malformed())
}

fn read_max_age(text: Option<&str>) -> Result<Option<u64>, OAuthError> {
    let wrong =
        |_| OAuthError::invalid_request("the parameter 'max_age' must be a number of seconds");
    text.map(str::parse).transpose().map_err(wrong)
}

/// PKCE: required of a client that cannot keep a secret, and only ever by `S256`.
fn read_challenge(parameters: &Parameters, is_public: bool) -> Result<Option<String>, OAuthError> {
    let method = parameters.optional("code_challenge_method");
    match parameters.optional("code_challenge") {
        Some(challenge) => CodeChallenge::new(challenge, method)
            .map(|challenge| Some(challenge.as_str().to_owned()))
            .map_err(|fault| {
                OAuthError::invalid_request("the code_challenge must be one of method S256")
                    .because(fault)
            }),
        None if is_public => Err(OAuthError::invalid_request(
            "the parameter 'code_challenge' is missing: PKCE is required",
        )),
        None if method.is_some() => Err(OAuthError::invalid_request(
            "a code_challenge_method without a code_challenge",
        )),
        None => Ok(None),
    }
}

fn bounded(name: &str, value: Option<&str>) -> Result<Option<String>, OAuthError> {
    match value {
        Some(value) if value.len() > VALUE_BYTES || value.chars().any(char::is_control) => Err(
            OAuthError::invalid_request(format!("the parameter '{name}' is too long or malformed")),
        ),
        value => Ok(value.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(query: &str, is_public: bool) -> Result<Option<String>, OAuthError> {
        read_challenge(&Parameters::from_form(query.as_bytes()).unwrap(), is_public)
    }

    // RFC 7636 appendix B.
    const CHALLENGE: &str = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_public_client_needs_pkce_and_plain_is_refused() {
        assert!(challenge("", true).is_err());
        assert!(challenge("", false).unwrap().is_none());
        assert!(
            challenge(&format!("{CHALLENGE}&code_challenge_method=S256"), true)
                .unwrap()
                .is_some()
        );
        assert!(challenge(&format!("{CHALLENGE}&code_challenge_method=plain"), false).is_err());
        assert!(
            challenge(CHALLENGE, false).is_err(),
            "without a method RFC 7636 means plain"
        );
        assert!(challenge("code_challenge_method=S256", false).is_err());
    }

    #[test]
    fn a_prompt_is_none_or_login() {
        assert_eq!(Prompt::read(Some("none")).unwrap(), Prompt::None);
        assert!(Prompt::read(Some("none login")).is_err());
    }
}
