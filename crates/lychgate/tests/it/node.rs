//! The action scripts, the rule and the actions under Node, where a platform runs them.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

#[expect(
    dead_code,
    reason = "of what the binary embeds, only the scripts are needed here"
)]
#[path = "../../src/templates.rs"]
mod templates;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn the_scripts_do_under_node_what_they_do_in_the_embedded_engine() {
    let scripts = tempfile::tempdir().unwrap();
    templates::write_scripts(scripts.path()).unwrap();
    let tests = test_files();
    assert!(!tests.is_empty(), "there are no tests to run under Node");

    let node = node();
    let version = output(Command::new(&node).arg("--version")).await;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let tests = output(
        Command::new(&node)
            .arg("--test")
            .args(&tests)
            .env("LYCHGATE_SCRIPTS", scripts.path()),
    )
    .await;
    assert!(
        tests.status.success(),
        "under Node {version} ({node}):\n{}{}",
        String::from_utf8_lossy(&tests.stdout),
        String::from_utf8_lossy(&tests.stderr),
    );
}

/// `LYCHGATE_NODE`, or the Node that is on the path.
#[expect(
    clippy::disallowed_methods,
    reason = "how a person names another Node than the one on the path"
)]
fn node() -> String {
    std::env::var("LYCHGATE_NODE").unwrap_or_else(|_| "node".to_owned())
}

fn test_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut tests: Vec<_> = files
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    tests.sort();
    tests
}

async fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    output
        .expect("Node hangs")
        .unwrap_or_else(|error| panic!("Node does not start: {error}"))
}
