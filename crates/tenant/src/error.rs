//! What keeps a tenant from starting, and what fails below a request.

use std::{io, path::PathBuf};

/// What can go wrong, by whose fault it is: the configuration's, the file system's, the state's, or ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be meant.
    #[error("{what} `{value}`: {reason}")]
    Setting {
        /// Which setting, in the words of the config.
        what: &'static str,
        /// The value, or the name of what holds it; never a secret.
        value: String,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// A file or folder that cannot be read or made.
    #[error("cannot open {}", file.display())]
    Read {
        /// Which one.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A script that is none.
    #[error("cannot use {}", file.display())]
    Script {
        /// Which file.
        file: PathBuf,
        /// What the sandbox said.
        source: lychgate_script::Error,
    },
    /// The state was written by another version of this program.
    #[error("the state in {} has version {found}, this program knows {known}: use the program that wrote it, or another file", file.display())]
    StateVersion {
        /// Which file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The state's file did not do what it was asked.
    #[error("the state failed to {action}")]
    State {
        /// What was asked.
        action: &'static str,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// A key that cannot be made, read or used.
    #[error(transparent)]
    Token(lychgate_token::Error),
    /// The address cannot be listened on.
    #[error(transparent)]
    Listener(lychgate_listener::Error),
    /// Ours.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl Error {
    /// For `map_err`: the state failed to do `action`.
    pub(crate) fn state(action: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::State { action, source }
    }

    /// The error with its causes, for the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        text
    }
}
