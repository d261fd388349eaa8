//! `lychgate password`: what hashes are, whether one is of a password, and new ones.
//! Hashes come from a file or standard input, secrets from a prompt or a file; neither is ever an argument or in an error.

mod identify;
mod input;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use lychgate_password::{Error, Format, Known, Limits, Pool, Proof, Settings, Untried, prove};
use serde_json::json;

use self::input::Input;
use super::{Failure, ReportFormat};
use crate::config;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say what hashes may be, and what to accept; a known password proves one.
    Identify(Identify),
    /// Say whether a hash is of a password: status 0 if it is, 1 if not.
    Verify(Verify),
    /// Make a new hash of a password.
    Hash(Hash),
}

#[derive(Args)]
struct Identify {
    #[command(flatten)]
    hashes: Hashes,
    /// Ask for the password of the one hash, to prove its format.
    #[arg(long, conflicts_with = "password")]
    prove: bool,
    #[command(flatten)]
    secrets: Secrets,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    hashes: Hashes,
    /// The format that it must be of; by default any that fits.
    #[arg(long, value_name = "NAME")]
    format_name: Option<String>,
    #[command(flatten)]
    secrets: Secrets,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

#[derive(Args)]
struct Hash {
    /// The format of the new hash: `argon2id` or `bcrypt`.
    #[arg(long, value_name = "NAME", default_value = "argon2id")]
    format_name: String,
    /// The file whose first line is the password, `-` for standard input; a prompt if left out.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

#[derive(Args)]
struct Hashes {
    /// The file with the hashes, one a line; standard input if left out.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A config whose own formats are known, too.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Secrets {
    /// The file whose first line is the password, `-` for the first line of standard input; a prompt if left out.
    #[arg(long = "password-file", value_name = "FILE")]
    password: Option<PathBuf>,
    /// The file whose first line is the name of the user, which some formats hash.
    #[arg(long = "user-name-file", value_name = "FILE")]
    user_name: Option<PathBuf>,
    /// The file whose first line is the secret of the application (the pepper), which some formats hash.
    #[arg(long = "pepper-file", value_name = "FILE")]
    pepper: Option<PathBuf>,
}

/// Does what was asked for.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.what {
        What::Identify(arguments) => identify::run(&arguments),
        What::Verify(arguments) => verify(&arguments),
        What::Hash(arguments) => hash(arguments).await,
    }
}

fn verify(arguments: &Verify) -> Result<(), Failure> {
    let accepted = arguments.hashes.accepted()?;
    let declared = declared(&accepted);
    let wanted = arguments.format_name.as_deref();
    let wanted = wanted.map(|name| named(name, &declared)).transpose()?;
    let mut input = Input::default();
    let secrets = input.secrets(&arguments.secrets)?;
    let hash = input.one_hash(arguments.hashes.file.as_deref())?;
    let mut proof = prove(&hash, &secrets.known(), &declared, &Limits::default());
    if let Some(wanted) = wanted {
        if !wanted.fits(&hash) {
            let reason = format!("the hash is none of `{wanted}`");
            return Err(Failure::Finding(reason));
        }
        proof.proven.retain(|format| *format == wanted);
        proof.untried.retain(|(format, _)| *format == wanted);
    }
    let names = names(&proof.proven);
    let text = if names.is_empty() {
        format!("no\n{}", untried_lines(&proof))
    } else {
        format!("yes, as {}\n", names.join(", "))
    };
    match arguments.format {
        ReportFormat::Text => print(&text)?,
        ReportFormat::Json => print_json(&json!({
            "verified": !names.is_empty(),
            "formats": proof.proven.iter().map(|format| format.name()).collect::<Vec<_>>(),
            "untried": untried_json(&proof),
        }))?,
    }
    if names.is_empty() {
        let reason = "this is not shown to be the password of the hash".to_owned();
        return Err(Failure::Finding(reason));
    }
    Ok(())
}

async fn hash(arguments: Hash) -> Result<(), Failure> {
    let format = named(&arguments.format_name, &[])?;
    let pool = Pool::start(Settings {
        accept: vec![format],
        write: format,
        threads: 1,
        queue: 0,
        ..Settings::default()
    })?;
    let password = Input::default().new_password(arguments.password_file.as_deref())?;
    let hash = pool.hash(password).await?;
    match arguments.format {
        ReportFormat::Text => print(&format!("{}\n", hash.expose_secret()))?,
        ReportFormat::Json => {
            print_json(&json!({ "format": format.name(), "hash": hash.expose_secret() }))?;
        }
    }
    Ok(())
}

fn named(name: &str, declared: &[Format]) -> Result<Format, Failure> {
    let own = declared.iter().find(|format| format.name() == name);
    Ok(own.copied().map_or_else(|| name.parse(), Ok)?)
}

/// The formats that config declares, of those that it accepts.
fn declared(accepted: &[Format]) -> Vec<Format> {
    let own = |format: &&Format| matches!(format, Format::Declared(_));
    accepted.iter().filter(own).copied().collect()
}

impl Hashes {
    /// The formats that are accepted: by the config, or where none says otherwise.
    fn accepted(&self) -> Result<Vec<Format>, Failure> {
        let Some(path) = &self.config else {
            return Ok(Settings::default().accept);
        };
        let gateway = config::read(path)?.gateway;
        let missing = || Failure::Usage(format!("{}: there is no gateway", path.display()));
        Ok(gateway.ok_or_else(missing)?.passwords.accept)
    }
}

fn names(formats: &[Format]) -> Vec<String> {
    formats.iter().map(|format| format!("`{format}`")).collect()
}

fn untried_lines(proof: &Proof) -> String {
    let line = |(format, why): &(Format, Untried)| {
        format!("not tried: `{format}`, {}\n", explanation(*why))
    };
    proof.untried.iter().map(line).collect()
}

fn untried_json(proof: &Proof) -> Vec<serde_json::Value> {
    let entry = |(format, why): &(Format, Untried)| json!({ "format": format.name(), "reason": explanation(*why) });
    proof.untried.iter().map(entry).collect()
}

fn explanation(why: Untried) -> &'static str {
    match why {
        Untried::NeedsPepper => "it needs the pepper of the application (--pepper-file)",
        Untried::NeedsUserName => "it needs the name of the user (--user-name-file)",
        Untried::TooCostly => "it asks for more work than the limits allow",
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    Ok(written.context("cannot write the answer")?)
}

fn print_json(document: &serde_json::Value) -> Result<(), Failure> {
    print(&format!("{document:#}\n"))
}

impl From<Error> for Failure {
    /// What was given cannot be used; the error says why, and never what it was.
    fn from(error: Error) -> Self {
        Self::Usage(error.to_string())
    }
}

impl input::Given {
    fn known(&self) -> Known<'_> {
        Known {
            password: &self.password,
            user_name: self.user_name.as_deref().map(String::as_str),
            pepper: self.pepper.as_ref(),
        }
    }
}
