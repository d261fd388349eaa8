//! `lychgate export`: what a platform needs, as files, and what a database has to grant, as a script.

mod allowlist;
mod auth0;
pub(super) mod grants;
mod openapi;
mod platform;
mod terraform;

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
    /// Write what an Auth0 tenant needs, in the layout that `auth0-deploy-cli` imports. No secret is among it, and a file
    /// that is there already is left as it is.
    Auth0(auth0::Arguments),
    /// Write the same as resources of Terraform's provider `auth0/auth0`.
    Terraform(platform::PlatformArguments),
    /// Write the action scripts, the rule and the actions. A file that is there already is left as it is.
    Scripts {
        /// The folder to write `action_scripts`, `rules` and `actions` into.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Print the allowlist for what stands in front: a firewall, a cloud, or PostgreSQL itself.
    Allowlist(allowlist::Arguments),
    /// Print the `OpenAPI` document of the operations that the config defines.
    Openapi(openapi::Arguments),
    /// Print the smallest GRANTs by which the statements of the config work, for whoever administers the store.
    Grants(grants::Arguments),
}

/// Writes what was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.what {
        What::Auth0(arguments) => auth0::run(&arguments),
        What::Terraform(arguments) => terraform::run(&arguments),
        What::Scripts { out } => Ok(print_names(&templates::write_scripts(&out)?)?),
        What::Allowlist(arguments) => allowlist::run(&arguments),
        What::Openapi(arguments) => openapi::run(&arguments),
        What::Grants(arguments) => in_runtime(grants::run(arguments)),
    }
}

/// Writes the files below a folder, and prints their names.
fn write(out: &Path, files: &[(String, String)]) -> Result<()> {
    print_names(&templates::write_new(out, files)?)
}

fn print_names(written: &[PathBuf]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    for file in written {
        writeln!(stdout, "{}", file.display()).context("cannot print the names")?;
    }
    Ok(())
}
