//! All tests, in as few invocations of cargo as they allow.

use std::num::NonZero;
use std::thread;

use anyhow::Result;

use crate::command::{self, answers};
use crate::prerequisites;
use crate::servers::Servers;

/// The variable that makes a test of a generated file write it instead of comparing it.
const GENERATE: &str = "LYCHGATE_GENERATE";

/// Installs what is missing, starts the servers, then runs the tests.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    prerequisites::install_missing()?;
    let servers = Servers::start()?;
    run_all(filter, &servers.environment())
}

/// Starts the servers alone, for whoever runs `cargo test` by hand.
pub(crate) fn serve() -> Result<()> {
    prerequisites::install_missing()?;
    let servers = Servers::start()?;
    for (name, value) in servers.environment() {
        eprintln!("export {name}={value}");
    }
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// What runs the tests that compare each generated file with what is true today.
///
/// The whole workspace, as every other set of packages has features of its own and is built anew.
pub(crate) const COMPARE: [&str; 6] = [
    "test",
    "--workspace",
    "--lib",
    "--bins",
    "--tests",
    "generated",
];

/// Writes every generated file anew, by the tests that compare them.
pub(crate) fn generate() -> Result<()> {
    command::run("cargo", &COMPARE, &[(GENERATE, "1")])
}

/// Runs every test of the workspace, or those whose name contains `filter`.
fn run_all(filter: Option<&str>, environment: &[(&str, &str)]) -> Result<()> {
    let filter = filter.as_slice();
    if answers("cargo-nextest", "--version") {
        let at_once = at_once().to_string();
        let run = ["nextest", "run", "--workspace", "--no-tests=warn"];
        command::run(
            "cargo",
            &[&run[..], &["--test-threads", at_once.as_str()], filter].concat(),
            environment,
        )?;
        // nextest leaves the examples in doc comments to cargo.
        return command::run(
            "cargo",
            &[&["test", "--workspace", "--doc"], filter].concat(),
            environment,
        );
    }
    command::run(
        "cargo",
        &[&["test", "--workspace"], filter].concat(),
        environment,
    )
}

/// Some more tests than there are cores: many of them wait, for a deadline or for another process.
fn at_once() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get) + 2
}
