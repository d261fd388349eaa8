//! Logout: `/oidc/logout` (OpenID Connect RP-Initiated Logout 1.0) and the platform's own `/v2/logout`.
//!
//! In comes a browser, perhaps sent by somebody; out goes one without a session. An attacker would want to log people out
//! from afar, or to be where they are sent next.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use lychgate_token::UnixTime;
use serde_json::Value;
use url::Url;

use crate::{
    context::Context,
    events::Event,
    oauth_error::OAuthError,
    page,
    parameters::{Parameters, Query},
    session::Cookie,
};

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage;

/// `GET /oidc/logout`. Only the session's own application, which shows the session's ID token, logs out without asking.
pub(crate) async fn rp_initiated(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    Query(parameters): Query,
) -> Response {
    let outcome = match parameters {
        Ok(parameters) => rp_initiated_logout(&context, &headers, &parameters).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| page::error(error.code.status(), &error))
}

async fn rp_initiated_logout(
    context: &Context,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let hint = match parameters.optional("id_token_hint") {
        Some(token) => {
            let claims = context.keys.read_own(&context.issuer, token);
            Some(claims.ok_or_else(|| {
                OAuthError::invalid_request("the id_token_hint is not one of ours")
            })?)
        }
        None => None,
    };
    let claim = |name: &str| {
        hint.as_ref()
            .and_then(|hint| hint.get(name))
            .and_then(Value::as_str)
    };
    let client_id = match (claim("aud"), parameters.optional("client_id")) {
        (Some(hinted), Some(named)) if hinted != named => {
            return Err(OAuthError::invalid_request(
                "the id_token_hint is another client's",
            ));
        }
        (hinted, named) => hinted.or(named),
    };
    let next = match parameters.optional("post_logout_redirect_uri") {
        Some(uri) => {
            let allowed = client_id
                .and_then(|id| context.client(id))
                .is_some_and(|client| client.has_logout_url(uri));
            let refused = || {
                OAuthError::invalid_request(
                    "the post_logout_redirect_uri is not among the allowed logout URLs",
                )
            };
            Some(
                with_state(uri, parameters.optional("state"))
                    .filter(|_| allowed)
                    .ok_or_else(refused)?,
            )
        }
        None => None,
    };
    let session = match Cookie::Session.read(&context.issuer, headers) {
        Some(cookie) => context.state.session(&cookie, UnixTime::now()).await?,
        None => None,
    };
    match session {
        Some(session) if claim("sid") != Some(&session.sid) => {
            Ok(page::render(StatusCode::OK, &LogoutPage, ""))
        }
        _ => end(context, headers, client_id.unwrap_or_default(), next).await,
    }
}

/// `POST /oidc/logout`: the person has said yes. A form of another site comes without the cookie, which is `SameSite`.
pub(crate) async fn confirmed(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    end(&context, &headers, "", None).await
}

/// `GET /v2/logout`: at once, as the platform does.
pub(crate) async fn platform(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    Query(parameters): Query,
) -> Response {
    let outcome = match parameters {
        Ok(parameters) => platform_logout(&context, &headers, &parameters).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| page::error(error.code.status(), &error))
}

async fn platform_logout(
    context: &Context,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<Response, OAuthError> {
    let client_id = parameters.optional("client_id");
    let next = match parameters.optional("returnTo") {
        Some(uri) => {
            let allowed = client_id
                .and_then(|id| context.client(id))
                .is_some_and(|client| client.has_logout_url(uri));
            if !allowed {
                return Err(OAuthError::invalid_request(
                    "the returnTo is not among the client's allowed logout URLs",
                ));
            }
            Some(uri.to_owned())
        }
        None => None,
    };
    end(context, headers, client_id.unwrap_or_default(), next).await
}

/// Ends the browser's session, and sends it on.
async fn end(
    context: &Context,
    headers: &HeaderMap,
    client_id: &str,
    next: Option<String>,
) -> Result<Response, OAuthError> {
    let cookie = Cookie::Session.read(&context.issuer, headers);
    let had_session = cookie.is_some();
    if let Some(cookie) = cookie {
        context.state.end_session(&cookie).await?;
        Event::SuccessLogout.log(client_id, "");
    }
    let mut response = match next {
        Some(next) => (StatusCode::SEE_OTHER, [(header::LOCATION, next)]).into_response(),
        None => page::message(
            StatusCode::OK,
            "You are logged out",
            "You can close this page.",
        ),
    };
    // A form of another site comes without the cookie, and must not take it away either.
    if had_session {
        response
            .headers_mut()
            .append(header::SET_COOKIE, Cookie::Session.clear(&context.issuer)?);
    }
    Ok(response)
}

fn with_state(uri: &str, state: Option<&str>) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Some(url.to_string())
}
