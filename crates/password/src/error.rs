//! What can go wrong, by whose fault it is. No message holds a password or a hash, nor says how long one is.

use crate::{Format, mix, pool};

/// Why a value was refused or a computation not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's: a password of no bytes.
    #[error("a password must not be empty")]
    EmptyPassword,
    /// The caller's: more bytes than any password may have, or than the format of new hashes reads.
    #[error("a password may have at most {limit} bytes here")]
    PasswordTooLong {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The caller's: a new bcrypt hash of a password with a NUL in it, which most libraries read only up to there.
    #[error("a password for a bcrypt hash must not contain the NUL character")]
    NulInPassword,
    /// The legacy store's: a stored hash that is longer than any hash is.
    #[error("a stored hash may have at most {limit} bytes")]
    HashTooLong {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The legacy store's: a stored hash with a NUL in it.
    #[error("a stored hash must not contain the NUL character")]
    NulInHash,
    /// The configuration's: no format has this name.
    #[error("no password format has this name; there are {known}", known = Format::names())]
    UnknownFormat,
    /// The configuration's: a format that is only read, never written.
    #[error(
        "`{0}` is only read, never written; new passwords are written as `argon2id` or `bcrypt`"
    )]
    NotWritable(Format),
    /// The configuration's: new hashes could not be verified afterwards.
    #[error(
        "passwords are written as `{0}`, which is not among the accepted formats; accept it as well"
    )]
    WriteNotAccepted(Format),
    /// The configuration's: a declared format that cannot be.
    #[error("the declared format {reason}")]
    Declaration {
        /// What is wrong with it.
        reason: String,
    },
    /// The configuration's: a hash of one format may be one of the other.
    #[error(
        "hashes of `{0}` and `{1}` cannot be told apart; accept one of them, or put a prefix before one in the statement and declare that"
    )]
    Ambiguous(Format, Format),
    /// The configuration's: a format that needs a secret of the application.
    #[error("`{0}` needs the pepper of the application")]
    PepperMissing(Format),
    /// The configuration's: a pepper that is empty, or longer than any.
    #[error("a pepper must have from 1 to {limit} bytes")]
    Pepper {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// The configuration's: less memory than one new hash takes.
    #[error("the password pool has less memory than one new hash takes")]
    Memory,
    /// The caller's: a format that hashes the name of the user, and no name.
    #[error("a hash of `{0}` is verified with the name of its user, and none was given")]
    UserNameMissing(Format),
    /// The configuration's: a number of threads that makes no sense.
    #[error("the password pool needs from 1 to {limit} threads", limit = pool::MAX_THREADS)]
    Threads,
    /// The configuration's: a queue that is longer than any caller would wait in.
    #[error("the queue of the password pool may hold at most {limit} callers", limit = pool::MAX_QUEUE)]
    Queue,
    /// The configuration's: a mix that gives no decoy, or too many kinds of it.
    #[error("a decoy mix has from 1 to {limit} classes, and at least one of them has a weight", limit = mix::MAX_CLASSES)]
    DecoyMix,
    /// The configuration's: a decoy in a format that the pool would refuse.
    #[error(
        "the decoy mix has `{0}`, which is not among the accepted formats; accept it, or leave it out of the mix"
    )]
    DecoyNotAccepted(Format),
    /// The configuration's: a decoy at a cost that no hash of its format has, or that is over the limits.
    #[error(
        "the decoy mix has `{format}` at cost {cost}, which the format or the limits do not allow"
    )]
    DecoyCost {
        /// The format of the class.
        format: Format,
        /// The cost of the class, in the unit of its format.
        cost: u32,
    },
    /// Ours: the queue is full, or the wait in it is over. Nothing was computed; ask again later.
    #[error("the password pool is overloaded")]
    Overloaded,
    /// Ours: the system gave no thread to the pool.
    #[error("cannot start a thread of the password pool")]
    Spawn(#[source] std::io::Error),
    /// Ours: what cannot happen did; the text says what.
    #[error("internal error of the password pool: {0}")]
    Internal(&'static str),
}
