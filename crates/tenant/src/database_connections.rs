//! `/dbconnections/…`: signing up, and asking for a new password.
//!
//! In comes JSON from an application's own form; the scripts decide. An attacker would want to learn who has an account:
//! asking for a new password is answered the same for everybody.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use lychgate_token::UnixTime;
use serde_json::{Map, Value, json};

use crate::{
    connections::{ActionScript, Database, NewUser, Profile, ScriptFailed},
    context::Context,
    events::Event,
    oauth_error::OAuthError,
    outbox::EmailAddress,
    parameters::Members,
    state::{Ticket, TicketPurpose},
    tickets,
};

/// How long asking for a new password takes at least. Writing a mail takes a little while, and whoever measures it would
/// know who has an account.
const ANSWERED_AFTER: Duration = Duration::from_millis(250);
/// Fields of `user_metadata` at sign-up, and characters of each: the platform's own bounds.
const METADATA_FIELDS: usize = 10;
const METADATA_CHARACTERS: usize = 500;
/// Bytes of a username.
const USERNAME_BYTES: usize = 128;

/// Why nobody was signed up: the platform's code, and words for people.
struct SignupRefused(String, &'static str);

impl IntoResponse for SignupRefused {
    fn into_response(self) -> Response {
        let Self(code, description) = self;
        let body = json!({ "name": "BadRequestError", "code": code, "description": description, "statusCode": 400 });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

impl From<&'static str> for SignupRefused {
    fn from(description: &'static str) -> Self {
        Self("invalid_signup".to_owned(), description)
    }
}

impl From<ScriptFailed> for SignupRefused {
    fn from(failed: ScriptFailed) -> Self {
        tracing::debug!(%failed, "nobody was signed up");
        match failed {
            ScriptFailed::Validation { code } if code != "user_exists" => {
                Self(code, "the sign-up was refused")
            }
            ScriptFailed::Failed(_) => Self(
                "auth0_idp_error".to_owned(),
                "the sign-up failed; try again later",
            ),
            _ => "Invalid sign up".into(),
        }
    }
}

/// What a sign-up says of the new user.
struct Signup {
    client_id: String,
    email: EmailAddress,
    username: Option<String>,
    password: lychgate_password::Password,
    user_metadata: Map<String, Value>,
}

impl Signup {
    fn read(context: &Context, members: &Map<String, Value>) -> Result<Self, SignupRefused> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let client_id = text("client_id")
            .filter(|id| context.client(id).is_some())
            .ok_or("unknown client_id")?;
        let email = text("email")
            .and_then(|email| email.parse().ok())
            .ok_or("email is missing or malformed")?;
        let password = text("password")
            .and_then(tickets::new_password)
            .ok_or_else(|| {
                SignupRefused(
                    "invalid_password".to_owned(),
                    "password must have 8 characters or more",
                )
            })?;
        let username = text("username").map(str::to_owned);
        let is_username =
            |name: &String| name.len() <= USERNAME_BYTES && !name.chars().any(char::is_control);
        if !username.as_ref().is_none_or(is_username) {
            return Err("username is malformed".into());
        }
        let user_metadata = match members.get("user_metadata") {
            None => Map::new(),
            Some(Value::Object(fields)) if is_small(fields) => fields.clone(),
            Some(_) => {
                return Err(
                    "user_metadata must be at most 10 strings of at most 500 characters".into(),
                );
            }
        };
        Ok(Self {
            client_id: client_id.to_owned(),
            email,
            username,
            password,
            user_metadata,
        })
    }
}

fn is_small(fields: &Map<String, Value>) -> bool {
    let short = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.chars().count() <= METADATA_CHARACTERS)
    };
    fields.len() <= METADATA_FIELDS && fields.values().all(short)
}

/// `POST /dbconnections/signup`: `get_user`, then `create`, then `login` to see that it worked.
pub(crate) async fn signup(
    State(context): State<Arc<Context>>,
    Members(members): Members,
) -> Response {
    let connection = members.get("connection").and_then(Value::as_str);
    let Some(database) = connection.and_then(|name| context.database(Some(name))) else {
        return SignupRefused::from("connection is missing or unknown").into_response();
    };
    let client_id = members
        .get("client_id")
        .and_then(Value::as_str)
        .filter(|id| context.client(id).is_some());
    match sign_up(&context, database, &members).await {
        Ok(profile) => {
            Event::SuccessSignup.log(client_id.unwrap_or_default(), database.name());
            let answer = json!({
                "_id": profile.user_id(),
                "email": profile.email(),
                "email_verified": profile.is_email_verified(),
                "username": profile.attribute("username"),
            });
            Json(answer).into_response()
        }
        Err(refused) => {
            Event::FailedSignup.log(client_id.unwrap_or_default(), database.name());
            refused.into_response()
        }
    }
}

async fn sign_up(
    context: &Context,
    database: &Database,
    members: &Map<String, Value>,
) -> Result<Profile, SignupRefused> {
    let signup = Signup::read(context, members)?;
    let email = signup.email.as_str();
    if !database.has(ActionScript::Create) || database.get_user(email).await?.is_some() {
        return Err("Invalid sign up".into());
    }
    let user = NewUser {
        client_id: &signup.client_id,
        tenant: context.issuer.tenant_name(),
        email,
        username: signup.username.as_deref(),
        password: signup.password.expose_secret(),
        user_metadata: signup.user_metadata.clone(),
    };
    database.create(user).await?;
    let profile = database
        .login(email, signup.password.expose_secret())
        .await?;
    let ours = |error: OAuthError| {
        error.log("signup");
        SignupRefused(
            "server_error".to_owned(),
            "the user is there; logging in will tell more",
        )
    };
    let now = UnixTime::now();
    let kept = context
        .state
        .keep_profile(database.name(), &profile, 0, now)
        .await
        .map_err(|error| ours(error.into()))?;
    if kept.is_some() && !profile.is_email_verified() && database.has(ActionScript::Verify) {
        let ticket = Ticket {
            connection: database.name().to_owned(),
            email: profile.email().unwrap_or(email).to_owned(),
            user_id: Some(profile.subject()),
        };
        tickets::mail(context, TicketPurpose::EmailVerification, &ticket, now)
            .await
            .map_err(ours)?;
    }
    Ok(profile)
}

/// `POST /dbconnections/change_password`: the same answer for everybody; a mail for whoever `get_user` finds.
pub(crate) async fn change_password(
    State(context): State<Arc<Context>>,
    Members(members): Members,
) -> Result<Response, OAuthError> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let client_id = text("client_id").filter(|id| context.client(id).is_some());
    let client_id =
        client_id.ok_or_else(|| OAuthError::invalid_request("client_id is missing or unknown"))?;
    let database = text("connection").and_then(|name| context.database(Some(name)));
    let database =
        database.ok_or_else(|| OAuthError::invalid_request("connection is missing or unknown"))?;
    let email: Option<EmailAddress> = text("email").and_then(|email| email.parse().ok());
    let email =
        email.ok_or_else(|| OAuthError::invalid_request("email is missing or malformed"))?;
    Event::PasswordChangeRequested.log(client_id, database.name());
    let mailed = mail_new_password(&context, database, &email);
    let (mailed, ()) = tokio::join!(mailed, tokio::time::sleep(ANSWERED_AFTER));
    if let Err(error) = mailed {
        error.log("change_password");
    }
    Ok("We've just sent you an email to reset your password.".into_response())
}

async fn mail_new_password(
    context: &Context,
    database: &Database,
    email: &EmailAddress,
) -> Result<(), OAuthError> {
    match database.get_user(email.as_str()).await {
        Ok(Some(profile)) => {
            // To the address that the store has, never to the one that was typed: the two may only look alike.
            if let Some(address) = profile.email() {
                let ticket = Ticket {
                    connection: database.name().to_owned(),
                    email: address.to_owned(),
                    user_id: Some(profile.subject()),
                };
                tickets::mail(
                    context,
                    TicketPurpose::PasswordChange,
                    &ticket,
                    UnixTime::now(),
                )
                .await?;
            }
        }
        Ok(None) => {}
        Err(failed) => {
            tracing::debug!(connection = database.name(), %failed, "get_user did not answer");
        }
    }
    Ok(())
}
