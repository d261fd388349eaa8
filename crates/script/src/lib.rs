//! The sandbox in which action scripts, rules and actions run.
//!
//! In comes the text of a script and plain JSON; out comes what the script handed to its callback, or why it did not.
//! A script sees what it would see on the platform's Node 22 and nothing of the host: no file, no environment, no process, and no
//! network but the hosts its container lists. An attacker who wrote a script would want the host's memory, another container's `global`,
//! or an address that only this machine can reach.

mod settings;
mod script;
mod container;
mod engine;
mod environment;
mod outbound;
mod failure;
mod run;
mod error;

pub use container::Container;
pub use error::Error;
pub use outbound::OutboundHost;
pub use run::{ApiCall, ErrorClass, Failure, LogLevel, LogLine, OutboundCall, Run, ScriptError};
pub use script::Script;
pub use settings::{OutboundBounds, Settings};
