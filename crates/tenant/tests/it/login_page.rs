//! The login page.

use crate::{
    browser::{Browser, authorize_url, location, returned},
    harness::{EMAIL, PASSWORD, TestTenant},
};

#[tokio::test]
async fn the_page_is_hardened_and_made_for_everybody() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let url = location(
        &browser
            .authorize(&tenant, &[("login_hint", "ada@example.com")])
            .await,
    );
    let page = browser.get(&tenant, &url).await;
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:9;") && !policy.contains("unsafe")
    );
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["cache-control"], "no-store");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    let html = page.text().await.unwrap();
    for wanted in [
        "<html lang=\"en\">",
        "<label for=\"username\">",
        "<label for=\"password\">",
        "autocomplete=\"username\"",
        "autocomplete=\"current-password\"",
        "value=\"ada@example.com\"",
        "The app",
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
    assert!(!html.contains("<script") && !html.contains("style="));
    let style = browser.get(&tenant, &tenant.url("u/style.css")).await;
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn unknown_user_and_wrong_password_get_the_same_page() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let state = browser.open_login(&tenant, &[]).await;
    let wrong = browser.submit(&tenant, &state, EMAIL, "wrong").await;
    assert_eq!(wrong.status(), 400);
    let wrong = wrong.text().await.unwrap();
    assert!(wrong.contains("Wrong email or password.") && wrong.contains("role=\"alert\""));
    let unknown = browser
        .submit(&tenant, &state, "bob@example.com", "wrong")
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        wrong.replace(EMAIL, "WHO"),
        unknown.replace("bob@example.com", "WHO")
    );
    assert!(returned(&browser.submit(&tenant, &state, EMAIL, PASSWORD).await).contains_key("code"));
}

#[tokio::test]
async fn a_failing_script_shows_nothing_from_below() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let state = browser.open_login(&tenant, &[]).await;
    let failed = browser
        .submit(&tenant, &state, "broken@example.com", PASSWORD)
        .await;
    assert_eq!(failed.status(), 503);
    let html = failed.text().await.unwrap();
    assert!(!html.contains("10.0.0.1") && !html.contains("Wrong email"));
    let told = browser
        .submit(&tenant, &state, "told@example.com", PASSWORD)
        .await
        .text()
        .await
        .unwrap();
    assert!(
        told.contains("Call us &#60;b&#62;first&#60;/b&#62;."),
        "{told}"
    );
}

#[tokio::test]
async fn a_form_of_another_browser_logs_nobody_in() {
    let tenant = TestTenant::start().await;
    let mut attacker = Browser::default();
    let state = attacker.open_login(&tenant, &[]).await;
    let mut victim = Browser::default();
    assert_eq!(
        victim
            .submit(&tenant, &state, EMAIL, PASSWORD)
            .await
            .status(),
        400,
        "no cookie"
    );
    victim.open_login(&tenant, &[]).await;
    assert_eq!(
        victim
            .submit(&tenant, &state, EMAIL, PASSWORD)
            .await
            .status(),
        400,
        "another cookie"
    );
    assert!(!victim.cookies.contains_key("lychgate_session"));
}

#[tokio::test]
async fn a_form_that_stood_elsewhere_logs_nobody_in() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let state = browser.open_login(&tenant, &[]).await;
    let cookie = format!("lychgate_login={}", browser.cookies["lychgate_login"]);
    for site in ["cross-site", "same-site"] {
        let form = [
            ("state", state.as_str()),
            ("username", EMAIL),
            ("password", PASSWORD),
        ];
        let request = tenant
            .http
            .post(tenant.url("u/login"))
            .header("cookie", &cookie)
            .header("sec-fetch-site", site);
        assert_eq!(
            request.form(&form).send().await.unwrap().status(),
            400,
            "{site}"
        );
    }
}

#[tokio::test]
async fn a_login_is_over_once_it_succeeded() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let state = browser.open_login(&tenant, &[]).await;
    assert_eq!(
        browser
            .submit(&tenant, &state, EMAIL, PASSWORD)
            .await
            .status(),
        303
    );
    assert_eq!(
        browser
            .submit(&tenant, &state, EMAIL, PASSWORD)
            .await
            .status(),
        400
    );
}

#[tokio::test]
async fn nobody_guesses_for_ever() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let state = browser.open_login(&tenant, &[]).await;
    for _ in 0..10 {
        assert_eq!(
            browser
                .submit(&tenant, &state, EMAIL, "wrong")
                .await
                .status(),
            400
        );
    }
    assert_eq!(
        browser
            .submit(&tenant, &state, EMAIL, PASSWORD)
            .await
            .status(),
        429
    );
}

#[tokio::test]
async fn two_tabs_do_not_get_in_each_others_way() {
    let tenant = TestTenant::start().await;
    let mut browser = Browser::default();
    let one = browser.open_login(&tenant, &[]).await;
    let other = browser.open_login(&tenant, &[]).await;
    assert_eq!(
        browser
            .submit(&tenant, &one, EMAIL, PASSWORD)
            .await
            .status(),
        303
    );
    assert_eq!(
        browser
            .submit(&tenant, &other, EMAIL, PASSWORD)
            .await
            .status(),
        303
    );
}

#[tokio::test]
async fn over_tls_the_cookie_belongs_to_this_host_alone() {
    let tenant = TestTenant::start_with(|_, settings| {
        settings.issuer = "https://login.example.com/".parse().unwrap();
        settings.policy.client_grants.clear();
    })
    .await;
    let url = authorize_url(&tenant, &[]).replace(
        "https://login.example.com",
        &format!("http://127.0.0.1:{}", tenant.port),
    );
    let response = tenant
        .http
        .get(url)
        .header("host", "login.example.com")
        .send()
        .await
        .unwrap();
    assert!(location(&response).starts_with("https://login.example.com/u/login?state="));
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-lychgate_login=")
            && cookie.contains("; Path=/;")
            && cookie.ends_with("; Secure"),
        "{cookie}"
    );
}
