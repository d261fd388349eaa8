//! Whoever takes all the time in the world, to hold on to a connection (CWE-400).

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::door::Door;
use super::target::{LOOKUP, Target};
use super::{Attack, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 2] = [
    Attack {
        id: "slow-headers",
        severity: Severity::Medium,
        what: "connections that say nothing, or one byte of a header each second",
        expected: "cut off within half a minute",
        play: |target| Box::pin(slow_headers(target)),
    },
    Attack {
        id: "slow-body",
        severity: Severity::Medium,
        what: "a good token, and one byte of the body each second",
        expected: "cut off within half a minute",
        play: |target| Box::pin(slow_body(target)),
    },
];

/// How long a connection may be held.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time between two bytes.
const BEAT: Duration = Duration::from_secs(1);

async fn slow_headers(target: &Target) -> Result<Outcome> {
    let gateway = target.gateway()?;
    let host = gateway.authority();
    let begun = format!("POST {LOOKUP} HTTP/1.1\r\nHost: {host}\r\nX-Slow: ");
    let held = ["", "P", &begun].map(|start| hold(gateway, start.to_owned(), b"x"));
    Ok(verdict(&try_join_all(held).await?))
}

async fn slow_body(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let gateway = target.gateway()?;
    let host = gateway.authority();
    let start = format!(
        "POST {LOOKUP} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    );
    Ok(verdict(&[hold(gateway, start, b" ").await?]))
}

/// How long a connection lasts on which one byte is said at a time; `None`: longer than anyone should wait.
async fn hold(gateway: &Door, start: String, byte: &[u8; 1]) -> Result<Option<Duration>> {
    let mut socket = gateway.socket().await?;
    let began = Instant::now();
    // Where it cannot be written any more, reading says why.
    let _closed = socket.write_all(start.as_bytes()).await;
    let _closed = socket.flush().await;
    let says_nothing = start.is_empty();
    let mut answer = [0; 1024];
    while began.elapsed() < PATIENCE {
        match timeout(BEAT, socket.read(&mut answer)).await {
            // An answer, an end or an error: it was cut off.
            Ok(_) => return Ok(Some(began.elapsed())),
            Err(_) if says_nothing => {}
            Err(_) => {
                let _closed = socket.write_all(byte).await;
                let _closed = socket.flush().await;
            }
        }
    }
    Ok(None)
}

fn verdict(held: &[Option<Duration>]) -> Outcome {
    let longest = held.iter().copied().collect::<Option<Vec<_>>>();
    let longest = longest.map(|held| held.into_iter().max().unwrap_or_default());
    match longest {
        Some(longest) => Outcome::Blocked(format!("cut off after {} s", longest.as_secs())),
        None => Outcome::GotThrough(format!("held for {} s and more", PATIENCE.as_secs())),
    }
}
