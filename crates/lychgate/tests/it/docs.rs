//! What the documentation tells people to type is typed here; what it says then happens has to happen.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::support::{free_port, lychgate};

/// How long all of a page may take before it is called hung.
const PATIENCE: Duration = Duration::from_mins(2);

/// The ports of the tutorial: where it is tested, others may be taken.
const PORTS: [&str; 4] = ["8000", "8001", "8002", "8003"];

/// What is printed after each block, to tell the output of one from that of the next.
const END: &str = "-- the end of a block --\n";

#[tokio::test]
async fn every_command_of_a_page_that_is_typed_does_what_the_page_says() {
    let mut pages = markdown_in(&root().join("docs/tutorial"));
    pages.push(root().join("docs/how-to/auth0.md"));
    pages.push(root().join("docs/how-to/from-a-table-of-2009.md"));
    pages.push(root().join("docs/how-to/identify-hashes.md"));
    pages.push(root().join("docs/how-to/mutual-tls.md"));
    assert!(pages.len() > 1);
    for page in pages {
        let text = with_free_ports(&std::fs::read_to_string(&page).unwrap());
        let blocks = runnable_blocks(&text);
        assert!(blocks.len() > 2, "{}", page.display());
        let folder = tempfile::tempdir().unwrap();
        let output = run_in_order(folder.path(), &blocks).await;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut outputs = said.split(END);
        for block in &blocks {
            let said = outputs.next().unwrap_or_default();
            if let Some(expected) = block.expected {
                assert_eq!(said, expected, "after\n{}", block.commands);
            }
        }
        assert!(output.status.success(), "it stopped half-way:\n{said}");
    }
}

#[tokio::test]
async fn every_other_command_of_the_documentation_exists() {
    let tasks = tasks();
    for page in [
        "README.md",
        "CONTRIBUTING.md",
        "docs/how-to/attack.md",
        "docs/how-to/from-a-table-of-2009.md",
        "docs/how-to/least-privilege.md",
        "docs/how-to/end-a-migration.md",
        "docs/how-to/allowlist-elsewhere.md",
        "docs/how-to/ldap.md",
        "docs/how-to/limits.md",
        "docs/how-to/audit.md",
        "docs/how-to/canaries.md",
        "docs/how-to/evidence.md",
        "docs/tutorial/your-own-store.md",
    ] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        assert!(!indented_commands(&text).is_empty(), "{page}");
        for command in indented_commands(&text) {
            let words: Vec<&str> = command.split_whitespace().collect();
            match words.as_slice() {
                ["cargo", "xtask", task, ..] => assert!(tasks.contains(*task), "{page}: {command}"),
                ["cargo", "run", "--release", "--", arguments @ ..]
                | ["lychgate", arguments @ ..] => {
                    assert!(is_understood(arguments).await, "{page}: {command}");
                }
                ["cargo", "build", "--release"] | ["export", ..] => {}
                _ => panic!("{page}: nothing runs `{command}`"),
            }
        }
    }
}

#[test]
fn continuous_integration_runs_the_commands_of_the_readme() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let integration = read(".ci/run");
    let run: Vec<&str> = integration
        .lines()
        .filter(|line| line.starts_with("cargo "))
        .collect();
    assert_eq!(run, ["cargo xtask test", "cargo xtask lint"]);
    assert!(indented_commands(&read("README.md")).contains(&"cargo xtask test".to_owned()));
}

#[test]
fn every_link_of_the_documentation_leads_to_a_file() {
    let mut pages = markdown_in(&root());
    for folder in [
        "docs",
        "docs/explanation",
        "docs/explanation/decisions",
        "docs/how-to",
        "docs/reference",
        "docs/tutorial",
    ] {
        pages.extend(markdown_in(&root().join(folder)));
    }
    let mut lost = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || file.is_empty();
            if !elsewhere && !page.parent().unwrap().join(file).exists() {
                lost.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_test_that_the_explanation_names_exists() {
    let mut sources = String::new();
    read_sources(&root().join("crates"), &mut sources);
    let page = |page: &str| std::fs::read_to_string(root().join(page)).unwrap();
    let boundaries = page("docs/explanation/threat-model.md") + &page("SECURITY.md");
    names_tests_that_exist(&boundaries, &sources);
    names_tests_that_exist(&page("docs/explanation/jwt-best-practices.md"), &sources);
}

fn names_tests_that_exist(text: &str, sources: &str) {
    // A name of a test is a sentence; a name of anything else is shorter.
    let is_sentence = |name: &&str| {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        name.bytes().all(word) && name.matches('_').count() >= 3
    };
    let named: BTreeSet<&str> = text.split('`').filter(is_sentence).collect();
    assert!(named.len() > 20, "{named:?}");
    let is_lost = |name: &&&str| !sources.contains(&format!("fn {name}("));
    let lost: Vec<_> = named.iter().filter(is_lost).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

fn read_sources(folder: &Path, sources: &mut String) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

/// Commands that are typed, and what is then seen, where the page says it.
struct Block<'page> {
    commands: &'page str,
    expected: Option<&'page str>,
}

/// The fenced blocks of `sh`, each with the block of `text` that comes right after it.
fn runnable_blocks(page: &str) -> Vec<Block<'_>> {
    let blocks = page.split("```sh\n").skip(1);
    blocks
        .map(|rest| {
            let (commands, after) = rest.split_once("```\n").unwrap();
            let expected = after.strip_prefix("\n```text\n");
            let expected = expected.and_then(|text| text.split_once("```\n"));
            Block {
                commands,
                expected: expected.map(|(text, _)| text),
            }
        })
        .collect()
}

/// Runs the blocks in one shell, as somebody would who types them; both outputs go to the same place, as on a terminal.
async fn run_in_order(folder: &Path, blocks: &[Block<'_>]) -> Output {
    let mut script =
        "set -eu\nexec 2>&1\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n".to_owned();
    for block in blocks {
        script.push_str(block.commands);
        writeln!(script, "printf '%s\\n' '{}'", END.trim_end()).unwrap();
    }
    let shell = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder)
        .env("PATH", path_with_the_binary_first())
        .env("NO_COLOR", "1")
        .env_remove("LYCHGATE_LOG")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, shell)
        .await
        .expect("a command hangs")
        .unwrap()
}

fn path_with_the_binary_first() -> OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_lychgate"));
    let mut path = binary.parent().unwrap().as_os_str().to_owned();
    path.push(":/usr/local/bin:/usr/bin:/bin");
    path
}

fn with_free_ports(page: &str) -> String {
    let free = PORTS.map(|_| free_port());
    PORTS
        .iter()
        .zip(&free)
        .fold(page.to_owned(), |page, (port, (free, _))| {
            page.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{free}"))
                .replace(
                    &format!("127.0.0.1%3A{port}"),
                    &format!("127.0.0.1%3A{free}"),
                )
        })
}

/// The commands of indented blocks, without their comments.
fn indented_commands(page: &str) -> Vec<String> {
    let mut fenced = false;
    let mut commands = Vec::new();
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        if let Some(command) = line.strip_prefix("    ").filter(|_| !fenced) {
            let command = command.split(" #").next().unwrap_or_default().trim();
            commands.push(command.to_owned());
        }
    }
    commands
}

/// The tasks that `cargo xtask` has, by its own help.
fn tasks() -> BTreeSet<String> {
    let source = std::fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let (_, after) = source.split_once("enum Task {\n").unwrap();
    let (variants, _) = after.split_once("\n}\n").unwrap();
    let names = variants
        .lines()
        .filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    names
        .map(|line| line.trim_end_matches([',', ' ', '{']).to_lowercase())
        .collect()
}

/// Whether `lychgate` has such a command with such options.
async fn is_understood(arguments: &[&str]) -> bool {
    let asked = [arguments, &["--help"]].concat();
    let output = lychgate(&root(), &asked).output().await.unwrap();
    output.status.success()
}

fn markdown_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = files.map(|file| file.unwrap().path());
    let mut pages: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    pages
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
