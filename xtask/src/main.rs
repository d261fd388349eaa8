//! The project's own tasks: `cargo xtask test`, `servers`, `lint`, `generate` and `bench`.
//!
//! `.ci/run` calls the first two and nothing else, so what passes here passes there.
#![expect(clippy::print_stderr, reason = "a task tells its reader what it does")]

mod bench;
mod command;
mod lint;
mod prerequisites;
mod servers;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this project.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test, with what they need installed and started.
    Test {
        /// Only tests whose name contains this.
        filter: Option<String>,
    },
    /// Start the servers that tests need, and keep them until the end of the standard input.
    ///
    /// Prints the variables by which `cargo test` finds them.
    Servers,
    /// Check formatting, lints, docs, dependencies, arrows between crates, sizes, generated files.
    Lint,
    /// Write the generated files anew: config schema, reference pages, denial table.
    Generate,
    /// Measure the gateway beside one of the usual make, and write `docs/performance.md`.
    Bench {
        /// What to measure.
        scenario: bench::Scenario,
        /// Measure for a minute or two, show what was found, and write nothing.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Test { filter } => test::run(filter.as_deref()),
        Task::Servers => test::serve(),
        Task::Lint => lint::run(),
        Task::Generate => test::generate(),
        Task::Bench { scenario, quick } => bench::run(scenario, quick),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
