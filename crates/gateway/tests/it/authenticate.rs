//! Equal work, equal answers.

use lychgate_store::StatementName;
use serde_json::json;

use crate::world::{BLOCKED, HASHLESS, PASSWORD, UNKNOWN_FORMAT, World, ZOE};

#[tokio::test]
async fn the_right_password_gives_the_profile_and_never_a_hash() {
    let world = World::start().await;
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({ "user": { "user_id": "1", "email": ZOE, "email_verified": false, "nickname": "Zoë", "blocked": false } })
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn an_identifier_is_normalized_before_it_is_looked_for() {
    let world = World::start().await;
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": "  ZOE@Example.com ", "password": PASSWORD }),
        )
        .await;
    assert_eq!(answer.json()["user"]["user_id"], "1");
}

#[tokio::test]
async fn every_no_costs_one_hash_and_is_the_same_to_the_byte() {
    let world = World::start().await;
    let mut answers = Vec::new();
    for (case, identifier, password) in [
        ("wrong password", ZOE, "wrong"),
        ("unknown user", "nobody@example.com", PASSWORD),
        ("blocked", BLOCKED, PASSWORD),
        ("blocked, wrong password", BLOCKED, "wrong"),
        ("no hash", HASHLESS, PASSWORD),
        ("hash of an unknown format", UNKNOWN_FORMAT, PASSWORD),
    ] {
        let before = world.hashes().await;
        let answer = world
            .call(
                "authenticate",
                json!({ "identifier": identifier, "password": password }),
            )
            .await;
        assert_eq!(world.hashes().await - before, 1, "{case}");
        assert_eq!(answer.text, r#"{"user":null}"#, "{case}");
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        headers.remove("date");
        answers.push((answer.status, format!("{headers:?}")));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let before = world.hashes().await;
    world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    assert_eq!(world.hashes().await - before, 1, "and so does a yes");
}

#[tokio::test]
async fn a_hash_that_is_too_costly_or_not_accepted_costs_the_same() {
    let world = World::with(|settings| {
        settings.passwords.accept = vec![lychgate_password::Format::Bcrypt];
        settings.passwords.write = lychgate_password::Format::Bcrypt;
        settings.decoys = vec![lychgate_password::DecoyClass::new(
            lychgate_password::Format::Bcrypt,
            1,
        )];
    })
    .await;
    let before = world.hashes().await;
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    assert_eq!(answer.text, r#"{"user":null}"#);
    assert_eq!(world.hashes().await - before, 1);
}

#[tokio::test]
async fn a_row_that_is_no_profile_is_our_fault_and_tells_nothing() {
    let world = World::with(|settings| {
        settings.store.statements.insert(
            StatementName::Authenticate,
            "select id, 'perhaps' as email_verified, password_hash from users where lower(email) = :identifier".into(),
        );
    })
    .await;
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": PASSWORD }),
        )
        .await;
    answer.is_problem(500, "internal");
    assert!(!answer.text.contains("perhaps") && !answer.text.contains("email_verified"));
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": ZOE, "password": "wrong" }),
        )
        .await;
    assert_eq!(answer.text, r#"{"user":null}"#);
}
