//! What the migration ledger learns from real answers, and that no request waits for it.

use lychgate_gateway::{LedgerSettings, PseudonymKey};
use lychgate_store::ledger::{Contents, Seen};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{BLOCKED, PASSWORD, World, ZOE};

/// The key of [`world`](crate::world).
fn key() -> lychgate_gateway::LedgerKey {
    PseudonymKey::new(&[7; 32]).unwrap().ledger_key()
}

async fn world(folder: &TempDir) -> World {
    let path = folder.path().join("ledger.db");
    World::with(|settings| settings.ledger = Some(LedgerSettings { path })).await
}

async fn contents(folder: &TempDir) -> Contents {
    Contents::read(&folder.path().join("ledger.db"), key().id())
        .await
        .unwrap()
}

fn seen(contents: &Contents, user_id: &str) -> Option<Seen> {
    contents.users.get(&key().pseudonym(user_id)).copied()
}

#[tokio::test]
async fn a_login_is_a_first_login_and_nothing_but_a_right_answer_is() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let who = |identifier: &str, password: &str| json!({ "identifier": identifier, "password": password });
    world.call("authenticate", who(ZOE, PASSWORD)).await;
    world.call("authenticate", who(BLOCKED, PASSWORD)).await;
    world
        .call("authenticate", who("nobody@example.com", PASSWORD))
        .await;
    world
        .call("lookup", json!({ "identifier": "hashless@example.com" }))
        .await;
    let sightings = world.metric("lychgate_ledger_sightings_total").await;
    assert_eq!(sightings, 2);
    assert_eq!(world.metric("lychgate_ledger_dropped_total").await, 0);
    world.stop().await;
    let contents = contents(&folder).await;
    assert!(seen(&contents, "1").unwrap().first_login.is_some());
    assert_eq!(
        seen(&contents, "2"),
        None,
        "a disabled account has not logged in"
    );
    assert_eq!(
        seen(&contents, "3").unwrap().first_login,
        None,
        "only asked for"
    );
    assert_eq!(contents.users.len(), 2);
    assert!(!contents.life.running && contents.life.losses.is_empty());
}

#[tokio::test]
async fn a_new_user_is_known_a_removed_one_is_forgotten_and_each_write_is_a_hit() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let new = json!({ "email": "new@example.com", "password": "a first password" });
    let created = world.call("create", new).await.json();
    let new = created["user"]["user_id"].as_str().unwrap().to_owned();
    world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    world.call("delete", json!({ "user_id": "1" })).await;
    world
        .call(
            "change_password",
            json!({ "identifier": "new@example.com", "new_password": "another password" }),
        )
        .await;
    world.stop().await;
    let contents = contents(&folder).await;
    assert_eq!(seen(&contents, &new).unwrap().first_login, None);
    assert_eq!(seen(&contents, "1"), None);
    assert!(contents.life.last_hit.is_some());
}

#[tokio::test]
async fn an_answer_that_could_not_be_audited_was_not_given_and_is_no_login() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let world = World::with(|settings| {
        settings.ledger = Some(LedgerSettings { path });
        settings.audit.destination = lychgate_gateway::AuditDestination::File("/dev/full".into());
    })
    .await;
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    assert_eq!(answer.status, 500);
    world.stop().await;
    assert_eq!(contents(&folder).await.users.len(), 0);
}

#[tokio::test]
async fn a_ledger_that_another_process_locks_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(&folder).await;
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let mut stranger = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url)
        .await
        .unwrap();
    sqlx::raw_sql("begin immediate")
        .execute(&mut stranger)
        .await
        .unwrap();
    for _ in 0..20 {
        let login = json!({ "identifier": ZOE, "password": PASSWORD });
        assert_eq!(world.call("authenticate", login).await.status, 200);
    }
    sqlx::raw_sql("rollback")
        .execute(&mut stranger)
        .await
        .unwrap();
    world.stop().await;
    let contents = contents(&folder).await;
    assert!(seen(&contents, "1").unwrap().first_login.is_some());
    assert!(contents.life.losses.is_empty());
}
