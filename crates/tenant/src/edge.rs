//! The edge of the tenant: what holds for every request and every answer.
//!
//! In comes a request from anywhere; what goes on to a room was addressed to this tenant by its own name (an attacker
//! would want a browser to bring another name, DNS rebinding) and is answered within a deadline. No answer is kept by
//! anybody on the way, framed, or read by another origin.

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Map, Value};
use tower_service::Service;

use crate::{context::Context, pipeline::RequestEvent};

/// The longest that one request may take: scripts have 20 s each, and a login runs several.
const DEADLINE: Duration = Duration::from_secs(90);

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// Answers one request.
pub(crate) async fn answer(
    context: Arc<Context>,
    mut router: Router,
    address: ClientAddress,
    request: Request<Incoming>,
) -> Response {
    if !is_addressed_to(context.issuer.authority(), &request) {
        return harden((StatusCode::MISDIRECTED_REQUEST, "this is another host\n").into_response());
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(address);
    let response = match tokio::time::timeout(DEADLINE, router.call(request)).await {
        Ok(Ok(response)) => response,
        Err(_elapsed) => (StatusCode::SERVICE_UNAVAILABLE, "this took too long\n").into_response(),
    };
    harden(response)
}

/// Whether the one `Host` (or HTTP/2's `:authority`) is the issuer's.
fn is_addressed_to<B>(authority: &str, request: &Request<B>) -> bool {
    let hosts: Vec<&HeaderValue> = request.headers().get_all(header::HOST).iter().collect();
    let is_ours = |name: &str| name.eq_ignore_ascii_case(authority);
    match (request.uri().authority(), hosts.as_slice()) {
        (Some(named), []) => is_ours(named.as_str()),
        (Some(named), [host]) => is_ours(named.as_str()) && host.to_str().is_ok_and(is_ours),
        (None, [host]) => host.to_str().is_ok_and(is_ours),
        _ => false,
    }
}

/// Sets the headers of every answer; what a room has set stays.
fn harden(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 7] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// A request as rules and actions see one.
pub(crate) fn request_event(
    context: &Context,
    address: ClientAddress,
    headers: &HeaderMap,
    method: &'static str,
    (query, body): (Map<String, Value>, Map<String, Value>),
) -> RequestEvent {
    let user_agent = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    RequestEvent {
        address: address.0.to_string(),
        hostname: context.issuer.authority().to_owned(),
        user_agent: user_agent.chars().take(512).collect(),
        method,
        query,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str, hosts: &[&str]) -> Request<()> {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        request.body(()).unwrap()
    }

    #[test]
    fn only_our_own_name_is_answered() {
        let ours = |request: &Request<()>| is_addressed_to("login.example.com", request);
        assert!(ours(&request("/authorize", &["login.example.com"])));
        assert!(ours(&request("/authorize", &["LOGIN.example.com"])));
        assert!(ours(&request("https://login.example.com/authorize", &[])));
        for refused in [
            request("/authorize", &[]),
            request("/authorize", &["evil.example"]),
            request("/authorize", &["login.example.com:8080"]),
            request("/authorize", &["login.example.com", "login.example.com"]),
            request("https://evil.example/authorize", &["login.example.com"]),
            request("https://login.example.com/authorize", &["evil.example"]),
        ] {
            assert!(!ours(&refused), "{refused:?}");
        }
    }

    #[test]
    fn what_a_room_has_set_stays() {
        let response = harden(([(header::CACHE_CONTROL, "max-age=300")], "x").into_response());
        assert_eq!(response.headers()[header::CACHE_CONTROL], "max-age=300");
        assert_eq!(response.headers()[header::X_FRAME_OPTIONS], "DENY");
    }
}
