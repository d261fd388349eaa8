//! All seven scripts, reached over HTTP as on the platform.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, returned},
    harness::{EMAIL, PASSWORD, SECRET, TestTenant, answer},
};

const NEW_PASSWORD: &str = "another long password";

async fn json_post(tenant: &TestTenant, path: &str, body: Value) -> (u16, Value) {
    answer(tenant.http.post(tenant.url(path)).json(&body)).await
}

async fn management(tenant: &TestTenant, method: Method, path: &str, body: Value) -> (u16, Value) {
    let (_, tokens) = tenant.client_token(&tenant.url("api/v2/")).await;
    let token = tokens["access_token"].as_str().unwrap();
    answer(
        tenant
            .http
            .request(method, tenant.url(path))
            .bearer_auth(token)
            .json(&body),
    )
    .await
}

async fn can_log_in(tenant: &TestTenant, email: &str, password: &str) -> bool {
    let mut browser = Browser::default();
    let state = browser.open_login(tenant, &[]).await;
    browser
        .submit(tenant, &state, email, password)
        .await
        .status()
        == 303
}

fn link(mail: &str) -> String {
    mail.lines()
        .find(|line| line.starts_with("http://"))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn signing_up_runs_get_user_create_and_login_and_mails_a_link() {
    let tenant = TestTenant::start().await;
    let body = json!({ "client_id": "app", "connection": "legacy", "email": "eve@example.com", "password": PASSWORD, "user_metadata": { "nickname": "eve" } });
    let (status, user) = json_post(&tenant, "dbconnections/signup", body.clone()).await;
    assert_eq!(
        (status, &user["_id"], &user["email_verified"]),
        (200, &json!("new-1"), &json!(false)),
        "{user}"
    );
    assert!(can_log_in(&tenant, "eve@example.com", PASSWORD).await);
    let (status, error) = json_post(&tenant, "dbconnections/signup", body).await;
    assert_eq!((status, &error["code"]), (400, &json!("invalid_signup")));
    let mails = tenant.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("To: <eve@example.com>"));
    let url = link(&mails[0]);
    assert_eq!(tenant.http.get(&url).send().await.unwrap().status(), 200);
    assert_eq!(
        tenant.http.get(&url).send().await.unwrap().status(),
        400,
        "a link works once"
    );
    let tokens = {
        let mut browser = Browser::default();
        let state = browser.open_login(&tenant, &[]).await;
        let query = returned(
            &browser
                .submit(&tenant, &state, "eve@example.com", PASSWORD)
                .await,
        );
        crate::browser::exchange(&tenant, &query["code"]).await.1
    };
    assert_eq!(
        crate::harness::claims(&tokens["id_token"])["email_verified"],
        true,
        "the next login says so"
    );
}

#[tokio::test]
async fn a_sign_up_that_cannot_be_meant_is_refused() {
    let tenant = TestTenant::start().await;
    let good = json!({ "client_id": "app", "connection": "legacy", "email": "eve@example.com", "password": PASSWORD });
    for (name, value) in [
        ("client_id", json!("unknown")),
        ("connection", json!("unknown")),
        ("email", json!("eve@example.com\r\nBcc: x@y.example")),
        ("email", json!(1)),
        ("password", json!("short")),
        ("user_metadata", json!({ "a": 1 })),
    ] {
        let mut body = good.clone();
        body[name] = value.clone();
        assert_eq!(
            json_post(&tenant, "dbconnections/signup", body).await.0,
            400,
            "{name} {value}"
        );
    }
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_through_a_mail() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    browser.log_in(&tenant, &[]).await;
    let ask = |email: &str| json!({ "client_id": "app", "connection": "legacy", "email": email });
    let known = json_post(&tenant, "dbconnections/change_password", ask(EMAIL)).await;
    let unknown = json_post(
        &tenant,
        "dbconnections/change_password",
        ask("nobody@example.com"),
    )
    .await;
    assert_eq!(known, unknown, "the answer tells nothing");
    let mails = tenant.mails();
    assert_eq!(mails.len(), 1);
    let url = link(&mails[0]);
    for _ in 0..2 {
        assert_eq!(
            tenant.http.get(&url).send().await.unwrap().status(),
            200,
            "looking does not end it"
        );
    }
    let ticket = url.rsplit('=').next().unwrap();
    let post = |password: &str, repeated: &str| {
        let form = [
            ("ticket", ticket),
            ("password", password),
            ("repeated", repeated),
        ];
        tenant
            .http
            .post(tenant.url("u/reset-password"))
            .form(&form)
            .send()
    };
    assert_eq!(post(NEW_PASSWORD, "another").await.unwrap().status(), 400);
    assert_eq!(post("short", "short").await.unwrap().status(), 400);
    assert_eq!(
        post(NEW_PASSWORD, NEW_PASSWORD).await.unwrap().status(),
        200
    );
    assert_eq!(
        post(NEW_PASSWORD, NEW_PASSWORD).await.unwrap().status(),
        400
    );
    assert!(can_log_in(&tenant, EMAIL, NEW_PASSWORD).await);
    assert!(!can_log_in(&tenant, EMAIL, PASSWORD).await);
    let silent = browser.authorize(&tenant, &[("prompt", "none")]).await;
    assert_eq!(
        returned(&silent)["error"],
        "login_required",
        "a new password ends the sessions of the old one"
    );
}

#[tokio::test]
async fn nobodys_mailbox_is_flooded() {
    let tenant = TestTenant::start().await;
    for _ in 0..8 {
        json_post(
            &tenant,
            "dbconnections/change_password",
            json!({ "client_id": "app", "connection": "legacy", "email": EMAIL }),
        )
        .await;
    }
    assert_eq!(tenant.mails().len(), 5);
}

#[tokio::test]
async fn without_an_outbox_nobody_can_ask_for_a_mail() {
    let tenant = TestTenant::start_with(|_, settings| settings.outbox = None).await;
    let body = json!({ "client_id": "app", "connection": "legacy", "email": EMAIL });
    assert_eq!(
        json_post(&tenant, "dbconnections/change_password", body)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn the_management_api_reaches_the_other_scripts() {
    let tenant = TestTenant::start().await;
    Browser::default().log_in(&tenant, &[]).await;
    let user = "api/v2/users/auth0%7C7";
    let (status, body) = management(
        &tenant,
        Method::PATCH,
        user,
        json!({ "email": "ada@new.example", "email_verified": true }),
    )
    .await;
    assert_eq!(
        (status, &body["email"]),
        (200, &json!("ada@new.example")),
        "{body}"
    );
    assert!(can_log_in(&tenant, "ada@new.example", PASSWORD).await);
    let (status, _) = management(
        &tenant,
        Method::PATCH,
        user,
        json!({ "password": NEW_PASSWORD }),
    )
    .await;
    assert_eq!(status, 200);
    assert!(can_log_in(&tenant, "ada@new.example", NEW_PASSWORD).await);
    let (status, ticket) = management(
        &tenant,
        Method::POST,
        "api/v2/tickets/password-change",
        json!({ "user_id": "auth0|7" }),
    )
    .await;
    assert_eq!(status, 201);
    assert_eq!(
        tenant
            .http
            .get(ticket["ticket"].as_str().unwrap())
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let (status, ticket) = management(
        &tenant,
        Method::POST,
        "api/v2/tickets/email-verification",
        json!({ "user_id": "auth0|7" }),
    )
    .await;
    assert_eq!(status, 201);
    assert_eq!(
        tenant
            .http
            .get(ticket["ticket"].as_str().unwrap())
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        management(&tenant, Method::DELETE, user, json!({})).await.0,
        204
    );
    assert!(!can_log_in(&tenant, "ada@new.example", NEW_PASSWORD).await);
    assert_eq!(
        management(&tenant, Method::DELETE, user, json!({})).await.0,
        404
    );
}

#[tokio::test]
async fn the_management_api_wants_a_clients_own_token_with_the_scope() {
    let tenant = TestTenant::start().await;
    let tokens = Browser::default().tokens(&tenant, &[]).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("audience", &tenant.url("api/v2/")),
    ];
    let request = tenant
        .http
        .post(tenant.url("oauth/token"))
        .basic_auth("basic", Some(SECRET))
        .form(&form);
    let (_, narrow) = answer(request).await;
    let (_, other) = tenant.client_token(crate::harness::AUDIENCE).await;
    let delete = |token: &Value| {
        let request = tenant.http.delete(tenant.url("api/v2/users/auth0%7C7"));
        answer(request.bearer_auth(token["access_token"].as_str().unwrap()))
    };
    assert_eq!(delete(&tokens).await.0, 401, "a user's");
    assert_eq!(delete(&other).await.0, 401, "another audience's");
    assert_eq!(delete(&narrow).await.0, 403, "one without the scope");
    assert_eq!(
        answer(tenant.http.delete(tenant.url("api/v2/users/auth0%7C7")))
            .await
            .0,
        401,
        "none"
    );
    let query = Browser::default()
        .authorize(&tenant, &[("audience", &tenant.url("api/v2/"))])
        .await;
    assert_eq!(query.status(), 303);
    let mut browser = Browser::default();
    let audience = tenant.url("api/v2/");
    let query = browser
        .log_in(
            &tenant,
            &[("audience", &audience), ("scope", "openid delete:users")],
        )
        .await;
    assert_eq!(
        query["error"], "access_denied",
        "no user gets one, whatever they ask for"
    );
}

#[tokio::test]
async fn what_is_not_done_here_is_not_silently_left_out() {
    let tenant = TestTenant::start().await;
    Browser::default().log_in(&tenant, &[]).await;
    for body in [
        json!({}),
        json!({ "blocked": true }),
        json!({ "email": "a@b.example", "password": NEW_PASSWORD }),
        json!({ "password": "short" }),
        json!({ "email": "nothing" }),
    ] {
        assert_eq!(
            management(
                &tenant,
                Method::PATCH,
                "api/v2/users/auth0%7C7",
                body.clone()
            )
            .await
            .0,
            400,
            "{body}"
        );
    }
}
