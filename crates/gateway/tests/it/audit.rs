//! One line for each answer; never a secret in it; and no answer without it.

use std::os::unix::fs::PermissionsExt;

use lychgate_gateway::AuditDestination;
use serde_json::json;

use crate::world::{CLIENT, PASSWORD, World, ZOE, audit_file, send};

#[tokio::test]
async fn each_answer_has_one_line_with_its_request_id_and_step() {
    let world = World::start().await;
    let good = world.call("lookup", json!({ "identifier": ZOE })).await;
    let absent = send(world.client.post(world.url("/v1/users/lookup"))).await;
    let scope = world.lookup_with(&world.token("delete:users")).await;
    let unknown = world
        .post("/nothing", &world.token("read:users"), &json!({}))
        .await;
    let field = world.call("lookup", json!({})).await;
    let lines = world.audit();
    assert_eq!(lines.len(), 5);
    for (line, answer) in lines.iter().zip([&good, &absent, &scope, &unknown, &field]) {
        assert_eq!(line["request_id"], answer.header("x-request-id"));
        assert_eq!(line["status"], answer.status);
        assert_eq!(line["event"], "answer");
        assert_eq!(line["address"], "127.0.0.1");
        assert!(line["duration_us"].is_u64() && line["time"].is_string());
    }
    let steps: Vec<_> = lines
        .iter()
        .map(|line| line["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        ["operation", "access_token", "scope", "route", "body"]
    );
    let outcomes: Vec<_> = lines
        .iter()
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        [
            "user",
            "invalid-token",
            "insufficient-scope",
            "unknown-operation",
            "invalid-field"
        ]
    );
    assert_eq!(lines[0]["client"], CLIENT);
    assert_eq!(lines[0]["operation"], "lookup");
    assert_eq!(lines[1]["reason"], "no-credentials");
    assert!(lines[1].get("client").is_none() && lines[1].get("operation").is_none());
}

#[tokio::test]
async fn the_same_user_has_the_same_pseudonym_and_no_name() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    world
        .call("lookup", json!({ "identifier": "ZOE@example.com" }))
        .await;
    world
        .call("lookup", json!({ "identifier": "nobody@example.com" }))
        .await;
    let lines = world.audit();
    assert_eq!(lines[0]["pseudonym"], lines[1]["pseudonym"]);
    assert_ne!(lines[0]["pseudonym"], lines[2]["pseudonym"]);
    assert_eq!(lines[0]["pseudonym"].as_str().unwrap().len(), 64);
    assert!(lines[0]["pseudonym_key"].is_string());
}

#[tokio::test]
async fn no_line_holds_a_password_a_hash_a_token_or_an_identifier() {
    let world = World::start().await;
    let token = world.token("authenticate:users");
    world
        .post(
            "/v1/users/authenticate",
            &token,
            &json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    world
        .call(
            "change_password",
            json!({ "identifier": ZOE, "new_password": "hunter2" }),
        )
        .await;
    world
        .call(
            "create",
            json!({ "email": "new@example.com", "password": "hunter2" }),
        )
        .await;
    world
        .post(&format!("/x?access_token={token}"), &token, &json!({}))
        .await;
    let text = world.audit_text();
    assert_eq!(text.lines().count(), 4);
    let signature = token.rsplit('.').next().unwrap();
    for secret in [
        PASSWORD,
        "hunter2",
        "argon2",
        "zoe",
        "new@example.com",
        signature,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let mode = std::fs::metadata(audit_file(&world.folder))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_line_that_a_crash_tore_spoils_none_after_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let torn = "{\"time\":\"2026-11-23T00:00:00Z\",\"ev";
    let file = folder.path().join("torn.jsonl");
    std::fs::write(&file, torn).unwrap();
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File(file.clone());
    })
    .await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(torn), "what was there stays");
    let read: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(read.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_answered() {
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File("/dev/full".into());
    })
    .await;
    let answer = world.lookup_with(&world.token("read:users")).await;
    answer.is_problem(500, "internal");
    assert!(!answer.text.contains(ZOE));
    assert_eq!(world.metric("lychgate_audit_failures_total").await, 1);
}

#[tokio::test]
async fn while_nothing_can_be_audited_nothing_is_done() {
    let world = World::with(|settings| {
        settings.audit.destination = AuditDestination::File("/dev/full".into());
    })
    .await;
    let lookup = world.lookup_with(&world.token("read:users")).await;
    lookup.is_problem(500, "internal");
    let file = world.folder.path().join("users.db");
    let before = std::fs::read(&file).unwrap();
    let change = json!({ "identifier": ZOE, "new_password": "without a trace" });
    let answer = world.call("change_password", change).await;
    answer.is_problem(500, "internal");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert_eq!(world.hashes().await, 0);
}
