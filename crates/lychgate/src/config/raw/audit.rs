//! `[audit]`: what is written down of each request, and how that is kept.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RawSecret;
use crate::config::duration::RawDuration;

/// One JSON line for each answer and each refusal, without passwords, hashes, tokens or plain identifiers. Each line carries
/// the digest of the one before, so that a line that is changed, taken out or moved is found by `lychgate audit verify`.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Audit")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawAudit {
    /// The file that lines are added to; `-`, or left out, for standard output.
    pub(crate) file: Option<String>,
    /// The system's log instead of a file: its socket, such as `/dev/log`, or a relay on this machine, such as
    /// `tcp://127.0.0.1:601`. Nobody can read back what was written there, so each start begins a new chain.
    pub(crate) syslog: Option<String>,
    /// The key of the pseudonyms, at least 32 bytes. If left out, one is made at each start, and pseudonyms
    /// of two starts cannot be compared.
    pub(crate) pseudonym_key: Option<RawSecret>,
    /// The private key that signs the head of the chain, in PEM, as `openssl genpkey -algorithm ed25519` makes it. Without
    /// it, whoever can write the file can write it anew from some line on.
    pub(crate) signing_key: Option<RawSecret>,
    /// How long a line may wait for the head after it to be signed; one is also signed after 1000 lines, at the start and at
    /// the stop.
    pub(crate) sign_every: Option<RawDuration>,
    /// When a new file is begun. Left out, it is not rotated here; if another program moves the file away, lines go on in a
    /// new one.
    pub(crate) rotate: Option<RawRotation>,
    /// What becomes of a request whose line cannot be written.
    pub(crate) on_failure: RawOnFailure,
}

/// What becomes of a request whose line cannot be written: it is refused, and nothing more is done until a line can be
/// written, or it is answered without a trace.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "OnFailure")]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawOnFailure {
    /// It is refused with 500.
    #[default]
    Refuse,
    /// It is answered.
    Answer,
}

/// Decoys. Whoever uses one has found it where only an intruder looks; it is answered as any other refusal, and raises an
/// alert: the event `canary` in the audit log, a line in the log, and the metric `lychgate_canaries`.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Canaries")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawCanaries {
    /// Identifiers of accounts that nobody has, or their `user_id`. A row of the store may bear one; it never logs in, is
    /// never found and never changed.
    pub(crate) identifiers: Vec<String>,
    /// Clients that nobody runs, with a secret of theirs left where an intruder finds it. None of them is let in.
    pub(crate) clients: Vec<String>,
}

/// The file is moved to its name with the time and the number of the next line behind it, and the chain goes on in a new one.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Rotation")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRotation {
    /// Once it has so many bytes.
    pub(crate) bytes: Option<NonZeroU32>,
    /// Once its first line is so old.
    pub(crate) after: Option<RawDuration>,
    /// How many old files are kept; all of them if left out. What is removed is said by the first line of the new file.
    pub(crate) keep: Option<NonZeroU32>,
}
