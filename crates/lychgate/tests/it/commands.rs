//! The commands as a person or a shell meets them: what they print where, and with which exit status they end.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::lychgate;

/// How long a command that does no work may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What exactly it says stands in the generated reference of commands.
#[tokio::test]
async fn every_command_has_a_help_of_its_own() {
    let help = prints(&["--help"]).await;
    let commands = commands_of(&help);
    assert!(
        commands.contains(&"demo") && commands.contains(&"serve"),
        "{commands:?}"
    );
    for command in commands {
        let usage = format!("Usage: lychgate {command}");
        assert!(
            prints(&[command, "--help"]).await.contains(&usage),
            "{command}"
        );
    }
}

#[tokio::test]
async fn the_version_is_the_packages() {
    assert_eq!(
        prints(&["--version"]).await,
        format!("lychgate {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[tokio::test]
async fn completions_for_each_shell_know_every_command() {
    let help = prints(&["--help"]).await;
    for shell in ["bash", "zsh", "fish"] {
        let completions = prints(&["completions", shell]).await;
        for command in commands_of(&help) {
            assert!(
                completions.contains(command),
                "{shell} does not know `{command}`"
            );
        }
    }
}

#[tokio::test]
async fn bash_can_read_its_completions() {
    let completions = prints(&["completions", "bash"]).await;
    let mut bash = Command::new("bash");
    bash.arg("-n")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut bash = bash.spawn().unwrap();
    let mut input = bash.stdin.take().unwrap();
    input.write_all(completions.as_bytes()).await.unwrap();
    drop(input);
    let read = tokio::time::timeout(PATIENCE, bash.wait_with_output())
        .await
        .expect("bash hangs")
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
}

#[tokio::test]
async fn the_manual_page_is_roff_and_names_every_command() {
    let help = prints(&["--help"]).await;
    let page = prints(&["man"]).await;
    assert!(
        page.lines().any(|line| line.starts_with(".TH lychgate 1")),
        "{page}"
    );
    for command in commands_of(&help) {
        assert!(
            page.contains(&format!("lychgate\\-{command}(1)")),
            "the page does not name `{command}`"
        );
    }
}

#[tokio::test]
async fn wrong_usage_ends_in_2_and_says_why_on_standard_error() {
    let wrong: [&[&str]; 9] = [
        &[],
        &["no-such-command"],
        &["--no-such-option"],
        &["demo", "--port", "0"],
        &["demo", "--port", "65536"],
        &["demo", "--format", "xml"],
        &["serve", "lychgate.toml"],
        &["completions"],
        &["completions", "no-such-shell"],
    ];
    for arguments in wrong {
        let output = run(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("--help"),
            "{arguments:?}"
        );
    }
}

#[tokio::test]
async fn a_config_that_is_not_there_ends_in_2_and_is_named() {
    for (arguments, name) in [
        (&["serve", "--config", "nowhere.toml"][..], "nowhere.toml"),
        (&["serve"][..], "lychgate.toml"),
    ] {
        let output = run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
        assert!(said.contains(name), "{arguments:?}: {said}");
    }
}

/// The names under `Commands:`, but for clap's own `help`.
fn commands_of(help: &str) -> Vec<&str> {
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    listed
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

/// What a command that succeeds prints; it says nothing on standard error and uses no colours.
async fn prints(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        !text.contains('\u{1b}'),
        "{arguments:?} prints control sequences"
    );
    text
}

async fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = lychgate(folder.path(), arguments);
    // No terminal tells the width, so this does.
    command.env("COLUMNS", "100");
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .expect("the command hangs")
        .unwrap()
}
