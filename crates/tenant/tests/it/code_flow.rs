//! The authorization code flow with PKCE.

use crate::{
    browser::{Browser, CHALLENGE, VERIFIER, authorize_url, exchange, location, returned},
    harness::{AUDIENCE, CALLBACK, SECRET, TestTenant, answer, claims, header},
};

#[tokio::test]
async fn a_user_logs_in_and_the_application_knows_who_it_is() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let query = browser.log_in(&tenant, &[("nonce", "n-0S6_WzA2Mj")]).await;
    assert_eq!(query["state"], "xyz");
    assert_eq!(query["iss"], tenant.issuer, "RFC 9207");
    let (status, tokens) = exchange(&tenant, &query["code"]).await;
    assert_eq!(status, 200, "{tokens}");
    let id_token = claims(&tokens["id_token"]);
    assert_eq!(id_token["iss"], tenant.issuer);
    assert_eq!(id_token["aud"], "app");
    assert_eq!(id_token["sub"], "auth0|7", "a number becomes a string");
    assert_eq!(id_token["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id_token["email"], "ada@example.com");
    assert_eq!(id_token["nickname"], "ada");
    assert!(id_token["auth_time"].is_number() && id_token["sid"].is_string());
    let access_token = claims(&tokens["access_token"]);
    assert_eq!(access_token["aud"], tenant.url("userinfo"));
    assert!(tokens.get("refresh_token").is_none());
    let (status, userinfo) = answer(
        tenant
            .http
            .get(tenant.url("userinfo"))
            .bearer_auth(tokens["access_token"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        (status, &userinfo["sub"], &userinfo["email"]),
        (200, &id_token["sub"], &id_token["email"])
    );
}

#[tokio::test]
async fn a_token_for_an_api_names_it_and_userinfo() {
    let tenant = TestTenant::start().await;
    let tokens = Browser::default()
        .tokens(
            &tenant,
            &[
                ("audience", AUDIENCE),
                ("scope", "openid read:users made:up"),
            ],
        )
        .await;
    let access_token = claims(&tokens["access_token"]);
    assert_eq!(
        access_token["aud"],
        serde_json::json!([AUDIENCE, tenant.url("userinfo")])
    );
    assert_eq!(access_token["scope"], "openid read:users");
    assert_eq!(access_token["azp"], "app");
    assert!(access_token.get("gty").is_none());
    assert_eq!(header(&tokens["access_token"])["typ"], "JWT");
    assert_eq!(tokens["expires_in"], 86400);
}

#[tokio::test]
async fn a_code_is_good_once_and_its_reuse_revokes_what_it_gave() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let query = browser
        .log_in(&tenant, &[("scope", "openid offline_access")])
        .await;
    let (_, tokens) = exchange(&tenant, &query["code"]).await;
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let (status, error) = exchange(&tenant, &query["code"]).await;
    assert_eq!((status, &error["error"]), (400, &"invalid_grant".into()));
    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", refresh_token),
    ];
    let (status, error) = tenant.token(&refresh).await;
    assert_eq!((status, &error["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn of_many_exchanges_of_one_code_at_once_at_most_one_succeeds() {
    let tenant = TestTenant::start().await;
    let query = Browser::default().log_in(&tenant, &[]).await;
    let code = &query["code"];
    let all = tokio::join!(
        exchange(&tenant, code),
        exchange(&tenant, code),
        exchange(&tenant, code),
        exchange(&tenant, code)
    );
    let succeeded = [all.0, all.1, all.2, all.3]
        .iter()
        .filter(|(status, _)| *status == 200)
        .count();
    assert!(succeeded <= 1, "{succeeded}");
}

#[tokio::test]
async fn a_code_is_bound_to_its_verifier_its_client_and_its_redirect_uri() {
    let tenant = TestTenant::start().await;
    let wrong_verifier = "a".repeat(43);
    let cases = [
        ("wrong verifier", "app", CALLBACK, wrong_verifier.as_str()),
        ("no verifier", "app", CALLBACK, ""),
        ("other client", "other-app", CALLBACK, VERIFIER),
        (
            "other redirect_uri",
            "app",
            "http://127.0.0.1:9/elsewhere",
            VERIFIER,
        ),
    ];
    for (case, client_id, redirect_uri, verifier) in cases {
        let query = Browser::default().log_in(&tenant, &[]).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("code", query["code"].as_str()),
            ("code_verifier", verifier),
        ];
        let (status, error) = tenant.token(&form).await;
        assert_eq!(
            (status, &error["error"]),
            (400, &"invalid_grant".into()),
            "{case}"
        );
        let (status, _) = exchange(&tenant, &query["code"]).await;
        assert_eq!(status, 400, "{case}: the code is gone");
    }
}

#[tokio::test]
async fn a_confidential_client_may_do_without_pkce_but_not_half_of_it() {
    let tenant = TestTenant::start().await;
    let without = [
        ("client_id", "web"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let token = |code: String, verifier: &'static str| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        form.retain(|(_, value)| !value.is_empty());
        let mut form: Vec<(String, String)> = form
            .into_iter()
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        form.push(("code".to_owned(), code));
        answer(
            tenant
                .http
                .post(tenant.url("oauth/token"))
                .basic_auth("web", Some(SECRET))
                .form(&form),
        )
    };
    let query = Browser::default().log_in(&tenant, &without).await;
    assert_eq!(token(query["code"].clone(), "").await.0, 200);
    let query = Browser::default().log_in(&tenant, &without).await;
    assert_eq!(
        token(query["code"].clone(), VERIFIER).await.0,
        400,
        "RFC 9700 §4.8.2"
    );
    let query = Browser::default()
        .log_in(&tenant, &[("client_id", "web")])
        .await;
    assert_eq!(token(query["code"].clone(), "").await.0, 400);
}

#[tokio::test]
async fn an_error_goes_back_to_the_application_once_its_address_is_known() {
    let tenant = TestTenant::start().await;
    for (more, expected) in [
        (
            &[("response_type", "token")][..],
            "unsupported_response_type",
        ),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("prompt", "none")], "login_required"),
        (&[("prompt", "create")], "invalid_request"),
        (&[("scope", "openid \"")], "invalid_scope"),
        (&[("audience", "urn:unknown")], "access_denied"),
        (
            &[("audience", AUDIENCE), ("resource", "urn:other")],
            "invalid_request",
        ),
        (&[("connection", "unknown")], "invalid_request"),
        (&[("request", "eyJ")], "invalid_request"),
    ] {
        let response = Browser::default().authorize(&tenant, more).await;
        let query = returned(&response);
        assert_eq!(query["error"], expected, "{more:?}");
        assert_eq!(
            (query["state"].as_str(), query["iss"].as_str()),
            ("xyz", tenant.issuer.as_str())
        );
    }
    let unknown = Browser::default()
        .authorize(&tenant, &[("audience", "urn:unknown")])
        .await;
    assert_eq!(
        returned(&unknown)["error_description"],
        "Service not found: urn:unknown"
    );
}

#[tokio::test]
async fn an_error_is_shown_on_a_page_while_the_address_is_not_known() {
    let tenant = TestTenant::start().await;
    for more in [
        [("client_id", "unknown")],
        [("client_id", "script")],
        [("redirect_uri", "https://evil.example/callback")],
        [("redirect_uri", "http://127.0.0.1:9/callback/../evil")],
        [("redirect_uri", "")],
    ] {
        let response = Browser::default().authorize(&tenant, &more).await;
        assert_eq!(response.status(), 400, "{more:?}");
        assert!(response.headers().get("location").is_none());
    }
    let twice = format!("{}&state=again", authorize_url(&tenant, &[]));
    assert_eq!(Browser::default().get(&tenant, &twice).await.status(), 400);
}

#[tokio::test]
async fn a_native_application_takes_the_port_it_finds() {
    let tenant = TestTenant::start().await;
    let response = Browser::default()
        .authorize(
            &tenant,
            &[("redirect_uri", "http://127.0.0.1:50123/callback")],
        )
        .await;
    assert!(location(&response).starts_with(&tenant.url("u/login")));
}

#[tokio::test]
async fn discovery_says_what_is_there() {
    let tenant = TestTenant::start().await;
    for path in [
        ".well-known/openid-configuration",
        ".well-known/oauth-authorization-server",
    ] {
        let (status, metadata) = answer(tenant.http.get(tenant.url(path))).await;
        assert_eq!(
            (status, &metadata["issuer"]),
            (200, &tenant.issuer.as_str().into())
        );
        assert_eq!(
            metadata["code_challenge_methods_supported"],
            serde_json::json!(["S256"])
        );
    }
    let (_, keys) = answer(tenant.http.get(tenant.url(".well-known/jwks.json"))).await;
    let tokens = Browser::default()
        .tokens(&tenant, &[("code_challenge", CHALLENGE)])
        .await;
    assert_eq!(
        keys["keys"][0]["kid"],
        header(&tokens["access_token"])["kid"]
    );
    assert!(
        keys["keys"][0].get("d").is_none(),
        "no private key is published"
    );
}
