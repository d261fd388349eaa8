//! Sessions: single sign-on, silent authentication, logout, userinfo.

use crate::{
    browser::{Browser, location, returned},
    harness::{AFTER_LOGOUT, AUDIENCE, EMAIL, PASSWORD, TestTenant, answer, claims},
};

#[tokio::test]
async fn whoever_is_logged_in_is_not_asked_again() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    browser.log_in(&tenant, &[]).await;
    assert!(returned(&browser.authorize(&tenant, &[]).await).contains_key("code"));
    assert!(
        returned(&browser.authorize(&tenant, &[("prompt", "none")]).await).contains_key("code")
    );
    assert!(
        returned(&browser.authorize(&tenant, &[("max_age", "3600")]).await).contains_key("code")
    );
    for more in [("prompt", "login"), ("max_age", "0")] {
        let response = browser.authorize(&tenant, &[more]).await;
        assert!(
            location(&response).starts_with(&tenant.url("u/login")),
            "{more:?}"
        );
    }
    assert_eq!(
        returned(
            &browser
                .authorize(&tenant, &[("prompt", "none"), ("max_age", "0")])
                .await
        )["error"],
        "login_required"
    );
}

#[tokio::test]
async fn a_login_ends_the_session_before_it() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    browser.log_in(&tenant, &[]).await;
    let former = browser.cookies.clone();
    browser.log_in(&tenant, &[("prompt", "login")]).await;
    assert_ne!(
        former["lychgate_session"], browser.cookies["lychgate_session"],
        "no session is fixed"
    );
    let mut old = Browser { cookies: former };
    assert_eq!(
        returned(&old.authorize(&tenant, &[("prompt", "none")]).await)["error"],
        "login_required"
    );
}

#[tokio::test]
async fn the_sessions_own_application_logs_out_without_asking() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let tokens = browser.tokens(&tenant, &[]).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    let logout = |uri: &str| {
        tenant.url(&format!(
            "oidc/logout?id_token_hint={id_token}&state=s&post_logout_redirect_uri={uri}"
        ))
    };
    assert_eq!(
        browser
            .get(&tenant, &logout("https://evil.example/"))
            .await
            .status(),
        400
    );
    let response = browser.get(&tenant, &logout(AFTER_LOGOUT)).await;
    assert_eq!(location(&response), format!("{AFTER_LOGOUT}?state=s"));
    assert!(!browser.cookies.contains_key("lychgate_session"));
    assert_eq!(
        returned(&browser.authorize(&tenant, &[("prompt", "none")]).await)["error"],
        "login_required"
    );
}

#[tokio::test]
async fn without_the_sessions_id_token_a_person_is_asked() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let foreign = Browser::default().tokens(&tenant, &[]).await;
    browser.log_in(&tenant, &[]).await;
    for query in [
        String::new(),
        format!("?id_token_hint={}", foreign["id_token"].as_str().unwrap()),
    ] {
        let page = browser
            .get(&tenant, &tenant.url(&format!("oidc/logout{query}")))
            .await;
        assert_eq!(page.status(), 200);
        assert!(browser.cookies.contains_key("lychgate_session"));
        assert!(
            returned(&browser.authorize(&tenant, &[("prompt", "none")]).await).contains_key("code")
        );
    }
    let tampered = tenant.url("oidc/logout?id_token_hint=eyJhbGciOiJub25lIn0.e30.");
    assert_eq!(browser.get(&tenant, &tampered).await.status(), 400);
    assert_eq!(
        browser
            .post(&tenant, &tenant.url("oidc/logout"), &[])
            .await
            .status(),
        200
    );
    assert_eq!(
        returned(&browser.authorize(&tenant, &[("prompt", "none")]).await)["error"],
        "login_required"
    );
}

#[tokio::test]
async fn the_platforms_logout_goes_only_where_the_client_may() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    browser.log_in(&tenant, &[]).await;
    for refused in [
        "v2/logout?returnTo=https://evil.example/&client_id=app".to_owned(),
        format!("v2/logout?returnTo={AFTER_LOGOUT}"),
    ] {
        assert_eq!(
            browser.get(&tenant, &tenant.url(&refused)).await.status(),
            400
        );
    }
    let response = browser
        .get(
            &tenant,
            &tenant.url(&format!("v2/logout?client_id=app&returnTo={AFTER_LOGOUT}")),
        )
        .await;
    assert_eq!(location(&response), AFTER_LOGOUT);
    assert_eq!(
        returned(&browser.authorize(&tenant, &[("prompt", "none")]).await)["error"],
        "login_required"
    );
}

#[tokio::test]
async fn userinfo_takes_tokens_that_are_for_it_and_no_others() {
    let tenant = TestTenant::start().await;
    let both = Browser::default()
        .tokens(
            &tenant,
            &[("audience", AUDIENCE), ("scope", "openid email")],
        )
        .await;
    let api_only = Browser::default()
        .tokens(&tenant, &[("audience", AUDIENCE), ("scope", "read:users")])
        .await;
    let client = tenant.client_token(AUDIENCE).await.1;
    let userinfo = |token: String| {
        let (http, url) = (tenant.http.clone(), tenant.url("userinfo"));
        async move { http.post(url).bearer_auth(token).send().await.unwrap() }
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let good = text(&both["access_token"]);
    let response = userinfo(good.clone()).await;
    assert_eq!(response.status(), 200);
    let answer: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        answer,
        serde_json::json!({ "sub": "auth0|7", "email": EMAIL, "email_verified": true })
    );
    let mut forged = good.clone();
    forged.truncate(good.len() - 6);
    forged.push_str("AAAAAA");
    for bad in [
        text(&api_only["access_token"]),
        text(&client["access_token"]),
        text(&both["id_token"]),
        forged,
    ] {
        let response = userinfo(bad).await;
        assert_eq!(response.status(), 401);
        assert!(
            response.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("invalid_token")
        );
    }
    assert_eq!(
        tenant
            .http
            .get(tenant.url("userinfo"))
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    assert_eq!(claims(&api_only["access_token"])["aud"], AUDIENCE);
}

#[tokio::test]
async fn a_user_who_logs_in_elsewhere_has_a_session_there_only() {
    let tenant = TestTenant::start().await;
    Browser::default().log_in(&tenant, &[]).await;
    let mut other = Browser::default();
    assert_eq!(
        returned(&other.authorize(&tenant, &[("prompt", "none")]).await)["error"],
        "login_required"
    );
    let state = other.open_login(&tenant, &[]).await;
    assert_eq!(
        other
            .submit(&tenant, &state, EMAIL, PASSWORD)
            .await
            .status(),
        303
    );
}

#[tokio::test]
async fn another_name_of_this_machine_is_not_answered() {
    let tenant = TestTenant::start().await;
    let (status, _) = answer(
        tenant
            .http
            .get(tenant.url(".well-known/jwks.json"))
            .header("host", "rebound.example"),
    )
    .await;
    assert_eq!(status, 421);
}
