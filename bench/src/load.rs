//! Questions without end: each connection asks about a user picked at random, waits for the answer, holds it against
//! what is right, and asks about the next.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[derive(Args, Clone)]
pub(crate) struct Arguments {
    /// Where the gateway listens.
    address: SocketAddr,
    /// The operation.
    operation: String,
    /// The file with the access token.
    #[arg(long)]
    token: PathBuf,
    /// Connections, each with one question at a time.
    #[arg(long)]
    connections: u64,
    /// For how long.
    #[arg(long)]
    seconds: f64,
    /// How long a connection pauses after each answer.
    #[arg(long, default_value_t = 0)]
    pause_ms: u64,
    /// How many users there are: `user1@example.com` and so on.
    #[arg(long)]
    users: u64,
    /// The password of them all, for `authenticate`.
    #[arg(long)]
    password: Option<String>,
}

/// What came of it. Times are of right answers.
#[derive(Serialize)]
pub(crate) struct Measured {
    answers: u64,
    wrong: u64,
    seconds: f64,
    p50_us: u32,
    p99_us: u32,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    micros: Vec<u32>,
    wrong: u64,
    first_wrong: Option<String>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Measured> {
    let token = std::fs::read_to_string(&arguments.token).context("cannot read the token")?;
    let authorization = format!("Bearer {}", token.trim());
    let mut connections = JoinSet::new();
    let started = Instant::now();
    let until = started + Duration::from_secs_f64(arguments.seconds);
    for number in 0..arguments.connections {
        let connection = Connection {
            arguments: arguments.clone(),
            authorization: authorization.clone(),
            users: Random::new(number),
        };
        connections.spawn(connection.ask_until(until));
    }
    let mut seen = Seen::default();
    for of_one in connections.join_all().await {
        let of_one = of_one?;
        seen.micros.extend(of_one.micros);
        seen.wrong += of_one.wrong;
        seen.first_wrong = seen.first_wrong.or(of_one.first_wrong);
    }
    let seconds = started.elapsed().as_secs_f64();
    if let Some(answer) = &seen.first_wrong {
        return Err(anyhow!("{} wrong answers, as {answer}", seen.wrong));
    }
    seen.micros.sort_unstable();
    Ok(Measured {
        answers: seen.micros.len() as u64,
        wrong: seen.wrong,
        seconds,
        p50_us: quantile(&seen.micros, 50),
        p99_us: quantile(&seen.micros, 99),
    })
}

/// The value that this many of a hundred do not exceed.
fn quantile(sorted: &[u32], percent: usize) -> u32 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or(0)
}

struct Connection {
    arguments: Arguments,
    authorization: String,
    users: Random,
}

impl Connection {
    async fn ask_until(mut self, until: Instant) -> Result<Seen> {
        let stream = TcpStream::connect(self.arguments.address).await?;
        stream.set_nodelay(true)?;
        let (mut requests, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut seen = Seen::default();
        while Instant::now() < until {
            let user = 1 + self.users.below(self.arguments.users);
            let asked = Instant::now();
            let (status, body) = self.ask(&mut requests, user).await?;
            let micros = u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX);
            if status == StatusCode::OK && is_right(&body, user) {
                seen.micros.push(micros);
            } else {
                seen.wrong += 1;
                let text = String::from_utf8_lossy(&body);
                seen.first_wrong
                    .get_or_insert_with(|| format!("{status}: {text}"));
            }
            if self.arguments.pause_ms > 0 {
                tokio::time::sleep(Duration::from_millis(self.arguments.pause_ms)).await;
            }
        }
        drop(requests);
        connection.await??;
        Ok(seen)
    }

    async fn ask(
        &self,
        requests: &mut SendRequest<Full<Bytes>>,
        user: u64,
    ) -> Result<(StatusCode, Bytes)> {
        let identifier = format!("user{user}@example.com");
        let body = match &self.arguments.password {
            Some(password) => {
                serde_json::json!({ "identifier": identifier, "password": password })
            }
            None => serde_json::json!({ "identifier": identifier }),
        };
        let request = Request::post(format!("/v1/users/{}", self.arguments.operation))
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        requests.ready().await?;
        let answer = requests.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// Whether the answer is the profile of this user, and all of it.
fn is_right(body: &[u8], user: u64) -> bool {
    let right = serde_json::json!({
        "user": {
            "user_id": user.to_string(),
            "email": format!("user{user}@example.com"),
            "email_verified": true,
            "nickname": format!("user{user}"),
            "name": format!("User {user}"),
            "blocked": false,
        },
    });
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|answer| answer == right)
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): evenly spread, and the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below this.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
