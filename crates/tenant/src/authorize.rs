//! `/authorize`: from a client's wish to a code.
//!
//! In comes a query that anybody may have put into anybody's browser; out goes a code to a registered address, or an
//! error to that address, or, as long as the address is not known to be the client's, a page. An attacker would want the
//! code sent elsewhere, a user logged in without knowing, or a token for an audience of their own choice.
//!
//! ```text
//! query ─client, redirect_uri→ ReturnAddress ─read→ AuthorizeRequest ─session?→ complete ─→ code
//!                                                                       └ no ─→ /u/login ┘
//! ```

mod completion;
mod request;
mod return_address;

pub(crate) use completion::{complete, decide, known_user};
pub(crate) use request::{AuthorizeRequest, read_scope};
pub(crate) use return_address::ReturnAddress;

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use lychgate_token::UnixTime;
use request::Prompt;

use crate::{
    clients::GrantType,
    context::Context,
    edge::{ClientAddress, request_event},
    events::Event,
    oauth_error::{ErrorCode, OAuthError},
    page,
    parameters::{Form, Parameters, Query},
    session::Cookie,
    state::{Reference, Session},
};

/// `GET /authorize`.
pub(crate) async fn by_query(
    State(context): State<Arc<Context>>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Query(parameters): Query,
) -> Response {
    match parameters {
        Ok(parameters) => authorize(&context, address, &headers, &parameters).await,
        Err(error) => page::error(StatusCode::BAD_REQUEST, &error),
    }
}

/// `POST /authorize` (OpenID Connect Core §3.1.2.1).
pub(crate) async fn by_form(
    State(context): State<Arc<Context>>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Response {
    match form {
        Ok(Form(parameters)) => authorize(&context, address, &headers, &parameters).await,
        Err(error) => page::error(StatusCode::BAD_REQUEST, &error),
    }
}

async fn authorize(
    context: &Context,
    address: ClientAddress,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Response {
    let return_address = match ReturnAddress::read(context, parameters) {
        Ok(return_address) => return_address,
        Err(error) => return page::error(StatusCode::BAD_REQUEST, &error),
    };
    let now = UnixTime::now();
    let request = match AuthorizeRequest::read(context, parameters, return_address.clone()) {
        Ok(request) => request,
        Err(error) => return return_address.with_error(&context.issuer, &error),
    };
    match proceed(context, address, headers, &request, now).await {
        Ok(response) => response,
        Err(error) => {
            let event = if request.prompt == Prompt::None {
                Event::FailedSilentAuth
            } else {
                Event::FailedLogin
            };
            event.log(
                &request.client_id,
                request.connection.as_deref().unwrap_or_default(),
            );
            return_address.with_error(&context.issuer, &error)
        }
    }
}

/// On with the session there is, or to the login page.
async fn proceed(
    context: &Context,
    address: ClientAddress,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    now: UnixTime,
) -> Result<Response, OAuthError> {
    match usable_session(context, headers, request, now).await? {
        Some(session) => {
            let seen = request_event(
                context,
                address,
                headers,
                "GET",
                (request.query.clone(), serde_json::Map::new()),
            );
            let code = complete(context, request, &session, &seen).await?;
            Event::SuccessSilentAuth.log_user(
                &request.client_id,
                &session.connection,
                &session.user_id,
            );
            Ok(request.return_address.with_code(&context.issuer, &code))
        }
        None if request.prompt == Prompt::None => {
            Err(OAuthError::new(ErrorCode::LoginRequired, "Login required"))
        }
        None => begin_login(context, headers, request, now).await,
    }
}

/// The browser's session, if it is of the connection asked for and young enough.
async fn usable_session(
    context: &Context,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    now: UnixTime,
) -> Result<Option<Session>, OAuthError> {
    if request.prompt == Prompt::Login {
        return Ok(None);
    }
    let Some(cookie) = Cookie::Session.read(&context.issuer, headers) else {
        return Ok(None);
    };
    let session = context.state.session(&cookie, now).await?;
    Ok(session.filter(|session| {
        let of_the_connection = request
            .connection
            .as_ref()
            .is_none_or(|name| *name == session.connection);
        let age = now.since(session.authenticated_at).as_secs();
        of_the_connection && request.max_age.is_none_or(|most| age < most)
    }))
}

/// Keeps what was asked for, and sends the browser to the login page with the cookie that binds the two.
async fn begin_login(
    context: &Context,
    headers: &HeaderMap,
    request: &AuthorizeRequest,
    now: UnixTime,
) -> Result<Response, OAuthError> {
    let transaction = Reference::generate()?;
    // Logins in two tabs share the cookie; each has a transaction of its own.
    let binding = match Cookie::Login.read(&context.issuer, headers) {
        Some(binding) => binding,
        None => Reference::generate()?,
    };
    let until = now.plus(context.lifetimes.login);
    context
        .state
        .begin_login(&transaction, &binding, request, until)
        .await?;
    let location = context
        .issuer
        .endpoint(&format!("u/login?state={}", transaction.expose_secret()));
    let cookie = Cookie::Login.set(&context.issuer, &binding)?;
    Ok((
        StatusCode::SEE_OTHER,
        [(header::SET_COOKIE, cookie)],
        [(header::LOCATION, location)],
    )
        .into_response())
}

/// Whether a client may come here at all.
fn may_authorize(client: &crate::Client) -> bool {
    client.grant_types.contains(&GrantType::AuthorizationCode)
}
