//! Whether a refused login tells by its time why it was refused: an unknown user, a wrong password and a disabled account,
//! asked in random order over one connection, and Welch's t between each two of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use clap::Args;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;

use crate::load::Random;

/// The answer to each of them, to the byte.
const NOBODY: &[u8] = b"{\"user\":null}";

/// How many are asked before any counts.
const WARM_UP: u32 = 500;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Where the gateway listens.
    address: SocketAddr,
    /// The file with the access token.
    #[arg(long)]
    token: PathBuf,
    /// Logins, of all kinds together.
    #[arg(long)]
    samples: u32,
    /// How many users there are: `user1@example.com` and so on.
    #[arg(long)]
    users: u64,
    /// From which number on users are disabled.
    #[arg(long)]
    disabled_from: u64,
    /// The password of them all.
    #[arg(long)]
    password: String,
}

/// Why a login is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    Unknown,
    Wrong,
    Disabled,
}

const ALL: [Why; 3] = [Why::Unknown, Why::Wrong, Why::Disabled];

/// What was found between two kinds.
#[derive(Serialize)]
pub(crate) struct Pair {
    one: &'static str,
    other: &'static str,
    /// Welch's t of all times; beyond about 4.5 either way, they can be told apart.
    t: f64,
    /// The same of the faster nine tenths, in which a machine's own noise hides less.
    t_of_the_faster: f64,
    /// How much longer the first takes on average, in microseconds.
    difference_us: f64,
}

/// What came of it.
#[derive(Serialize)]
pub(crate) struct Measured {
    samples: usize,
    p50_us: f64,
    pairs: Vec<Pair>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<Measured> {
    let token = std::fs::read_to_string(&arguments.token).context("cannot read the token")?;
    let authorization = format!("Bearer {}", token.trim());
    let stream = TcpStream::connect(arguments.address).await?;
    stream.set_nodelay(true)?;
    let (mut requests, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut random = Random::new(1);
    let mut micros: [Vec<f64>; 3] = Default::default();
    for number in 0..WARM_UP + arguments.samples {
        // Not in turn: what comes after what is no pattern.
        let place = usize::try_from(random.below(3))?;
        let why = ALL.get(place).copied().context("there are three kinds")?;
        let body = arguments.login(why, &mut random);
        let request = Request::post("/v1/users/authenticate")
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, &authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        requests.ready().await?;
        let took = ask(&mut requests, request).await?;
        if number >= WARM_UP
            && let Some(of_kind) = micros.get_mut(place)
        {
            of_kind.push(took);
        }
    }
    drop(requests);
    connection.await??;
    Ok(measured(&micros))
}

/// How long the answer took, in microseconds.
async fn ask(
    requests: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<f64> {
    let asked = Instant::now();
    let answer = requests.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let took = asked.elapsed().as_secs_f64() * 1e6;
    let text = String::from_utf8_lossy(&body);
    ensure!(
        status == StatusCode::OK && *body == *NOBODY,
        "{status}: {text}"
    );
    Ok(took)
}

impl Arguments {
    /// A login of somebody picked at random, so that nobody fails often enough to be slowed down; each body is as long as
    /// any other.
    fn login(&self, why: Why, random: &mut Random) -> String {
        let enabled = self.disabled_from - 1;
        let (name, number, password) = match why {
            Why::Unknown => ("none", 1 + random.below(enabled), self.wrong()),
            Why::Wrong => ("user", 1 + random.below(enabled), self.wrong()),
            Why::Disabled => {
                let number = self.disabled_from + random.below(self.users - enabled);
                ("user", number, self.password.clone())
            }
        };
        let identifier = format!("{name}{number:06}@example.com");
        serde_json::json!({ "identifier": identifier, "password": password }).to_string()
    }

    fn wrong(&self) -> String {
        self.password.chars().rev().collect()
    }
}

impl Why {
    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown user",
            Self::Wrong => "wrong password",
            Self::Disabled => "disabled account",
        }
    }
}

fn measured(micros: &[Vec<f64>; 3]) -> Measured {
    let mut all: Vec<f64> = micros.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let at = |share: usize| all.get(all.len() * share / 100).copied();
    let slow = at(90).unwrap_or(f64::INFINITY);
    let faster = |times: &[f64]| -> Vec<f64> {
        times.iter().copied().filter(|time| *time <= slow).collect()
    };
    let pairs = [(0, 1), (0, 2), (1, 2)]
        .into_iter()
        .filter_map(|(one, other)| {
            let (of_one, of_other) = (micros.get(one)?, micros.get(other)?);
            Some(Pair {
                one: ALL.get(one)?.name(),
                other: ALL.get(other)?.name(),
                t: welch(of_one, of_other),
                t_of_the_faster: welch(&faster(of_one), &faster(of_other)),
                difference_us: moments(of_one).mean - moments(of_other).mean,
            })
        });
    Measured {
        samples: all.len(),
        p50_us: at(50).unwrap_or(f64::NAN),
        pairs: pairs.collect(),
    }
}

struct Moments {
    count: f64,
    mean: f64,
    variance: f64,
}

/// Welch's t (1947): the difference of two means in units of its own standard error, whatever the variances.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let (one, other) = (moments(one), moments(other));
    let error = (one.variance / one.count + other.variance / other.count).sqrt();
    (one.mean - other.mean) / error
}

fn moments(values: &[f64]) -> Moments {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52")]
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Moments {
        count,
        mean,
        variance: squares / (count - 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_is_welchs() {
        // Means 2.5 and 6, variances 5/3 and 10: -3.5 over the root of 5/12 and 10/5.
        let t = welch(&[1.0, 2.0, 3.0, 4.0], &[2.0, 4.0, 6.0, 8.0, 10.0]);
        assert!((t + 2.2514).abs() < 0.001, "{t}");
    }

    #[test]
    fn what_can_be_told_apart_is_and_what_cannot_is_not() {
        let mut random = Random::new(7);
        let mut times = |more: f64| -> Vec<f64> {
            let noise = (0..20_000).map(|_| random.below(1000));
            noise
                .map(|noise| 5000.0 + more + f64::from(u16::try_from(noise).unwrap_or(0)))
                .collect()
        };
        let (one, same, longer) = (times(0.0), times(0.0), times(20.0));
        let found = measured(&[one, same, longer]);
        let t: Vec<f64> = found.pairs.iter().map(|pair| pair.t.abs()).collect();
        assert!(t[0] < 4.5 && t[1] > 4.5 && t[2] > 4.5, "{t:?}");
        assert_eq!(found.samples, 60_000);
    }

    #[test]
    fn every_login_is_as_long_as_any_other_and_of_whom_it_says() {
        let arguments = Arguments {
            address: ([127, 0, 0, 1], 1).into(),
            token: PathBuf::new(),
            samples: 0,
            users: 100_000,
            disabled_from: 80_001,
            password: "correct horse".to_owned(),
        };
        let mut random = Random::new(3);
        for _ in 0..1000 {
            let lengths = ALL.map(|why| arguments.login(why, &mut random).len());
            assert_eq!(lengths, [lengths[0]; 3]);
        }
    }
}
