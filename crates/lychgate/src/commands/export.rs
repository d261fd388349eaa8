//! `lychgate export`: what a platform needs, as files.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

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
}

/// Writes the files, and prints their names.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let What::Scripts { out } = arguments.what;
    let written = templates::write_scripts(&out)?;
    let mut stdout = std::io::stdout().lock();
    for file in written {
        writeln!(stdout, "{}", file.display()).context("cannot print the names")?;
    }
    Ok(())
}
