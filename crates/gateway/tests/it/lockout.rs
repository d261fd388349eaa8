//! Guessing at the password of one identifier, over the wire.

use std::time::Duration;

use lychgate_gateway::LockoutLimits;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::world::{Answer, PASSWORD, World, ZOE};

async fn try_password(world: &World, identifier: &str, password: &str) -> Answer {
    let body = json!({ "identifier": identifier, "password": password });
    world.call("authenticate", body).await
}

async fn fail(world: &World, identifier: &str, times: u32) {
    for _ in 0..times {
        let answer = try_password(world, identifier, "wrong").await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "user": null }))
        );
    }
}

/// Delays that no load of the machine outlasts.
async fn with_long_delays() -> World {
    World::with(|settings| settings.limits.lockout.shortest = Duration::from_mins(1)).await
}

#[tokio::test]
async fn an_identifier_is_slowed_after_ten_failures_whether_or_not_anybody_has_it() {
    let world = with_long_delays().await;
    let hashes = world.hashes().await;
    let mut answers = Vec::new();
    for identifier in [ZOE, "nobody@example.com"] {
        fail(&world, identifier, 10).await;
        let answer = try_password(&world, identifier, PASSWORD).await;
        answer.is_problem(429, "identifier-locked");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("request_id");
        answers.push(body);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        world.hashes().await,
        hashes + 20,
        "what is locked costs no hash"
    );
    assert_eq!(world.metric("lychgate_locked_identifiers").await, 2);
    let line = world.audit().pop().unwrap();
    assert_eq!(
        (&line["step"], &line["outcome"]),
        (&json!("lockout"), &json!("identifier-locked"))
    );
    assert!(line["pseudonym"].is_string());
}

#[tokio::test]
async fn another_spelling_of_an_identifier_is_the_same_identifier_and_another_is_not_slowed() {
    let world = with_long_delays().await;
    fail(&world, ZOE, 5).await;
    fail(&world, &format!("  {}", ZOE.to_uppercase()), 5).await;
    for spelling in [ZOE, "ZOE@example.com", "zoe@EXAMPLE.com\u{a0}"] {
        try_password(&world, spelling, PASSWORD)
            .await
            .is_problem(429, "identifier-locked");
    }
    let other = world.call("lookup", json!({ "identifier": ZOE })).await;
    assert_eq!(other.status, 200, "only guessing is slowed");
    fail(&world, "max@example.com", 1).await;
}

#[tokio::test]
async fn a_right_password_forgets_the_failures_before_it() {
    let world = World::start().await;
    for _ in 0..3 {
        fail(&world, ZOE, 9).await;
        assert!(try_password(&world, ZOE, PASSWORD).await.json()["user"].is_object());
    }
}

#[tokio::test]
async fn a_victim_is_slowed_and_not_shut_out() {
    let world = World::with(|settings| {
        settings.limits.lockout = LockoutLimits {
            shortest: Duration::from_millis(20),
            longest: Duration::from_millis(20),
            ..LockoutLimits::default()
        };
    })
    .await;
    fail(&world, ZOE, 10).await;
    let logged_in = async {
        while try_password(&world, ZOE, PASSWORD).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), logged_in)
        .await
        .expect("the delay ends");
}

#[tokio::test]
async fn a_store_that_does_not_answer_locks_nobody_out() {
    let world = World::with(|settings| {
        settings.store.wait = Duration::from_millis(50);
        settings.store.deadline = Duration::from_millis(50);
    })
    .await;
    let url = format!("sqlite:{}", world.folder.path().join("users.db").display());
    let mut holder = SqliteConnection::connect(&url).await.unwrap();
    holder.execute("begin exclusive").await.unwrap();
    for _ in 0..12 {
        let answer = try_password(&world, ZOE, "wrong").await;
        assert!(answer.status >= 503, "{answer:?}");
    }
    holder.close().await.unwrap();
    assert!(try_password(&world, ZOE, PASSWORD).await.json()["user"].is_object());
}
