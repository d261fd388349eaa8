//! What a machine can say about the code, beside that its tests pass.

mod arrows;
mod dependencies;
mod sizes;

use anyhow::{Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::command::{answers, root};

/// Runs every check; the first command of cargo that fails ends it, our own findings are shown together.
pub(crate) fn run() -> Result<()> {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ],
        &[],
    )?;
    cargo(
        &[
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ],
        &[("RUSTDOCFLAGS", "--deny warnings")],
    )?;
    if answers("cargo-deny", "--version") {
        cargo(&["deny", "check", "licenses", "bans", "sources"], &[])?;
    }
    let metadata = MetadataCommand::new().current_dir(root()).exec()?;
    let findings = findings(&metadata)?;
    for finding in &findings {
        eprintln!("- {finding}");
    }
    ensure!(findings.is_empty(), "{} findings", findings.len());
    cargo(&crate::test::COMPARE, &[])
}

fn findings(metadata: &Metadata) -> Result<Vec<String>> {
    let mut findings = arrows::findings(metadata);
    findings.extend(dependencies::findings(metadata)?);
    findings.extend(sizes::findings()?);
    Ok(findings)
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    crate::command::run("cargo", arguments, environment)
}
