//! Every default, from the crates that begin with it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use lychgate_gateway::{AccessTokenSettings, KeyLimits, Limits, NativeLimits, NewPasswordRules};
use lychgate_store::StoreUrl;
use lychgate_token::dpop::{Nonces, Proof};

use super::page::code;
use crate::config::REFRESH;

/// A default that stands in code.
pub(super) struct DefaultValue {
    /// Its key, or nothing where it cannot be set.
    pub(super) key: &'static str,
    pub(super) what: &'static str,
    pub(super) value: String,
}

impl DefaultValue {
    pub(super) fn fixed(&self) -> bool {
        self.key.is_empty()
    }
}

/// Every bound, lifetime and pool, with the value that the crates themselves begin with.
pub(super) fn defaults() -> Vec<DefaultValue> {
    let mut defaults = Vec::new();
    access_tokens(&mut defaults);
    api(&mut defaults);
    callers(&mut defaults);
    native(&mut defaults);
    store_and_passwords(&mut defaults);
    tenant(&mut defaults);
    scripts(&mut defaults);
    defaults
}

fn access_tokens(defaults: &mut Vec<DefaultValue>) {
    let keys = KeyLimits::default();
    defaults.extend([
        seconds(
            "gateway.allowlist.refresh",
            "asking for the published allowlist, every",
            REFRESH,
        ),
        seconds(
            "gateway.access_token.leeway",
            "difference of clocks",
            AccessTokenSettings::LEEWAY,
        ),
        seconds(
            "gateway.access_token.max_lifetime",
            "life of an access token",
            AccessTokenSettings::MAX_LIFETIME,
        ),
        seconds(
            "gateway.access_token.jwks_max_stale",
            "use of keys that could not be refreshed",
            keys.max_stale,
        ),
        seconds("", "refresh of an issuer's keys, every", keys.refresh),
        seconds(
            "",
            "first retry of a refresh that failed; it doubles",
            keys.retry,
        ),
        number(
            "",
            "fetches a minute that unknown key IDs may cause",
            keys.unknown_per_minute,
        ),
        number(
            "",
            "unknown key IDs that are remembered",
            keys.unknown_remembered,
        ),
        seconds(
            "",
            "how long an unknown key ID is remembered",
            keys.unknown_for,
        ),
        seconds("", "fetch of an issuer's keys", keys.fetch),
        bytes("", "answer of an issuer", keys.answer_bytes),
        number(
            "",
            "verified tokens that are remembered",
            AccessTokenSettings::VERIFIED_TOKENS,
        ),
        number(
            "gateway.limits.replay_entries",
            "proofs of possession, and used tokens, that are remembered",
            Limits::default().replay_entries,
        ),
        seconds("", "age of a proof of possession", Proof::MAX_AGE),
        bytes("", "proof of possession", Proof::MOST_BYTES),
        seconds("", "use of a nonce, at least", Nonces::LIFETIME),
    ]);
}

fn api(defaults: &mut Vec<DefaultValue>) {
    let limits = Limits::default();
    let (listener, body) = (limits.listener, limits.body);
    defaults.extend([
        number(
            "gateway.limits.connections",
            "connections at a time",
            listener.connections,
        ),
        bytes(
            "gateway.limits.header_bytes",
            "bytes of the header fields and target of a request",
            listener.header_bytes,
        ),
        number("", "header fields of a request", listener.headers),
        seconds(
            "gateway.limits.header_read",
            "arrival of a request's head",
            listener.header_read,
        ),
        bytes(
            "gateway.limits.body_bytes",
            "bytes of the body of a request",
            body.bytes,
        ),
        seconds(
            "gateway.limits.body_read",
            "arrival of a request's body",
            body.read,
        ),
        bytes(
            "",
            "refused body that is read and thrown away",
            body.drained_bytes,
        ),
        seconds("", "reading of a refused body", body.drain),
        seconds("", "decision of a request", limits.request),
        seconds("", "TLS handshake", listener.tls_handshake),
        seconds("", "connection without a request", listener.idle),
        seconds("", "goodbye of a connection", listener.linger),
        number(
            "",
            "requests at a time on one HTTP/2 connection",
            listener.http2_streams,
        ),
        seconds(
            "gateway.limits.drain",
            "stop: waiting for requests that run",
            listener.drain,
        ),
    ]);
}

fn native(defaults: &mut Vec<DefaultValue>) {
    let limits = NativeLimits::default();
    let mib = limits.session_bytes >> 20;
    defaults.extend([
        number(
            "native[].connections",
            "connections to a native door at a time",
            limits.connections,
        ),
        seconds(
            "native[].idle",
            "native session in which nothing is said",
            limits.idle,
        ),
        number("native[].session_mib", "MiB of a native session", mib),
        seconds("", "opening of a native session", limits.opening),
    ]);
}

fn callers(defaults: &mut Vec<DefaultValue>) {
    let limits = Limits::default();
    let (rates, idempotency, lockout) = (limits.rates, limits.idempotency, limits.lockout);
    defaults.extend([
        number(
            "",
            "clients, and networks, whose calls are counted for their rates",
            rates.remembered,
        ),
        seconds(
            "",
            "result of a call with an `Idempotency-Key`, kept",
            idempotency.keep,
        ),
        number("", "idempotency keys that are remembered", idempotency.keys),
        bytes("", "results that are kept together", idempotency.bytes),
        DefaultValue {
            key: "gateway.lockout.failures",
            what: "failures of an identifier in a row before the first delay",
            value: lockout.free.to_string(),
        },
        seconds(
            "gateway.lockout.first_delay",
            "first delay",
            lockout.shortest,
        ),
        seconds(
            "gateway.lockout.longest_delay",
            "longest delay",
            lockout.longest,
        ),
        seconds(
            "gateway.lockout.memory",
            "memory of failures",
            lockout.memory,
        ),
        number(
            "gateway.lockout.identifiers",
            "identifiers whose failures are remembered",
            lockout.identifiers,
        ),
        number(
            "",
            "audit lines a minute about refused connections",
            limits.refused_connection_lines,
        ),
    ]);
}

fn store_and_passwords(defaults: &mut Vec<DefaultValue>) {
    let url: StoreUrl = "sqlite:legacy.db".parse().unwrap();
    let store = lychgate_store::Settings::new(url, BTreeMap::new());
    let passwords = lychgate_password::Settings::default();
    let upgrades = Limits::default().upgrades;
    let accept = passwords
        .accept
        .iter()
        .map(code_of)
        .collect::<Vec<_>>()
        .join(", ");
    defaults.extend([
        number(
            "store.connections",
            "connections to the store at a time",
            store.connections,
        ),
        seconds(
            "store.wait",
            "waiting for a connection to the store",
            store.wait,
        ),
        seconds("store.deadline", "statement", store.deadline),
        seconds(
            "ledger.quiet",
            "silence before the store may be disconnected",
            crate::ledger::Rules::QUIET,
        ),
        DefaultValue {
            key: "passwords.accept",
            what: "formats that may log in",
            value: accept,
        },
        DefaultValue {
            key: "passwords.write",
            what: "format of new hashes",
            value: code_of(passwords.write),
        },
        DefaultValue {
            key: "passwords.threads",
            what: "threads that compute hashes",
            value: "processors".to_owned(),
        },
        DefaultValue {
            key: "passwords.memory_mib",
            what: "memory that computations fill at once, in MiB",
            value: (passwords.memory_kib / 1024).to_string(),
        },
        number(
            "passwords.queue",
            "hashes that wait for a thread",
            passwords.queue,
        ),
        seconds(
            "passwords.wait",
            "waiting for a thread",
            passwords.queue_wait,
        ),
        number(
            "passwords.rules.min_length",
            "characters of a new password, at least",
            NewPasswordRules::default().min_length,
        ),
        number("", "upgrades of hashes that wait", upgrades.queue),
        seconds("", "upgrade of a hash, from its turn on", upgrades.deadline),
    ]);
}

fn tenant(defaults: &mut Vec<DefaultValue>) {
    let lifetimes = lychgate_tenant::Lifetimes::default();
    defaults.extend([
        seconds(
            "tenant.apis[].token_lifetime",
            "life of an access token that the tenant issues",
            lychgate_tenant::DEFAULT_TOKEN_LIFETIME,
        ),
        seconds(
            "",
            "from `/authorize` to the right password",
            lifetimes.login,
        ),
        seconds("", "session of a browser", lifetimes.session),
        seconds("", "authorization code", lifetimes.code),
        seconds("", "refresh tokens of a login", lifetimes.refresh_token),
        seconds("", "link in a mail", lifetimes.ticket),
    ]);
}

fn scripts(defaults: &mut Vec<DefaultValue>) {
    let script = lychgate_script::Settings::default();
    let outbound = &script.outbound;
    defaults.extend([
        seconds("", "run of a script", script.timeout),
        number("", "runs at a time in one container", script.calls),
        bytes("", "memory of a container", script.memory_bytes),
        bytes("", "stack of a container", script.stack_bytes),
        bytes("", "result of a script", script.result_bytes),
        seconds("", "container without a run", script.idle),
        seconds("", "life of a container", script.age),
        number("", "outbound calls of a run", outbound.calls),
        seconds("", "outbound call", outbound.timeout),
        bytes("", "body of an outbound call", outbound.request_bytes),
        bytes("", "answer to an outbound call", outbound.response_bytes),
        number("", "redirects of an outbound call", outbound.redirects),
    ]);
}

fn seconds(key: &'static str, what: &'static str, value: Duration) -> DefaultValue {
    let hours = value.as_secs() / 3600;
    let value = if (1..=72).contains(&hours) && value == Duration::from_hours(hours) {
        format!("{hours}h")
    } else {
        humantime::format_duration(value).to_string()
    };
    DefaultValue {
        key,
        what,
        value: code(value),
    }
}

fn number(key: &'static str, what: &'static str, value: impl Display) -> DefaultValue {
    DefaultValue {
        key,
        what,
        value: value.to_string(),
    }
}

/// A config takes bytes; people take KiB and MiB.
fn bytes(key: &'static str, what: &'static str, value: impl TryInto<u64>) -> DefaultValue {
    let value: u64 = value.try_into().unwrap_or(u64::MAX);
    let kibibytes = value / 1024;
    let value = match (key, kibibytes) {
        ("", 1024..) => format!("{} MiB", kibibytes / 1024),
        ("", _) => format!("{kibibytes} KiB"),
        (_, _) => value.to_string(),
    };
    DefaultValue { key, what, value }
}

fn code_of(value: impl Display) -> String {
    code(value.to_string())
}
