//! What a person reads while logging in.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::{
    connections::{ScriptFailed, Unrecognized},
    events::Event,
    page,
};

const WRONG: &str = "Wrong email or password.";
const FAILED: &str = "We cannot log you in just now. Please try again in a moment.";

/// The form.
#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'p> {
    pub(super) application: &'p str,
    pub(super) transaction: &'p str,
    pub(super) identifier: &'p str,
    pub(super) error: Option<&'p str>,
}

/// What the person reads, and what the log calls it. Unknown user and wrong password read the same.
pub(super) fn explain(failed: &ScriptFailed) -> (StatusCode, Event, &str) {
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

/// The transaction is not there, or not this browser's.
pub(super) fn expired() -> Response {
    let text = "It was finished, has expired, or was begun in another browser. Go back to the application and log in again.";
    page::message(
        StatusCode::BAD_REQUEST,
        "This login page is no longer good",
        text,
    )
}

/// The transaction has had its attempts.
pub(super) fn too_many_attempts() -> Response {
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
