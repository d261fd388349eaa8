//! `lychgate audit`: whether an audit log is whole, and the key that its signatures are verified with.

mod verify;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use clap::{Args, Subcommand};

pub(super) use self::verify::{Report, read};
use super::Failure;
use crate::config;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Prove that an audit log is whole, or say which line was changed, taken out, put in, moved or cut.
    Verify(verify::Arguments),
    /// Print the public key that verifies the signatures of the config's audit log, in PEM.
    PublicKey(PublicKey),
}

#[derive(Args)]
struct PublicKey {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.what {
        What::Verify(arguments) => verify::run(&arguments),
        What::PublicKey(arguments) => public_key(&arguments),
    }
}

fn public_key(arguments: &PublicKey) -> Result<(), Failure> {
    let config = config::read(&arguments.config)?;
    let heads = config.gateway.and_then(|gateway| gateway.audit.heads);
    let Some(heads) = heads else {
        let config = arguments.config.display();
        let reason = format!("{config} has no `signing_key` under `[audit]`");
        return Err(Failure::Config(reason));
    };
    let der = heads.key.public_key().to_der();
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut stdout = std::io::stdout().lock();
    writeln!(
        stdout,
        "-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"
    )
    .context("cannot print the key")?;
    Ok(())
}
