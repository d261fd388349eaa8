//! A server that lives no longer than we do: a shell holds it, and ends it when its standard input does.
//!
//! That end comes with ours, whether we stop it, fail, are interrupted or are killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// A running server.
pub(crate) struct Supervised(Child);

impl Supervised {
    /// Starts `command`, whose output goes into `log`; whenever it ends, it is started again.
    pub(crate) fn start(command: &[String], log: &Path) -> Result<Self> {
        let log = std::fs::File::create(log)?;
        let child = Command::new("sh")
            .args(["-c", SUPERVISE, "supervisor"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start a shell")?;
        Ok(Self(child))
    }

    /// The shell, above all that runs.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Stops the server and waits until it has ended.
    pub(crate) fn stop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("a server could not be waited for: {error}");
        }
    }
}

/// Waits until `is_ready`, at most a minute; the log tells why it was not.
pub(crate) fn wait_until(is_ready: impl Fn() -> bool, name: &str, log: &Path) -> Result<()> {
    let until = Instant::now() + Duration::from_mins(1);
    while !is_ready() {
        if Instant::now() > until {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            bail!("{name} does not start; it says:\n{log}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The server runs in a loop beside the shell, which itself only waits for the end of its input. Ctrl-C reaches all of
/// the terminal's processes; these leave it to us.
const SUPERVISE: &str = r#"
trap '' INT HUP
(
    trap 'kill -TERM "$server" 2>/dev/null; wait "$server"; exit' TERM
    while :; do
        "$@" </dev/null & server=$!
        wait "$server"
        sleep 0.2
    done
) &
loop=$!
cat >/dev/null
kill -TERM "$loop"
wait "$loop"
"#;
