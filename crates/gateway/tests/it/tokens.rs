//! What makes a token good, step by step, each over the wire.

use lychgate_token::{SigningKey, UnixTime};
use serde_json::{Map, Value, json};

use crate::issuer::key;
use crate::world::{AUDIENCE, CLIENT, World};

/// Claims after a change; `null` takes a claim away.
fn changed(world: &World, changes: Value) -> Map<String, Value> {
    let mut claims = world.claims("read:users");
    for (name, value) in crate::world::object(changes) {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
    claims
}

async fn all_answer(cases: &[(&str, Value)], status: u16, problem: &str) {
    let world = World::start().await;
    for (case, changes) in cases {
        let token = world.sign(&changed(&world, changes.clone()));
        let answer = world.lookup_with(&token).await;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        answer.is_problem(status, problem);
    }
}

#[tokio::test]
async fn both_dialects_are_accepted() {
    let world = World::start().await;
    assert_eq!(
        world.lookup_with(&world.token("read:users")).await.status,
        200
    );
    let claims = changed(
        &world,
        json!({ "azp": null, "gty": null, "client_id": CLIENT, "jti": "1" }),
    );
    for token_type in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        let token = world.key.sign(token_type, &claims).unwrap();
        assert_eq!(world.lookup_with(&token).await.status, 200, "{token_type}");
    }
    let bare_subject = world.sign(&changed(&world, json!({ "sub": CLIENT })));
    assert_eq!(world.lookup_with(&bare_subject).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_401() {
    let now = UnixTime::now().seconds();
    let cases = [
        ("expired", json!({ "iat": now - 100, "exp": now - 11 })),
        ("not valid yet", json!({ "nbf": now + 60 })),
        ("no exp", json!({ "exp": null })),
        ("no iat", json!({ "iat": null })),
        ("lives too long", json!({ "exp": now + 24 * 3600 + 60 })),
        (
            "another issuer",
            json!({ "iss": "https://attacker.example/" }),
        ),
        ("another audience", json!({ "aud": "urn:other" })),
        (
            "a foreign audience beside ours",
            json!({ "aud": [AUDIENCE, "urn:other"] }),
        ),
        ("exp of the wrong type", json!({ "exp": "soon" })),
        (
            "scope of the wrong type",
            json!({ "scope": ["read:users"] }),
        ),
        ("azp of the wrong type", json!({ "azp": 7 })),
        ("gty of the wrong type", json!({ "gty": true })),
        ("azp and client_id differ", json!({ "client_id": "other" })),
        ("bound by mTLS", json!({ "cnf": { "x5t#S256": "x" } })),
        ("bound by DPoP", json!({ "cnf": { "jkt": "x" } })),
    ];
    all_answer(&cases, 401, "invalid-token").await;
}

#[tokio::test]
async fn a_good_token_of_somebody_else_is_403() {
    let world = World::start().await;
    let userinfo = format!("{}userinfo", world.issuer.name);
    let cases = [
        (
            "another client",
            json!({ "azp": "other", "sub": "other@clients" }),
        ),
        ("a user", json!({ "sub": "auth0|7", "gty": null })),
        (
            "a user by password",
            json!({ "sub": "auth0|7", "gty": "password" }),
        ),
        ("another grant", json!({ "gty": "refresh_token" })),
        ("no subject", json!({ "sub": null })),
        ("no client", json!({ "azp": null })),
        ("an agent", json!({ "sub": "agt_7" })),
        ("a session", json!({ "sid": "s" })),
        ("a nonce", json!({ "nonce": "n" })),
        ("a login", json!({ "auth_time": 1 })),
        ("a delegation", json!({ "act": { "sub": "x" } })),
        ("openid", json!({ "scope": "openid read:users" })),
        ("profile", json!({ "scope": "profile read:users" })),
        (
            "offline_access",
            json!({ "scope": "offline_access read:users" }),
        ),
    ];
    for (case, changes) in cases {
        let answer = world
            .lookup_with(&world.sign(&changed(&world, changes)))
            .await;
        assert_eq!(answer.status, 403, "{case}: {answer:?}");
        answer.is_problem(403, "client-not-allowed");
    }
    let with_userinfo = changed(&world, json!({ "aud": [AUDIENCE, userinfo] }));
    world
        .lookup_with(&world.sign(&with_userinfo))
        .await
        .is_problem(403, "client-not-allowed");
}

#[tokio::test]
async fn another_client_is_told_so_on_every_path() {
    let world = World::start().await;
    let token = world.sign(&changed(
        &world,
        json!({ "azp": "other", "sub": "other@clients" }),
    ));
    for path in ["/v1/users/lookup", "/v1/users/nothing"] {
        world
            .post(path, &token, &json!({}))
            .await
            .is_problem(403, "client-not-allowed");
        assert_eq!(
            world.audit().last().unwrap()["client"],
            "other",
            "the operator is told who it was"
        );
    }
}

#[tokio::test]
async fn a_foreign_signature_is_refused() {
    let world = World::start().await;
    let foreign: SigningKey = key();
    let token = foreign.sign("JWT", &world.claims("read:users")).unwrap();
    world
        .lookup_with(&token)
        .await
        .is_problem(401, "invalid-token");
    let mut forged = world.token("read:users");
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'Q' } else { 'A' });
    world
        .lookup_with(&forged)
        .await
        .is_problem(401, "invalid-token");
}

#[tokio::test]
async fn each_operation_needs_its_own_scope() {
    let world = World::start().await;
    let operations = &lychgate_gateway::operations::OPERATIONS;
    for operation in operations {
        let others: Vec<_> = operations
            .iter()
            .map(|other| other.scope)
            .filter(|scope| *scope != operation.scope)
            .collect();
        let answer = world
            .post(operation.path, &world.token(&others.join(" ")), &json!({}))
            .await;
        answer.is_problem(403, "insufficient-scope");
        assert_eq!(
            answer.header("www-authenticate"),
            format!(
                "Bearer error=\"insufficient_scope\", scope=\"{}\"",
                operation.scope
            )
        );
        let answer = world
            .post(operation.path, &world.token(operation.scope), &json!({}))
            .await;
        answer.is_problem(422, "invalid-field");
    }
}

#[tokio::test]
async fn a_token_of_another_type_is_refused() {
    let world = World::start().await;
    for token_type in ["id+jwt", "dpop+jwt", ""] {
        let token = world
            .key
            .sign(token_type, &world.claims("read:users"))
            .unwrap();
        world
            .lookup_with(&token)
            .await
            .is_problem(401, "invalid-token");
    }
}
