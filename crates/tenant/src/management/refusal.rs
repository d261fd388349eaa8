//! Why the management API did not do something, in the platform's form.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::{Error, connections::ScriptFailed, oauth_error::OAuthError, userinfo::BearerRefused};

/// Why an operation was not done.
pub(crate) enum ManagementError {
    /// The token.
    Refused(BearerRefused),
    /// The request; the text is for whoever made it.
    BadRequest(&'static str),
    /// No such user.
    UnknownUser,
    /// The script.
    Script(ScriptFailed),
    /// Ours.
    Failed(OAuthError),
}

impl From<BearerRefused> for ManagementError {
    fn from(refused: BearerRefused) -> Self {
        Self::Refused(refused)
    }
}

impl From<ScriptFailed> for ManagementError {
    fn from(failed: ScriptFailed) -> Self {
        Self::Script(failed)
    }
}

impl From<OAuthError> for ManagementError {
    fn from(error: OAuthError) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for ManagementError {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl IntoResponse for ManagementError {
    fn into_response(self) -> Response {
        let (status, error, code, message) = match self {
            Self::Refused(refused) => return refused.into_response(),
            Self::Failed(error) => return error.into_response(),
            Self::BadRequest(message) => (
                StatusCode::BAD_REQUEST,
                "Bad Request",
                "invalid_body",
                message,
            ),
            Self::UnknownUser => (
                StatusCode::NOT_FOUND,
                "Not Found",
                "inexistent_user",
                "The user does not exist.",
            ),
            Self::Script(failed) => {
                tracing::debug!(%failed, "a script did not do what the management API asked");
                (
                    StatusCode::BAD_REQUEST,
                    "Bad Request",
                    "auth0_idp_error",
                    "The connection's script did not do it.",
                )
            }
        };
        let body = json!({ "statusCode": status.as_u16(), "error": error, "message": message, "errorCode": code });
        (status, Json(body)).into_response()
    }
}
