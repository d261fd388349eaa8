//! A guarded way from an identity platform to a legacy user store.
//!
//! This crate is the command: it reads the config, wires the rooms together and talks to people. What the rooms do
//! stands in their own crates.

mod audit_log;
mod attack;
mod commands;
mod config;
mod demo;
mod evidence;
mod init;
mod ledger;
mod log;
mod preflight;
#[cfg(test)]
mod reference;
mod templates;
mod tenant_export;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match commands::run(commands::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_error(&failure);
            ExitCode::from(failure.exit_status())
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the last word of a command that failed"
)]
fn print_error(failure: &commands::Failure) {
    eprintln!("error: {failure}");
}
