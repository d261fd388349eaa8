//! A running `lychgate serve`, with everything that it says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use lychgate_listener::{Limits, Listener, Transport};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{Issuer, lychgate};

/// How long anything may take here before the test is called hung.
const PATIENCE: Duration = Duration::from_mins(1);

/// The process, killed when it is dropped.
pub(super) struct Running {
    child: Child,
    said: watch::Receiver<String>,
    /// Where the API is.
    pub(super) gateway: String,
    admin: String,
}

impl Running {
    /// Starts it with `lychgate.toml` of `folder` and waits until it listens.
    pub(super) async fn start(folder: &Path) -> Self {
        let mut child = lychgate(folder, &["serve"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (saying, said) = watch::channel(String::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                saying.send_modify(|said| {
                    said.push_str(&line);
                    said.push('\n');
                });
            }
        });
        let mut running = Self {
            child,
            said,
            gateway: String::new(),
            admin: String::new(),
        };
        running.gateway = address_in(&running.said("gateway listens on ").await);
        running.admin = address_in(&running.said("admin listens on ").await);
        running
    }

    /// The first line with these words in it, once it is said.
    pub(super) async fn said(&self, words: &str) -> String {
        let mut said = self.said.clone();
        let heard =
            tokio::time::timeout(PATIENCE, said.wait_for(|said| said.contains(words))).await;
        let heard = heard.unwrap_or_else(|_| panic!("it never says {words:?}"));
        let heard = heard
            .unwrap_or_else(|_| panic!("it ended without {words:?}:\n{}", *self.said.borrow()));
        heard
            .lines()
            .find(|line| line.contains(words))
            .unwrap()
            .to_owned()
    }

    /// Waits until it has the keys of its issuer.
    pub(super) async fn ready(&self) {
        let ready = async {
            while self.admin("readyz").await.0 != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready)
            .await
            .expect("it does not get ready");
    }

    /// What the admin listener answers.
    pub(super) async fn admin(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}/{path}", self.admin))
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks it to stop as a service manager does.
    pub(super) async fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap();
        assert!(sent.success());
    }

    /// Its exit status, and everything it has said.
    pub(super) async fn ended(mut self) -> (Option<i32>, String) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let code = ended.expect("it does not stop").unwrap().code();
        // The other end closes when all is read.
        while self.said.changed().await.is_ok() {}
        (code, self.said.borrow().clone())
    }

    /// Stops it, and says how that went.
    pub(super) async fn stop(self) -> (Option<i32>, String) {
        self.terminate().await;
        self.ended().await
    }
}

/// Publishes the keys of `issuer` at `address`, under the name of that address, until the result is dropped.
pub(super) fn publish(address: &SocketAddr, issuer: &Issuer) -> DropGuard {
    let identifier = format!("http://{address}/");
    let keys = format!("{identifier}jwks.json");
    let discovery = json!({ "issuer": identifier, "jwks_uri": keys }).to_string();
    let keys = json!({ "keys": [issuer.public_jwk()] }).to_string();
    let listener = Listener::bind(*address, Transport::Plain, Limits::default()).unwrap();
    let stop = CancellationToken::new();
    let answer = move |(), request: Request<Incoming>| {
        let keys_wanted = request.uri().path() == "/jwks.json";
        let body = if keys_wanted {
            keys.clone()
        } else {
            discovery.clone()
        };
        async { Response::new(Full::new(Bytes::from(body))) }
    };
    tokio::spawn(listener.serve(|_peer| Some(()), answer, stop.clone()));
    stop.drop_guard()
}

fn address_in(line: &str) -> String {
    let (_, address) = line.split_once(" listens on ").unwrap();
    address.split_whitespace().next().unwrap().to_owned()
}
