//! A foreign issuer: a discovery document, a key set, and tokens of every kind.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use lychgate_listener::{Limits, Listener, Transport};
use lychgate_token::{Algorithm, SigningKey, UnixTime};
use serde_json::{Map, Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{AUDIENCE, SCRIPT_CLIENT};

/// An authorization server that publishes its keys, until it is dropped.
pub(crate) struct Issuer {
    /// Its identifier, with the slash at its end.
    pub(crate) identifier: String,
    key: SigningKey,
    keys: Arc<Mutex<Vec<Value>>>,
    published: Option<DropGuard>,
}

impl Issuer {
    /// One that can be asked at once.
    pub(crate) fn start() -> Self {
        let listener = listen("127.0.0.1:0".parse().unwrap());
        let mut issuer = Self::to_come(listener.address());
        issuer.publish_on(listener);
        issuer
    }

    /// One that has a name and a key, and does not answer yet.
    pub(crate) fn to_come(address: SocketAddr) -> Self {
        let key = SigningKey::generate(Algorithm::Rs256).unwrap();
        Self {
            identifier: format!("http://{address}/"),
            keys: Arc::new(Mutex::new(vec![key.public_jwk().to_json()])),
            key,
            published: None,
        }
    }

    /// Begins to answer at its name.
    pub(crate) fn publish(&mut self) {
        let authority = self
            .identifier
            .trim_start_matches("http://")
            .trim_end_matches('/');
        self.publish_on(listen(authority.parse().unwrap()));
    }

    fn publish_on(&mut self, listener: Listener) {
        let keys_at = format!("{}jwks.json", self.identifier);
        let discovery = json!({ "issuer": self.identifier, "jwks_uri": keys_at }).to_string();
        let keys = Arc::clone(&self.keys);
        let answer = move |(), request: Request<Incoming>| {
            let body = match request.uri().path() {
                "/.well-known/openid-configuration" => discovery.clone(),
                "/jwks.json" => json!({ "keys": *keys.lock().unwrap() }).to_string(),
                path => panic!("the gateway asked the issuer for {path}"),
            };
            async { Response::new(Full::new(Bytes::from(body))) }
        };
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(|_peer| Some(()), answer, stop.clone()));
        self.published = Some(stop.drop_guard());
    }

    /// What a good token of the script client says, with every scope.
    pub(crate) fn claims(&self) -> Map<String, Value> {
        let now = UnixTime::now().seconds();
        let claims = json!({
            "iss": self.identifier,
            "sub": format!("{SCRIPT_CLIENT}@clients"),
            "aud": AUDIENCE,
            "azp": SCRIPT_CLIENT,
            "gty": "client-credentials",
            "iat": now,
            "exp": now + 3600,
            "scope": lychgate_gateway::operations::OPERATIONS.each_ref().map(|operation| operation.scope).join(" "),
        });
        claims.as_object().unwrap().clone()
    }

    /// Signs these claims as an access token, in the dialect they are in: only RFC 9068's has a `jti`.
    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> String {
        let token_type = if claims.contains_key("jti") {
            "at+jwt"
        } else {
            "JWT"
        };
        self.key.sign(token_type, claims).unwrap()
    }

    /// Publishes another key beside those that are published, and signs with it from now on.
    pub(crate) fn rotate(&mut self) {
        self.key = SigningKey::generate(Algorithm::Rs256).unwrap();
        let added = self.key.public_jwk().to_json();
        self.keys.lock().unwrap().push(added);
    }

    /// The public key as another issuer, or a forger, sees it.
    pub(crate) fn public_jwk(&self) -> Value {
        self.key.public_jwk().to_json()
    }
}

fn listen(address: SocketAddr) -> Listener {
    Listener::bind(address, Transport::Plain, Limits::default()).unwrap()
}
