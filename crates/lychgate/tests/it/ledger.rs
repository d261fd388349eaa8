//! `lychgate ledger` over a ledger that a real `lychgate serve` has kept.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::directory::directory;
use crate::serve::{change_config, client, folder};
use crate::support::{Issuer, PASSWORD, Serve, lychgate};

const USERS: &str = "users = \"select id from users where not blocked\"";

/// A folder whose ledger has run for a moment, in which these users have logged in.
async fn after_logins(ledger: &str, users: &[&str]) -> TempDir {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    log_in(&issuer, folder.path(), ledger, (users, PASSWORD)).await;
    folder
}

/// Runs the gateway of this folder with a ledger while these users log in.
async fn log_in(issuer: &Issuer, folder: &Path, ledger: &str, (users, password): (&[&str], &str)) {
    let section = format!("[ledger]\npath = \"ledger.db\"\n{ledger}\n\n[audit]");
    change_config(folder, "[audit]", &section);
    let serve = Serve::start(folder).await;
    serve.ready().await;
    let token = issuer.sign(&issuer.claims());
    for user in users {
        let answer = client()
            .build()
            .unwrap()
            .post(format!("{}/v1/users/authenticate", serve.gateway))
            .bearer_auth(&token)
            .json(&json!({ "identifier": user, "password": password }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
    assert_eq!(serve.stop().await.0, Some(0));
}

/// Lets so many days have passed since everything but the last sign of life.
async fn days_pass(folder: &Path, days: i64) {
    let url = format!("sqlite:{}", folder.join("ledger.db").display());
    let mut ledger = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let earlier = format!(
        "update ledger set started = started - {0}, last_hit = last_hit - {0}; \
         update users set first_login = first_login - {0}, last_hit = last_hit - {0}",
        days * 86_400
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(earlier))
        .execute(&mut ledger)
        .await
        .unwrap();
}

async fn ledger(folder: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["ledger"], arguments].concat();
    lychgate(folder, &arguments).output().await.unwrap()
}

async fn report(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = ledger(folder, &[&["--format", "json"], arguments].concat()).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout);
    (
        output.status.code(),
        report.unwrap_or_else(|_| panic!("{errors}")),
    )
}

fn reasons(report: &Value) -> Vec<&str> {
    let because = report["because"].as_array().unwrap();
    because
        .iter()
        .map(|reason| reason["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn it_is_safe_a_quiet_time_after_the_last_user_and_not_before() {
    let people = ["ada@example.com", "grace@example.com"];
    let folder = after_logins(&format!("{USERS}\nimports = true"), &people).await;
    let (status, early) = report(folder.path(), &[]).await;
    assert_eq!((status, reasons(&early)), (Some(1), vec!["not-quiet"]));
    assert_eq!(
        early["users"],
        json!({
            "total": 2, "moved": 2, "came_back": 0, "only_asked_for": 0, "not_seen": 0, "others": 0
        })
    );

    days_pass(folder.path(), 31).await;
    let (status, late) = report(folder.path(), &[]).await;
    assert_eq!(
        (status, &late["safe_to_disconnect"]),
        (Some(0), &json!(true)),
        "{late}"
    );
    let text = ledger(folder.path(), &[]).await;
    assert!(String::from_utf8_lossy(&text.stdout).ends_with("\nsafe to disconnect: yes\n"));

    let (status, told) = report(folder.path(), &["--users", "2"]).await;
    assert_eq!((status, reasons(&told)), (Some(1), vec!["not-listed"]));
}

#[tokio::test]
async fn the_users_of_a_directory_are_who_a_filter_finds() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let tree = directory(folder.path(), "ledger", &[]);
    let people = "users = \"(objectClass=inetOrgPerson)\"\nimports = true";
    let ada = (&["ada@example.com"][..], "correct horse");
    log_in(&issuer, folder.path(), people, ada).await;
    days_pass(folder.path(), 31).await;
    let (status, found) = report(folder.path(), &["--left", "left.tsv"]).await;
    assert_eq!((status, reasons(&found)), (Some(1), vec!["users-left"]));
    assert_eq!(
        (&found["users"]["total"], &found["users"]["moved"]),
        (&json!(2), &json!(1))
    );
    let left = std::fs::read_to_string(folder.path().join("left.tsv")).unwrap();
    let id = left.trim_end().strip_prefix("not-seen\t").unwrap();
    let text = tree.text();
    let (_, locked) = text.split_once("dn: uid=locked,").unwrap();
    assert!(locked.contains(&format!("entryUUID: {id}\n")), "{left}");

    let active = "(&(objectClass=inetOrgPerson)(!(pwdAccountLockedTime=*)))";
    change_config(
        folder.path(),
        "(objectClass=inetOrgPerson)\"\nimports",
        &format!("{active}\"\nimports"),
    );
    let (status, found) = report(folder.path(), &[]).await;
    assert_eq!(status, Some(0), "{found}");

    change_config(folder.path(), active, "select id from users");
    let refused = ledger(folder.path(), &[]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`ledger.users`"));
}

#[tokio::test]
async fn who_is_left_is_counted_and_named_in_a_file_of_the_owners_only() {
    let folder = after_logins(&format!("{USERS}\nimports = true"), &["ada@example.com"]).await;
    days_pass(folder.path(), 31).await;
    let (status, found) = report(folder.path(), &["--left", "left.tsv"]).await;
    assert_eq!((status, reasons(&found)), (Some(1), vec!["users-left"]));
    let left = folder.path().join("left.tsv");
    assert_eq!(std::fs::read_to_string(&left).unwrap(), "not-seen\t2\n");
    assert_eq!(
        std::fs::metadata(&left).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = ledger(folder.path(), &["--left", "left.tsv"]).await;
    assert_eq!(
        again.status.code(),
        Some(1),
        "a file that is there is not written over"
    );
}

#[tokio::test]
async fn nothing_is_safe_that_nobody_has_said() {
    let folder = after_logins("", &["ada@example.com"]).await;
    days_pass(folder.path(), 31).await;
    let (status, found) = report(folder.path(), &[]).await;
    assert_eq!(
        (status, reasons(&found)),
        (Some(1), vec!["no-imports", "not-listed"])
    );
    let text = ledger(folder.path(), &[]).await;
    let (said, errors) = (
        String::from_utf8_lossy(&text.stdout),
        String::from_utf8_lossy(&text.stderr),
    );
    assert!(
        said.contains("safe to disconnect: no, because") && said.contains("`imports = true`"),
        "{said}"
    );
    for personal in ["ada", "example.com"] {
        assert!(
            !said.contains(personal) && !errors.contains(personal),
            "{said}{errors}"
        );
    }
}

#[tokio::test]
async fn a_gap_is_named_and_only_somebody_who_knows_better_can_say_that_nothing_happened_in_it() {
    let people = ["ada@example.com", "grace@example.com"];
    let folder = after_logins(&format!("{USERS}\nimports = true"), &people).await;
    days_pass(folder.path(), 31).await;
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let mut file = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let gap = "insert into losses values ('dropped', 1000, 2000, 1)";
    sqlx::raw_sql(gap).execute(&mut file).await.unwrap();
    let (status, found) = report(folder.path(), &[]).await;
    assert_eq!((status, reasons(&found)), (Some(1), vec!["incomplete"]));
    assert_eq!(found["gaps"][0]["cause"], "dropped");
    let (status, accepted) = report(folder.path(), &["--i-accept-gaps"]).await;
    assert_eq!((status, &accepted["complete"]), (Some(0), &json!(false)));
}

#[tokio::test]
async fn a_changed_key_is_refused_by_whoever_writes_and_whoever_reads() {
    let folder = after_logins(USERS, &[]).await;
    let key = "another-key-another-key-another-key";
    std::fs::write(folder.path().join("pseudonym.key"), key).unwrap();
    for command in ["ledger", "serve"] {
        let output = lychgate(folder.path(), &[command]).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        assert!(
            said.contains("put that key back") && !said.contains(key),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_config_without_a_ledger_and_a_ledger_without_a_key_are_wrong_config() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let without = ledger(folder.path(), &[]).await;
    assert_eq!(without.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&without.stderr).contains("`[ledger]`"));
    let key = "pseudonym_key = \"${file:pseudonym.key}\"";
    change_config(folder.path(), key, "\n[ledger]\npath = \"ledger.db\"");
    let keyless = ledger(folder.path(), &[]).await;
    assert_eq!(keyless.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&keyless.stderr).contains("`audit.pseudonym_key`"));
    assert!(!folder.path().join("ledger.db").exists());
}
