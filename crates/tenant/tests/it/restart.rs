//! What survives a restart.

use crate::{
    browser::{Browser, exchange, returned},
    harness::{EMAIL, PASSWORD, TestTenant, answer},
};

#[tokio::test]
async fn keys_sessions_codes_logins_and_refresh_tokens_survive_a_restart() {
    let tenant = TestTenant::start().await;
    let (_, keys) = answer(tenant.http.get(tenant.url(".well-known/jwks.json"))).await;
    let mut browser = Browser::default();
    let tokens = browser
        .tokens(&tenant, &[("scope", "openid offline_access")])
        .await;
    let query = browser.authorize(&tenant, &[("prompt", "none")]).await;
    let code = returned(&query)["code"].clone();
    let mut other = Browser::default();
    let state = other.open_login(&tenant, &[]).await;

    let tenant = tenant.restart().await;

    assert_eq!(
        answer(tenant.http.get(tenant.url(".well-known/jwks.json")))
            .await
            .1,
        keys
    );
    assert_eq!(exchange(&tenant, &code).await.0, 200);
    assert_eq!(
        exchange(&tenant, &code).await.0,
        400,
        "and once it is used, it is used"
    );
    let token = tokens["refresh_token"].as_str().unwrap();
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", token),
    ];
    assert_eq!(tenant.token(&refresh).await.0, 200);
    assert!(
        returned(&browser.authorize(&tenant, &[("prompt", "none")]).await).contains_key("code")
    );
    assert!(returned(&other.submit(&tenant, &state, EMAIL, PASSWORD).await).contains_key("code"));
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(
        answer(
            tenant
                .http
                .get(tenant.url("userinfo"))
                .bearer_auth(access_token)
        )
        .await
        .0,
        200
    );
}
