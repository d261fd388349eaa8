//! Calls that are sent again under the same `Idempotency-Key`, over the wire.

use std::time::Duration;

use lychgate_gateway::LockoutLimits;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::world::{Answer, PASSWORD, World, ZOE, operation_of, send};

async fn call(world: &World, operation: &str, key: &str, body: &Value) -> Answer {
    let (path, scope) = operation_of(operation);
    let request = world
        .client
        .post(world.url(path))
        .bearer_auth(world.token(scope))
        .header("idempotency-key", key);
    send(request.json(body)).await
}

fn new_user() -> Value {
    json!({ "email": "new@example.com", "password": "a password of sixteen", "nickname": "New" })
}

fn guess(password: &str) -> Value {
    json!({ "identifier": ZOE, "password": password })
}

async fn holder_of_the_store(world: &World) -> SqliteConnection {
    let url = format!("sqlite:{}", world.folder.path().join("users.db").display());
    let mut holder = SqliteConnection::connect(&url).await.unwrap();
    holder.execute("begin exclusive").await.unwrap();
    holder
}

#[tokio::test]
async fn a_retry_gets_the_same_answer_and_counts_once() {
    let world = World::with(|settings| {
        settings.limits.lockout.shortest = Duration::from_mins(1);
    })
    .await;
    let hashes = world.hashes().await;
    for _ in 0..30 {
        let answer = call(&world, "authenticate", "one", &guess("wrong")).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "user": null }))
        );
    }
    assert_eq!(world.hashes().await, hashes + 1);
    assert_eq!(
        world.metric("lychgate_idempotency_repeated_total").await,
        29
    );
    let lines = world.audit();
    assert_eq!(lines.len(), 30, "each is audited");
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["step"], &last["outcome"], &last["pseudonym"]),
        (
            &json!("idempotency"),
            &json!("no-user"),
            &lines[0]["pseudonym"]
        )
    );
    for attempt in 0..9 {
        let answer = call(
            &world,
            "authenticate",
            &attempt.to_string(),
            &guess("wrong"),
        )
        .await;
        assert_eq!(answer.status, 200, "failure {}", attempt + 2);
    }
    call(&world, "authenticate", "eleventh", &guess("wrong"))
        .await
        .is_problem(429, "identifier-locked");
    let again = call(&world, "authenticate", "one", &guess("wrong")).await;
    assert_eq!(again.status, 200, "what was answered is answered");
}

#[tokio::test]
async fn a_user_is_made_once_however_often_it_is_asked_for() {
    let world = World::start().await;
    let first = call(&world, "create", "sign-up", &new_user()).await;
    assert_eq!(first.status, 201);
    for _ in 0..3 {
        let again = call(&world, "create", "sign-up", &new_user()).await;
        assert_eq!((again.status, &again.text), (201, &first.text));
        assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    }
    call(&world, "create", "another sign-up", &new_user())
        .await
        .is_problem(400, "malformed-request");
    let another = call(&world, "create", "another", &new_user()).await;
    another.is_problem(409, "user-exists");
    let user = first.json()["user"]["user_id"].clone();
    for _ in 0..2 {
        let answer = call(&world, "delete", "bye", &json!({ "user_id": user })).await;
        assert_eq!(answer.json(), json!({ "deleted": true }));
    }
}

#[tokio::test]
async fn the_same_key_with_another_question_is_refused() {
    let world = World::start().await;
    call(&world, "authenticate", "key", &guess(PASSWORD)).await;
    for (operation, body) in [
        ("authenticate", guess("hunter2")),
        ("lookup", json!({ "identifier": ZOE })),
    ] {
        let answer = call(&world, operation, "key", &body).await;
        answer.is_problem(422, "idempotency-key-reused");
        assert!(!answer.text.contains("hunter2"));
    }
    let longest = "k".repeat(128);
    let answer = call(&world, "authenticate", &longest, &guess(PASSWORD)).await;
    assert_eq!(answer.status, 200);
    call(&world, "authenticate", &"k".repeat(129), &guess(PASSWORD))
        .await
        .is_problem(400, "malformed-request");
}

#[tokio::test]
async fn a_second_call_waits_for_the_first_and_gets_its_answer() {
    let world = World::with(|settings| {
        settings.store.wait = Duration::from_secs(25);
        settings.store.deadline = Duration::from_secs(25);
    })
    .await;
    let holder = holder_of_the_store(&world).await;
    let released = async {
        while world.metric("lychgate_idempotency_keys").await == 0 {
            tokio::task::yield_now().await;
        }
        holder.close().await.unwrap();
    };
    let body = new_user();
    let (first, second, ()) = tokio::join!(
        call(&world, "create", "sign-up", &body),
        call(&world, "create", "sign-up", &body),
        released
    );
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!((second.status, second.text), (201, first.text));
}

#[tokio::test]
async fn what_was_not_done_is_done_by_the_retry() {
    let world = World::with(|settings| {
        settings.store.wait = Duration::from_millis(50);
        settings.store.deadline = Duration::from_millis(50);
        settings.limits.lockout = LockoutLimits {
            free: 1,
            shortest: Duration::from_millis(20),
            longest: Duration::from_millis(20),
            ..LockoutLimits::default()
        };
    })
    .await;
    let holder = holder_of_the_store(&world).await;
    let refused = call(&world, "authenticate", "key", &guess(PASSWORD)).await;
    assert!(refused.status >= 503, "{refused:?}");
    holder.close().await.unwrap();
    let done = call(&world, "authenticate", "key", &guess(PASSWORD)).await;
    assert!(done.json()["user"].is_object());
    assert_eq!(world.metric("lychgate_idempotency_repeated_total").await, 0);

    call(&world, "authenticate", "wrong", &guess("wrong")).await;
    let logged_in = async {
        while call(&world, "authenticate", "again", &guess(PASSWORD))
            .await
            .status
            != 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), logged_in)
        .await
        .expect("a delay is not the answer to a call");
}
