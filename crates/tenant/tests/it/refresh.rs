//! Refresh tokens: rotation, reuse, revocation.

use serde_json::{Value, json};

use crate::{
    browser::Browser,
    harness::{AUDIENCE, TestTenant, answer, claims, write},
};

const OFFLINE: [(&str, &str); 2] = [
    ("audience", AUDIENCE),
    ("scope", "openid offline_access read:users"),
];

async fn refresh(tenant: &TestTenant, client_id: &str, token: &Value) -> (u16, Value) {
    let token = token.as_str().unwrap();
    tenant
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", token),
        ])
        .await
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_family() {
    let tenant = TestTenant::start().await;
    let first = Browser::default().tokens(&tenant, &OFFLINE).await;
    let (status, second) = refresh(&tenant, "app", &first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let token = claims(&second["access_token"]);
    assert_eq!(
        (&token["aud"][0], &token["gty"]),
        (&json!(AUDIENCE), &json!("refresh_token"))
    );
    assert_eq!(
        claims(&second["id_token"])["auth_time"],
        claims(&first["id_token"])["auth_time"]
    );
    let (status, error) = refresh(&tenant, "app", &first["refresh_token"]).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_grant")));
    let (status, _) = refresh(&tenant, "app", &second["refresh_token"]).await;
    assert_eq!(status, 400, "the thief or the owner: neither goes on");
}

#[tokio::test]
async fn of_many_refreshes_with_one_token_at_most_one_succeeds() {
    let tenant = TestTenant::start().await;
    let tokens = Browser::default().tokens(&tenant, &OFFLINE).await;
    let token = &tokens["refresh_token"];
    let all = tokio::join!(
        refresh(&tenant, "app", token),
        refresh(&tenant, "app", token),
        refresh(&tenant, "app", token),
        refresh(&tenant, "app", token)
    );
    let succeeded = [all.0, all.1, all.2, all.3]
        .iter()
        .filter(|(status, _)| *status == 200)
        .count();
    assert!(succeeded <= 1, "{succeeded}");
}

#[tokio::test]
async fn a_refresh_token_is_its_clients_and_its_audiences() {
    let tenant = TestTenant::start().await;
    let tokens = Browser::default().tokens(&tenant, &OFFLINE).await;
    assert_eq!(
        refresh(&tenant, "other-app", &tokens["refresh_token"])
            .await
            .0,
        400
    );
    let token = tokens["refresh_token"].as_str().unwrap();
    let other = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", token),
        ("audience", "urn:other"),
    ];
    assert_eq!(tenant.token(&other).await.0, 400);
    let wider = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", token),
        ("scope", "authenticate:users"),
    ];
    let (status, error) = tenant.token(&wider).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_scope")));
    assert_eq!(
        refresh(&tenant, "app", &tokens["refresh_token"]).await.0,
        200,
        "none of this has spent it"
    );
}

#[tokio::test]
async fn there_is_none_where_nobody_asked_or_the_api_says_no() {
    let tenant = TestTenant::start_with(|_, settings| {
        settings.policy.apis[0].allow_offline_access = false;
    })
    .await;
    let tokens = Browser::default().tokens(&tenant, &OFFLINE).await;
    assert!(tokens.get("refresh_token").is_none());
    assert!(!tokens["scope"].as_str().unwrap().contains("offline_access"));
    let tokens = Browser::default()
        .tokens(&tenant, &[("scope", "openid")])
        .await;
    assert!(tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn rules_run_at_every_refresh_and_one_that_fails_costs_nobody_the_token() {
    let tenant = TestTenant::start().await;
    let tokens = Browser::default().tokens(&tenant, &OFFLINE).await;
    let rules = tenant.folder.path().join("rules");
    let port = tenant.port;
    write(
        &rules.join("1.js"),
        "function (user, context, callback) { callback(context.protocol === 'oauth2-refresh-token' ? new Error('down') : null, user, context); }",
    );
    let mut policy = crate::harness::policy(port);
    policy.pipeline.read_rules(&rules).unwrap();
    tenant.handle.adopt(policy).unwrap();
    let (status, error) = refresh(&tenant, "app", &tokens["refresh_token"]).await;
    assert_eq!((status, &error["error"]), (403, &json!("access_denied")));
    tenant.handle.adopt(crate::harness::policy(port)).unwrap();
    assert_eq!(
        refresh(&tenant, "app", &tokens["refresh_token"]).await.0,
        200
    );
}

#[tokio::test]
async fn a_revoked_token_is_gone_with_its_family() {
    let tenant = TestTenant::start().await;
    let first = Browser::default().tokens(&tenant, &OFFLINE).await;
    let (_, second) = refresh(&tenant, "app", &first["refresh_token"]).await;
    let revoke = |client: &'static str, token: String| {
        let tenant = &tenant;
        async move {
            tenant
                .post("oauth/revoke", &[("client_id", client), ("token", &token)])
                .await
                .0
        }
    };
    let token = second["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(
        revoke("other-app", token.clone()).await,
        200,
        "the answer tells nothing"
    );
    let (status, third) = refresh(&tenant, "app", &second["refresh_token"]).await;
    assert_eq!(status, 200, "another client's wish counts for nothing");
    assert_eq!(
        revoke("app", third["refresh_token"].as_str().unwrap().to_owned()).await,
        200
    );
    assert_eq!(
        refresh(&tenant, "app", &third["refresh_token"]).await.0,
        400
    );
    assert_eq!(
        revoke("app", "unknown".to_owned()).await,
        200,
        "RFC 7009 §2.2"
    );
    let access_token = third["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        revoke("app", access_token).await,
        400,
        "unsupported_token_type"
    );
    let (status, _) = answer(
        tenant
            .http
            .post(tenant.url("oauth/revoke"))
            .form(&[("token", "x")]),
    )
    .await;
    assert_eq!(status, 401);
}
