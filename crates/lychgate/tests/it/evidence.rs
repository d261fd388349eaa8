//! `lychgate evidence` over a deployment in which there is nothing to find, and over what was done to it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::check::{KEY, sqlite_folder};
use crate::serve::change_config;
use crate::support::{PASSWORD, SIGNING_KEY, Serve, lychgate};

/// A sound deployment that has run, and so has a log.
async fn deployment() -> TempDir {
    let folder = sqlite_folder().await;
    let serve = Serve::start(folder.path()).await;
    assert_eq!(serve.stop().await.0, Some(0));
    folder
}

async fn evidence(folder: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["evidence"], arguments].concat();
    lychgate(folder, &arguments).output().await.unwrap()
}

/// How it stands with each requirement, by what was written.
fn outcomes(folder: &Path) -> BTreeMap<String, String> {
    let written = std::fs::read(folder.join("evidence.json")).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    let requirements = written["requirements"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    requirements
        .iter()
        .map(|one| (text(&one["id"]), text(&one["outcome"])))
        .collect()
}

/// A report in which these attacks got through, and all others were blocked.
fn attacked(folder: &Path, open: &[&str]) {
    let ids = [
        "sql-injection",
        "quote-in-any-field",
        "algorithm-none",
        "algorithm-hmac-with-public-key",
    ];
    let attacks = ids.map(|id| {
        let outcome = if open.contains(&id) {
            "open"
        } else {
            "blocked"
        };
        json!({ "id": id, "what": "", "outcome": outcome })
    });
    let report = json!({ "attacks": attacks, "ok": open.is_empty() });
    std::fs::write(folder.join("attack.json"), report.to_string()).unwrap();
}

#[tokio::test]
async fn what_was_asked_is_told_and_what_was_not_is_not_taken_for_good() {
    let folder = deployment().await;
    let output = evidence(folder.path(), &["--out", "home"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let home = folder.path().join("home");
    let without = outcomes(&home);
    for (id, outcome) in [
        ("16.4.2", "holds"),
        ("13.3.2", "holds"),
        ("9.1.2", "in part"),
        ("1.2.4", "by test"),
        ("9.2.2", "not told"),
        ("12.2.1", "by test"),
    ] {
        assert_eq!(without[id], outcome, "{id}");
    }
    assert!(without.values().all(|outcome| outcome != "fails"));

    attacked(folder.path(), &[]);
    let again = evidence(folder.path(), &["--out", "two", "--attack", "attack.json"]).await;
    assert_eq!(again.status.code(), Some(0));
    let with = outcomes(&folder.path().join("two"));
    assert_eq!(
        (with["9.1.2"].as_str(), with["1.2.4"].as_str()),
        ("holds", "holds")
    );
    assert_eq!(with["9.2.2"], "not told");
}

#[tokio::test]
async fn what_fails_is_written_down_and_ends_in_1() {
    let folder = deployment().await;
    attacked(folder.path(), &["sql-injection"]);
    change_config(folder.path(), "max_lifetime = \"1h\"\n", "");
    let log = folder.path().join("audit.jsonl");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(
        &log,
        text.replacen("\"event\":\"start\"", "\"event\":\"head\"", 1),
    )
    .unwrap();
    let output = evidence(folder.path(), &["--out", "home", "--attack", "attack.json"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("requirements fail"), "{said}");
    let home = folder.path().join("home");
    let outcomes = outcomes(&home);
    for id in ["1.2.4", "9.2.1", "16.4.2", "16.2.1"] {
        assert_eq!(outcomes[id], "fails", "{id}");
    }
    assert_eq!(outcomes["9.1.2"], "holds");
    let page = std::fs::read_to_string(home.join("evidence.md")).unwrap();
    assert!(page.contains("attack `sql-injection`: fails"), "{page}");
    assert!(page.contains("`token-lifetime`"), "{page}");
}

#[tokio::test]
async fn nothing_is_written_over_and_no_secret_is_taken_home() {
    let folder = deployment().await;
    evidence(folder.path(), &["--out", "home"]).await;
    let home = folder.path().join("home");
    let names = ["evidence.md", "evidence.json"].map(|name| home.join(name));
    let written = names
        .each_ref()
        .map(|name| std::fs::read_to_string(name).unwrap());
    let key = SIGNING_KEY.lines().nth(1).unwrap();
    for text in &written {
        for secret in [
            KEY,
            key,
            "PRIVATE KEY",
            PASSWORD,
            "ada@example.com",
            "svc-backup",
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
        for told in [
            "urn:legacy-identity",
            "script-client",
            "127.0.0.0/8",
            "authenticate",
        ] {
            assert!(text.contains(told), "{told}");
        }
    }
    let again = evidence(folder.path(), &["--out", "home"]).await;
    assert_eq!(again.status.code(), Some(1));
    let now = names.map(|name| std::fs::read_to_string(name).unwrap());
    assert_eq!(now, written);
}

#[tokio::test]
async fn what_is_no_report_of_attacks_is_refused() {
    let folder = sqlite_folder().await;
    std::fs::write(folder.path().join("attack.json"), "{}").unwrap();
    let output = evidence(folder.path(), &["--out", "home", "--attack", "attack.json"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("home").exists());
}
