//! `lychgate man`.

use anyhow::Context as _;

/// Prints the manual page of `command`, in the form that `man` reads.
pub(crate) fn print(command: clap::Command) -> anyhow::Result<()> {
    clap_mangen::Man::new(command)
        .render(&mut std::io::stdout())
        .context("cannot print the manual page")
}
