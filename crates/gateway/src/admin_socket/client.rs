//! The other end of the admin socket: what a command asks a gateway that runs.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{LINE_BYTES, PATIENCE, Reply, Request};

/// Why a gateway that runs did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminSocketError {
    /// Nobody is there, or we may not ask.
    #[error("the gateway does not answer at its admin socket; is it running, as the same user?")]
    Unreachable(#[source] io::Error),
    /// It said no.
    #[error("the gateway refused: {0}")]
    Refused(String),
    /// What came back is no answer, or none came in time.
    #[error("the gateway gave no answer that makes sense")]
    NoAnswer,
}

/// Asks the gateway at `socket` to forget the failures of an identifier: whether there were any.
pub async fn unlock(socket: &Path, identifier: &str) -> Result<bool, AdminSocketError> {
    let request = Request::Unlock {
        identifier: identifier.to_owned(),
    };
    let reply = timeout(PATIENCE, ask(socket, &request)).await;
    match reply.map_err(|_| AdminSocketError::NoAnswer)?? {
        Reply::Unlocked(were_failures) => Ok(were_failures),
        Reply::Refused(reason) => Err(AdminSocketError::Refused(reason)),
    }
}

async fn ask(socket: &Path, request: &Request) -> Result<Reply, AdminSocketError> {
    let unreachable = AdminSocketError::Unreachable;
    let mut stream = UnixStream::connect(socket).await.map_err(unreachable)?;
    let mut line = serde_json::to_vec(request).map_err(|_| AdminSocketError::NoAnswer)?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(unreachable)?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_BYTES))
        .read_line(&mut answer)
        .await
        .map_err(unreachable)?;
    serde_json::from_str(&answer).map_err(|_| AdminSocketError::NoAnswer)
}
