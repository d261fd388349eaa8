//! A browser: cookies, forms, and redirects that are looked at one by one.

use std::collections::BTreeMap;

use reqwest::{Response, header};
use serde_json::Value;
use url::Url;

use crate::harness::{CALLBACK, EMAIL, PASSWORD, TestTenant};

// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[derive(Default)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) async fn get(&mut self, tenant: &TestTenant, url: &str) -> Response {
        let response = tenant
            .http
            .get(url)
            .header(header::COOKIE, self.cookie())
            .send()
            .await
            .unwrap();
        self.keep(&response);
        response
    }

    pub(crate) async fn post(
        &mut self,
        tenant: &TestTenant,
        url: &str,
        form: &[(&str, &str)],
    ) -> Response {
        let response = tenant
            .http
            .post(url)
            .header(header::COOKIE, self.cookie())
            .form(form)
            .send()
            .await
            .unwrap();
        self.keep(&response);
        response
    }

    /// Asks `/authorize` for a code of the public client, with further parameters.
    pub(crate) async fn authorize(
        &mut self,
        tenant: &TestTenant,
        more: &[(&str, &str)],
    ) -> Response {
        let url = authorize_url(tenant, more);
        self.get(tenant, &url).await
    }

    /// Goes from `/authorize` to the login page and returns the transaction in its form.
    pub(crate) async fn open_login(
        &mut self,
        tenant: &TestTenant,
        more: &[(&str, &str)],
    ) -> String {
        let response = self.authorize(tenant, more).await;
        assert_eq!(response.status(), 303);
        let page = self.get(tenant, &location(&response)).await;
        assert_eq!(page.status(), 200);
        let html = page.text().await.unwrap();
        let (_, rest) = html.split_once("name=\"state\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    pub(crate) async fn submit(
        &mut self,
        tenant: &TestTenant,
        state: &str,
        email: &str,
        password: &str,
    ) -> Response {
        let form = [
            ("state", state),
            ("username", email),
            ("password", password),
        ];
        self.post(tenant, &tenant.url("u/login"), &form).await
    }

    /// Logs Ada in; the query that came back to the application.
    pub(crate) async fn log_in(
        &mut self,
        tenant: &TestTenant,
        more: &[(&str, &str)],
    ) -> BTreeMap<String, String> {
        let state = self.open_login(tenant, more).await;
        let response = self.submit(tenant, &state, EMAIL, PASSWORD).await;
        assert_eq!(response.status(), 303, "{}", response.text().await.unwrap());
        returned(&response)
    }

    /// Logs Ada in and exchanges the code; the answer of the token endpoint.
    pub(crate) async fn tokens(&mut self, tenant: &TestTenant, more: &[(&str, &str)]) -> Value {
        let query = self.log_in(tenant, more).await;
        let (status, tokens) = exchange(
            tenant,
            query.get("code").unwrap_or_else(|| panic!("{query:?}")),
        )
        .await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    fn cookie(&self) -> String {
        self.cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn keep(&mut self, response: &Response) {
        for set in response.headers().get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            assert!(
                set.contains("HttpOnly") && set.contains("SameSite=Lax"),
                "{set}"
            );
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

pub(crate) fn authorize_url(tenant: &TestTenant, more: &[(&str, &str)]) -> String {
    let mut parameters = BTreeMap::from([
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("state", "xyz"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    parameters.extend(more.iter().copied());
    parameters.retain(|_, value| !value.is_empty());
    Url::parse_with_params(&tenant.url("authorize"), parameters)
        .unwrap()
        .to_string()
}

/// Exchanges a code of the public client.
pub(crate) async fn exchange(tenant: &TestTenant, code: &str) -> (u16, Value) {
    tenant
        .token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("code", code),
            ("code_verifier", VERIFIER),
        ])
        .await
}

pub(crate) fn location(response: &Response) -> String {
    response.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned()
}

/// The query that a redirect brings to the application's callback.
pub(crate) fn returned(response: &Response) -> BTreeMap<String, String> {
    let location = location(response);
    assert!(location.starts_with(CALLBACK), "{location}");
    Url::parse(&location)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}
