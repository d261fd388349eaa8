//! What can be wrong before a script runs, by whose fault it is.

/// A script or a setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The script's author: more text than the platform takes.
    #[error("script {name} has {bytes} bytes; at most {limit} are allowed")]
    TooLong {
        /// Name of the script.
        name: String,
        /// Its size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The script's author: text that is not JavaScript.
    #[error("script {name}, line {line}: {message}")]
    Syntax {
        /// Name of the script.
        name: String,
        /// Line within the script, from 1.
        line: u32,
        /// What the engine says.
        message: String,
    },
    /// The script's author: JavaScript that is neither one function nor an action module.
    #[error(
        "script {name} is neither one function nor a module that sets `exports`; nothing may stand before or after the function, not even a semicolon"
    )]
    Shape {
        /// Name of the script.
        name: String,
    },
    /// The configuration: an entry of `outbound_hosts` that names no host.
    #[error("outbound host {entry:?}: {reason}; write `host`, `host:port` or `*.example.com`")]
    OutboundHost {
        /// The entry as it was written.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Ours: the JavaScript engine could not be started.
    #[error("the JavaScript engine could not be started: {0}")]
    Engine(String),
}
