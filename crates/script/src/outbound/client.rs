//! One request of a script, redirects and body included.
//!
//! In comes what the script asked for; out comes a whole response within its bounds, or a trouble that names no secret. Each hop is
//! checked against the list before a connection is made.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::OutboundHost;
use super::hop::Hop;
use super::resolver::{ClosedAddress, Resolver};
use crate::OutboundBounds;

/// Makes requests for the scripts of one container.
pub(crate) struct Client {
    http: reqwest::Client,
    hosts: Arc<[OutboundHost]>,
    bounds: OutboundBounds,
    turns: Arc<Semaphore>,
}

/// What a script asks for.
#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) redirect: Redirect,
    /// Milliseconds; none for the container's own bound.
    timeout: Option<u64>,
    #[serde(skip)]
    pub(crate) body: Option<Vec<u8>>,
}

/// What to do about a redirect, as `fetch` calls it.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Redirect {
    Follow,
    Manual,
    Error,
}

/// What came back.
#[derive(Serialize)]
pub(crate) struct Response {
    pub(crate) status: u16,
    #[serde(rename = "statusText")]
    status_text: &'static str,
    url: String,
    redirected: bool,
    headers: Vec<(String, String)>,
    #[serde(skip)]
    pub(crate) body: Vec<u8>,
    /// Kept until JavaScript has the body: what waits for a busy script is bounded too.
    #[serde(skip)]
    _turn: OwnedSemaphorePermit,
}

/// Why nothing came back, with the code that Node would give.
pub(crate) struct Trouble {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Client {
    pub(crate) fn new(hosts: &[OutboundHost], bounds: OutboundBounds) -> Result<Self, String> {
        let hosts: Arc<[OutboundHost]> = hosts.into();
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Resolver {
                hosts: Arc::clone(&hosts),
            }))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy of the environment would resolve names out of our sight.
            .no_proxy()
            .pool_max_idle_per_host(8)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| chain(&error))?;
        let turns = Arc::new(Semaphore::new(bounds.at_once.min(Semaphore::MAX_PERMITS)));
        Ok(Self {
            http,
            hosts,
            bounds,
            turns,
        })
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Response, Trouble> {
        let bound = self.bounds.timeout;
        let timeout = request
            .timeout
            .map_or(bound, |wished| bound.min(Duration::from_millis(wished)));
        tokio::time::timeout(timeout, self.follow(request))
            .await
            .unwrap_or_else(|_| {
                Err(Trouble::new(
                    "ETIMEDOUT",
                    format!("no answer within {} ms", timeout.as_millis()),
                ))
            })
    }

    async fn follow(&self, request: Request) -> Result<Response, Trouble> {
        if request
            .body
            .as_ref()
            .is_some_and(|body| body.len() > self.bounds.request_bytes)
        {
            return Err(Trouble::new(
                "ERR_BODY_TOO_LARGE",
                "the request's body is larger than the container allows",
            ));
        }
        let closed = |_| Trouble::new("ECONNRESET", "the container is closed");
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(closed)?;
        let mut hop = Hop::first(request)?;
        for redirects in 0..=self.bounds.redirects {
            let answer = self.ask(&hop).await?;
            let Some(target) = hop.target(&answer) else {
                return self.read(answer, &hop.url, redirects > 0, turn).await;
            };
            match hop.redirect {
                Redirect::Follow => hop.turn(answer.status(), target?),
                Redirect::Manual => return self.read(answer, &hop.url, redirects > 0, turn).await,
                Redirect::Error => {
                    return Err(Trouble::new("ERR_REDIRECT", "the answer is a redirect"));
                }
            }
        }
        Err(Trouble::new(
            "ERR_TOO_MANY_REDIRECTS",
            format!("more than {} redirects", self.bounds.redirects),
        ))
    }

    async fn ask(&self, hop: &Hop) -> Result<reqwest::Response, Trouble> {
        if !matches!(hop.url.scheme(), "http" | "https") {
            return Err(Trouble::new(
                "EACCES",
                format!("scheme {} is closed to scripts", hop.url.scheme()),
            ));
        }
        if !hop.url.username().is_empty() || hop.url.password().is_some() {
            return Err(Trouble::new(
                "ERR_INVALID_URL",
                "credentials belong into a header, not into the URL",
            ));
        }
        if !self.hosts.iter().any(|host| host.permits(&hop.url)) {
            let host = hop.url.host_str().unwrap_or_default();
            let port = hop
                .url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            let message = format!("{host}{port} is not among the outbound_hosts of this container");
            return Err(Trouble::new("EACCES", message));
        }
        let mut request = self
            .http
            .request(hop.method.clone(), hop.url.clone())
            .headers(hop.headers.clone());
        if let Some(body) = &hop.body {
            request = request.body(body.clone());
        }
        request.send().await.map_err(Trouble::from)
    }

    async fn read(
        &self,
        mut answer: reqwest::Response,
        url: &Url,
        redirected: bool,
        turn: OwnedSemaphorePermit,
    ) -> Result<Response, Trouble> {
        let status = answer.status();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), latin1(value)))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > self.bounds.response_bytes {
                return Err(Trouble::new(
                    "ERR_BODY_TOO_LARGE",
                    "the response's body is larger than the container allows",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: status.as_u16(),
            status_text: status.canonical_reason().unwrap_or_default(),
            url: url.to_string(),
            redirected,
            headers,
            body,
            _turn: turn,
        })
    }
}

impl Trouble {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut code = if error.is_timeout() {
            "ETIMEDOUT"
        } else {
            "ECONNRESET"
        };
        let mut source = error.source();
        while let Some(cause) = source {
            if cause.is::<ClosedAddress>() {
                return Self::new("EACCES", cause.to_string());
            }
            if let Some(cause) = cause.downcast_ref::<std::io::Error>() {
                code = match cause.kind() {
                    std::io::ErrorKind::ConnectionRefused => "ECONNREFUSED",
                    std::io::ErrorKind::TimedOut => "ETIMEDOUT",
                    _ => code,
                };
            }
            source = cause.source();
        }
        Self::new(code, chain(&error))
    }
}

fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn latin1(value: &HeaderValue) -> String {
    value
        .as_bytes()
        .iter()
        .map(|byte| char::from(*byte))
        .collect()
}
