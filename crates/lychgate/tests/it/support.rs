//! What the tests of the binary stand on: an issuer, a store and a running `lychgate serve`, all real.

#[path = "../../../listener/tests/it/authority.rs"]
mod authority;
mod database;
pub(crate) mod generated;
mod issuer;
mod port;
mod process;
mod store;

pub(crate) use authority::{Authority, Pair};
pub(crate) use database::{Database, Kind, own_number};
pub(crate) use issuer::Issuer;
pub(crate) use port::free_port;
pub(crate) use process::{Serve, lychgate};
pub(crate) use store::{PASSWORD, sample_store};

/// A config of a gateway on loopback that trusts this issuer, and has these further sections.
pub(crate) fn gateway_config(issuer: &str, sections: &str) -> String {
    format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[gateway.allowlist]
networks = ["127.0.0.0/8"]

[gateway.access_token]
issuers = ["{issuer}"]
audience = "{AUDIENCE}"
clients = ["{SCRIPT_CLIENT}"]

[audit]
file = "audit.jsonl"
pseudonym_key = "a key of the tests, long enough for pseudonyms"

{sections}"#
    )
}

/// The audience of the gateway under test.
pub(crate) const AUDIENCE: &str = "urn:legacy-identity";
/// The one client whose tokens are good.
pub(crate) const SCRIPT_CLIENT: &str = "script-client";
/// Signs the head of an audit chain. Made by `openssl genpkey -algorithm ed25519`.
pub(crate) const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIOveyR/FcU/YfrgvmPYOCfHLjDpbX8+HmQzoLp6moez0\n-----END PRIVATE KEY-----\n";
