//! Each operation's happy path, and what its fields and its store refuse.

use lychgate_store::StatementName;
use serde_json::{Value, json};

use crate::world::{BLOCKED, PASSWORD, World, ZOE, operation_of, send};

async fn user(world: &World, identifier: &str) -> Value {
    let answer = world
        .call("lookup", json!({ "identifier": identifier }))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["user"].clone()
}

async fn logs_in(world: &World, identifier: &str, password: &str) -> bool {
    let answer = world
        .call(
            "authenticate",
            json!({ "identifier": identifier, "password": password }),
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    !answer.json()["user"].is_null()
}

#[tokio::test]
async fn lookup_finds_a_user_says_who_is_blocked_and_who_is_not_there() {
    let world = World::start().await;
    assert_eq!(user(&world, ZOE).await["nickname"], "Zoë");
    assert_eq!(user(&world, BLOCKED).await["blocked"], true);
    assert_eq!(user(&world, "nobody@example.com").await, Value::Null);
}

#[tokio::test]
async fn a_new_user_is_created_and_can_log_in() {
    let world = World::start().await;
    let body =
        json!({ "email": "New@Example.com", "password": "a new password", "nickname": "New" });
    let answer = world.call("create", body.clone()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json()["user"]["email"], "new@example.com");
    assert_eq!(answer.json()["user"]["user_id"], "5");
    assert!(logs_in(&world, "new@example.com", "a new password").await);
    world
        .call("create", body)
        .await
        .is_problem(409, "user-exists");
}

#[tokio::test]
async fn a_statement_that_returns_nothing_is_followed_by_a_lookup() {
    let world = World::with(|settings| {
        settings.store.statements.insert(
            StatementName::Create,
            "insert into users (email, password_hash) values (:email, :password_hash)".into(),
        );
    })
    .await;
    let answer = world
        .call(
            "create",
            json!({ "email": "new@example.com", "password": "x" }),
        )
        .await;
    assert_eq!(
        (answer.status, &answer.json()["user"]["email"]),
        (201, &json!("new@example.com"))
    );
    let refused = world
        .call(
            "create",
            json!({ "email": "b@example.com", "password": "x", "nickname": "B" }),
        )
        .await;
    refused.is_problem(422, "invalid-field");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("`nickname`")
    );
}

#[tokio::test]
async fn an_address_is_verified() {
    let world = World::start().await;
    assert_eq!(
        world
            .call("verify_email", json!({ "email": ZOE }))
            .await
            .json(),
        json!({ "verified": true })
    );
    assert_eq!(user(&world, ZOE).await["email_verified"], true);
    let again = world.call("verify_email", json!({ "email": ZOE })).await;
    assert_eq!(
        again.json(),
        json!({ "verified": true }),
        "matched rows count, not changed ones"
    );
    let nobody = world
        .call("verify_email", json!({ "email": "nobody@example.com" }))
        .await;
    assert_eq!(nobody.json(), json!({ "verified": false }));
}

#[tokio::test]
async fn a_password_is_changed_and_the_old_one_is_over() {
    let world = World::start().await;
    let body = |identifier: &str| json!({ "identifier": identifier, "new_password": "another" });
    assert_eq!(
        world.call("change_password", body(ZOE)).await.json(),
        json!({ "changed": true })
    );
    assert!(logs_in(&world, ZOE, "another").await);
    assert!(!logs_in(&world, ZOE, PASSWORD).await);
    let before = world.hashes().await;
    assert_eq!(
        world
            .call("change_password", body("nobody@example.com"))
            .await
            .json(),
        json!({ "changed": false })
    );
    assert_eq!(
        world.hashes().await - before,
        1,
        "an unknown user costs the same"
    );
}

#[tokio::test]
async fn an_address_is_changed_unless_another_user_has_it() {
    let world = World::start().await;
    let body = |new: &str| json!({ "identifier": ZOE, "new_email": new, "email_verified": true });
    world
        .call("change_email", body(BLOCKED))
        .await
        .is_problem(409, "user-exists");
    assert_eq!(
        world
            .call("change_email", body("new@example.com"))
            .await
            .json(),
        json!({ "changed": true })
    );
    assert_eq!(user(&world, "new@example.com").await["user_id"], "1");
    assert_eq!(
        world
            .call("change_email", body("new2@example.com"))
            .await
            .json(),
        json!({ "changed": false })
    );
}

#[tokio::test]
async fn a_user_is_deleted_once() {
    let world = World::start().await;
    assert_eq!(
        world.call("delete", json!({ "user_id": "1" })).await.json(),
        json!({ "deleted": true })
    );
    assert_eq!(user(&world, ZOE).await, Value::Null);
    assert_eq!(
        world.call("delete", json!({ "user_id": "1" })).await.json(),
        json!({ "deleted": false })
    );
}

#[tokio::test]
async fn a_field_that_is_not_as_it_must_be_is_named_and_its_value_never() {
    let world = World::start().await;
    for (operation, body, field) in [
        ("lookup", json!({}), "identifier"),
        ("lookup", json!({ "identifier": 7 }), "identifier"),
        ("lookup", json!({ "identifier": null }), "identifier"),
        ("lookup", json!({ "identifier": "" }), "identifier"),
        (
            "lookup",
            json!({ "identifier": "hunter2\u{0}" }),
            "identifier",
        ),
        (
            "lookup",
            json!({ "identifier": ZOE, "password": "hunter2" }),
            "password",
        ),
        ("authenticate", json!({ "identifier": ZOE }), "password"),
        (
            "authenticate",
            json!({ "identifier": ZOE, "password": ["hunter2"] }),
            "password",
        ),
        (
            "authenticate",
            json!({ "identifier": ZOE, "password": "" }),
            "password",
        ),
        (
            "authenticate",
            json!({ "identifier": ZOE, "password": "hunter2".repeat(200) }),
            "password",
        ),
        ("create", json!({ "password": "hunter2" }), "email"),
        (
            "create",
            json!({ "email": "hunter2", "password": "x" }),
            "email",
        ),
        (
            "create",
            json!({ "email": "a@example.com", "password": "x", "username": "hunter2" }),
            "username",
        ),
        (
            "create",
            json!({ "email": "a@example.com", "password": "x", "blocked": "hunter2" }),
            "blocked",
        ),
        (
            "create",
            json!({ "email": "a@example.com", "password_hash": "hunter2", "password": "x" }),
            "password_hash",
        ),
        (
            "change_email",
            json!({ "identifier": ZOE, "new_email": "a@example.com" }),
            "email_verified",
        ),
        (
            "change_password",
            json!({ "identifier": ZOE, "password": "hunter2" }),
            "new_password",
        ),
        ("delete", json!({ "user_id": 1 }), "user_id"),
    ] {
        let answer = world.call(operation, body.clone()).await;
        answer.is_problem(422, "invalid-field");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains(&format!("`{field}`")),
            "{operation} {body}: {detail}"
        );
        assert!(!answer.text.contains("hunter2"), "{answer:?}");
    }
    assert!(!world.audit_text().contains("hunter2"));
}

#[tokio::test]
async fn an_operation_that_config_does_not_define_is_not_there() {
    let world = World::with(|settings| {
        settings
            .store
            .statements
            .retain(|name, _| *name == StatementName::Lookup);
    })
    .await;
    for operation in ["authenticate", "create", "delete"] {
        world
            .call(operation, json!({}))
            .await
            .is_problem(404, "unknown-operation");
    }
    let token = world.token("read:users");
    for path in [
        "/",
        "/v1/users",
        "/v1/users/lookup/",
        "/V1/users/lookup",
        "//v1/users/lookup",
        "/v1/users/%6cookup",
    ] {
        world
            .post(path, &token, &json!({}))
            .await
            .is_problem(404, "unknown-operation");
    }
    let document = world.admin("/openapi.json").await.json();
    assert_eq!(document["paths"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn any_method_but_post_is_told_so() {
    let world = World::start().await;
    let (path, scope) = operation_of("lookup");
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let request = world
            .client
            .request(method.parse().unwrap(), world.url(path))
            .bearer_auth(world.token(scope));
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "POST"),
            "{method}"
        );
        if method != "HEAD" {
            answer.is_problem(405, "method-not-allowed");
        }
    }
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let world = World::start().await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let (path, scope) = operation_of("lookup");
    let request = client
        .post(world.url(path))
        .bearer_auth(world.token(scope))
        .json(&json!({ "identifier": ZOE }));
    let response = request.send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert_eq!(
        response.json::<Value>().await.unwrap()["user"]["user_id"],
        "1"
    );
}
