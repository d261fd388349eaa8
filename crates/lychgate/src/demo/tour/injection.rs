//! The attack this product is about: a user's token, or another client's, for the gateway's audience.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::demo::browser::{Browser, Login};
use crate::demo::caller::{LOOKUP, claims};
use crate::demo::deployment::TenantPolicy;
use crate::demo::names::{AUDIENCE, OTHER_CLIENT};
use crate::demo::servers::Servers;
use crate::demo::store::PASSWORD;

/// What a platform does when nobody has told it better, in both of its token dialects.
pub(super) async fn by_default(servers: &Servers) -> Result<String> {
    let mut told = Vec::new();
    for (dialect, policy) in [
        ("access_token", TenantPolicy::DEFAULT),
        ("rfc9068_profile", TenantPolicy::DEFAULT_RFC9068),
    ] {
        servers.adopt(policy)?;
        let story = match inject(servers).await? {
            Ok(token) => {
                let answer = servers.ask_gateway(LOOKUP, Some(&token)).await?;
                format!("the tenant gave a token for the gateway, the gateway answered {answer}")
            }
            Err(error) => format!("no token: {error}"),
        };
        told.push(format!("{dialect}: {story}"));
    }
    Ok(told.join("; "))
}

/// The same where the tenant has been told better. A guard that stopped every login would be no guard.
pub(super) async fn guarded(servers: &Servers, policy: TenantPolicy) -> Result<String> {
    servers.adopt(policy)?;
    let injected = match inject(servers).await? {
        Ok(_) => "the tenant gave a token for the gateway".to_owned(),
        Err(error) => format!("no token: {error}"),
    };
    let plain = match Browser::new(servers)
        .log_in("ada@example.com", PASSWORD, None)
        .await?
    {
        Login::Code(_) => "still works",
        Login::Error(_) | Login::Page(_) => "fails",
    };
    Ok(format!(
        "{injected}; without the audience the login {plain}"
    ))
}

/// A client that was granted the API by mistake: the action stops it, and where there is none, the gateway does.
pub(super) async fn other_client(servers: &Servers) -> Result<String> {
    servers.adopt(TenantPolicy::WITH_ACTION)?;
    let with_action = match servers
        .client_credentials(&servers.tenant, OTHER_CLIENT, AUDIENCE, None)
        .await?
    {
        Ok(_) => "a token".to_owned(),
        Err(error) => format!("no token, {error}"),
    };
    servers.adopt(TenantPolicy::DEFAULT)?;
    let without = match servers
        .client_credentials(&servers.tenant, OTHER_CLIENT, AUDIENCE, None)
        .await?
    {
        Ok(token) => format!(
            "the gateway answered {}",
            servers.ask_gateway(LOOKUP, Some(&token)).await?
        ),
        Err(error) => format!("no token, {error}"),
    };
    Ok(format!(
        "with the action: {with_action}; without it: {without}"
    ))
}

/// Logs in with the gateway's audience added on the way. The error is the one the application is sent.
async fn inject(servers: &Servers) -> Result<Result<String, String>> {
    let code = match Browser::new(servers)
        .log_in("ada@example.com", PASSWORD, Some(AUDIENCE))
        .await?
    {
        Login::Code(code) => code,
        Login::Error(error) => return Ok(Err(error)),
        Login::Page(_) => bail!("the login page was shown again"),
    };
    let tokens = code.exchange(servers).await?;
    let token = tokens
        .get("access_token")
        .and_then(Value::as_str)
        .context("an access token came back")?;
    // A token for something else would prove nothing.
    let audience = claims(token)?.get("aud").cloned().unwrap_or_default();
    let is_for_gateway = match &audience {
        Value::Array(audiences) => audiences.iter().any(|audience| audience == AUDIENCE),
        audience => audience == AUDIENCE,
    };
    if !is_for_gateway {
        bail!("the token is for {audience}");
    }
    Ok(Ok(token.to_owned()))
}
