//! `lychgate unlock`: ends the delays of one identifier, in the gateway that runs.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use super::{Failure, ReportFormat};
use crate::config;

/// No identifier is longer, in whatever spelling.
const MOST_BYTES: u64 = 2048;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The config of the gateway that runs.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// A file with the identifier. Without it, it is asked for, or read from standard input.
    #[arg(long, value_name = "FILE")]
    identifier_file: Option<PathBuf>,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

/// Asks the gateway, and says whether there was anything to end.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = config::read(&arguments.config)?;
    let socket = config.gateway.and_then(|gateway| gateway.admin_socket);
    let socket = socket.ok_or_else(|| {
        let config = arguments.config.display();
        Failure::Config(format!(
            "{config} has no `[gateway] admin_socket`: add one, and start the gateway anew"
        ))
    })?;
    let identifier = identifier(arguments.identifier_file.as_deref())?;
    let unlocked = lychgate_gateway::unlock(&socket, &identifier)
        .await
        .with_context(|| format!("asked at {}", socket.display()))?;
    let text = match (arguments.format, unlocked) {
        (ReportFormat::Json, _) => json!({ "unlocked": unlocked }).to_string(),
        (ReportFormat::Text, true) => "its failures are forgotten".to_owned(),
        (ReportFormat::Text, false) => "it has no failures".to_owned(),
    };
    writeln!(std::io::stdout(), "{text}").context("cannot print the answer")?;
    Ok(())
}

/// The first line of a file or of standard input; at a terminal it is asked for.
fn identifier(file: Option<&Path>) -> Result<String, Failure> {
    let read = if let Some(file) = file {
        std::fs::File::open(file).and_then(first_line)
    } else {
        if std::io::stdin().is_terminal() {
            write!(std::io::stderr(), "Identifier: ").context("cannot ask for it")?;
        }
        first_line(std::io::stdin().lock())
    };
    let line =
        read.map_err(|error| Failure::Usage(format!("no identifier can be read: {error}")))?;
    if line.is_empty() {
        return Err(Failure::Usage("there is no identifier".to_owned()));
    }
    Ok(line)
}

fn first_line(from: impl Read) -> std::io::Result<String> {
    let mut line = String::new();
    BufReader::new(from.take(MOST_BYTES)).read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}
