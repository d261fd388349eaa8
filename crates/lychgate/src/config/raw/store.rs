//! `[store]`, `[passwords]`, `[ledger]`: the legacy store, its hashes, and who was seen.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RawLdap, RawSecret};
use crate::config::duration::RawDuration;

/// The legacy store behind the gateway.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Store")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStore {
    /// `sqlite:FILE`, a file that must be there; `postgres://user:password@host/database` or `mysql://…`, with
    /// `?sslmode=` (`verify-full` by itself unless the host is this machine), `&sslrootcert=` for a CA of one's own,
    /// `?socket=` for a socket, and `prepared=false` for PostgreSQL behind a pooler in transaction mode. Where its user or
    /// password come from a file, they are read again when the file changes. Or a directory, as `ldaps://host/BASE_DN`,
    /// `ldap://…` (with StartTLS by itself unless the host is this machine) or `ldapi://%2Fsocket/BASE_DN`, with the same
    /// `sslmode` and `sslrootcert`, and without credentials.
    pub(crate) url: RawSecret,
    /// The users that the store may be spoken to as, instead of one in `url`. The first is used until another, or
    /// another password, comes to stand in its file: that one is tried and, if the store takes it, used from then on.
    /// A user that the store refuses gives way to the next.
    pub(crate) credentials: Option<Vec<RawCredential>>,
    /// The statements; of a directory, the search filters. An operation that is not here does not exist.
    pub(crate) operations: RawOperations,
    /// Which column holds which field of the profile: `user_id = "id"`. A column named like a field needs no entry. Of a
    /// directory, which attribute does; only those that are named here are read.
    #[serde(default)]
    pub(crate) profile: BTreeMap<String, String>,
    /// What users are found by. Nobody has an identifier of another kind.
    #[serde(default)]
    pub(crate) identifier: RawIdentifierKind,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    pub(crate) identifier_case: RawIdentifierCase,
    /// What is one character, however it is written.
    #[serde(default)]
    pub(crate) identifier_normalization: RawIdentifierNormalization,
    /// What a search filter cannot say of a directory.
    pub(crate) ldap: Option<RawLdap>,
    /// Connections to the store at a time. Of four or more to PostgreSQL, two are shared by reads. A directory has as many
    /// again, on which users are bound.
    pub(crate) connections: Option<NonZeroU32>,
    /// How long a request waits for a connection.
    pub(crate) wait: Option<RawDuration>,
    /// How long a statement may take.
    pub(crate) deadline: Option<RawDuration>,
}

/// A user of the store.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Credential")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCredential {
    /// The name.
    #[expect(dead_code, reason = "read from the document, as it is written there")]
    pub(crate) user: String,
    /// The password; left out where the server asks for none.
    #[expect(dead_code, reason = "read from the document, as it is written there")]
    pub(crate) password: Option<RawSecret>,
}

/// The statements, with named parameters.
///
/// `authenticate` returns `password_hash` beside the profile; no other statement may. Of a directory, each is the search
/// filter (RFC 4515) that finds the one user whom the operation is about, such as `(mail=:identifier)`; of `create`, the one
/// that finds who is in the way.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Operations")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOperations {
    /// Reads one user with `password_hash`, by `:identifier`.
    pub(crate) authenticate: Option<String>,
    /// Reads one user, by `:identifier`.
    pub(crate) lookup: Option<String>,
    /// Adds a user: `:email` and/or `:username`, `:password_hash`, fields of the profile.
    pub(crate) create: Option<String>,
    /// Marks `:email` as verified.
    pub(crate) verify_email: Option<String>,
    /// Sets `:password_hash` of `:identifier`.
    pub(crate) change_password: Option<String>,
    /// Sets `:new_email` and `:email_verified` of `:identifier`.
    pub(crate) change_email: Option<String>,
    /// Removes `:user_id`.
    pub(crate) delete: Option<String>,
    /// Sets `:password_hash` of `:identifier` if the hash is still `:old_hash`: after a right password whose hash is not
    /// what `[passwords] write` makes. Not an operation; left out, no login rewrites a hash.
    pub(crate) upgrade_password: Option<String>,
}

/// What users are found by.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "IdentifierKind")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawIdentifierKind {
    /// An e-mail address: something, an `@`, something.
    Email,
    /// A name without an `@`.
    Username,
    /// Whatever the statements compare.
    #[default]
    Either,
}

/// Which Unicode normalization form statements are given.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "IdentifierNormalization")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawIdentifierNormalization {
    /// Form C: a letter and its accent are one character.
    #[default]
    Nfc,
    /// Form KC: full-width letters and ligatures are plain letters, too.
    Nfkc,
    /// As typed.
    None,
}

/// Whether upper and lower case are the same. Space around an identifier is trimmed in either case.
#[derive(Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "IdentifierCase")]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawIdentifierCase {
    /// In lower case.
    #[default]
    Insensitive,
    /// As typed.
    Sensitive,
}

/// How the passwords of the store are hashed.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "Passwords")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawPasswords {
    /// The formats that may log in. Weak ones are accepted only where they are named, and no two of which one hash
    /// may be.
    pub(crate) accept: Option<Vec<String>>,
    /// Formats of this store's own, to be named in `accept`.
    pub(crate) formats: Vec<RawPasswordFormat>,
    /// The secret that the application hashes with each password, by format: `{ devise = "${file:pepper}" }`.
    pub(crate) peppers: BTreeMap<String, RawSecret>,
    /// The format of new hashes: `argon2id` or `bcrypt`.
    pub(crate) write: Option<String>,
    /// Threads that compute hashes.
    pub(crate) threads: Option<NonZeroU32>,
    /// Memory that all computations may fill at once, in MiB.
    pub(crate) memory_mib: Option<NonZeroU32>,
    /// Hashes that may wait for a thread.
    pub(crate) queue: Option<u32>,
    /// How long a hash may wait.
    pub(crate) wait: Option<RawDuration>,
    /// The mix of formats in the store, as weights: `{ argon2id = 1, bcrypt = 3 }`. Unknown users cost what this mix
    /// costs. Refined from the rows that are seen. If left out it is guessed, all of `accept` alike, and the guess gives
    /// way to the first rows; after each start a stranger's cost may differ until then.
    pub(crate) decoy: Option<BTreeMap<String, u32>>,
    /// What new passwords must be like.
    pub(crate) rules: RawPasswordRules,
}

/// What a new password must be like, in `create` and `change_password`; those in the store are never asked. A password
/// is taken as it is received, without normalization.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "PasswordRules")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawPasswordRules {
    /// The fewest characters (Unicode code points). NIST SP 800-63B-4 asks for 15 where the password is the only factor.
    pub(crate) min_length: Option<NonZeroU32>,
    /// The most characters, where the legacy application takes no more; 1024 bytes are the limit in any case.
    pub(crate) max_length: Option<NonZeroU32>,
    /// A file of passwords that are known to others: plain ones, one a line, at most 64 MiB; or Have I Been Pwned's
    /// `SHA1:COUNT`, ordered by hash, of any size.
    pub(crate) breached_list: Option<String>,
    /// What the service is called: no password here, and neither is what the user is called.
    pub(crate) service_names: Vec<String>,
}

/// A format of this store's own: an expression over layout, password and salt, or another format over a password that
/// is prepared.
#[derive(Default, Deserialize, JsonSchema)]
#[schemars(rename = "PasswordFormat")]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RawPasswordFormat {
    /// What it is called in `accept`.
    pub(crate) name: String,
    /// How hashes are laid out, such as `{digest:hex}:{salt}`; several where they differ.
    pub(crate) stored: Vec<String>,
    /// The digest, such as `md5(hex(md5(password)) + salt)`; with `pbkdf2`, its password.
    pub(crate) digest: Option<String>,
    /// What each further round makes of the `digest` before.
    pub(crate) again: Option<String>,
    /// The hash function of PBKDF2, such as `sha256`.
    pub(crate) pbkdf2: Option<String>,
    /// Rounds, or iterations of PBKDF2, where the hash does not say them: 1 if left out.
    pub(crate) rounds: Option<NonZeroU32>,
    /// Instead of `stored` and `digest`: the formats whose hashes these are.
    pub(crate) like: Vec<String>,
    /// What stands before such a hash.
    pub(crate) prefix: String,
    /// What such a hash is one of, such as `password + pepper`: `password` if left out.
    pub(crate) password: Option<String>,
}

/// The migration ledger: which users have been seen since when, under pseudonyms. There is none unless this section is
/// there; it needs `audit.pseudonym_key`.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Ledger")]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLedger {
    /// The file, made with mode 0600 if it is not there. One gateway writes it.
    pub(crate) path: String,
    /// Returns the `user_id` of every user who has to be moved: `select id from users`, or in a directory a filter that
    /// finds them. Who is left out on purpose is left out here, in a `where`. Run by `lychgate ledger` alone; without it
    /// nobody can say who is left.
    pub(crate) users: Option<String>,
    /// Whether the platform imports users at their first login, as the connection's settings say. Only then does a user
    /// who does not come back count as moved.
    #[serde(default)]
    pub(crate) imports: bool,
    /// How long the platform must have asked for nobody, before the store may be disconnected.
    pub(crate) quiet: Option<RawDuration>,
}
