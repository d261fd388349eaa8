//! `lychgate export`: what a platform needs, as files, and what a database has to grant, as a script.

mod allowlist;
pub(super) mod grants;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::{Failure, in_runtime};
use crate::templates;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write the action scripts, the rule and the actions. A file that is there already is left as it is.
    Scripts {
        /// The folder to write `action_scripts`, `rules` and `actions` into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Print the allowlist for what stands in front: a firewall, a cloud, or PostgreSQL itself.
    Allowlist(allowlist::Arguments),
    /// Print the smallest GRANTs by which the statements of the config work, for whoever administers the store.
    Grants(grants::Arguments),
}

/// Writes what was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.what {
        What::Scripts { out } => Ok(scripts(&out)?),
        What::Allowlist(arguments) => allowlist::run(&arguments),
        What::Grants(arguments) => in_runtime(grants::run(arguments)),
    }
}

/// Writes the files, and prints their names.
fn scripts(out: &Path) -> Result<()> {
    let written = templates::write_scripts(out)?;
    let mut stdout = std::io::stdout().lock();
    for file in written {
        writeln!(stdout, "{}", file.display()).context("cannot print the names")?;
    }
    Ok(())
}
