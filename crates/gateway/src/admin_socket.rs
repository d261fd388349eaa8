//! What the operator changes while the gateway runs, through a Unix socket that only the gateway's own user may open.
//!
//! A line of JSON comes in and a line goes back; what is done is audited before it is done. An attacker on the same machine
//! wants to end a lockout: the socket has mode 0600, stands in a folder that nobody else may write to, and the system is
//! asked who is at the other end.

mod client;
mod place;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lychgate_store::{Identifier, IdentifierRules};
use lychgate_token::UnixTime;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::pseudonym::PseudonymKey;
use crate::audit::{Outcome, Writer, unlock_line};
use crate::lockout::Lockout;

pub use client::{AdminSocketError, unlock};

/// Connections at once; one more waits.
const CONNECTIONS: usize = 8;

/// Bytes of a line.
const LINE_BYTES: u64 = 4096;

/// From a connection to the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nobody is let in after the system would not hand over a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    /// To forget the failures of this identifier.
    Unlock { identifier: String },
}

/// What came of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Reply {
    /// Whether there were failures to forget.
    Unlocked(bool),
    /// Nothing was done, and why.
    Refused(String),
}

/// The socket, bound.
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    /// The user whose process this is.
    owner: u32,
}

/// What can be changed.
pub(crate) struct Operator {
    pub(crate) lockout: Arc<Lockout>,
    pub(crate) identifiers: IdentifierRules,
    pub(crate) pseudonym_key: PseudonymKey,
    pub(crate) audit: Arc<Writer>,
}

impl AdminSocket {
    /// Serves until `stop`, and takes the socket away.
    pub(crate) async fn serve(self, operator: Operator, stop: CancellationToken) {
        let operator = Arc::new(operator);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let tasks = TaskTracker::new();
        let accepting = async {
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                match self.listener.accept().await {
                    Ok((stream, _)) if self.is_allowed(&stream) => {
                        let operator = Arc::clone(&operator);
                        tasks.spawn(async move {
                            let _until_answered = place;
                            // Who hangs up or is late gets no answer.
                            drop(timeout(PATIENCE, operator.answer(stream)).await);
                        });
                    }
                    Ok(_) => tracing::warn!("the admin socket was opened by another user"),
                    Err(error) => {
                        tracing::warn!("the admin socket: {error}");
                        sleep(PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stop.cancelled() => {}
        }
        place::take_away(&self.path);
        tasks.close();
        tasks.wait().await;
    }

    /// Whether the other end is a process of our own user, or of root.
    fn is_allowed(&self, stream: &UnixStream) -> bool {
        stream
            .peer_cred()
            .is_ok_and(|peer| [self.owner, place::ROOT].contains(&peer.uid()))
    }
}

impl Operator {
    /// Answers one line.
    async fn answer(&self, mut stream: UnixStream) -> std::io::Result<()> {
        let (reading, mut writing) = stream.split();
        let mut line = String::new();
        BufReader::new(reading.take(LINE_BYTES))
            .read_line(&mut line)
            .await?;
        let reply = match serde_json::from_str(&line) {
            Ok(Request::Unlock { identifier }) => self.unlock(&identifier).await,
            Err(_) => Reply::Refused("this is no request that this version knows".to_owned()),
        };
        let mut answer = serde_json::to_vec(&reply)?;
        answer.push(b'\n');
        writing.write_all(&answer).await
    }

    /// Forgets the failures of an identifier, once the line about it is written.
    async fn unlock(&self, identifier: &str) -> Reply {
        let identifier = match Identifier::parse(identifier, self.identifiers) {
            Ok(identifier) => identifier,
            Err(error) => return Reply::Refused(error.to_string()),
        };
        let key = self.pseudonym_key.lockout_key(identifier.as_str());
        let is_known = self.lockout.knows(key);
        let outcome = if is_known {
            Outcome::Unlocked
        } else {
            Outcome::NotLocked
        };
        let line = unlock_line(UnixTime::now(), &identifier, &self.pseudonym_key, outcome);
        if let Err(error) = self.audit.write(&line).await {
            tracing::error!("an audit line about an unlock was not written: {error}");
            return Reply::Refused(
                "the audit line could not be written, so nothing was done".to_owned(),
            );
        }
        self.lockout.unlock(key);
        Reply::Unlocked(is_known)
    }
}
