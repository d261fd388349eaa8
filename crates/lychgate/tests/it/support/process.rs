//! The binary as a person runs it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

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

/// A running `lychgate serve`, killed when it is dropped.
pub(crate) struct Serve {
    child: Child,
    /// Where the API is.
    pub(crate) gateway: String,
    /// Where the admin listener is.
    pub(crate) admin: String,
}

impl Serve {
    /// Starts it with `lychgate.toml` of `folder` and waits until it is ready to serve.
    pub(crate) async fn start(folder: &Path) -> Self {
        let mut child = lychgate(folder, &["serve"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut gateway, mut admin, mut said) = (None, None, String::new());
        while gateway.is_none() || admin.is_none() {
            let line = tokio::time::timeout(PATIENCE, lines.next_line())
                .await
                .expect("`serve` hangs")
                .unwrap();
            let line = line.unwrap_or_else(|| panic!("`serve` ended before it listened:\n{said}"));
            said.push_str(&line);
            said.push('\n');
            gateway = gateway.or_else(|| address_after(&line, "gateway listens on "));
            admin = admin.or_else(|| address_after(&line, "admin listens on "));
        }
        // What it says later must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let serve = Self {
            child,
            gateway: gateway.unwrap(),
            admin: admin.unwrap(),
        };
        serve.ready().await;
        serve
    }

    /// Asks it to stop as a service manager does, and returns its exit status.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .await
            .unwrap();
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it does not stop")
            .unwrap()
            .code()
    }

    async fn ready(&self) {
        let ready = format!("{}/readyz", self.admin);
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            if reqwest::get(&ready)
                .await
                .is_ok_and(|answer| answer.status().is_success())
            {
                return;
            }
            assert!(
                tokio::time::Instant::now() < until,
                "`serve` does not get ready"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn address_after(line: &str, words: &str) -> Option<String> {
    let (_, after) = line.split_once(words)?;
    after.split_whitespace().next().map(str::to_owned)
}
