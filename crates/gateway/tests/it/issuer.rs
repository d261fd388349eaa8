//! An issuer of access tokens: discovery, a key set, and the private keys behind it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use lychgate_listener::{Limits, Listener, Transport};
use lychgate_token::{Algorithm, JwkSet, SigningKey};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

/// An issuer that runs as long as this value lives.
pub(crate) struct Issuer {
    pub(crate) name: String,
    published: Arc<Published>,
    _stop: DropGuard,
}

struct Published {
    discovery: Mutex<String>,
    keys: Mutex<(StatusCode, String)>,
    key_requests: AtomicU64,
}

impl Issuer {
    /// Publishes these keys.
    pub(crate) fn start(keys: &[&SigningKey]) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = Listener::bind(address, Transport::Plain, Limits::default()).unwrap();
        let name = format!("http://{}/", listener.address());
        let published = Arc::new(Published {
            discovery: Mutex::new(
                json!({ "issuer": name, "jwks_uri": format!("{name}jwks.json") }).to_string(),
            ),
            keys: Mutex::new((StatusCode::OK, key_set(keys))),
            key_requests: AtomicU64::new(0),
        });
        let stop = CancellationToken::new();
        let answering = Arc::clone(&published);
        let answer = move |_, request: Request<Incoming>| {
            let answer = answering.answer(request.uri().path());
            async move { answer }
        };
        tokio::spawn(listener.serve(Some, answer, stop.clone()));
        Self {
            name,
            published,
            _stop: stop.drop_guard(),
        }
    }

    /// Publishes other keys from now on.
    pub(crate) fn rotate_to(&self, keys: &[&SigningKey]) {
        self.answer_keys_with(StatusCode::OK, key_set(keys));
    }

    /// Answers a request for keys with this from now on.
    pub(crate) fn answer_keys_with(&self, status: StatusCode, body: String) {
        *self.published.keys.lock().unwrap() = (status, body);
    }

    /// Calls itself by another name in its discovery document.
    pub(crate) fn call_itself(&self, name: &str) {
        *self.published.discovery.lock().unwrap() =
            json!({ "issuer": name, "jwks_uri": format!("{}jwks.json", self.name) }).to_string();
    }

    /// How often the keys were asked for.
    pub(crate) fn key_requests(&self) -> u64 {
        self.published.key_requests.load(Ordering::SeqCst)
    }
}

impl Published {
    fn answer(&self, path: &str) -> Response<Full<Bytes>> {
        let (status, body) = match path {
            "/.well-known/openid-configuration" => {
                (StatusCode::OK, self.discovery.lock().unwrap().clone())
            }
            "/jwks.json" => {
                self.key_requests.fetch_add(1, Ordering::SeqCst);
                self.keys.lock().unwrap().clone()
            }
            _ => (StatusCode::NOT_FOUND, String::new()),
        };
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        response
    }
}

/// A new key.
pub(crate) fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Es256).unwrap()
}

fn key_set(keys: &[&SigningKey]) -> String {
    let keys = keys.iter().map(|key| key.verification_key().clone());
    JwkSet::new(keys).unwrap().to_json().to_string()
}
