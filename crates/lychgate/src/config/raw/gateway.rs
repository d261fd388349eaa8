//! `[gateway]`: who may come in, and how.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RawTls;
use crate::config::duration::RawDuration;

/// The guarded API in front of the legacy store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Gateway")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGateway {
    /// The address and port of the API. Without `tls` only a loopback address.
    pub(crate) listen: String,
    /// The address and port of `/livez`, `/readyz`, `/metrics` and `/openapi.json`. Without `admin_tls` only a loopback
    /// address; `127.0.0.1:9090` if left out.
    pub(crate) admin_listen: Option<String>,
    /// A Unix socket for `lychgate unlock`, of mode 0600, in a folder that nobody else may write to. Without it there is
    /// none.
    pub(crate) admin_socket: Option<String>,
    /// The certificate of `admin_listen`. `client_ca` has to be there: nobody looks in without a certificate.
    pub(crate) admin_tls: Option<RawTls>,
    /// The URL that the scripts reach the API by, for which proofs are made. With `sender_constraint = "dpop"` only.
    pub(crate) public_url: Option<String>,
    /// The certificate of the API, or `"terminated-by-trusted-proxy"`: then `trusted_proxies` alone are heard, in plain.
    pub(crate) tls: Option<RawGatewayTls>,
    /// Where the address of a client is read from.
    #[serde(default)]
    pub(crate) client_address: RawClientAddress,
    /// The proxies whose word is taken for the address of a client; nobody else may connect. With
    /// `client_address = "peer"` there are none.
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<String>,
    /// The networks that calls may come from. Without it the gateway refuses to start.
    pub(crate) allowlist: Option<RawAllowlist>,
    /// What makes an access token good. Without it the gateway refuses to start.
    pub(crate) access_token: Option<RawAccessToken>,
    /// How often a client and a network may call. Without it there is no such limit.
    #[serde(default)]
    pub(crate) rates: RawRates,
    /// How failures slow down guessing.
    #[serde(default)]
    pub(crate) lockout: RawLockout,
    /// The bounds of the API.
    #[serde(default)]
    pub(crate) limits: RawLimits,
}

/// Where the address of a client is read from.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "ClientAddress")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawClientAddress {
    /// The client is the peer of the connection.
    #[default]
    Peer,
    /// Each connection begins with a header of the PROXY protocol, version 1 or 2.
    ProxyProtocol,
    /// Each request has a `Forwarded` field (RFC 7239), walked from its right end past the trusted proxies.
    Forwarded,
    /// Each request has an `X-Forwarded-For` field, walked in the same way.
    XForwardedFor,
}

/// What is spoken below HTTP.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "GatewayTls")]
#[serde(untagged)]
pub(crate) enum RawGatewayTls {
    /// TLS, with this certificate.
    Here(RawTls),
    /// TLS ends before us.
    Before(RawTermination),
}

/// Where TLS ends, if not here.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Termination")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RawTermination {
    /// At one of the `trusted_proxies`; what comes from there is plain HTTP.
    TerminatedByTrustedProxy,
}

/// The networks that calls may come from. Never the only control: a platform's addresses serve all its customers.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Allowlist")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAllowlist {
    /// Networks as `203.0.113.0/24` or `2001:db8::/32`, or single addresses.
    #[serde(default)]
    pub(crate) networks: Vec<String>,
    /// Files with one network a line, or in the JSON form in which Auth0 publishes its addresses.
    #[serde(default)]
    pub(crate) files: Vec<String>,
    /// The regions to take from such JSON files, as `EU`.
    #[serde(default)]
    pub(crate) regions: Vec<String>,
    /// Where such a JSON file is published, as `https://cdn.auth0.com/ip-ranges.json`. What is fetched there is kept in
    /// `cache`; what cannot be used changes nothing.
    pub(crate) url: Option<String>,
    /// How often the URL is asked: every 6 hours if left out, at most once a minute.
    pub(crate) refresh: Option<RawDuration>,
    /// The file that keeps what the URL gave last, so that a start without the network has it. Needs to be there with `url`.
    pub(crate) cache: Option<String>,
    /// The file of the authorities that stand for the URL's certificate, in PEM; those that this machine trusts if left out.
    pub(crate) url_ca: Option<String>,
    /// Starts although the list holds every address of IPv4 or of IPv6.
    #[serde(default)]
    pub(crate) i_accept_any_network: bool,
}

/// What makes an access token good, beside its signature.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AccessToken")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAccessToken {
    /// The issuers, to the letter: an Auth0 issuer ends in a slash. A tenant with a custom domain has two.
    pub(crate) issuers: Vec<String>,
    /// The identifier of this API at the platform.
    pub(crate) audience: String,
    /// The client IDs of the scripts; as a rule there is one.
    pub(crate) clients: Vec<String>,
    /// The signature algorithms: `RS256`, `PS256`, `ES256`, `EdDSA`. `["RS256"]` if left out.
    pub(crate) algorithms: Option<Vec<String>>,
    /// What a token must be bound to beside its bearer.
    #[serde(default)]
    pub(crate) sender_constraint: RawSenderConstraint,
    /// Whether a token is good for one call only. It needs a `jti`, which the platform puts into tokens of its RFC 9068
    /// profile, and scripts that take a token for each call.
    #[serde(default)]
    pub(crate) one_use: bool,
    /// How far the clocks of issuer and gateway may differ.
    pub(crate) leeway: Option<RawDuration>,
    /// The longest life of a token, from `iat` to `exp`. An hour is wiser than the default.
    pub(crate) max_lifetime: Option<RawDuration>,
    /// Where the keys of the one issuer are, if its discovery document shall not say it.
    pub(crate) jwks_uri: Option<String>,
    /// How long keys are used that could not be refreshed.
    pub(crate) jwks_max_stale: Option<RawDuration>,
}

/// What a token must be bound to beside its bearer.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "SenderConstraint")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawSenderConstraint {
    /// Nothing: a plain bearer token. A token that says it is bound is refused.
    #[default]
    None,
    /// A key that every request proves anew (RFC 9449). A plain bearer token is refused.
    Dpop,
    /// The certificate that the client shows, for which `tls` needs `client_ca` (RFC 8705). A plain bearer token is refused.
    Mtls,
}

/// How often a client and a network may call, once their token is found good and its scope names the operation. Over it the
/// answer is 429 `rate-limited`.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Rates")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawRates {
    /// Each of the `clients`.
    pub(crate) client: Option<RawRate>,
    /// Each network that calls come from: an address of IPv4, or a `/64` of IPv6. A platform calls from few addresses.
    pub(crate) network: Option<RawRate>,
}

/// How often.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Rate")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRate {
    /// Calls a minute, in the long run.
    pub(crate) per_minute: NonZeroU32,
    /// Calls at once, after a pause. Those of a minute, if left out.
    pub(crate) burst: Option<NonZeroU32>,
}

/// How failures slow down guessing at the password of one identifier, of a user or of nobody. Every delay ends: a
/// victim is slowed, never shut out.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Lockout")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLockout {
    /// Failures in a row before the first delay.
    pub(crate) failures: Option<NonZeroU32>,
    /// The first delay. Each failure more doubles it.
    pub(crate) first_delay: Option<RawDuration>,
    /// What no delay exceeds.
    pub(crate) longest_delay: Option<RawDuration>,
    /// How long after the last of them failures are forgotten.
    pub(crate) memory: Option<RawDuration>,
    /// Identifiers whose failures are remembered.
    pub(crate) identifiers: Option<NonZeroU32>,
}

/// The bounds of the API. A bound that is reached has an answer of its own and a metric.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Limits")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawLimits {
    /// Connections at a time. Over it a connection is closed.
    pub(crate) connections: Option<NonZeroU32>,
    /// Bytes of a request's body; 413 answers what is over.
    pub(crate) body_bytes: Option<NonZeroU32>,
    /// Bytes of a request's header fields and target; 431 answers what is over.
    pub(crate) header_bytes: Option<NonZeroU32>,
    /// How long the headers of a request may take.
    pub(crate) header_read: Option<RawDuration>,
    /// How long the body of a request may take.
    pub(crate) body_read: Option<RawDuration>,
    /// How long a stop waits for requests that run.
    pub(crate) drain: Option<RawDuration>,
    /// Proofs of possession, and as many used tokens, that are remembered so that none is taken twice; 503 answers what
    /// comes when there is no room.
    pub(crate) replay_entries: Option<NonZeroU32>,
}
