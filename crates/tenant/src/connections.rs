//! Custom database connections: the seven action scripts, and what the tenant makes of their answers.
//!
//! In comes what a person typed; out comes a profile that the legacy store vouches for, or why there is none. The tenant
//! keeps no password and asks the store at every login (the platform's legacy authentication, import off). An attacker
//! would want a failing script to look like a user who is there, or like one who is not.

mod action_script;
mod database;
mod profile;

pub use action_script::{ActionScript, ActionScripts};
pub(crate) use database::{Database, NewUser, ScriptFailed, Unrecognized, log_run};
pub(crate) use profile::Profile;

/// A connection, as configured.
#[derive(Clone)]
pub struct Connection {
    /// Its name: at most 35 letters, digits and dashes, no dash at an end.
    pub name: String,
    /// The scripts.
    pub scripts: ActionScripts,
    /// Where they run: `configuration`, `outbound_hosts`, limits.
    pub sandbox: lychgate_script::Settings,
}

impl Connection {
    /// Whether the name is one by the platform's rule.
    pub(crate) fn has_sound_name(&self) -> bool {
        let name = self.name.as_bytes();
        (1..=35).contains(&name.len())
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && name.first() != Some(&b'-')
            && name.last() != Some(&b'-')
    }
}

/// What the container of a connection has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionStatistics {
    /// Sandbox instances started.
    pub started: u64,
    /// Sandbox instances ended: idle, old, crashed, or over a limit.
    pub recycled: u64,
}
