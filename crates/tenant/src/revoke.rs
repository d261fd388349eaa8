//! `/oauth/revoke` (RFC 7009): a client gives back a refresh token, and with it every other of that login.

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use lychgate_token::UnixTime;

use crate::{
    clients,
    context::Context,
    oauth_error::{ErrorCode, OAuthError},
    parameters::Form,
    state::{Reference, RefreshTokenFound},
};

/// `POST /oauth/revoke`.
pub(crate) async fn revoke(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<StatusCode, OAuthError> {
    let now = UnixTime::now();
    let client = clients::authenticate(&context, &headers, &form, now).await?;
    let token = form.required("token")?;
    let Some(token) = Reference::presented(token) else {
        if token.split('.').count() == 3 {
            let text = "access tokens are good until they expire; revoke the refresh token";
            return Err(OAuthError::new(ErrorCode::UnsupportedTokenType, text));
        }
        return Ok(StatusCode::OK);
    };
    // Of an unknown token, and of one of another client, the answer is the same (RFC 7009 §2.2).
    match context.state.refresh_token(&token, now).await? {
        RefreshTokenFound::Current {
            grant_id,
            authorization,
        } if authorization.client_id == client.client_id => {
            context.state.revoke_grant(&grant_id).await?;
        }
        RefreshTokenFound::Used {
            grant_id,
            client_id,
        } if client_id == client.client_id => {
            context.state.revoke_grant(&grant_id).await?;
        }
        _ => {}
    }
    Ok(StatusCode::OK)
}
