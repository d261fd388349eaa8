//! Decoys: an alert for whoever uses one, and nothing by which it could be told from what is real.

use std::collections::BTreeSet;

use lychgate_gateway::{Canaries, ClientId};
use lychgate_store::{Identifier, IdentifierRules};
use serde_json::json;

use crate::world::{Answer, CLIENT, PASSWORD, World, ZOE};

const DECOY_CLIENT: &str = "decoy-client";
const NOBODY: &str = "nobody@example.com";

/// A gateway for which Zoë, who has a row and a password, is a decoy, and so is one who has none.
async fn world() -> World {
    World::with(|settings| {
        let mut canaries = Canaries::default();
        for written in [ZOE, "Decoy@example.com", "4711"] {
            let identifier = Identifier::parse(written, IdentifierRules::default()).unwrap();
            canaries.add_identifier(written, &identifier);
        }
        canaries.add_client(ClientId::parse(DECOY_CLIENT).unwrap());
        settings.canaries = canaries;
    })
    .await
}

/// What can be told of an answer, without the id and the time that each has of its own.
fn seen(answer: &Answer) -> (u16, String, String) {
    let mut headers = answer.headers.clone();
    headers.remove("x-request-id");
    headers.remove("date");
    let text = answer.text.replace(answer.header("x-request-id"), "");
    (answer.status, format!("{headers:?}"), text)
}

async fn used(world: &World, kind: &str) -> u64 {
    let name = format!("lychgate_canaries_total{{kind=\"{kind}\"}}");
    world.metric(&name).await
}

#[tokio::test]
async fn a_decoy_account_never_logs_in_and_is_answered_like_anybody_after_the_same_work() {
    let world = world().await;
    let mut answers = BTreeSet::new();
    for (identifier, password) in [
        (NOBODY, PASSWORD),
        (ZOE, PASSWORD),
        (ZOE, "wrong"),
        ("decoy@EXAMPLE.com", PASSWORD),
    ] {
        let before = world.hashes().await;
        let body = json!({ "identifier": identifier, "password": password });
        let answer = world.call("authenticate", body).await;
        assert_eq!(world.hashes().await - before, 1, "{identifier}");
        answers.insert(seen(&answer));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let lines = world.audit();
    assert_eq!(lines[0]["event"], "answer");
    assert!(lines[0]["severity"].is_null());
    for line in &lines[1..] {
        assert_eq!(line["event"], "canary");
        assert_eq!(line["severity"], "alert");
        assert_eq!(line["canary"], "identifier");
        assert_eq!(line["outcome"], "no-user");
    }
    assert_eq!(used(&world, "identifier").await, 3);
    assert_eq!(used(&world, "client").await, 0);
}

#[tokio::test]
async fn no_operation_finds_or_changes_a_decoy_and_each_raises_the_alert() {
    let world = world().await;
    let file = world.folder.path().join("users.db");
    let before = std::fs::read(&file).unwrap();
    for (operation, decoy, other) in [
        (
            "lookup",
            json!({ "identifier": ZOE }),
            json!({ "identifier": NOBODY }),
        ),
        (
            "verify_email",
            json!({ "email": ZOE }),
            json!({ "email": NOBODY }),
        ),
        (
            "change_password",
            json!({ "identifier": ZOE, "new_password": "another one" }),
            json!({ "identifier": NOBODY, "new_password": "another one" }),
        ),
        (
            "change_email",
            json!({ "identifier": ZOE, "new_email": "z@example.com", "email_verified": true }),
            json!({ "identifier": NOBODY, "new_email": "z@example.com", "email_verified": true }),
        ),
        (
            "change_email",
            json!({ "identifier": NOBODY, "new_email": ZOE, "email_verified": true }),
            json!({ "identifier": NOBODY, "new_email": "z@example.com", "email_verified": true }),
        ),
        (
            "delete",
            json!({ "user_id": "4711" }),
            json!({ "user_id": "4712" }),
        ),
    ] {
        let (decoy, other) = (
            world.call(operation, decoy).await,
            world.call(operation, other).await,
        );
        assert_eq!(decoy.status, 200, "{operation}");
        assert_eq!(seen(&decoy), seen(&other), "{operation}");
        let lines = world.audit();
        let [decoy, other] = &lines[lines.len() - 2..] else {
            panic!("two lines")
        };
        assert_eq!(decoy["event"], "canary", "{operation}");
        assert_eq!(other["event"], "answer", "{operation}");
        assert_eq!(decoy["outcome"], other["outcome"], "{operation}");
    }
    let create = json!({ "email": "decoy@example.com", "password": "a new one" });
    world
        .call("create", create)
        .await
        .is_problem(409, "user-exists");
    assert_eq!(std::fs::read(&file).unwrap(), before, "nothing was changed");
    assert_eq!(used(&world, "identifier").await, 7);
}

#[tokio::test]
async fn a_decoy_client_is_refused_like_any_other_and_raises_the_alert() {
    let world = world().await;
    let token_of = |client: &str| {
        let mut claims = world.claims("read:users");
        claims.insert("azp".into(), client.into());
        claims.insert("sub".into(), format!("{client}@clients").into());
        world.sign(&claims)
    };
    let other = world.lookup_with(&token_of("somebody-else")).await;
    let decoy = world.lookup_with(&token_of(DECOY_CLIENT)).await;
    decoy.is_problem(403, "client-not-allowed");
    assert_eq!(seen(&decoy), seen(&other));
    let lines = world.audit();
    assert_eq!(lines[0]["event"], "answer");
    assert_eq!(
        (&lines[1]["event"], &lines[1]["canary"]),
        (&json!("canary"), &json!("client"))
    );
    assert_eq!(lines[1]["client"], DECOY_CLIENT);
    assert_eq!(used(&world, "client").await, 1);
    assert_eq!(world.lookup_with(&token_of(CLIENT)).await.status, 200);
}

#[tokio::test]
async fn guessing_at_a_decoy_is_slowed_like_guessing_at_anybody() {
    let world = world().await;
    let mut guesses = 0;
    loop {
        let body = json!({ "identifier": ZOE, "password": "wrong" });
        let answer = world.call("authenticate", body).await;
        if answer.status == 429 {
            break answer.is_problem(429, "identifier-locked");
        }
        guesses += 1;
        assert!(guesses < 30, "delays grow");
    }
    assert!(guesses >= 10);
    let line = world.audit().pop().unwrap();
    assert_eq!(
        (&line["event"], &line["step"]),
        (&json!("canary"), &json!("lockout"))
    );
    assert!(line["detail"]["retry_after_s"].is_u64());
}
