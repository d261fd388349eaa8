//! The sample application: something to log in to, once the tour is over.
//!
//! It is a client of the tenant like any other: public, with PKCE. It keeps no session; what a login brought is shown
//! once, to the person in front of this machine.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, LOCATION,
    REFERRER_POLICY,
};
use hyper::{Method, Request, Response, StatusCode};
use lychgate_listener::{Limits, Listener, Transport};
use lychgate_token::pkce::CodeVerifier;
use lychgate_token::random_token;
use minijinja::{Environment, context};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::browser::{AuthorizationCode, authorization_request};
use super::caller::LOOKUP;
use super::names::AUDIENCE;
use super::servers::Servers;
use crate::templates;

/// Logins begun and not finished that are remembered; beyond that one makes room for the next.
const LOGINS: usize = 64;

/// The application, bound and ready to serve.
pub(crate) struct Application {
    listener: Listener,
    pages: Arc<Pages>,
}

struct Pages {
    servers: Arc<Servers>,
    authority: String,
    /// What to prove at the token endpoint, by the `state` of the request, and whether it was an attack.
    begun: Mutex<BTreeMap<String, Begun>>,
}

struct Begun {
    verifier: CodeVerifier,
    attack: bool,
}

impl Application {
    pub(crate) fn start(servers: Arc<Servers>) -> Result<Self> {
        let port = servers
            .application
            .port()
            .context("the application has a port")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = Listener::bind(address, Transport::Plain, Limits::default())?;
        let authority = servers.application.authority().to_owned();
        let pages = Arc::new(Pages {
            servers,
            authority,
            begun: Mutex::default(),
        });
        Ok(Self { listener, pages })
    }

    pub(crate) async fn run(self, stop: CancellationToken) {
        let pages = self.pages;
        let answer = move |(), request| {
            let pages = Arc::clone(&pages);
            async move { pages.answer(&request).await }
        };
        self.listener.serve(|_peer| Some(()), answer, stop).await;
    }
}

impl Pages {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        // A name that someone points at this machine must not make it theirs (DNS rebinding).
        if !is_addressed_to(&self.authority, request) || request.method() != Method::GET {
            return plain(StatusCode::BAD_REQUEST, "not for this application\n");
        }
        let page = match request.uri().path() {
            "/" => render(context! {}),
            "/login" => self.begin(request.uri().query() == Some("attack")),
            "/callback" => self.finish(request).await,
            _ => Ok(plain(StatusCode::NOT_FOUND, "there is no such page\n")),
        };
        page.unwrap_or_else(|error| {
            plain(
                StatusCode::BAD_GATEWAY,
                &format!("the login went wrong: {error:#}\n"),
            )
        })
    }

    /// Sends the browser to the tenant.
    fn begin(&self, attack: bool) -> Result<Response<Full<Bytes>>> {
        let verifier = CodeVerifier::new(random_token()?)?;
        let state = random_token()?;
        let audience = attack.then_some(AUDIENCE);
        let address = authorization_request(&self.servers, &state, &verifier, audience)?;
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.len() >= LOGINS {
            begun.pop_first();
        }
        begun.insert(state, Begun { verifier, attack });
        drop(begun);
        Ok(Response::builder()
            .status(StatusCode::FOUND)
            .header(LOCATION, address.as_str())
            .body(Full::default())?)
    }

    /// Takes the browser back, with a code or an error.
    async fn finish(&self, request: &Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let address = self.servers.application.join(&request.uri().to_string())?;
        let parameters: BTreeMap<String, String> = address.query_pairs().into_owned().collect();
        let state = parameters.get("state").context("the answer has no state")?;
        let begun = self
            .begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(state);
        let Begun { verifier, attack } = begun.context("nobody here began this login")?;
        if let Some(error) = parameters.get("error") {
            return render(context! { error, description => parameters.get("error_description") });
        }
        let code = parameters
            .get("code")
            .context("the answer has no code")?
            .clone();
        let tokens = AuthorizationCode::new(code, verifier)
            .exchange(&self.servers)
            .await?;
        let token = tokens
            .get("access_token")
            .and_then(Value::as_str)
            .context("an access token came back")?;
        let gateway = if attack {
            Some(self.servers.ask_gateway(LOOKUP, Some(token)).await?)
        } else {
            None
        };
        let profile = self.servers.userinfo(token).await?;
        let profile = serde_json::to_string_pretty(&profile)?;
        render(context! { profile, gateway, audience => AUDIENCE })
    }
}

/// Whether the request names its host, and by no other name than this.
fn is_addressed_to(authority: &str, request: &Request<Incoming>) -> bool {
    let headers = request
        .headers()
        .get_all(HOST)
        .iter()
        .map(HeaderValue::as_bytes);
    let target = request
        .uri()
        .authority()
        .map(|target| target.as_str().as_bytes());
    let mut hosts = headers.chain(target).peekable();
    hosts.peek().is_some() && hosts.all(|host| host.eq_ignore_ascii_case(authority.as_bytes()))
}

fn render(values: minijinja::Value) -> Result<Response<Full<Bytes>>> {
    let mut environment = Environment::new();
    // The name ends in `.html`, so values are escaped.
    environment.add_template("application.html", templates::DEMO_APPLICATION)?;
    let page = environment
        .get_template("application.html")?
        .render(values)?;
    let response = Response::builder()
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CACHE_CONTROL, "no-store")
        .header(REFERRER_POLICY, "no-referrer")
        .header(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        );
    Ok(response.body(Full::from(page))?)
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text.to_owned()));
    *response.status_mut() = status;
    response
}
