//! The binary as a person runs it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How long anything may take here before the test is called hung.
const PATIENCE: Duration = Duration::from_mins(1);

/// `lychgate` with these arguments, in `folder`, without the environment's opinions on logs and colours.
pub(crate) fn lychgate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lychgate"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("LYCHGATE_LOG")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command.kill_on_drop(true);
    command
}

/// A running `lychgate serve` with everything that it says, killed when it is dropped.
pub(crate) struct Serve {
    child: Child,
    said: watch::Receiver<String>,
    /// Where the API is.
    pub(crate) gateway: String,
    /// Where the operator looks in.
    pub(crate) admin: String,
}

impl Serve {
    /// Starts it with `lychgate.toml` of `folder` and waits until it listens.
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_as(lychgate(folder, &["serve"])).await
    }

    /// The same, by a command that the test has prepared.
    pub(crate) async fn start_as(mut command: Command) -> Self {
        let mut child = command
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
        let mut serve = Self {
            child,
            said,
            gateway: String::new(),
            admin: String::new(),
        };
        serve.gateway = address_in(&serve.said("gateway listens on ").await);
        serve.admin = address_in(&serve.said("admin listens on ").await);
        serve
    }

    /// The first line with these words in it, once it is said.
    pub(crate) async fn said(&self, words: &str) -> String {
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

    /// Everything that it has said so far.
    pub(crate) fn said_so_far(&self) -> String {
        self.said.borrow().clone()
    }

    /// Waits until it has the keys of its issuer.
    pub(crate) async fn ready(&self) {
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
    pub(crate) async fn admin(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}/{path}", self.admin))
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks it to stop as a service manager does.
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// Asks it to read its config again.
    pub(crate) async fn hang_up(&self) {
        self.signal("-HUP").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Its exit status, and everything it has said.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let code = ended.expect("it does not stop").unwrap().code();
        // The other end closes when all is read.
        while self.said.changed().await.is_ok() {}
        (code, self.said.borrow().clone())
    }

    /// Stops it, and says how that went.
    pub(crate) async fn stop(self) -> (Option<i32>, String) {
        self.terminate().await;
        self.ended().await
    }
}

fn address_in(line: &str) -> String {
    let (_, address) = line.split_once(" listens on ").unwrap();
    address.split_whitespace().next().unwrap().to_owned()
}
