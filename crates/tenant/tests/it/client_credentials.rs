//! The client credentials grant, for each way a client can prove itself.

use lychgate_token::UnixTime;
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, SECRET, TestTenant, answer, claims};

async fn basic(tenant: &TestTenant, client_id: &str, secret: &str) -> (u16, Value) {
    let form = [("grant_type", "client_credentials"), ("audience", AUDIENCE)];
    answer(
        tenant
            .http
            .post(tenant.url("oauth/token"))
            .basic_auth(client_id, Some(secret))
            .form(&form),
    )
    .await
}

fn assertion(tenant: &TestTenant, audience: &str, jti: &str) -> String {
    let now = UnixTime::now().seconds();
    let claims = json!({ "iss": "keyed", "sub": "keyed", "aud": audience, "jti": jti, "iat": now, "exp": now + 60 });
    tenant.key.sign("JWT", &claims).unwrap()
}

async fn keyed(tenant: &TestTenant, assertion: &str) -> (u16, Value) {
    tenant
        .token(&[
            ("grant_type", "client_credentials"),
            ("audience", AUDIENCE),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
        ])
        .await
}

#[tokio::test]
async fn a_token_is_what_the_platform_would_make() {
    let tenant = TestTenant::start().await;
    let (status, tokens) = tenant.client_token(AUDIENCE).await;
    assert_eq!(status, 200, "{tokens}");
    let token = claims(&tokens["access_token"]);
    assert_eq!(token["sub"], "script@clients");
    assert_eq!(token["aud"], AUDIENCE);
    assert_eq!(token["azp"], "script");
    assert_eq!(token["gty"], "client-credentials");
    assert_eq!(token["scope"], "authenticate:users read:users");
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(86400))
    );
    assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
    assert_eq!(tenant.handle.token_requests("script"), 1);
}

#[tokio::test]
async fn a_client_proves_itself_by_its_own_method_only() {
    let tenant = TestTenant::start().await;
    assert_eq!(basic(&tenant, "basic", SECRET).await.0, 200);
    for (client_id, secret) in [("basic", "wrong"), ("unknown", SECRET), ("script", SECRET)] {
        let (status, error) = basic(&tenant, client_id, secret).await;
        assert_eq!(
            (status, &error["error"]),
            (401, &json!("invalid_client")),
            "{client_id}"
        );
    }
    for (client_id, secret) in [("script", "wrong"), ("basic", SECRET), ("script", "")] {
        let form = [
            ("grant_type", "client_credentials"),
            ("audience", AUDIENCE),
            ("client_id", client_id),
            ("client_secret", secret),
        ];
        let (status, error) = tenant.token(&form).await;
        assert_eq!(
            (status, &error["error"]),
            (401, &json!("invalid_client")),
            "{client_id}"
        );
    }
}

#[tokio::test]
async fn an_assertion_is_good_once_and_here() {
    let tenant = TestTenant::start().await;
    let good = assertion(&tenant, &tenant.issuer, "one");
    assert_eq!(keyed(&tenant, &good).await.0, 200);
    let (status, error) = keyed(&tenant, &good).await;
    assert_eq!(
        (status, &error["error"]),
        (401, &json!("invalid_client")),
        "its jti was used"
    );
    let elsewhere = assertion(&tenant, "https://other.example/", "two");
    assert_eq!(keyed(&tenant, &elsewhere).await.0, 401);
}

#[tokio::test]
async fn a_client_gets_no_more_than_it_was_granted() {
    let tenant = TestTenant::start().await;
    let ask = |client: &'static str, audience: &'static str, scope: &'static str| {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", SECRET),
        ];
        form.extend([("audience", audience), ("scope", scope)]);
        let tenant = &tenant;
        async move { tenant.token(&form).await }
    };
    let (status, tokens) = ask("script", AUDIENCE, "read:users").await;
    assert_eq!(
        (status, &claims(&tokens["access_token"])["scope"]),
        (200, &json!("read:users"))
    );
    for (client, audience, scope, status, code) in [
        (
            "script",
            AUDIENCE,
            "read:users delete:users",
            403,
            "access_denied",
        ),
        ("ungranted", AUDIENCE, "", 403, "access_denied"),
        ("script", "urn:unknown", "", 403, "access_denied"),
        ("script", "URN:legacy-identity", "", 403, "access_denied"),
        ("script", "", "", 400, "invalid_request"),
    ] {
        let (got, error) = ask(client, audience, scope).await;
        assert_eq!(
            (got, &error["error"]),
            (status, &json!(code)),
            "{client} {audience} {scope}: {error}"
        );
    }
}

#[tokio::test]
async fn a_grant_that_is_not_the_clients_is_refused() {
    let tenant = TestTenant::start().await;
    let (status, error) = tenant
        .token(&[("grant_type", "client_credentials"), ("client_id", "app")])
        .await;
    assert_eq!(
        (status, &error["error"]),
        (400, &json!("unauthorized_client"))
    );
    let (status, error) = tenant
        .token(&[
            ("grant_type", "password"),
            ("client_id", "script"),
            ("client_secret", SECRET),
            ("username", "ada"),
        ])
        .await;
    assert_eq!(
        (status, &error["error"]),
        (400, &json!("unsupported_grant_type"))
    );
}

#[tokio::test]
async fn errors_have_the_form_of_rfc_6749() {
    let tenant = TestTenant::start().await;
    let response = tenant
        .http
        .post(tenant.url("oauth/token"))
        .form(&[("grant_type", "x")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 401);
    assert!(response.headers().contains_key("www-authenticate"));
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(
        response
            .headers()
            .get("access-control-allow-origin")
            .is_none()
    );
    let twice = "grant_type=client_credentials&grant_type=client_credentials";
    let request = tenant
        .http
        .post(tenant.url("oauth/token"))
        .header("content-type", "application/x-www-form-urlencoded");
    let (status, error) = answer(request.body(twice)).await;
    assert_eq!((status, &error["error"]), (400, &json!("invalid_request")));
    let request = tenant
        .http
        .post(tenant.url("oauth/token"))
        .header("content-type", "application/x-www-form-urlencoded");
    let (status, _) = answer(request.body("a=".to_owned() + &"x".repeat(70_000))).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_json_body_does_as_well() {
    let tenant = TestTenant::start().await;
    let body = json!({ "grant_type": "client_credentials", "client_id": "script", "client_secret": SECRET, "audience": AUDIENCE });
    assert_eq!(
        answer(tenant.http.post(tenant.url("oauth/token")).json(&body))
            .await
            .0,
        200
    );
}
