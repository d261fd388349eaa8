//! `[[native]]`: doors to the database's own protocol.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawTls;
use crate::config::duration::RawDuration;

/// A guarded door to the database's own protocol, for scripts that still speak it. Whoever comes in needs an address on the
/// gateway's allowlist and a certificate, and then the database's password.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Native")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawNative {
    /// The address and port of the door.
    pub(crate) listen: String,
    /// The server behind it, as `postgres://host/database` or `mysql://host/database` with `sslmode` and `sslrootcert` as
    /// for a store, and without a user: those who call bring their own.
    pub(crate) upstream: String,
    /// The certificate of the door. `client_ca` has to be there: nobody comes in by an address alone.
    pub(crate) tls: RawTls,
    /// The users that sessions may begin as.
    pub(crate) users: Vec<String>,
    /// The databases that sessions may begin in. The one of `upstream`, if left out.
    pub(crate) databases: Option<Vec<String>>,
    /// Connections at a time. Over it a connection is closed.
    pub(crate) connections: Option<NonZeroU32>,
    /// How long a session may say nothing, either way.
    pub(crate) idle: Option<RawDuration>,
    /// MiB that one session may say and hear.
    pub(crate) session_mib: Option<NonZeroU32>,
}
