//! The seven action scripts, each run for its reason, and the token they share.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::login::profile;
use crate::demo::browser::{Browser, Login};
use crate::demo::names::{APPLICATION, CONNECTION, KEEPER_CLIENT, SCRIPT_CLIENT};
use crate::demo::servers::Servers;
use crate::demo::store::PASSWORD;

const NEW_PASSWORD: &str = "another horse, another battery";

/// One user's life, told by what can be seen of it from outside.
pub(super) async fn every_script(servers: &Servers) -> Result<String> {
    let keeper = Keeper::new(servers).await?;
    let mut seen = Vec::new();

    ensure!(
        sign_up(servers, "new@example.com")
            .await?
            .status()
            .is_success(),
        "nobody could sign up"
    );
    let again = sign_up(servers, "new@example.com").await?;
    if again.status().is_client_error() {
        seen.push("get_user");
    }
    let user = profile(servers, "new@example.com", PASSWORD).await?;
    let user_id = user
        .get("sub")
        .and_then(Value::as_str)
        .context("a user has a sub")?;
    seen.extend(["create", "login"]);

    let ticket = keeper.ticket("email-verification", user_id).await?;
    servers.http.get(ticket).send().await?;
    if profile(servers, "new@example.com", PASSWORD)
        .await?
        .get("email_verified")
        == Some(&Value::Bool(true))
    {
        seen.push("verify");
    }
    keeper
        .update(
            user_id,
            &json!({ "password": NEW_PASSWORD, "connection": CONNECTION }),
        )
        .await?;
    if profile(servers, "new@example.com", NEW_PASSWORD)
        .await
        .is_ok()
    {
        seen.push("change_password");
    }
    keeper
        .update(
            user_id,
            &json!({ "email": "renamed@example.com", "connection": CONNECTION }),
        )
        .await?;
    if profile(servers, "renamed@example.com", NEW_PASSWORD)
        .await
        .is_ok()
    {
        seen.push("change_email");
    }
    keeper
        .send(
            Method::DELETE,
            &format!("api/v2/users/{}", escaped(user_id)),
            None,
        )
        .await?;
    let gone = Browser::new(servers)
        .log_in("renamed@example.com", NEW_PASSWORD, None)
        .await?;
    if matches!(gone, Login::Page(_)) {
        seen.push("delete");
    }
    Ok(format!("seen to work: {}", seen.join(", ")))
}

/// All at once is the hard case: whoever comes second must wait for the first one's token.
///
/// `before` is what the tenant had counted before the first login.
pub(super) async fn token_cached_in_global(servers: &Servers, before: u64) -> Result<String> {
    const LOGINS: usize = 50;
    let logins = (0..LOGINS).map(|_| profile(servers, "barbara@example.com", PASSWORD));
    let logins = futures_util::future::try_join_all(logins).await?;
    let requests = servers.tenant.handle.token_requests(SCRIPT_CLIENT) - before;
    let noun = if requests == 1 { "request" } else { "requests" };
    Ok(format!(
        "{} logins, {requests} token {noun} since the first login",
        logins.len()
    ))
}

async fn sign_up(servers: &Servers, email: &str) -> Result<Response> {
    let user = json!({ "client_id": APPLICATION, "connection": CONNECTION, "email": email, "password": PASSWORD });
    Ok(servers
        .http
        .post(servers.tenant.endpoint("dbconnections/signup")?)
        .json(&user)
        .send()
        .await?)
}

/// Somebody who may change users through the management API.
struct Keeper<'servers> {
    servers: &'servers Servers,
    token: String,
}

impl<'servers> Keeper<'servers> {
    async fn new(servers: &'servers Servers) -> Result<Self> {
        let audience = servers.tenant.endpoint("api/v2/")?;
        let token = servers
            .client_credentials(&servers.tenant, KEEPER_CLIENT, audience.as_str(), None)
            .await?;
        let token = token.map_err(|error| anyhow::anyhow!("the keeper was refused: {error}"))?;
        Ok(Self { servers, token })
    }

    /// A link as it would stand in a mail.
    async fn ticket(&self, kind: &str, user_id: &str) -> Result<String> {
        let ticket = self
            .send(
                Method::POST,
                &format!("api/v2/tickets/{kind}"),
                Some(&json!({ "user_id": user_id })),
            )
            .await?;
        let ticket: Value = ticket.json().await?;
        Ok(ticket
            .get("ticket")
            .and_then(Value::as_str)
            .context("a ticket has a link")?
            .to_owned())
    }

    async fn update(&self, user_id: &str, change: &Value) -> Result<()> {
        self.send(
            Method::PATCH,
            &format!("api/v2/users/{}", escaped(user_id)),
            Some(change),
        )
        .await
        .map(|_| ())
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response> {
        let mut request = self
            .servers
            .http
            .request(method, self.servers.tenant.endpoint(path)?)
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Ok(request.send().await?.error_for_status()?)
    }
}

/// A user's ID as one segment of a path: `auth0|7` has a character that is none.
fn escaped(user_id: &str) -> String {
    user_id.replace('|', "%7C")
}
