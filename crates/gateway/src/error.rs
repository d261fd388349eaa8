//! Why a gateway does not start, by whose fault it is: what happened, where, and what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// An error of this crate. All of them come before the first request, or before other settings are in force; what goes wrong
/// in a request is a [`Problem`](crate::problem::Problem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The configuration.
    /// Plain HTTP, or the admin listener, elsewhere than on loopback.
    #[error("not a loopback address: without TLS only this machine may reach it")]
    NotLoopback(SocketAddr),
    /// Plain HTTP from a proxy that nobody names.
    #[error(
        "TLS is said to end at a trusted proxy, and there is none: name who says the client's address, and `trusted_proxies`"
    )]
    NoTrustedProxy,
    /// An issuer that cannot be trusted to be itself.
    #[error("the issuer {0}; write it as its discovery document does")]
    Issuer(&'static str),
    /// A place of keys that anyone on the way could change.
    #[error("the place of the keys is neither https nor on loopback")]
    KeyLocation,
    /// A public URL that no client could have made a proof for.
    #[error("the public URL {0}; write what the scripts have as `GATEWAY_URL`")]
    PublicUrl(&'static str),
    /// An audience that is empty or a wildcard.
    #[error("the audience is empty or a wildcard; name the identifier of the API in the tenant")]
    Audience,
    /// A client that is empty or a wildcard.
    #[error("a client is empty or a wildcard; name the client id of the script client")]
    Client,
    /// A list without which nobody could call.
    #[error("`{0}` is empty; nobody could call")]
    EmptyList(&'static str),
    /// A pseudonym key that could be guessed.
    #[error("the pseudonym key has fewer than {0} bytes; make one with `openssl rand -hex 32`")]
    PseudonymKey(usize),
    /// A lockout that would do harm.
    #[error("the lockout: {0}")]
    Lockout(&'static str),
    /// A statement's columns do not make a profile.
    #[error("statement `{statement}`: {fault}")]
    Profile {
        /// The statement.
        statement: &'static str,
        /// What is wrong with its columns.
        fault: crate::profile::ColumnFault,
    },
    /// A rename of a column that no statement returns.
    #[error("`[store.profile]` takes `{field}` from column `{column}`, which no statement returns")]
    UnusedRename {
        /// The profile's field.
        field: &'static str,
        /// The column.
        column: String,
    },
    /// The audit file cannot be written.
    #[error("the audit file {} cannot be opened for appending", path.display())]
    AuditFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The admin socket would not be the gateway's own.
    #[error("the admin socket {} {reason}", path.display())]
    AdminSocket {
        /// The socket.
        path: PathBuf,
        /// Why it cannot be there.
        reason: &'static str,
    },
    /// The admin socket cannot be made.
    #[error("the admin socket {} cannot be made", path.display())]
    AdminSocketFile {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The audit file holds something else.
    #[error(
        "the end of the audit file {} is not of an audit chain; move the file away, and a new one is begun",
        .0.display()
    )]
    AuditFileForeign(PathBuf),
    /// A place that is none of the system's log.
    #[error(
        "the system's log is a socket, such as `/dev/log`, or a relay on this machine, such as `tcp://127.0.0.1:601`"
    )]
    AuditSyslogAddress,
    /// The system's log cannot be reached.
    #[error("audit lines go to the system's log, which cannot be reached")]
    AuditSyslog(#[source] io::Error),
    /// A key that cannot sign the head of an audit chain.
    #[error(
        "the audit signing key is no private key of Ed25519 in PKCS#8 and PEM; make one with \
         `openssl genpkey -algorithm ed25519`"
    )]
    AuditSigningKey,
    /// A key by which signatures of an audit chain cannot be verified.
    #[error("no public key of Ed25519 in PEM; `lychgate audit public-key` prints the gateway's")]
    AuditPublicKey,
    /// The migration ledger cannot be used.
    #[error(transparent)]
    Ledger(lychgate_store::LedgerError),
    /// Standard output, where audit lines were to go, is closed.
    #[error("audit lines go to standard output, which cannot be written")]
    AuditStdout(#[source] io::Error),

    /// An issuer's keys, which other settings look for elsewhere, are not there.
    #[error("the keys of {0} cannot be fetched as the new settings have it; the log says why")]
    KeysNotFetched(String),

    // Other rooms.
    /// A socket cannot be bound.
    #[error(transparent)]
    Listener(#[from] lychgate_listener::Error),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] lychgate_store::Error),
    /// The password pool cannot be started.
    #[error(transparent)]
    Passwords(#[from] lychgate_password::Error),

    // Us.
    /// The system gives no random name for a chain of audit lines.
    #[error("the system gives no random bytes to name the chain of audit lines")]
    AuditChain,
    /// The client that fetches keys cannot be made.
    #[error("the client that fetches keys cannot be made")]
    KeyClient(#[source] reqwest::Error),
}
