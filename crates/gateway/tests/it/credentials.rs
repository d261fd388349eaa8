//! What is presented in place of a good token, and what is answered whatever the path.

use serde_json::json;

use crate::world::{World, ZOE, send};

#[tokio::test]
async fn without_a_token_every_path_and_method_answers_401_with_a_bare_challenge() {
    let world = World::start().await;
    let mut answers = Vec::new();
    for path in ["/v1/users/lookup", "/v1/users/nothing", "/", "/livez"] {
        for method in ["POST", "GET", "DELETE", "OPTIONS"] {
            let request = world
                .client
                .request(method.parse().unwrap(), world.url(path));
            let answer = send(request).await;
            answer.is_problem(401, "invalid-token");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            answers.push((
                answer.json()["detail"].clone(),
                answer.json()["title"].clone(),
            ));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "nothing tells one path from another");
}

#[tokio::test]
async fn bad_credentials_are_refused_as_an_invalid_token() {
    let world = World::start().await;
    for value in [
        "Bearer",
        "Bearer x",
        "Bearer a.b.c",
        "Basic YTpi",
        "DPoP x.y.z",
        "garbage",
    ] {
        let request = world
            .client
            .post(world.url("/v1/users/lookup"))
            .header("authorization", value);
        let answer = send(request.json(&json!({ "identifier": ZOE }))).await;
        answer.is_problem(401, "invalid-token");
        assert_eq!(
            answer.header("www-authenticate"),
            "Bearer error=\"invalid_token\"",
            "{value}"
        );
    }
}

#[tokio::test]
async fn a_good_token_in_the_dpop_scheme_is_refused_for_there_is_no_such_constraint() {
    let world = World::start().await;
    let token = world.token("read:users");
    let request = world
        .client
        .post(world.url("/v1/users/lookup"))
        .header("authorization", format!("DPoP {token}"));
    send(request.json(&json!({ "identifier": ZOE })))
        .await
        .is_problem(401, "invalid-token");
}

#[tokio::test]
async fn two_authorization_headers_are_malformed() {
    let world = World::start().await;
    let bearer = format!("Bearer {}", world.token("read:users"));
    let request = world.client.post(world.url("/v1/users/lookup"));
    let request = request
        .header("authorization", &bearer)
        .header("authorization", &bearer);
    let answer = send(request.json(&json!({ "identifier": ZOE }))).await;
    answer.is_problem(400, "malformed-request");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"invalid_request\""
    );
}

#[tokio::test]
async fn a_token_in_query_json_or_form_is_malformed() {
    let world = World::start().await;
    let token = world.token("read:users");
    let in_query = world
        .post(
            &format!("/v1/users/lookup?access_token={token}"),
            &token,
            &json!({}),
        )
        .await;
    in_query.is_problem(400, "malformed-request");
    let body = json!({ "identifier": ZOE, "access_token": token });
    world
        .post("/v1/users/lookup", &token, &body)
        .await
        .is_problem(400, "malformed-request");
    let form = world
        .client
        .post(world.url("/v1/users/lookup"))
        .bearer_auth(&token);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    send(form.body(format!("access_token={token}")))
        .await
        .is_problem(400, "malformed-request");
}
