//! `lychgate completions SHELL`.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The shell to complete for.
    shell: Shell,
}

/// Prints the completions of `command`.
pub(crate) fn print(arguments: &Arguments, command: &mut clap::Command) -> anyhow::Result<()> {
    // It panics where it cannot write, so it writes to memory.
    let mut completions = Vec::new();
    clap_complete::generate(arguments.shell, command, "lychgate", &mut completions);
    std::io::stdout()
        .write_all(&completions)
        .context("cannot print the completions")
}
