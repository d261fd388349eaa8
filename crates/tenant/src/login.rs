//! The login page: the one place where a person types a password.
//!
//! In comes a form from the browser that began this login (its cookie says so); out goes a session and a code, or the
//! page again. An attacker would want to log somebody else in as themselves (login CSRF), to guess for free, or to learn
//! from an answer whether somebody has an account.

mod pages;

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};
use http::{HeaderMap, StatusCode, header};
use lychgate_password::Password;
use lychgate_token::UnixTime;
use serde_json::Map;

use pages::{LoginPage, expired, explain, too_many_attempts};

use crate::{
    authorize::complete,
    connections::{Database, Profile},
    context::Context,
    edge::{ClientAddress, request_event},
    events::Event,
    oauth_error::OAuthError,
    page,
    parameters::{Form, Parameters, Query},
    session::Cookie,
    state::{LoginTransaction, Reference, Session},
};

/// Passwords that may be tried before the login has to be begun again.
const ATTEMPTS: i64 = 10;
/// Bytes of what a person may call themselves.
const IDENTIFIER_BYTES: usize = 256;

/// `GET /u/login`.
pub(crate) async fn show(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    Query(parameters): Query,
) -> Response {
    let opened = match &parameters {
        Ok(parameters) => OpenLogin::of(&context, &headers, parameters, UnixTime::now()).await,
        Err(_) => Ok(None),
    };
    match opened {
        Ok(Some(login)) => {
            let hint = login
                .transaction
                .request
                .login_hint
                .clone()
                .unwrap_or_default();
            login.page(&context, StatusCode::OK, &hint, None)
        }
        Ok(None) => expired(),
        Err(error) => page::error(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

/// `POST /u/login`.
pub(crate) async fn submit(
    State(context): State<Arc<Context>>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Response {
    let now = UnixTime::now();
    let Ok(Form(parameters)) = form else {
        return expired();
    };
    if !is_same_origin(&headers) {
        return expired();
    }
    let login = match OpenLogin::of(&context, &headers, &parameters, now).await {
        Ok(Some(login)) => login,
        Ok(None) => return expired(),
        Err(error) => return page::error(StatusCode::INTERNAL_SERVER_ERROR, &error),
    };
    match login.submit(&context, address, &headers, &parameters).await {
        Ok(response) => response,
        Err(error) => page::error(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

/// A login under way, in the browser that began it.
struct OpenLogin {
    reference: Reference,
    transaction: LoginTransaction,
}

impl OpenLogin {
    async fn of(
        context: &Context,
        headers: &HeaderMap,
        parameters: &Parameters,
        now: UnixTime,
    ) -> Result<Option<Self>, OAuthError> {
        let reference = parameters.optional("state").and_then(Reference::presented);
        let binding = Cookie::Login.read(&context.issuer, headers);
        let (Some(reference), Some(binding)) = (reference, binding) else {
            return Ok(None);
        };
        let transaction = context.state.login(&reference, &binding, now).await?;
        Ok(transaction.map(|transaction| Self {
            reference,
            transaction,
        }))
    }

    async fn submit(
        self,
        context: &Context,
        address: ClientAddress,
        headers: &HeaderMap,
        parameters: &Parameters,
    ) -> Result<Response, OAuthError> {
        let identifier = parameters.optional("username").unwrap_or_default().trim();
        let password = Password::new(
            parameters
                .optional("password")
                .unwrap_or_default()
                .to_owned(),
        );
        let (true, Ok(password)) = (is_plausible(identifier), password) else {
            return Ok(self.page(
                context,
                StatusCode::BAD_REQUEST,
                identifier,
                Some("Enter your email and your password."),
            ));
        };
        if !context
            .state
            .count_attempt(&self.reference, ATTEMPTS)
            .await?
        {
            return Ok(too_many_attempts());
        }
        let request = &self.transaction.request;
        let Some(database) = context.database(request.connection.as_deref()) else {
            return Err(OAuthError::server_error("the connection is gone"));
        };
        match database.login(identifier, password.expose_secret()).await {
            Ok(profile) => {
                self.succeed(
                    context,
                    (address, headers),
                    (database, &profile),
                    UnixTime::now(),
                )
                .await
            }
            Err(failed) => {
                let (status, event, text) = explain(&failed);
                event.log(&request.client_id, database.name());
                tracing::debug!(connection = database.name(), %failed, "nobody was logged in");
                Ok(self.page(context, status, identifier, Some(text)))
            }
        }
    }

    /// Ends the transaction, begins a session, and goes on to the code.
    async fn succeed(
        self,
        context: &Context,
        (address, headers): (ClientAddress, &HeaderMap),
        (database, profile): (&Database, &Profile),
        now: UnixTime,
    ) -> Result<Response, OAuthError> {
        let request = &self.transaction.request;
        if !context.state.take_login(&self.reference, now).await? {
            return Ok(expired());
        }
        if context
            .state
            .keep_profile(database.name(), profile, 1, now)
            .await?
            .is_none()
        {
            Event::FailedLogin.log(&request.client_id, database.name());
            return Err(OAuthError::server_error(
                "two connections returned the same user_id; prefix it with the connection",
            ));
        }
        let cookie = Reference::generate()?;
        let session = Session {
            sid: Reference::generate()?.expose_secret().to_owned(),
            user_id: profile.subject(),
            connection: database.name().to_owned(),
            authenticated_at: now,
            expires_at: now.plus(context.lifetimes.session),
        };
        if let Some(former) = Cookie::Session.read(&context.issuer, headers) {
            context.state.end_session(&former).await?;
        }
        context.state.begin_session(&cookie, &session).await?;
        let seen = request_event(
            context,
            address,
            headers,
            "POST",
            (request.query.clone(), Map::new()),
        );
        let mut response = match complete(context, request, &session, &seen).await {
            Ok(code) => {
                Event::SuccessLogin.log_user(&request.client_id, database.name(), &session.user_id);
                request.return_address.with_code(&context.issuer, &code)
            }
            Err(error) => {
                Event::FailedLogin.log_user(&request.client_id, database.name(), &session.user_id);
                request.return_address.with_error(&context.issuer, &error)
            }
        };
        response.headers_mut().append(
            header::SET_COOKIE,
            Cookie::Session.set(&context.issuer, &cookie)?,
        );
        Ok(response)
    }

    fn page(
        &self,
        context: &Context,
        status: StatusCode,
        identifier: &str,
        error: Option<&str>,
    ) -> Response {
        let request = &self.transaction.request;
        let application = context
            .client(&request.client_id)
            .map_or("", |client| client.name.as_str());
        let transaction = self.reference.expose_secret();
        let form = LoginPage {
            application,
            transaction,
            identifier,
            error,
        };
        page::render(status, &form, &request.return_address.form_action())
    }
}

/// Whether a store could know somebody by this name.
fn is_plausible(identifier: &str) -> bool {
    !identifier.is_empty()
        && identifier.len() <= IDENTIFIER_BYTES
        && !identifier.chars().any(char::is_control)
}

/// Browsers that say where a form stood say it truly (Fetch Metadata); one that stood elsewhere is not ours.
fn is_same_origin(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none")
}
