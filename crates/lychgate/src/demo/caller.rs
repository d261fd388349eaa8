//! Whoever calls the tenant's token endpoint and the gateway without a browser: scripts, and attackers.

use anyhow::{Context as _, Result};
use reqwest::Response;
use serde_json::{Value, json};

use super::names::AUDIENCE;
use super::servers::{Servers, TenantAt};

/// An operation that tells an attacker something.
pub(crate) const LOOKUP: &str = "/v1/users/lookup";

impl Servers {
    /// Asks the gateway for Ada's profile, or for whatever else `path` does, with this token.
    /// Answers the status, with the problem's type if there is one: `403 client-not-allowed`.
    pub(crate) async fn ask_gateway(&self, path: &str, token: Option<&str>) -> Result<String> {
        let request = self
            .http
            .post(self.gateway.join(path)?)
            .json(&json!({ "identifier": "ada@example.com" }));
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        outcome(request.send().await?).await
    }

    /// What the tenant knows of the user whose token this is.
    pub(crate) async fn userinfo(&self, token: &str) -> Result<Value> {
        let response = self
            .http
            .get(self.tenant.endpoint("userinfo")?)
            .bearer_auth(token)
            .send()
            .await?;
        Ok(response.error_for_status()?.json().await?)
    }

    /// Takes a token by client credentials; the error is OAuth's.
    pub(crate) async fn client_credentials(
        &self,
        tenant: &TenantAt,
        client: &str,
        audience: &str,
        scope: Option<&str>,
    ) -> Result<Result<String, String>> {
        let secret = self.deployment.secret(client)?;
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret.as_str()),
            ("audience", audience),
        ];
        form.extend(scope.map(|scope| ("scope", scope)));
        let response = self
            .http
            .post(tenant.endpoint("oauth/token")?)
            .form(&form)
            .send()
            .await?;
        let answer: Value = response.json().await?;
        if let Some(error) = answer.get("error").and_then(Value::as_str) {
            return Ok(Err(error.to_owned()));
        }
        let token = answer
            .get("access_token")
            .and_then(Value::as_str)
            .context("neither token nor error came back")?;
        Ok(Ok(token.to_owned()))
    }

    /// A token that the gateway takes from the script client, if `scope` is left out; less if it is not.
    pub(crate) async fn script_token(&self, scope: Option<&str>) -> Result<String> {
        let client = super::names::SCRIPT_CLIENT;
        let token = self
            .client_credentials(&self.tenant, client, AUDIENCE, scope)
            .await?;
        token.map_err(|error| anyhow::anyhow!("the script client was refused: {error}"))
    }
}

async fn outcome(response: Response) -> Result<String> {
    let status = response.status();
    if status.is_success() {
        return Ok(status.as_u16().to_string());
    }
    let problem: Value = response.json().await?;
    let kind = problem
        .get("type")
        .and_then(Value::as_str)
        .context("a problem has a type")?;
    let kind = kind.rsplit(['/', ':']).next().unwrap_or_default();
    Ok(format!("{} {kind}", status.as_u16()))
}

/// The JSON of one part of a token, unread by anything that checks it.
pub(crate) fn claims(token: &str) -> Result<Value> {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).context("a token has a payload")?;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload)?;
    Ok(serde_json::from_slice(&bytes)?)
}
