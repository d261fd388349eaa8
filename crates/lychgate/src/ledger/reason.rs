//! Why the store may not be disconnected yet, in words, each with the mend.

use std::fmt;

use lychgate_store::ledger::Loss;
use serde::Serialize;

use super::model::Doubt;
use super::report::moment;

/// One thing that stands against it, and the mend.
#[derive(Serialize)]
pub(super) struct Reason {
    pub(super) id: &'static str,
    pub(super) what: String,
    pub(super) mend: &'static str,
}

impl Reason {
    pub(super) fn of(doubt: &Doubt) -> Self {
        let (id, mend) = match doubt {
            Doubt::NotRunning { .. } => (
                "not-running",
                "start the gateway whose config has this `[ledger]`, and see that its clock is right",
            ),
            Doubt::Incomplete { .. } => (
                "incomplete",
                "if you know that no login came through the store then, say so with `--i-accept-gaps`",
            ),
            Doubt::NoImports => (
                "no-imports",
                "turn on the import of users in the connection, then write `imports = true` into `[ledger]`",
            ),
            Doubt::NotListed => (
                "not-listed",
                "write `users = \"select id from users\"` into `[ledger]`: a number cannot say who is left",
            ),
            Doubt::Nobody => (
                "nobody-listed",
                "look at `users` of `[ledger]`, and at what its role may see",
            ),
            Doubt::Left(_) => (
                "users-left",
                "wait, invite them, or leave out on purpose who will not come, in the `where` of `users`",
            ),
            Doubt::CameBack(_) => (
                "users-came-back",
                "look for them at the platform (`--left FILE` names them); leave out of `users` who is there by now",
            ),
            Doubt::NotQuiet { .. } => ("not-quiet", "wait"),
        };
        Self {
            id,
            what: doubt.to_string(),
            mend,
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning { since } => write!(
                out,
                "the ledger is not being kept: its last sign of life is of {}",
                moment(*since)
            ),
            Self::Incomplete { loss, lost } => {
                let what = match loss {
                    Loss::Stopped => "nobody kept the ledger for a time",
                    Loss::Killed => "the gateway was ended before the ledger had its last word",
                    Loss::Stalled => "the ledger could not be written for a time",
                    Loss::Clock => "the clock went back",
                    Loss::Dropped => "the ledger had no room for all it was told",
                };
                write!(out, "{what}, last until {}", moment(lost.until))
            }
            Self::NoImports => out.write_str("nothing says that the platform imports users"),
            Self::NotListed => out.write_str("nobody has said who the users are"),
            Self::Nobody => out.write_str("the store lists no user at all"),
            Self::Left(1) => out.write_str("1 user has not logged in"),
            Self::Left(left) => write!(out, "{left} users have not logged in"),
            Self::CameBack(came_back) => write!(
                out,
                "the platform has asked again for {came_back} who had logged in: it had not imported them"
            ),
            Self::NotQuiet { since, quiet } => write!(
                out,
                "it has been quiet since {} only, and must be for {}",
                moment(*since),
                humantime::format_duration(*quiet)
            ),
        }
    }
}
