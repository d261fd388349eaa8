//! `lychgate export openapi`: the API as it is with this config.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::commands::Failure;
use crate::config;

#[derive(Args)]
pub(super) struct Arguments {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
}

/// Prints the document.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(gateway) = config::read(&arguments.config)?.gateway else {
        return Err(Failure::Config(
            "the config has no `[gateway]`, and so no API to describe".to_owned(),
        ));
    };
    let statements = &gateway.store.statements;
    let document = lychgate_gateway::openapi_of(
        |operation| statements.contains_key(&operation.statement),
        &gateway.access_token.sender_constraint,
    );
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{document:#}").context("cannot print the document")?;
    Ok(())
}
