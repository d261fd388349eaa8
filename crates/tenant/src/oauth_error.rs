//! The one place where an error becomes an answer in the words of RFC 6749.
//!
//! Each error has two messages: what the caller may read, and what the log says. An attacker would want the second.

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::Error;

/// The codes of RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6 and RFC 7009 §2.2.1 that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UnsupportedTokenType,
    InvalidScope,
    AccessDenied,
    LoginRequired,
    /// RFC 9449 §5.
    InvalidDpopProof,
    /// RFC 9449 §8.
    UseDpopNonce,
    ServerError,
}

impl ErrorCode {
    /// The code on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::ServerError => "server_error",
        }
    }

    /// The status at an endpoint that answers in JSON: RFC 6749 §5.2, and the platform's 403 for `access_denied`.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::UnsupportedTokenType
            | Self::InvalidScope
            | Self::LoginRequired
            | Self::InvalidDpopProof
            | Self::UseDpopNonce => StatusCode::BAD_REQUEST,
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::AccessDenied => StatusCode::FORBIDDEN,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct OAuthError {
    pub(crate) code: ErrorCode,
    /// What the client may read.
    description: String,
    /// What the log says beside it.
    cause: Option<String>,
}

impl OAuthError {
    /// An error with what the client may read of it; what RFC 6749 §5.2 forbids in there is replaced.
    pub(crate) fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        let allowed = |character| match character {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => character,
            _ => '?',
        };
        Self {
            code,
            description: description.into().chars().map(allowed).take(400).collect(),
            cause: None,
        }
    }

    /// `invalid_request`.
    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    /// `invalid_grant`, with the same words whatever was wrong with it.
    pub(crate) fn invalid_grant() -> Self {
        Self::new(
            ErrorCode::InvalidGrant,
            "the code or refresh token is unknown, used, expired, or not this client's",
        )
    }

    /// `invalid_client`, with the same words whatever was wrong with it.
    pub(crate) fn invalid_client() -> Self {
        Self::new(ErrorCode::InvalidClient, "client authentication failed")
    }

    /// `access_denied`.
    pub(crate) fn access_denied(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::AccessDenied, description)
    }

    /// `server_error`: ours, and nothing from below in it.
    pub(crate) fn server_error(cause: impl Display) -> Self {
        Self::new(
            ErrorCode::ServerError,
            "something went wrong here; nothing is wrong with the request",
        )
        .because(cause)
    }

    /// Adds what only the log may say.
    #[must_use]
    pub(crate) fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// What the client may read.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Writes the error into the log; called once, where it becomes an answer. Rules and scripts may name people in their
    /// words, so those are for debug level; what failed below names nobody.
    pub(crate) fn log(&self, place: &'static str) {
        let error = self.code.name();
        let cause = self.cause.as_deref().unwrap_or_default();
        if self.code == ErrorCode::ServerError {
            tracing::error!(place, error, cause, "request failed");
        } else {
            tracing::info!(place, error, "request refused");
            tracing::debug!(
                place,
                error,
                description = self.description,
                cause,
                "why it was refused"
            );
        }
    }
}

impl From<Error> for OAuthError {
    fn from(error: Error) -> Self {
        Self::server_error(error.chain())
    }
}

/// The answer of RFC 6749 §5.2.
impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        self.log("endpoint");
        let body = json!({ "error": self.code.name(), "error_description": self.description });
        let mut response = (self.code.status(), axum::Json(body)).into_response();
        if self.code == ErrorCode::InvalidClient {
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Basic realm=\"oauth\""),
            );
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_the_characters_of_rfc_6749() {
        let error = OAuthError::invalid_request("say \"no\"\\\r\nSet-Cookie: é");
        assert_eq!(error.description(), "say 'no'/??Set-Cookie: ?");
    }

    #[test]
    fn what_the_log_says_is_not_in_the_answer() {
        let error = OAuthError::server_error("disk full at /secret/place");
        assert!(!error.description().contains("secret"));
    }

    #[test]
    fn the_status_is_rfc_6749s() {
        assert_eq!(ErrorCode::InvalidClient.status(), 401);
        assert_eq!(ErrorCode::InvalidGrant.status(), 400);
        assert_eq!(ErrorCode::UnauthorizedClient.status(), 400);
    }
}
