//! Pages for people: rendered here, without a script, in one calm style.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::oauth_error::OAuthError;

/// `/u/style.css`.
pub(crate) async fn style() -> Response {
    const STYLE: &str = include_str!("../templates/style.css");
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, STYLE).into_response()
}

/// A page; its forms may lead here and to `form_action`, and nothing but our own style is loaded.
pub(crate) fn render(status: StatusCode, template: &impl Template, form_action: &str) -> Response {
    let Ok(html) = template.render() else {
        tracing::error!("a page could not be rendered");
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the page could not be rendered\n",
        )
            .into_response();
    };
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {form_action}; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut response = (status, Html(html)).into_response();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'p> {
    title: &'p str,
    text: &'p str,
    is_error: bool,
}

/// A page that says one thing.
pub(crate) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    render(
        status,
        &MessagePage {
            title,
            text,
            is_error: status.is_client_error() || status.is_server_error(),
        },
        "",
    )
}

/// An error that cannot be sent to a client, because the client's address is not known to be its own.
pub(crate) fn error(status: StatusCode, error: &OAuthError) -> Response {
    error.log("page");
    message(
        status,
        "This login cannot go on",
        &format!("{}: {}", error.code.name(), error.description()),
    )
}
