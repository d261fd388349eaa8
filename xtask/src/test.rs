//! All tests, in as few invocations of cargo as they allow.

use anyhow::Result;

use crate::command::{self, answers};
use crate::prerequisites;

/// The variable that makes a test of a generated file write it instead of comparing it.
const GENERATE: &str = "LYCHGATE_GENERATE";

/// Installs what is missing, then runs the tests.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    prerequisites::install_missing()?;
    run_all(filter)
}

/// Writes every generated file anew, by the tests that compare them.
pub(crate) fn generate() -> Result<()> {
    command::run(
        "cargo",
        &["test", "--package", "lychgate", "generated"],
        &[(GENERATE, "1")],
    )
}

/// Runs every test of the workspace, or those whose name contains `filter`.
fn run_all(filter: Option<&str>) -> Result<()> {
    let filter = filter.as_slice();
    if answers("cargo-nextest", "--version") {
        command::run(
            "cargo",
            &[
                &["nextest", "run", "--workspace", "--no-tests=warn"],
                filter,
            ]
            .concat(),
            &[],
        )?;
        // nextest leaves the examples in doc comments to cargo.
        return command::run(
            "cargo",
            &[&["test", "--workspace", "--doc"], filter].concat(),
            &[],
        );
    }
    command::run("cargo", &[&["test", "--workspace"], filter].concat(), &[])
}
