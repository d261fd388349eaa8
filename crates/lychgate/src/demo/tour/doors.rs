//! Doors that are shut whatever is shown at them.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::demo::deployment::GatewayConfig;
use crate::demo::servers::Servers;

/// How long a door may stay open before it is called open.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks on a bare socket, because only there it can be seen that not a byte comes back.
pub(super) async fn address_not_allowed(servers: &Servers) -> Result<String> {
    let token = servers.script_token(None).await?;
    let authority = servers.elsewhere.authority().to_owned();
    let request = format!(
        "POST /v1/users/lookup HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 32\r\n\r\n{{\"identifier\":\"ada@example.com\"}}"
    );
    let mut socket = TcpStream::connect(authority).await?;
    let mut answer = Vec::new();
    let asked = async {
        // Either may fail where the other side has closed already; what counts is what was answered.
        let _closed = socket.write_all(request.as_bytes()).await;
        let _closed = socket.read_to_end(&mut answer).await;
    };
    let in_time = tokio::time::timeout(PATIENCE, asked).await.is_ok();
    Ok(match (in_time, answer.is_empty()) {
        (true, true) => "closed".to_owned(),
        (false, true) => "left open without an answer".to_owned(),
        (_, false) => format!(
            "answered: {}",
            String::from_utf8_lossy(&answer)
                .lines()
                .next()
                .unwrap_or_default()
        ),
    })
}

/// Starts the real command with a config that has no access tokens.
pub(super) async fn allowlist_alone(servers: &Servers) -> Result<String> {
    let gateway = GatewayConfig {
        access_token: false,
        ..GatewayConfig::chain(servers.deployment.ports)
    };
    let config = servers
        .deployment
        .write_config("allowlist-alone.toml", Some(gateway), None)?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let started = Command::new(program)
        .arg("serve")
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let Ok(ended) = tokio::time::timeout(PATIENCE, started).await else {
        return Ok("started".to_owned());
    };
    let ended = ended?;
    let reason = "`gateway.access_token`: is missing";
    let said = String::from_utf8_lossy(&ended.stderr).contains(reason);
    let reason = if said {
        "`gateway.access_token` is missing"
    } else {
        "for another reason"
    };
    Ok(format!("refused to start: {}, {reason}", ended.status)
        .replace("exit status: ", "exit status "))
}

pub(super) async fn undefined_operation(servers: &Servers) -> Result<String> {
    let token = servers.script_token(None).await?;
    servers.ask_gateway("/v1/users/export", Some(&token)).await
}
