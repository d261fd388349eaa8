//! What is attacked, and what is known of it.

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use lychgate_token::{SigningKey, random_token};
use reqwest::Url;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::OnceCell;

use super::NotTried;
use super::door::{Answer, Door, Reception};
use super::forger::Forger;
use super::known::Known;
use super::settings::{Application, Client, User};
use crate::config::Config;

/// An operation that changes nothing and tells an attacker something.
pub(super) const LOOKUP: &str = "/v1/users/lookup";
/// The operation that tells whether a password is right.
pub(super) const AUTHENTICATE: &str = "/v1/users/authenticate";

/// What a person has named: a config, the addresses on the command line, or all of them.
pub(crate) struct Given {
    pub(crate) config: Option<Config>,
    pub(crate) gateway: Option<Url>,
    pub(crate) tenant: Option<Url>,
}

/// Why nothing is attacked.
#[derive(Debug, Error)]
pub(crate) enum TargetError {
    /// Nobody said what.
    #[error(
        "there is nothing to attack: give `--config`, `--gateway` or `--tenant`, or name them in `[attack]`"
    )]
    None,
    /// It may be somebody else's.
    #[error("{0}")]
    NotYours(super::hosts::NotYours),
    /// It cannot be found.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

/// A deployment under attack.
pub(crate) struct Target {
    gateway: Option<Door>,
    tenant: Option<Door>,
    admin: Option<Door>,
    audience: Option<String>,
    /// What stands in `iss`.
    pub(super) issuer: Option<String>,
    pub(super) script_client_id: Option<String>,
    public_url: Option<Url>,
    client: Option<Client>,
    pub(super) other_client: Option<Client>,
    pub(super) other_audience: Option<String>,
    application: Option<Application>,
    user: Option<User>,
    pub(super) issuer_key: Option<Arc<SigningKey>>,
    pub(super) outside_address: Option<IpAddr>,
    pub(super) create_users: bool,
    /// What makes this run's strangers nobody's.
    mark: String,
    good_token: OnceCell<Result<String, String>>,
    forger: OnceCell<Forger>,
}

impl Target {
    /// Looks up where everything is, and stops if any of it may not be attacked.
    pub(crate) async fn open(given: Given) -> Result<Self, TargetError> {
        let Known {
            settings: known,
            issuer,
            script_client_id,
        } = Box::pin(Known::of(given.config)).await?;
        let gateway = given.gateway.or(known.gateway);
        let tenant = given.tenant.or(known.tenant);
        if gateway.is_none() && tenant.is_none() {
            return Err(TargetError::None);
        }
        let mut doors = Vec::new();
        for url in [gateway, tenant, known.admin] {
            doors.push(match url {
                None => None,
                Some(url) => {
                    let addresses = known.hosts.admit(&url).await?;
                    let addresses = addresses.map_err(TargetError::NotYours)?;
                    let (ca, shown) = (known.ca.clone(), known.client_certificate.clone());
                    Some(Door::new(url, addresses, ca, shown)?)
                }
            });
        }
        let mut doors = doors.into_iter();
        let mut door = || doors.next().flatten();
        let (gateway, tenant, admin) = (door(), door(), door());
        let issuer = issuer.or_else(|| tenant.as_ref().map(|door| door.url.to_string()));
        let mark = random_token().context("cannot make a random name")?;
        Ok(Self {
            gateway,
            tenant,
            admin,
            audience: known.audience,
            issuer,
            script_client_id,
            public_url: known.public_url,
            client: known.client,
            other_client: known.other_client,
            other_audience: known.other_audience,
            application: known.application,
            user: known.user,
            issuer_key: known.issuer_key,
            outside_address: known.outside_address,
            create_users: known.create_users,
            mark: mark
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(10)
                .collect(),
            good_token: OnceCell::new(),
            forger: OnceCell::new(),
        })
    }

    /// Where it is, for reports.
    pub(crate) fn places(&self) -> (Option<&Url>, Option<&Url>) {
        (
            self.gateway.as_ref().map(|door| &door.url),
            self.tenant.as_ref().map(|door| &door.url),
        )
    }

    pub(super) fn gateway(&self) -> Result<&Door> {
        self.gateway
            .as_ref()
            .ok_or_else(|| needs("the gateway's address"))
    }

    /// What the gateway calls itself.
    pub(super) fn public_url(&self) -> Result<&str> {
        let url = &self.gateway()?.url;
        Ok(self.public_url.as_ref().unwrap_or(url).as_str())
    }

    pub(super) fn tenant(&self) -> Result<&Door> {
        self.tenant
            .as_ref()
            .ok_or_else(|| needs("the tenant's address"))
    }

    pub(super) fn admin(&self) -> Result<&Door> {
        self.admin
            .as_ref()
            .ok_or_else(|| needs("`[attack] admin`, the admin listener's address"))
    }

    pub(super) fn audience(&self) -> Result<&str> {
        let audience = self.audience.as_deref();
        audience.ok_or_else(|| needs("`[attack] audience`"))
    }

    pub(super) fn application(&self) -> Result<&Application> {
        let application = self.application.as_ref();
        application.ok_or_else(|| needs("`[attack] application`, to log in to"))
    }

    pub(super) fn user(&self) -> Result<&User> {
        self.user
            .as_ref()
            .ok_or_else(|| needs("`[attack] user`, a test user"))
    }

    pub(super) fn issuer_key(&self) -> Result<&SigningKey> {
        let key = self.issuer_key.as_deref();
        key.ok_or_else(|| {
            needs("`[attack] issuer_key`, to make tokens that are wrong in one thing alone")
        })
    }

    /// Somebody whom no store knows. Each number is another one.
    pub(super) fn stranger(&self, number: usize) -> String {
        format!("lychgate-attack-{}-{number}@example.invalid", self.mark).to_lowercase()
    }

    /// The test user's identifier, or a stranger's where there is no test user: for what is refused before anybody is looked
    /// up.
    pub(super) fn somebody(&self) -> String {
        match &self.user {
            Some(user) => user.identifier.clone(),
            None => self.stranger(0),
        }
    }

    /// Sends one operation.
    pub(super) async fn ask(
        &self,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Answer> {
        let request = self.gateway()?.post(path)?.json(body);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        Answer::to(request).await
    }

    pub(super) async fn lookup(&self, token: Option<&str>) -> Result<Answer> {
        let body = json!({ "identifier": self.somebody() });
        self.ask(LOOKUP, token, &body).await
    }

    pub(super) async fn authenticate(
        &self,
        token: &str,
        identifier: &str,
        password: &str,
    ) -> Result<Answer> {
        let body = json!({ "identifier": identifier, "password": password });
        self.ask(AUTHENTICATE, Some(token), &body).await
    }

    /// The script client's own token, which the gateway was seen to take: without that, a refusal would prove nothing.
    pub(super) async fn good_token(&self) -> Result<&str> {
        self.gateway()?;
        let found = self.good_token.get_or_init(|| async {
            let token = self
                .fresh_token()
                .await
                .map_err(|error| format!("{error:#}"))?;
            let answer = self.lookup(Some(&token)).await;
            let answer =
                answer.map_err(|error| format!("the gateway does not answer: {error:#}"))?;
            match answer.reception() {
                Reception::LetIn => Ok(token),
                Reception::Refused | Reception::Unclear => Err(format!(
                    "the gateway does not take the script client's own token: {answer}"
                )),
            }
        });
        match found.await {
            Ok(token) => Ok(token),
            Err(reason) => Err(NotTried::because(reason.clone())),
        }
    }

    /// A new token of the script client: from the tenant, or made with the issuer's key.
    pub(super) async fn fresh_token(&self) -> Result<String> {
        if let (Some(client), Some(_)) = (&self.client, &self.tenant) {
            let answer = self
                .client_credentials(client, self.audience()?, None)
                .await?;
            let reason = format!("the script client got no token: {answer}");
            return token_in(&answer).ok_or_else(|| NotTried::because(reason));
        }
        let (Some(key), Some(issuer), Some(client)) =
            (&self.issuer_key, &self.issuer, &self.script_client_id)
        else {
            return Err(needs(
                "`[attack] client`, the script client with its secret",
            ));
        };
        let claims = super::forger::claims_of_a_script(issuer, self.audience()?, client);
        Ok(key.sign("JWT", &claims)?)
    }

    /// Asks for a token by client credentials.
    pub(super) async fn client_credentials(
        &self,
        client: &Client,
        audience: &str,
        scope: Option<&str>,
    ) -> Result<Answer> {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client.client_id.as_str()),
            ("client_secret", client.secret.expose_secret()),
            ("audience", audience),
        ];
        form.extend(scope.map(|scope| ("scope", scope)));
        Answer::to(self.tenant()?.post("oauth/token")?.form(&form)).await
    }

    pub(super) fn script_client(&self) -> Result<&Client> {
        let client = self.client.as_ref();
        client.ok_or_else(|| needs("`[attack] client`, the script client with its secret"))
    }

    /// What forged tokens are made of.
    pub(super) async fn forger(&self) -> Result<&Forger> {
        let good = self.good_token().await?;
        self.forger
            .get_or_try_init(|| Forger::new(self, good))
            .await
    }

    /// Whether the gateway still takes a good token, after something that might have broken it.
    pub(super) async fn still_serves(&self) -> Result<Result<(), String>> {
        let token = self.fresh_token().await?;
        let answer = self.lookup(Some(&token)).await;
        Ok(match answer {
            Ok(answer) if answer.reception() == Reception::LetIn => Ok(()),
            Ok(answer) => Err(format!("afterwards a good token is answered {answer}")),
            Err(error) => Err(format!("afterwards the gateway does not answer: {error:#}")),
        })
    }
}

/// The access token of an answer of the token endpoint.
pub(super) fn token_in(answer: &Answer) -> Option<String> {
    let token = answer.json().get("access_token")?.as_str()?.to_owned();
    answer.is_success().then_some(token)
}

fn needs(what: &str) -> anyhow::Error {
    NotTried::because(format!("needs {what}"))
}
