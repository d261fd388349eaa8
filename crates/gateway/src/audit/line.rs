//! The form of an audit line, and its description for the reference.

use std::net::IpAddr;

use lychgate_token::UnixTime;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Step;
use super::trace::Detail;

/// The events, each with what it means.
pub const EVENTS: [(&str, &str); 12] = [
    ("answer", "a request was answered, whatever the answer"),
    (
        "canary",
        "the same, and a decoy was used: somebody has what nobody should have",
    ),
    (
        "refused-connection",
        "a connection was closed before TLS because its network is not on the allowlist",
    ),
    (
        "password-upgrade",
        "after a login, a stored hash was to be rewritten in the format of today; hashes that are left as they are \
         are counted only",
    ),
    (
        "unlock",
        "the operator ended the delays of an identifier, by `lychgate unlock`",
    ),
    (
        "start",
        "the gateway has started; signed where there is a key",
    ),
    (
        "stop",
        "the gateway stops, and no line of this run comes after; signed where there is a key",
    ),
    (
        "head",
        "the head of the chain is signed, and with it every line before",
    ),
    (
        "rotated",
        "lines go on in a new file, of which this is the first",
    ),
    (
        "torn",
        "a line before was begun and not ended, by a crash or a full disk; it stays as it is",
    ),
    (
        "native-session",
        "a session of the native interface began, ended or was refused; refused ones at a bounded rate",
    ),
    (
        "reload",
        "the config or a file of it was read again, because it has changed or somebody has asked for it",
    ),
];

/// The fields of a line in their order, each with what it means. A field that does not apply is left out.
pub const FIELDS: [(&str, &str); 31] = [
    (
        "sequence",
        "the number of the line in its chain, from 1, without holes",
    ),
    (
        "previous",
        "SHA-256 over the bytes of the line before, without its newline, in hex",
    ),
    (
        "chain",
        "instead of `previous` in the first line of a chain: its random name",
    ),
    ("time", "when the request came, RFC 3339 in UTC"),
    ("event", "what happened"),
    ("severity", "of `canary`: `alert`"),
    (
        "canary",
        "of `canary`: whether the decoy is an `identifier` or a `client`",
    ),
    (
        "request_id",
        "the id that the answer carries in `X-Request-Id` and in a problem's `request_id`; of a native session, \
         the same in each of its lines",
    ),
    (
        "address",
        "the network address of the client; of a trusted proxy, where it names none",
    ),
    ("step", "the step of the way that decided"),
    (
        "client",
        "the client that the token was issued to, once that is certain",
    ),
    (
        "operation",
        "the operation that was asked for, once the caller may know that it exists",
    ),
    (
        "outcome",
        "what came of it: the operation's own word, or the name of the problem",
    ),
    (
        "reason",
        "why, where the problem's name alone does not say it; the caller is not told",
    ),
    ("status", "the HTTP status of the answer"),
    ("protocol", "of a native session: `postgres` or `mysql`"),
    (
        "certificate",
        "of a native session: the SHA-256 of the client's certificate, in hex, once its key is proven",
    ),
    (
        "user",
        "of a native session: the database's user, if config names it",
    ),
    (
        "database",
        "of a native session: the database, if config names it",
    ),
    (
        "bytes_from_client",
        "of a native session: bytes that the client has sent",
    ),
    (
        "bytes_from_server",
        "of a native session: bytes that the server has sent",
    ),
    (
        "pseudonym",
        "HMAC-SHA-256 over the normalized identifier, in hex: the same user, without a name",
    ),
    ("pseudonym_key", "which key the pseudonym was made with"),
    (
        "duration_us",
        "microseconds from the end of the head to the decision",
    ),
    (
        "detail",
        "what was found on the way, and how long it took; its fields stand below",
    ),
    (
        "untold",
        "refused connections, or native sessions, since the line before, for which there was no room",
    ),
    ("version", "of `start`: the version of the gateway"),
    (
        "removed_through",
        "of `rotated`: the number of the last line of the old files that were removed",
    ),
    (
        "torn",
        "of `torn`: SHA-256 over what there is of the torn line, in hex",
    ),
    ("key", "which key the line is signed with"),
    (
        "signature",
        "Ed25519 over the bytes of this line before `,\"signature\"`, in hex",
    ),
];

/// One line.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(super) time: String,
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) severity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) canary: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) operation: Option<&'static str>,
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes_from_client: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes_from_server: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pseudonym: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pseudonym_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) untold: Option<u64>,
}

impl Line<'_> {
    /// What every line has.
    pub(super) fn new(event: &'static str, time: UnixTime, step: Step) -> Self {
        Self {
            time: rfc_3339(time),
            event,
            severity: None,
            canary: None,
            request_id: None,
            address: None,
            step: Some(step.name()),
            client: None,
            operation: None,
            outcome: "none",
            reason: None,
            status: None,
            protocol: None,
            certificate: None,
            user: None,
            database: None,
            bytes_from_client: None,
            bytes_from_server: None,
            pseudonym: None,
            pseudonym_key: None,
            duration_us: None,
            detail: None,
            untold: None,
        }
    }
}

pub(super) fn rfc_3339(time: UnixTime) -> String {
    OffsetDateTime::from_unix_timestamp(time.seconds())
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| time.to_string())
}
