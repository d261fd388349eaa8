//! The user's side of a login: a browser as small as one can be, with a cookie jar and no will of its own.
//!
//! It never follows the redirect to the application: the code in it is what the tour is after.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use lychgate_token::pkce::CodeVerifier;
use lychgate_token::random_token;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response, Url};
use serde_json::Value;

use super::names::APPLICATION;
use super::servers::Servers;

/// A browser of one person, with a new profile.
pub(crate) struct Browser<'servers> {
    servers: &'servers Servers,
    cookies: BTreeMap<String, String>,
}

/// How a login ended.
pub(crate) enum Login {
    /// The browser was sent back to the application with a code.
    Code(AuthorizationCode),
    /// The browser was sent back to the application with an OAuth error of this name.
    Error(String),
    /// The login page was shown again: its HTML, but for what was typed and for the number of this login.
    Page(String),
}

/// What the application exchanges for tokens.
pub(crate) struct AuthorizationCode {
    code: String,
    verifier: CodeVerifier,
}

impl<'servers> Browser<'servers> {
    pub(crate) fn new(servers: &'servers Servers) -> Self {
        Self {
            servers,
            cookies: BTreeMap::new(),
        }
    }

    /// Logs in to the sample application. `audience` is what an attacker adds to the address on its way.
    pub(crate) async fn log_in(
        &mut self,
        username: &str,
        password: &str,
        audience: Option<&str>,
    ) -> Result<Login> {
        let verifier = CodeVerifier::new(random_token()?)?;
        let state = random_token()?;
        let authorize = authorization_request(self.servers, &state, &verifier, audience)?;
        let http = &self.servers.http;

        let response = self.send(http.get(authorize)).await?;
        let login_page = next_address(&response)?.context("/authorize leads to the login page")?;
        self.send(http.get(login_page.clone())).await?;
        let transaction =
            parameter(&login_page, "state").context("the login page's address has its state")?;
        let form = [
            ("state", transaction.as_str()),
            ("username", username),
            ("password", password),
        ];
        let response = self.send(http.post(login_page).form(&form)).await?;

        let Some(address) = next_address(&response)? else {
            // What differs from one login to the next is no part of what the page says.
            return Ok(Login::Page(
                response
                    .text()
                    .await?
                    .replace(&transaction, "")
                    .replace(username, ""),
            ));
        };
        let callback = self.servers.callback()?;
        ensure!(
            address.as_str().starts_with(callback.as_str()),
            "the login leads elsewhere: {address}"
        );
        ensure!(
            parameter(&address, "state") == Some(state),
            "the answer is not to our request"
        );
        if let Some(error) = parameter(&address, "error") {
            return Ok(Login::Error(error));
        }
        let code = parameter(&address, "code").context("the application is sent a code")?;
        Ok(Login::Code(AuthorizationCode::new(code, verifier)))
    }

    async fn send(&mut self, request: RequestBuilder) -> Result<Response> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request.header(COOKIE, cookies.join("; ")).send().await?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }
}

impl AuthorizationCode {
    pub(crate) fn new(code: String, verifier: CodeVerifier) -> Self {
        Self { code, verifier }
    }

    /// Does what the application does with it.
    pub(crate) async fn exchange(self, servers: &Servers) -> Result<Value> {
        let callback = servers.callback()?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", APPLICATION),
            ("code", &self.code),
            ("redirect_uri", callback.as_str()),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        let response = servers
            .http
            .post(servers.tenant.endpoint("oauth/token")?)
            .form(&form)
            .send()
            .await?;
        ensure!(
            response.status().is_success(),
            "the code was not taken: {}",
            response.text().await?
        );
        Ok(response.json().await?)
    }
}

/// Where the application sends a browser that wants to log in.
pub(crate) fn authorization_request(
    servers: &Servers,
    state: &str,
    verifier: &CodeVerifier,
    audience: Option<&str>,
) -> Result<Url> {
    let callback = servers.callback()?;
    let challenge = verifier.challenge();
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", APPLICATION),
        ("redirect_uri", callback.as_str()),
        ("scope", "openid profile email"),
        ("state", state),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    parameters.extend(audience.map(|audience| ("audience", audience)));
    Ok(Url::parse_with_params(
        servers.tenant.endpoint("authorize")?.as_str(),
        parameters,
    )?)
}

/// Where a redirect leads, if the response is one.
fn next_address(response: &Response) -> Result<Option<Url>> {
    let Some(location) = response.headers().get(LOCATION) else {
        return Ok(None);
    };
    Ok(Some(response.url().join(location.to_str()?)?))
}

fn parameter(address: &Url, name: &str) -> Option<String> {
    address
        .query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
