//! Whoever sits in front of a browser: the user, and who has bent the address that it was sent to.
//!
//! It connects to the tenant and to nothing else; where an answer leads is looked at and not followed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use lychgate_token::pkce::CodeVerifier;
use lychgate_token::random_token;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response, Url};
use serde_json::Value;

use super::NotTried;
use super::door::{Answer, Door};
use super::forger::claims;
use super::settings::{Application, User};
use super::target::Target;

/// A browser of one person, with a new profile, and the application that it logs in to.
pub(super) struct Browser<'t> {
    tenant: &'t Door,
    issuer: Option<Url>,
    pub(super) application: &'t Application,
    user: &'t User,
    verifier: CodeVerifier,
    cookies: BTreeMap<String, String>,
}

/// Where the browser is then.
pub(super) enum Landing {
    /// At the application's registered address.
    Callback(Url),
    /// At the login page.
    Login(Url),
    /// At another address.
    Elsewhere(Url),
    /// At a page of the tenant's, with this status and text.
    Page(u16, String),
}

impl<'t> Browser<'t> {
    pub(super) fn new(target: &'t Target) -> Result<Self> {
        Ok(Self {
            tenant: target.tenant()?,
            issuer: target
                .issuer
                .as_deref()
                .and_then(|issuer| issuer.parse().ok()),
            application: target.application()?,
            user: target.user()?,
            verifier: CodeVerifier::new(random_token()?)?,
            cookies: BTreeMap::new(),
        })
    }

    /// Goes to `/authorize` as the application would send it there, with these parameters added; one that is there already
    /// is replaced.
    pub(super) async fn authorize(&mut self, added: &[(&str, &str)]) -> Result<Landing> {
        let challenge = self.verifier.challenge();
        let usual = [
            ("response_type", "code"),
            ("client_id", &self.application.client_id),
            ("redirect_uri", self.application.callback.as_str()),
            ("scope", "openid profile email"),
            ("state", "lychgate-attack"),
            ("nonce", "lychgate-attack"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let is_replaced = |name: &str| added.iter().any(|(other, _)| *other == name);
        let kept = usual.into_iter().filter(|(name, _)| !is_replaced(name));
        let mut address = self.tenant.endpoint("authorize")?;
        address
            .query_pairs_mut()
            .extend_pairs(kept)
            .extend_pairs(added);
        self.go(self.tenant.http.get(address)).await
    }

    /// Types the test user's name and password into the login page.
    pub(super) async fn submit(&mut self, page: &Url) -> Result<Landing> {
        self.submit_as(
            page,
            &self.user.identifier,
            self.user.password.expose_secret(),
        )
        .await
    }

    pub(super) async fn submit_as(
        &mut self,
        page: &Url,
        identifier: &str,
        password: &str,
    ) -> Result<Landing> {
        let state = parameter(page, "state").context("the login page's address has no state")?;
        self.go(self.tenant.http.get(page.clone())).await?;
        let form = [
            ("state", state.as_str()),
            ("username", identifier),
            ("password", password),
            ("action", "default"),
        ];
        self.go(self.tenant.http.post(page.clone()).form(&form))
            .await
    }

    /// Both, if the tenant asks for a password.
    pub(super) async fn log_in(&mut self, added: &[(&str, &str)]) -> Result<Landing> {
        match self.authorize(added).await? {
            Landing::Login(page) => self.submit(&page).await,
            landing => Ok(landing),
        }
    }

    /// What a plain login must bring, or the attacks that begin with one prove nothing.
    pub(super) async fn log_in_plainly(&mut self, scope: &str) -> Result<String> {
        let landing = self.log_in(&[("scope", scope)]).await?;
        let code = landing.code();
        code.ok_or_else(|| NotTried::because(format!("a plain login does not work: {landing}")))
    }

    /// What the application does with a code.
    pub(super) async fn exchange(&self, code: &str) -> Result<Answer> {
        self.exchange_with(code, &[]).await
    }

    /// The same with other values of some parameters.
    pub(super) async fn exchange_with(
        &self,
        code: &str,
        changed: &[(&str, &str)],
    ) -> Result<Answer> {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.application.callback.as_str()),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        self.token_request(&usual, changed).await
    }

    /// What the application does with a refresh token.
    pub(super) async fn refresh(&self, token: &str, changed: &[(&str, &str)]) -> Result<Answer> {
        let usual = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token_request(&usual, changed).await
    }

    async fn token_request(
        &self,
        usual: &[(&str, &str)],
        changed: &[(&str, &str)],
    ) -> Result<Answer> {
        let is_changed = |name: &str| changed.iter().any(|(other, _)| *other == name);
        let client = ("client_id", self.application.client_id.as_str());
        let secret = self.application.secret.as_ref();
        let secret = secret.map(|secret| ("client_secret", secret.expose_secret()));
        let kept = usual.iter().copied().chain([client]).chain(secret);
        let kept = kept.filter(|(name, _)| !is_changed(name));
        let form: Vec<_> = kept.chain(changed.iter().copied()).collect();
        Answer::to(self.tenant.post("oauth/token")?.form(&form)).await
    }

    async fn go(&mut self, request: RequestBuilder) -> Result<Landing> {
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let response = request.header(COOKIE, cookies).send().await;
        let response = response.map_err(reqwest::Error::without_url)?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        self.landing(response).await
    }

    async fn landing(&self, response: Response) -> Result<Landing> {
        let Some(location) = response.headers().get(LOCATION) else {
            let status = response.status().as_u16();
            return Ok(Landing::Page(
                status,
                response.text().await.unwrap_or_default(),
            ));
        };
        let address = response.url().join(location.to_str()?)?;
        let callback = &self.application.callback;
        let is_callback =
            address.origin() == callback.origin() && address.path() == callback.path();
        let issuer = self.issuer.as_ref();
        let is_tenant = address.origin() == self.tenant.url.origin()
            || issuer.is_some_and(|issuer| issuer.origin() == address.origin());
        Ok(if is_callback {
            Landing::Callback(address)
        } else if is_tenant {
            // Under whatever name the tenant calls itself, it is asked where it was found.
            let mut page = self.tenant.endpoint(address.path())?;
            page.set_query(address.query());
            Landing::Login(page)
        } else {
            Landing::Elsewhere(address)
        })
    }
}

impl Landing {
    /// The code that the application is sent.
    pub(super) fn code(&self) -> Option<String> {
        match self {
            Self::Callback(address) => parameter(address, "code"),
            Self::Login(_) | Self::Elsewhere(_) | Self::Page(..) => None,
        }
    }
}

/// For people, without codes and tokens.
impl std::fmt::Display for Landing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Callback(address) => match parameter(address, "error") {
                Some(error) => write!(formatter, "sent back with {error}"),
                None => formatter.write_str("sent back"),
            },
            Self::Login(_) => formatter.write_str("the login page"),
            Self::Elsewhere(address) => {
                write!(
                    formatter,
                    "sent to {}",
                    address.origin().ascii_serialization()
                )
            }
            Self::Page(status, _) => write!(formatter, "a page of status {status}"),
        }
    }
}

/// The access token of a token endpoint's answer, if it is for this audience.
pub(super) fn token_for(answer: &Answer, audience: &str) -> Option<String> {
    let token = super::target::token_in(answer)?;
    is_for(&token, audience).then_some(token)
}

/// Whether a token names this audience.
pub(super) fn is_for(token: &str, audience: &str) -> bool {
    let claims = claims(token).unwrap_or_default();
    match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(|one| one == audience),
        Some(one) => one == audience,
        None => false,
    }
}

/// A parameter of the query, or of the fragment.
pub(super) fn parameter(address: &Url, name: &str) -> Option<String> {
    let fragment = address.fragment().unwrap_or_default();
    let fragment = url::form_urlencoded::parse(fragment.as_bytes());
    let mut pairs = address.query_pairs().chain(fragment);
    let found = pairs.find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}
