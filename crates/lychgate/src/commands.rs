//! One file a command.

mod audit;
mod attack;
pub(crate) mod check;
mod completions;
mod demo;
mod evidence;
mod explain;
mod export;
mod init;
mod legacy_store;
mod ledger;
mod man;
mod preflight;
mod password;
mod sarif;
mod serve;
mod unlock;

use std::io;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::ConfigError;

/// A guarded way from an identity platform to a legacy user store.
#[derive(Parser)]
#[command(name = "lychgate", version, about, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole chain on one machine: a login, then the attacks, each open and shut.
    Demo(demo::Arguments),
    /// Run the roles that the config has: gateway, tenant, or both.
    Serve(serve::Arguments),
    /// Look at a legacy store and propose a config for it.
    Init(init::Arguments),
    /// Count what in a legacy store will trouble a migration.
    Preflight(preflight::Arguments),
    /// Judge a deployment: the config, the store behind it, and what its role may do there.
    Check(check::Arguments),
    /// Prove that an audit log is whole.
    Audit(audit::Arguments),
    /// Play the known attacks against a deployment that is yours.
    Attack(attack::Arguments),
    /// Tell every decision that was made for one request, from the audit log.
    Explain(explain::Arguments),
    /// Write down for an auditor what holds here, made by asking.
    Evidence(evidence::Arguments),
    /// Say how far a migration is, and whether the store may be disconnected.
    Ledger(ledger::Arguments),
    /// Write what a platform or a database needs.
    Export(export::Arguments),
    /// End the delays of one identifier whose password was wrong too often.
    Unlock(unlock::Arguments),
    /// Work with hashes: what they are, whether one is of a password, new ones.
    Password(password::Arguments),
    /// Print the completions for a shell.
    Completions(completions::Arguments),
    /// Print the manual page.
    Man,
}

/// How a command reports.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Lines for people.
    Text,
    /// One JSON document.
    Json,
}

/// Why a command did not succeed. It decides the exit status.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The config cannot be used.
    #[error("{0}")]
    Config(String),
    /// What was given to it cannot be used.
    #[error("{0}")]
    Usage(String),
    /// The command did its work, and what it found is not good.
    #[error("{0}")]
    Finding(String),
    /// Something went wrong on the way.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// 1 for a finding or a failure, 2 for wrong config or usage; what clap refuses ends in 2 before a command runs.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Finding(_) | Self::Other(_) => 1,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.to_string())
    }
}

/// Runs what was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Demo(arguments) => in_runtime(demo::run(arguments)),
        Command::Serve(arguments) => in_runtime(serve::run(arguments)),
        Command::Init(arguments) => in_runtime(init::run(arguments)),
        Command::Preflight(arguments) => in_runtime(preflight::run(arguments)),
        Command::Check(arguments) => in_runtime(check::run(arguments)),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Attack(arguments) => in_runtime(attack::run(arguments)),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Evidence(arguments) => in_runtime(evidence::run(arguments)),
        Command::Export(arguments) => export::run(arguments),
        Command::Ledger(arguments) => in_runtime(ledger::run(arguments)),
        Command::Unlock(arguments) => in_runtime(unlock::run(arguments)),
        Command::Password(arguments) => in_runtime(password::run(arguments)),
        Command::Completions(arguments) => {
            Ok(completions::print(&arguments, &mut Arguments::command())?)
        }
        Command::Man => Ok(man::print(Arguments::command())?),
    }
}

fn in_runtime(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime =
        tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    runtime.block_on(command)
}

/// A token that is cancelled by SIGTERM or Ctrl-C. What runs then has a bounded time to finish.
fn stop_signal() -> io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    cancel_at(SignalKind::terminate(), &stop)?;
    cancel_at(SignalKind::interrupt(), &stop)?;
    Ok(stop)
}

/// The same, and by a terminal that is closed.
fn stop_signal_or_hangup() -> io::Result<CancellationToken> {
    let stop = stop_signal()?;
    cancel_at(SignalKind::hangup(), &stop)?;
    Ok(stop)
}

fn cancel_at(kind: SignalKind, stop: &CancellationToken) -> io::Result<()> {
    let (mut signal, stop) = (signal(kind)?, stop.clone());
    tokio::spawn(async move {
        if stop.run_until_cancelled(signal.recv()).await.is_some() {
            stop.cancel();
        }
    });
    Ok(())
}
