//! The login page: the one place where a person types a password.
//!
//! In comes a form from the browser that began this login (its cookie says so); out goes a session and a code, or the
//! page again. An attacker would want to log somebody else in as themselves (login CSRF), to guess for free, or to learn
//! from an answer whether somebody has an account.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use lychgate_password::Password;
use lychgate_token::UnixTime;
use serde_json::Map;

use crate::{
    authorize::complete,
    connections::{Database, Profile, ScriptFailed, Unrecognized},
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

const WRONG: &str = "Wrong email or password.";
const FAILED: &str = "We cannot log you in just now. Please try again in a moment.";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'p> {
    application: &'p str,
    transaction: &'p str,
    identifier: &'p str,
    error: Option<&'p str>,
}

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
    match login
        .submit(&context, address, &headers, &parameters, now)
        .await
    {
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
        now: UnixTime,
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
                self.succeed(context, (address, headers), (database, &profile), now)
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
        let mut response = match complete(context, request, &session, &seen, now).await {
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

/// What the person reads, and what the log calls it. Unknown user and wrong password read the same.
fn explain(failed: &ScriptFailed) -> (StatusCode, Event, &str) {
    match failed {
        ScriptFailed::Unrecognized(Unrecognized::WrongPassword) => (
            StatusCode::BAD_REQUEST,
            Event::FailedLoginWrongPassword,
            WRONG,
        ),
        ScriptFailed::Unrecognized(Unrecognized::UnknownUser) => (
            StatusCode::BAD_REQUEST,
            Event::FailedLoginUnknownUser,
            WRONG,
        ),
        ScriptFailed::Unauthorized(message) => (
            StatusCode::BAD_REQUEST,
            Event::FailedLogin,
            message.as_str(),
        ),
        ScriptFailed::Absent(_) | ScriptFailed::Validation { .. } | ScriptFailed::Failed(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, Event::FailedLogin, FAILED)
        }
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

fn expired() -> Response {
    let text = "It was finished, has expired, or was begun in another browser. Go back to the application and log in again.";
    page::message(
        StatusCode::BAD_REQUEST,
        "This login page is no longer good",
        text,
    )
    .into_response()
}

fn too_many_attempts() -> Response {
    let text = "Go back to the application and begin again. If you do not know your password, ask for a new one.";
    page::message(StatusCode::TOO_MANY_REQUESTS, "Too many attempts", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_user_and_wrong_password_read_the_same() {
        let wrong = explain(&ScriptFailed::Unrecognized(Unrecognized::WrongPassword))
            .2
            .to_owned();
        let unknown = explain(&ScriptFailed::Unrecognized(Unrecognized::UnknownUser))
            .2
            .to_owned();
        assert_eq!(wrong, unknown);
    }

    #[test]
    fn a_failing_script_is_not_a_wrong_password() {
        let (status, event, text) = (
            explain(&ScriptFailed::Failed("timeout".to_owned())).0,
            explain(&ScriptFailed::Failed("timeout".to_owned())).1,
            explain(&ScriptFailed::Failed("timeout".to_owned()))
                .2
                .to_owned(),
        );
        assert_eq!(
            (status, event),
            (StatusCode::SERVICE_UNAVAILABLE, Event::FailedLogin)
        );
        assert!(!text.contains("timeout") && text != WRONG);
    }

    #[test]
    fn the_page_says_what_was_wrong_first_and_escapes_what_was_typed() {
        let html = LoginPage {
            application: "Shop",
            transaction: "t",
            identifier: "\"><script>",
            error: Some(WRONG),
        }
        .render()
        .unwrap();
        assert!(html.contains("role=\"alert\""));
        assert!(!html.contains("<script"));
        assert!(html.find(WRONG).unwrap() < html.find("<form").unwrap());
    }
}
