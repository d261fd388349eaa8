//! A demo that runs, in a folder for temporary files that nobody else uses.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use reqwest::Url;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::support::lychgate;

/// How long a line may keep us waiting; a whole tour passes in it, beside other tests and on two cores.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// A running `lychgate demo`, killed when it is dropped.
pub(crate) struct Demo {
    child: Child,
    output: Said<ChildStdout>,
    errors: Said<ChildStderr>,
    temporary: TempDir,
}

/// What a demo that has ended leaves.
pub(crate) struct Ended {
    /// Its exit status; `None` if a signal killed it.
    pub(crate) status: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
    /// How many files and folders it left among the temporary ones.
    pub(crate) left: usize,
}

impl Demo {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = lychgate(temporary.path(), &[&["demo"], arguments].concat());
        command
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self {
            child,
            output: Said::new(output),
            errors: Said::new(errors),
            temporary,
        }
    }

    /// Waits until it prints a line with these words, and returns the line.
    pub(crate) async fn line(&mut self, words: &str) -> String {
        self.output.until(words).await
    }

    /// The same for what it says beside.
    pub(crate) async fn error_line(&mut self, words: &str) -> String {
        self.errors.until(words).await
    }

    /// Waits until it says where to log in.
    pub(crate) async fn application(&mut self) -> Url {
        let line = self.line("Log in at ").await;
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        // What it says after the address tells how to end it: then everything is said.
        self.line("Ctrl-C ends the demo").await;
        Url::parse(address.unwrap()).unwrap()
    }

    /// The folder that it has made for itself.
    pub(crate) fn folder(&self) -> PathBuf {
        let mut entries = std::fs::read_dir(self.temporary.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let folder = entries.next().expect("it has no folder");
        assert_eq!(entries.next(), None, "it has more than one folder");
        folder
    }

    /// Sends it SIGTERM, SIGINT, …
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it has ended").to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .await
                .unwrap()
                .success()
        );
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let rest =
            async { tokio::join!(self.output.rest(), self.errors.rest(), self.child.wait()) };
        let (output, errors, status) = tokio::time::timeout(PATIENCE, rest)
            .await
            .expect("the demo does not end");
        let left = std::fs::read_dir(self.temporary.path()).unwrap().count();
        Ended {
            status: status.unwrap().code(),
            output,
            errors,
            left,
        }
    }
}

/// One of its streams, and what has come out of it.
struct Said<Stream> {
    lines: Lines<BufReader<Stream>>,
    text: String,
}

impl<Stream: AsyncRead + Unpin> Said<Stream> {
    fn new(stream: Stream) -> Self {
        Self {
            lines: BufReader::new(stream).lines(),
            text: String::new(),
        }
    }

    async fn until(&mut self, words: &str) -> String {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let Some(line) = line.expect("the demo hangs").unwrap() else {
                panic!("the demo has ended without {words:?}: {}", self.text)
            };
            self.text.extend([line.as_str(), "\n"]);
            if line.contains(words) {
                return line;
            }
        }
    }

    async fn rest(&mut self) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.text.extend([line.as_str(), "\n"]);
        }
        std::mem::take(&mut self.text)
    }
}
