//! Tokens that are not good enough, each in one way.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::demo::caller::LOOKUP;
use crate::demo::deployment::TenantPolicy;
use crate::demo::names::{AUDIENCE, OTHER_AUDIENCE, SCRIPT_CLIENT};
use crate::demo::servers::Servers;

/// How long after its issue a token that lives for a second is dead to a gateway with 10 s of leeway.
const DEAD_AFTER: Duration = Duration::from_secs(13);

/// A token that dies soon.
pub(super) struct ShortLived {
    token: String,
    taken: Instant,
}

/// Takes one, and puts the tenant back to its default.
pub(super) async fn short_lived(servers: &Servers) -> Result<ShortLived> {
    servers.adopt(TenantPolicy::SHORT_LIVED)?;
    let token = servers.script_token(None).await;
    servers.adopt(TenantPolicy::DEFAULT)?;
    Ok(ShortLived {
        token: token?,
        taken: Instant::now(),
    })
}

pub(super) async fn none(servers: &Servers) -> Result<String> {
    servers.ask_gateway(LOOKUP, None).await
}

pub(super) async fn malformed(servers: &Servers) -> Result<String> {
    servers.ask_gateway(LOOKUP, Some("not.a.token")).await
}

pub(super) async fn expired(servers: &Servers, short_lived: Result<ShortLived>) -> Result<String> {
    let ShortLived { token, taken } = short_lived?;
    tokio::time::sleep(DEAD_AFTER.saturating_sub(taken.elapsed())).await;
    servers.ask_gateway(LOOKUP, Some(&token)).await
}

pub(super) async fn forged(servers: &Servers) -> Result<String> {
    let token = servers.script_token(None).await?;
    let (signed, signature) = token.rsplit_once('.').context("a token has a signature")?;
    let mut signature = BASE64_URL_SAFE_NO_PAD.decode(signature)?;
    *signature.first_mut().context("a signature has bytes")? ^= 1;
    let forged = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    servers.ask_gateway(LOOKUP, Some(&forged)).await
}

pub(super) async fn unsigned(servers: &Servers) -> Result<String> {
    let token = servers.script_token(None).await?;
    let claims = token.split('.').nth(1).context("a token has claims")?;
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    servers
        .ask_gateway(LOOKUP, Some(&format!("{header}.{claims}.")))
        .await
}

pub(super) async fn wrong_audience(servers: &Servers) -> Result<String> {
    let token = servers
        .client_credentials(&servers.tenant, SCRIPT_CLIENT, OTHER_AUDIENCE, None)
        .await?;
    servers
        .ask_gateway(LOOKUP, Some(&token.map_err(|error| anyhow!(error))?))
        .await
}

pub(super) async fn wrong_issuer(servers: &Servers) -> Result<String> {
    let token = servers
        .client_credentials(&servers.stranger, SCRIPT_CLIENT, AUDIENCE, None)
        .await?;
    servers
        .ask_gateway(LOOKUP, Some(&token.map_err(|error| anyhow!(error))?))
        .await
}

pub(super) async fn insufficient_scope(servers: &Servers) -> Result<String> {
    let token = servers.script_token(Some("read:users")).await?;
    let deleted = servers
        .ask_gateway("/v1/users/delete", Some(&token))
        .await?;
    let read = servers.ask_gateway(LOOKUP, Some(&token)).await?;
    Ok(format!("{deleted}, then {read}"))
}
