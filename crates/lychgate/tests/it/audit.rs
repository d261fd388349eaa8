//! `lychgate audit` and `lychgate explain` over a log that a real `lychgate serve` has written.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serve::{Gateway, change_config, client, folder};
use crate::support::{Issuer, Serve, lychgate};

const LOG: &str = "audit.jsonl";

/// A folder whose gateway was asked so often in each of its runs, and has signed what it wrote.
async fn after_runs(audit: &str, runs: &[usize]) -> TempDir {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let key = "signing_key = \"${file:audit-signing.pem}\"\n";
    openssl(
        folder.path(),
        &[
            "genpkey",
            "-algorithm",
            "ed25519",
            "-out",
            "audit-signing.pem",
        ],
    )
    .await;
    change_config(
        folder.path(),
        "[audit]\n",
        &format!("[audit]\n{key}{audit}"),
    );
    for asked in runs {
        let serve = Serve::start(folder.path()).await;
        serve.ready().await;
        let gateway = Gateway {
            serve: &serve,
            token: issuer.sign(&issuer.claims()),
        };
        for _ in 0..*asked {
            let body = json!({ "identifier": "ada@example.com" });
            assert_eq!(gateway.ask("lookup", &body).await.0, 200);
        }
        assert_eq!(serve.stop().await.0, Some(0));
    }
    folder
}

async fn openssl(folder: &Path, arguments: &[&str]) {
    let output = tokio::process::Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

async fn verify(folder: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["audit", "verify"], arguments].concat();
    lychgate(folder, &arguments).output().await.unwrap()
}

async fn report(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = verify(folder, &[&["--format", "json"], arguments].concat()).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        report.unwrap_or_else(|_| panic!("{errors}")),
    )
}

fn lines(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(LOG)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn write(folder: &Path, lines: &[String]) {
    std::fs::write(folder.join(LOG), lines.join("\n") + "\n").unwrap();
}

#[tokio::test]
async fn a_log_of_two_runs_is_whole_and_signed_to_its_end() {
    let folder = after_runs("", &[2, 1]).await;
    let (status, whole) = report(folder.path(), &[]).await;
    assert_eq!((status, &whole["ok"]), (Some(0), &json!(true)), "{whole}");
    let lines = lines(folder.path()).len();
    assert_eq!(whole["lines"], 7, "two starts, two stops, three answers");
    assert_eq!(whole["head"]["sequence"], lines);
    assert_eq!(whole["signed"]["sequence"], lines);
    assert_eq!(whole["without_end"], json!([]));
    let text = verify(folder.path(), &[]).await;
    assert!(String::from_utf8_lossy(&text.stdout).ends_with("\nwhole\n"));
    assert_eq!(String::from_utf8_lossy(&text.stderr), "");
}

#[tokio::test]
async fn whoever_has_the_file_and_the_public_key_alone_can_verify() {
    let folder = after_runs("", &[1]).await;
    let printed = lychgate(folder.path(), &["audit", "public-key"])
        .output()
        .await
        .unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(folder.path().join(LOG), elsewhere.path().join(LOG)).unwrap();
    std::fs::write(elsewhere.path().join("key.pem"), &printed.stdout).unwrap();
    let with_key = [LOG, "--public-key", "key.pem"];
    let (status, whole) = report(elsewhere.path(), &with_key).await;
    assert_eq!((status, &whole["signed"]["sequence"]), (Some(0), &json!(3)));
    openssl(
        folder.path(),
        &[
            "pkey",
            "-in",
            "audit-signing.pem",
            "-pubout",
            "-out",
            "public.pem",
        ],
    )
    .await;
    let public = std::fs::read(folder.path().join("public.pem")).unwrap();
    assert_eq!(printed.stdout, public, "as openssl writes it");

    let (status, unsigned) = report(elsewhere.path(), &[LOG]).await;
    assert_eq!((status, &unsigned["signed"]), (Some(0), &Value::Null));
    openssl(
        elsewhere.path(),
        &["genpkey", "-algorithm", "ed25519", "-out", "other"],
    )
    .await;
    openssl(
        elsewhere.path(),
        &["pkey", "-in", "other", "-pubout", "-out", "other.pem"],
    )
    .await;
    let (status, other) = report(elsewhere.path(), &[LOG, "--public-key", "other.pem"]).await;
    assert_eq!(status, Some(1));
    assert_eq!(other["faults"][0]["kind"], "unknown-key");
    let no_key = verify(elsewhere.path(), &[LOG, "--public-key", LOG]).await;
    assert_eq!(no_key.status.code(), Some(2));
}

#[tokio::test]
async fn what_was_done_to_a_log_is_told_with_file_and_line_and_ends_in_1() {
    let folder = after_runs("", &[3]).await;
    let whole = lines(folder.path());
    let harmed = [
        ("changed", 3, {
            let mut lines = whole.clone();
            lines[2] = lines[2].replace("\"status\":200", "\"status\":401");
            lines
        }),
        ("missing", 3, {
            let mut lines = whole.clone();
            lines.remove(2);
            lines
        }),
        ("out-of-order", 4, {
            let mut lines = whole.clone();
            lines.swap(2, 3);
            lines
        }),
        ("not-of-the-chain", 3, {
            let mut lines = whole.clone();
            lines.insert(2, "{\"event\":\"answer\"}".to_owned());
            lines
        }),
    ];
    for (kind, line, lines) in harmed {
        write(folder.path(), &lines);
        let (status, found) = report(folder.path(), &[]).await;
        assert_eq!(status, Some(1), "{kind}");
        let faults = found["faults"].as_array().unwrap();
        let is_it = |fault: &&Value| fault["kind"] == kind && fault["line"] == line;
        assert!(faults.iter().any(|fault| is_it(&fault)), "{kind}: {found}");
        let text = verify(folder.path(), &[LOG]).await;
        let said = String::from_utf8_lossy(&text.stdout);
        assert!(said.contains(&format!("{LOG}:{line}: ")), "{said}");
        assert!(!said.ends_with("\nwhole\n"), "{said}");
        assert!(String::from_utf8_lossy(&text.stderr).contains("the log is not whole"));
    }
}

#[tokio::test]
async fn what_was_cut_at_the_end_is_missed_by_the_head_that_was_noted() {
    let folder = after_runs("", &[2]).await;
    let (_, whole) = report(folder.path(), &[]).await;
    let head = format!(
        "{}:{}",
        whole["head"]["sequence"],
        whole["head"]["digest"].as_str().unwrap()
    );
    let mut lines = lines(folder.path());
    lines.pop();
    write(folder.path(), &lines);
    let (status, cut) = report(folder.path(), &[]).await;
    assert_eq!(status, Some(0), "nothing in it says that there was more");
    assert_eq!(cut["signed"]["sequence"], 1, "but less of it is proven");
    let (status, cut) = report(folder.path(), &["--holds", &head]).await;
    assert_eq!(status, Some(1));
    assert_eq!(cut["faults"][0]["kind"], "not-held");
}

#[tokio::test]
async fn a_rotated_log_is_read_from_its_oldest_file_to_its_newest() {
    let rotate = "rotate = { bytes = 1, keep = 3 }\n";
    let folder = after_runs(rotate, &[2, 2]).await;
    let (status, whole) = report(folder.path(), &[LOG]).await;
    assert_eq!(status, Some(0), "{whole}");
    let files = whole["files"].as_array().unwrap();
    assert_eq!(files.len(), 4);
    assert_eq!(files[3], LOG);
    assert!(whole["first"].as_u64().unwrap() > 1, "old ones are removed");
    let middle = folder.path().join(files[1].as_str().unwrap());
    std::fs::remove_file(middle).unwrap();
    let (status, lacking) = report(folder.path(), &[LOG]).await;
    assert_eq!(status, Some(1));
    assert_eq!(lacking["faults"][0]["kind"], "missing");
}

#[tokio::test]
async fn a_log_that_is_not_there_or_empty_is_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    let output = verify(folder.path(), &[LOG]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains(LOG));
    std::fs::write(folder.path().join(LOG), "").unwrap();
    let (status, empty) = report(folder.path(), &[LOG]).await;
    assert_eq!((status, &empty["ok"]), (Some(1), &json!(false)));
}

#[tokio::test]
async fn a_request_is_explained_step_by_step_and_nobody_is_named() {
    let rotate = "rotate = { bytes = 1 }\n";
    let folder = after_runs(rotate, &[]).await;
    let issuer = Issuer::start();
    change_issuer(folder.path(), &issuer.identifier);
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let token = issuer.sign(&issuer.claims());
    let mut ids = Vec::new();
    for (path, body) in [
        (
            "authenticate",
            json!({ "identifier": "ada@example.com", "password": "wrong" }),
        ),
        (
            "lookup",
            json!({ "identifier": "ada@example.com", "surprise": true }),
        ),
    ] {
        let asking = client()
            .build()
            .unwrap()
            .post(format!("{}/v1/users/{path}", serve.gateway))
            .bearer_auth(&token)
            .json(&body);
        let answer = asking.send().await.unwrap();
        let id = answer.headers()["x-request-id"].to_str().unwrap();
        ids.push(id.to_owned());
    }
    assert_eq!(serve.stop().await.0, Some(0));

    let (status, wrong) = explain(folder.path(), &[&ids[0]]).await;
    assert_eq!(status, Some(0));
    for said in [
        &format!("request {}", ids[0]),
        &format!("issued by {}", issuer.identifier),
        "client script-client",
        "authenticate:users",
        "a row, hash argon2id",
        "the password is wrong",
        "answered 200 no-user after ",
    ] {
        assert!(wrong.contains(said), "{said} in\n{wrong}");
    }
    let (_, refused) = explain(folder.path(), &[&ids[1], "--file", LOG]).await;
    assert!(
        refused.contains("body          refused      invalid-field, unknown-field"),
        "{refused}"
    );
    assert!(refused.contains("operation     not reached"), "{refused}");
    let (_, json) = explain(folder.path(), &[&ids[1], "--format", "json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let decided = json["steps"].as_array().unwrap();
    let decided = decided.iter().filter(|step| step["decision"] == "refused");
    assert_eq!(
        decided.map(|step| &step["step"]).collect::<Vec<_>>(),
        ["body"]
    );
    for secret in ["ada@example.com", "wrong\"", "surprise", &token] {
        assert!(
            !wrong.contains(secret) && !refused.contains(secret),
            "{secret}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_not_in_the_log_is_not_made_up() {
    let folder = after_runs("", &[1]).await;
    let (status, said) = explain(folder.path(), &[&"0".repeat(32)]).await;
    assert_eq!((status, said.as_str()), (Some(1), ""));
    let (status, _) = explain(folder.path(), &["ada@example.com"]).await;
    assert_eq!(status, Some(2));
}

async fn explain(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["explain"], arguments].concat();
    let output = lychgate(folder, &arguments).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), said)
}

fn change_issuer(folder: &Path, issuer: &str) {
    let config = std::fs::read_to_string(folder.join("lychgate.toml")).unwrap();
    let before = config.split("issuers = [\"").nth(1).unwrap();
    let before = before.split('"').next().unwrap().to_owned();
    change_config(folder, &before, issuer);
}
