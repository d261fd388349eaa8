//! The small part of the platform's Management API that the action scripts need to be reached.
//!
//! In comes a client's own token for the management audience, with the scope that the operation names; out goes what a
//! script did. An attacker would want a user's token, or another audience's, to be enough.

mod refusal;

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use lychgate_token::{BearerToken, UnixTime, UnverifiedToken, access_token::Rules};
use serde_json::{Map, Value, json};

use refusal::ManagementError;

use crate::{
    MAX_TOKEN_LIFETIME,
    connections::{Database, ScriptFailed},
    context::Context,
    events::Event,
    outbox::EmailAddress,
    parameters::Members,
    state::{Ticket, TicketPurpose, User},
    tickets,
    userinfo::{BearerRefused, bearer},
};

/// `PATCH /api/v2/users/{id}`: a new address (`get_user`, `change_email`) or a new password (`get_user`, `change_password`).
pub(crate) async fn update_user(
    State(context): State<Arc<Context>>,
    Path(user_id): Path<String>,
    headers: HeaderMap,
    Members(members): Members,
) -> Result<Response, ManagementError> {
    admit(&context, &headers, "update:users")?;
    refuse_unknown(
        &members,
        &[
            "email",
            "email_verified",
            "password",
            "connection",
            "client_id",
        ],
    )?;
    let (user, database) = find(&context, &user_id).await?;
    let email = user
        .profile
        .email()
        .ok_or(ManagementError::BadRequest("The user has no email."))?
        .to_owned();
    let new_email = members.get("email").map(|value| {
        value
            .as_str()
            .and_then(|text| text.parse::<EmailAddress>().ok())
    });
    let password = members
        .get("password")
        .map(|value| value.as_str().and_then(tickets::new_password));
    let verified = members
        .get("email_verified")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if database.get_user(&email).await?.is_none() {
        return Err(ManagementError::UnknownUser);
    }
    match (new_email, password) {
        (Some(Some(new_email)), None) => {
            let changed = database
                .change_email(&email, new_email.as_str(), verified)
                .await;
            let event = if matches!(changed, Ok(true)) {
                Event::SuccessEmailChange
            } else {
                Event::FailedEmailChange
            };
            event.log("", database.name());
            if !changed? {
                return Err(ManagementError::UnknownUser);
            }
            let profile = user.profile.with_email(new_email.as_str(), verified);
            context
                .state
                .keep_profile(database.name(), &profile, 0, UnixTime::now())
                .await?;
            Ok(Json(Value::Object(profile.to_user(database.name()))).into_response())
        }
        (None, Some(Some(password))) => {
            let ticket = Ticket {
                connection: database.name().to_owned(),
                email,
                user_id: Some(user_id),
            };
            if !tickets::set_password(&context, &ticket, &password).await? {
                return Err(ManagementError::Script(ScriptFailed::Failed(
                    "it changed nothing".to_owned(),
                )));
            }
            Ok(Json(Value::Object(user.profile.to_user(database.name()))).into_response())
        }
        _ => Err(ManagementError::BadRequest(
            "Give either an email or a password of 8 characters or more.",
        )),
    }
}

/// `DELETE /api/v2/users/{id}`: `delete`, then the profile here; one does not undo the other.
pub(crate) async fn delete_user(
    State(context): State<Arc<Context>>,
    Path(user_id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ManagementError> {
    admit(&context, &headers, "delete:users")?;
    let (user, database) = find(&context, &user_id).await?;
    let outcome = database.delete(user.profile.user_id()).await;
    let event = if outcome.is_ok() {
        Event::SuccessUserDeletion
    } else {
        Event::FailedUserDeletion
    };
    event.log("", database.name());
    outcome?;
    context.state.delete_user(&user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/v2/tickets/password-change`.
pub(crate) async fn password_change_ticket(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    Members(members): Members,
) -> Result<Response, ManagementError> {
    create_ticket(&context, &headers, &members, TicketPurpose::PasswordChange).await
}

/// `POST /api/v2/tickets/email-verification`.
pub(crate) async fn email_verification_ticket(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    Members(members): Members,
) -> Result<Response, ManagementError> {
    create_ticket(
        &context,
        &headers,
        &members,
        TicketPurpose::EmailVerification,
    )
    .await
}

async fn create_ticket(
    context: &Context,
    headers: &HeaderMap,
    members: &Map<String, Value>,
    purpose: TicketPurpose,
) -> Result<Response, ManagementError> {
    admit(context, headers, "create:user_tickets")?;
    refuse_unknown(members, &["user_id", "ttl_sec"])?;
    let user_id = members
        .get("user_id")
        .and_then(Value::as_str)
        .ok_or(ManagementError::BadRequest("user_id is missing."))?;
    let life = match members.get("ttl_sec").map(Value::as_u64) {
        None => context.lifetimes.ticket,
        Some(Some(seconds @ 1..=2_592_000)) => Duration::from_secs(seconds),
        Some(_) => return Err(ManagementError::BadRequest("ttl_sec must be 1 to 2592000.")),
    };
    let (user, database) = find(context, user_id).await?;
    let ticket = Ticket {
        connection: database.name().to_owned(),
        email: user
            .profile
            .email()
            .ok_or(ManagementError::BadRequest("The user has no email."))?
            .to_owned(),
        user_id: Some(user_id.to_owned()),
    };
    let link = tickets::issue(context, purpose, &ticket, UnixTime::now().plus(life)).await?;
    let link = link.ok_or(ManagementError::BadRequest(
        "Too many tickets are open for this user.",
    ))?;
    Ok((StatusCode::CREATED, Json(json!({ "ticket": link }))).into_response())
}

/// A client's own token, for the management audience, with `scope`.
fn admit(context: &Context, headers: &HeaderMap, scope: &'static str) -> Result<(), BearerRefused> {
    let rules = Rules {
        issuers: vec![context.issuer.as_str().to_owned()],
        audience: context.issuer.management_audience(),
        algorithms: vec![context.keys.algorithm()],
        leeway: Duration::ZERO,
        max_lifetime: MAX_TOKEN_LIFETIME,
    };
    let token =
        BearerToken::new(bearer(headers)?.to_owned()).map_err(|_| BearerRefused::InvalidToken)?;
    let token = UnverifiedToken::parse(&token, &rules)
        .and_then(|token| token.verify(context.keys.verification_key(), &rules, UnixTime::now()))
        .map_err(|refusal| {
            tracing::debug!(%refusal, "a token for the management API was refused");
            BearerRefused::InvalidToken
        })?;
    // A token that is bound is never a plain bearer, and no proof is taken here.
    if token.confirmation().is_some() {
        return Err(BearerRefused::InvalidToken);
    }
    if !token
        .subject()
        .is_some_and(|subject| subject.ends_with("@clients"))
    {
        return Err(BearerRefused::InvalidToken);
    }
    if token.scope().contains(scope) {
        Ok(())
    } else {
        Err(BearerRefused::InsufficientScope(scope))
    }
}

async fn find<'c>(
    context: &'c Context,
    user_id: &str,
) -> Result<(User, &'c Database), ManagementError> {
    let user = context
        .state
        .user(user_id)
        .await?
        .ok_or(ManagementError::UnknownUser)?;
    let database = context
        .database(Some(&user.connection))
        .ok_or(ManagementError::UnknownUser)?;
    Ok((user, database))
}

/// What is not done here is not silently left out.
fn refuse_unknown(members: &Map<String, Value>, known: &[&str]) -> Result<(), ManagementError> {
    if members.keys().all(|name| known.contains(&name.as_str())) {
        Ok(())
    } else {
        Err(ManagementError::BadRequest(
            "The body has a member that is not supported here.",
        ))
    }
}
