//! Tickets: the pages behind the links in mails, and the links themselves.
//!
//! In comes somebody who has received a mail, or says so; what a ticket opens, it opens once. An attacker would want a
//! ticket for somebody else's account, or one to be sent where they can read it.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use lychgate_password::Password;
use lychgate_token::UnixTime;

use crate::{
    context::Context,
    events::Event,
    oauth_error::OAuthError,
    outbox::{self, EmailAddress, Mail},
    page,
    parameters::{Form, Query},
    state::{Reference, Ticket, TicketPurpose},
};

/// Characters of a new password, the least.
const PASSWORD_CHARACTERS: usize = 8;

#[derive(Template)]
#[template(path = "reset_password.html")]
struct ResetPasswordPage<'p> {
    ticket: &'p str,
    error: Option<&'p str>,
}

/// Makes a ticket and returns its link; `None` when too many are open.
pub(crate) async fn issue(
    context: &Context,
    purpose: TicketPurpose,
    ticket: &Ticket,
    until: UnixTime,
) -> Result<Option<String>, OAuthError> {
    let reference = Reference::generate()?;
    if !context
        .state
        .keep_ticket(&reference, purpose, ticket, until)
        .await?
    {
        return Ok(None);
    }
    let path = match purpose {
        TicketPurpose::PasswordChange => "u/reset-password",
        TicketPurpose::EmailVerification => "u/email-verification",
    };
    Ok(Some(context.issuer.endpoint(&format!(
        "{path}?ticket={}",
        reference.expose_secret()
    ))))
}

/// Makes a ticket and mails its link to the address it is about. Without an outbox, or with an address that is none,
/// nothing happens: whoever asked learns nothing from that.
pub(crate) async fn mail(
    context: &Context,
    purpose: TicketPurpose,
    ticket: &Ticket,
    now: UnixTime,
) -> Result<(), OAuthError> {
    let (Some(folder), Ok(to)) = (&context.outbox, ticket.email.parse::<EmailAddress>()) else {
        return Ok(());
    };
    let Some(link) = issue(context, purpose, ticket, now.plus(context.lifetimes.ticket)).await?
    else {
        return Ok(());
    };
    let (subject, text) = match purpose {
        TicketPurpose::PasswordChange => (
            "Choose a new password",
            "Somebody, probably you, asked for a new password. This link works once.\r\nIf it was not you, do nothing.",
        ),
        TicketPurpose::EmailVerification => (
            "Verify your email",
            "Follow this link to show that this address is yours.",
        ),
    };
    outbox::put(
        folder,
        &context.issuer,
        &Mail {
            to: &to,
            subject,
            text,
            link: &link,
        },
        now,
    )
    .await?;
    Ok(())
}

/// A password that may be set: 8 characters at least, 1024 bytes at most.
pub(crate) fn new_password(text: &str) -> Option<Password> {
    Password::new(text.to_owned())
        .ok()
        .filter(|_| text.chars().count() >= PASSWORD_CHARACTERS)
}

/// `GET /u/reset-password`. Looking does not end the ticket: mail programs look, too.
pub(crate) async fn show_password_change(
    State(context): State<Arc<Context>>,
    Query(parameters): Query,
) -> Response {
    let text = parameters
        .as_ref()
        .ok()
        .and_then(|parameters| parameters.optional("ticket"))
        .unwrap_or_default();
    let Some(reference) = Reference::presented(text) else {
        return spent();
    };
    match context
        .state
        .ticket_is_open(&reference, TicketPurpose::PasswordChange, UnixTime::now())
        .await
    {
        Ok(true) => page::render(
            StatusCode::OK,
            &ResetPasswordPage {
                ticket: text,
                error: None,
            },
            "",
        ),
        Ok(false) => spent(),
        Err(error) => page::error(StatusCode::INTERNAL_SERVER_ERROR, &error.into()),
    }
}

/// `POST /u/reset-password`.
pub(crate) async fn change_password(
    State(context): State<Arc<Context>>,
    form: Result<Form, OAuthError>,
) -> Response {
    let Ok(Form(parameters)) = form else {
        return spent();
    };
    let text = parameters.optional("ticket").unwrap_or_default();
    let Some(reference) = Reference::presented(text) else {
        return spent();
    };
    let again = |error| {
        page::render(
            StatusCode::BAD_REQUEST,
            &ResetPasswordPage {
                ticket: text,
                error: Some(error),
            },
            "",
        )
    };
    let Some(password) = parameters.optional("password").and_then(new_password) else {
        return again("Choose a password of at least 8 characters.");
    };
    if parameters.optional("repeated") != Some(password.expose_secret()) {
        return again("The two passwords are not the same.");
    }
    let taken = context
        .state
        .take_ticket(&reference, TicketPurpose::PasswordChange, UnixTime::now())
        .await;
    match taken {
        Ok(Some(ticket)) => match set_password(&context, &ticket, &password).await {
            Ok(true) => page::message(
                StatusCode::OK,
                "Your password is changed",
                "You can log in with it now.",
            ),
            Ok(false) => {
                failed("The password could not be changed. Ask for a new link and try again.")
            }
            Err(error) => page::error(StatusCode::INTERNAL_SERVER_ERROR, &error),
        },
        Ok(None) => spent(),
        Err(error) => page::error(StatusCode::INTERNAL_SERVER_ERROR, &error.into()),
    }
}

/// Runs `change_password`; where it has done its work, the user's sessions and refresh tokens end.
pub(crate) async fn set_password(
    context: &Context,
    ticket: &Ticket,
    password: &Password,
) -> Result<bool, OAuthError> {
    let Some(database) = context.database(Some(&ticket.connection)) else {
        return Ok(false);
    };
    let outcome = database
        .change_password(&ticket.email, password.expose_secret())
        .await;
    let changed = matches!(outcome, Ok(true));
    if let Err(failed) = outcome {
        tracing::debug!(connection = database.name(), %failed, "the password was not changed");
    }
    if let (true, Some(user_id)) = (changed, &ticket.user_id) {
        context.state.end_access_of(user_id).await?;
    }
    let event = if changed {
        Event::SuccessPasswordChange
    } else {
        Event::FailedPasswordChange
    };
    event.log("", database.name());
    Ok(changed)
}

/// `GET /u/email-verification`.
pub(crate) async fn verify_email(
    State(context): State<Arc<Context>>,
    Query(parameters): Query,
) -> Response {
    let text = parameters
        .as_ref()
        .ok()
        .and_then(|parameters| parameters.optional("ticket"))
        .unwrap_or_default();
    let Some(reference) = Reference::presented(text) else {
        return spent();
    };
    let ticket = match context
        .state
        .take_ticket(
            &reference,
            TicketPurpose::EmailVerification,
            UnixTime::now(),
        )
        .await
    {
        Ok(Some(ticket)) => ticket,
        Ok(None) => return spent(),
        Err(error) => return page::error(StatusCode::INTERNAL_SERVER_ERROR, &error.into()),
    };
    let Some(database) = context.database(Some(&ticket.connection)) else {
        return spent();
    };
    // The cached profile says so only after the next login, as on the platform: the store is the truth.
    match database.verify(&ticket.email).await {
        Ok(true) => {
            Event::SuccessEmailVerification.log("", database.name());
            page::message(
                StatusCode::OK,
                "Your email is verified",
                "You can close this page.",
            )
        }
        outcome => {
            Event::FailedEmailVerification.log("", database.name());
            tracing::debug!(
                connection = database.name(),
                ?outcome,
                "the email was not verified"
            );
            failed("The email could not be verified. Ask for a new link and try again.")
        }
    }
}

fn spent() -> Response {
    let text = "It was used, has expired, or was copied in part. Ask for a new one.";
    page::message(StatusCode::BAD_REQUEST, "This link is no longer good", text)
}

fn failed(text: &str) -> Response {
    page::message(StatusCode::BAD_GATEWAY, "Something went wrong", text)
}
