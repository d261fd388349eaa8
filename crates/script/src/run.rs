//! What a call of a script leaves behind: its outcome, and what it said and asked on the way.

use std::time::Duration;

use serde_json::Value;

/// One call of a script.
#[derive(Debug)]
pub struct Run<T> {
    /// What the script handed out, or why it did not.
    pub outcome: Result<T, Failure>,
    /// What it wrote to `console`, and what the container has to say about it; at most 200 lines of 4 KiB.
    pub logs: Vec<LogLine>,
    /// The requests it made, in the order of their ends.
    pub outbound: Vec<OutboundCall>,
    /// How long it took.
    pub duration: Duration,
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The script passed an error to its callback, threw, or its promise was rejected.
    #[error("the script failed: {0}")]
    Thrown(ScriptError),
    /// The script took longer than `timeout`.
    #[error("the script took longer than its container allows")]
    TimedOut,
    /// The instance ran out of memory.
    #[error("the script used more memory than its container allows")]
    MemoryExceeded,
    /// The script recursed too deep.
    #[error("the script used more stack than its container allows; look for endless recursion")]
    StackExceeded,
    /// The script ended, with nothing left to wait for, and never called back. While other calls of its container wait for something,
    /// it might wait for that too; then this is a [`Failure::TimedOut`].
    #[error("the script ended without calling its callback")]
    NoCallback,
    /// The result, as JSON, is larger than `result_bytes`.
    #[error("the script's result is larger than its container allows")]
    ResultTooLarge,
    /// Another call broke the instance that this call ran in, or the instance crashed.
    #[error("the script's container was ended by another call that broke a limit; try again")]
    ContainerLost,
    /// As many calls as the container takes are in flight.
    #[error("the script's container has too many calls in flight; try again later")]
    Overloaded,
    /// A function was wanted and the script is an action module, or the module lacks the wanted export.
    #[error("the script has no function {0}")]
    NoFunction(String),
    /// Ours: the engine could not be started.
    #[error("the JavaScript engine could not be started: {0}")]
    Engine(String),
}

/// An error as the script made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// Which of the platform's error classes it is.
    pub class: ErrorClass,
    /// Its message, at most 4 KiB; for something thrown that is not an `Error`, that thing as text.
    pub message: String,
}

/// The platform's error classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// `WrongUsernameOrPasswordError`.
    WrongUsernameOrPassword {
        /// Whose password was wrong; none for an unknown user (the platform's `fp` and `fu`).
        identifier: Option<String>,
    },
    /// `ValidationError`.
    Validation {
        /// Such as `user_exists`.
        code: String,
    },
    /// `UnauthorizedError`: its message is meant for the user.
    Unauthorized,
    /// Everything else.
    Other,
}

/// A line of a call's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How it was said.
    pub level: LogLevel,
    /// What was said.
    pub text: String,
}

/// How a line was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// `console.debug`, `console.trace`.
    Debug,
    /// `console.log`, `console.info`.
    Info,
    /// `console.warn`.
    Warn,
    /// `console.error`.
    Error,
    /// The container's own words.
    Container,
}

/// A request that a script made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundCall {
    /// HTTP method.
    pub method: String,
    /// Where to, without credentials, query and fragment: those may hold secrets.
    pub url: String,
    /// The status of the answer, or why there is none.
    pub answer: Result<u16, String>,
    /// How long it took.
    pub duration: Duration,
}

/// A call that an action made of its `api`.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    /// Such as `access.deny`.
    pub name: &'static str,
    /// What was passed.
    pub arguments: Vec<Value>,
}

impl std::fmt::Display for ScriptError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let class = match &self.class {
            ErrorClass::WrongUsernameOrPassword { .. } => "WrongUsernameOrPasswordError",
            ErrorClass::Validation { code } => {
                return write!(f, "ValidationError ({code}): {}", self.message);
            }
            ErrorClass::Unauthorized => "UnauthorizedError",
            ErrorClass::Other => return f.write_str(&self.message),
        };
        write!(f, "{class}: {}", self.message)
    }
}
