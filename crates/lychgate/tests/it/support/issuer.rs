//! A foreign issuer: a discovery document, a key set, and tokens of every kind.

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
    _stop: DropGuard,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let key = SigningKey::generate(Algorithm::Rs256).unwrap();
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(anywhere, Transport::Plain, Limits::default()).unwrap();
        let identifier = format!("http://{}/", listener.address());
        let discovery =
            json!({ "issuer": identifier, "jwks_uri": format!("{identifier}jwks.json") })
                .to_string();
        let keys = json!({ "keys": [key.public_jwk().to_json()] }).to_string();
        let stop = CancellationToken::new();
        let answer = move |(), request: Request<Incoming>| {
            let body = match request.uri().path() {
                "/.well-known/openid-configuration" => discovery.clone(),
                "/jwks.json" => keys.clone(),
                path => panic!("the gateway asked the issuer for {path}"),
            };
            async { Response::new(Full::new(Bytes::from(body))) }
        };
        tokio::spawn(listener.serve(|_peer| Some(()), answer, stop.clone()));
        Self {
            identifier,
            key,
            _stop: stop.drop_guard(),
        }
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

    /// The public key as another issuer, or a forger, sees it.
    pub(crate) fn public_jwk(&self) -> Value {
        self.key.public_jwk().to_json()
    }
}
