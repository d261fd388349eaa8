//! What the operator looks at, on loopback or with a certificate: is it alive, is it ready, what does it count, what does
//! it offer.
//!
//! Nothing here changes anything, and nothing here is about a user. An attacker on the same machine, or a page in the
//! operator's browser that had a name point here, finds counters; on loopback the `Host` must be this machine's all the
//! same.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use lychgate_listener::Live;
use lychgate_token::UnixTime;
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::legacy::Legacy;
use crate::metrics::Metrics;
use crate::openapi_of;
use crate::rules::Rules;

/// How long readiness waits for the store.
const PING: Duration = Duration::from_secs(2);

/// Connections to the admin listener at once.
pub(crate) const CONNECTIONS: usize = 32;

/// What the operator's questions are answered from.
pub(crate) struct Admin {
    pub(crate) rules: Arc<Live<Rules>>,
    pub(crate) legacy: Arc<Legacy>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) names: Names,
    pub(crate) stop: CancellationToken,
}

/// The names that questions may be addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// Those of this machine to itself.
    Loopback,
    /// Any: who asks has shown a certificate.
    Any,
}

impl Admin {
    /// Answers one question.
    pub(crate) async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if self.names == Names::Loopback && !names_this_machine(request) {
            return plain(
                StatusCode::MISDIRECTED_REQUEST,
                "this listener answers to a loopback name only\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "nothing here can be changed\n",
            );
            answer
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match request.uri().path() {
            "/livez" => plain(StatusCode::OK, "alive\n"),
            "/readyz" => self.readiness().await,
            "/metrics" => self.metrics(),
            "/openapi.json" => self.openapi(),
            _ => plain(
                StatusCode::NOT_FOUND,
                "there are /livez, /readyz, /metrics and /openapi.json\n",
            ),
        }
    }

    /// Ready, or what is waited for.
    async fn readiness(&self) -> Response<Full<Bytes>> {
        let now = UnixTime::now();
        let rules = self.rules.current();
        let issuers = rules.access_tokens.issuers();
        let mut waiting_for: Vec<String> = issuers
            .filter(|issuer| !issuer.available(now))
            .map(|issuer| format!("the keys of {}", issuer.issuer()))
            .collect();
        let store = self.legacy.place();
        match timeout(PING, self.legacy.ping()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => waiting_for.push(format!("the legacy store {store}: {error}")),
            Err(_) => waiting_for.push(format!("the legacy store {store}: no answer in time")),
        }
        if self.stop.is_cancelled() {
            waiting_for.push("nothing more: it is stopping".to_owned());
        }
        let ready = waiting_for.is_empty();
        let status = if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        answer(
            status,
            "application/json",
            json!({ "ready": ready, "waiting_for": waiting_for }).to_string(),
        )
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        match self.metrics.render() {
            Ok(text) => answer(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                text,
            ),
            Err(_) => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics cannot be written\n",
            ),
        }
    }

    /// The operations that this deployment defines.
    fn openapi(&self) -> Response<Full<Bytes>> {
        let rules = self.rules.current();
        let document = openapi_of(
            |operation| self.legacy.defines(operation.statement),
            rules.possession.constraint(),
        );
        answer(StatusCode::OK, "application/json", document.to_string())
    }
}

/// Whether the request is addressed to a loopback address or `localhost`.
fn names_this_machine(request: &Request<Incoming>) -> bool {
    let header = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    let authority = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    authority.is_some_and(is_loopback_authority)
}

fn is_loopback_authority(authority: &str) -> bool {
    let Ok(uri) = authority.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", text.to_owned())
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_names_are_answered_to() {
        for authority in [
            "127.0.0.1:9090",
            "localhost:9090",
            "LOCALHOST",
            "[::1]:9090",
            "127.8.8.8",
        ] {
            assert!(is_loopback_authority(authority), "{authority}");
        }
        for authority in [
            "attacker.example:9090",
            "localhost.attacker.example",
            "10.0.0.1:9090",
            "",
            "[::2]:1",
        ] {
            assert!(!is_loopback_authority(authority), "{authority}");
        }
    }
}
