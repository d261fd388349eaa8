//! Where lines are written: whole, one after the other, each flushed before its request is answered.

use std::io::{self, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::line::Line;
use crate::error::Error;
use crate::settings::AuditDestination;

/// How long a line may take, the wait for its turn included.
const DEADLINE: Duration = Duration::from_secs(5);

/// The one writer of audit lines.
pub(crate) struct Writer {
    destination: Mutex<Destination>,
}

struct Destination {
    sink: Box<dyn AsyncWrite + Send + Unpin>,
    /// A line was begun and not ended: the next one starts on a new line.
    torn: bool,
}

impl Writer {
    /// Opens the destination. A file is appended to, and made for its owner only if it is not there.
    pub(crate) async fn open(destination: &AuditDestination) -> Result<Self, Error> {
        let destination = match destination {
            AuditDestination::File(path) => Destination {
                torn: ends_in_a_torn_line(path).await,
                sink: Box::new(append(path).await?),
            },
            AuditDestination::Stdout => Destination {
                torn: false,
                sink: Box::new(stdout()?),
            },
        };
        Ok(Self {
            destination: Mutex::new(destination),
        })
    }

    /// Writes one line; at its end it is out of our hands. A destination that takes no more, such as a pipe that nobody
    /// reads, is an error after [`DEADLINE`].
    pub(crate) async fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let written = async { self.destination.lock().await.write(&bytes).await };
        timeout(DEADLINE, written)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Destination {
    async fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.sink.write_all(b"\n").await?;
        }
        self.torn = true;
        self.sink.write_all(line).await?;
        self.sink.flush().await?;
        self.torn = false;
        Ok(())
    }
}

/// Standard output under a descriptor of our own, without the buffer that the process has before it.
fn stdout() -> Result<File, Error> {
    let descriptor = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::AuditStdout)?;
    Ok(File::from_std(std::fs::File::from(descriptor)))
}

/// Whether the last line of a file was begun and not ended, as by a crash. Nobody can look back into a pipe or a device.
async fn ends_in_a_torn_line(path: &Path) -> bool {
    let last_byte = async {
        if !tokio::fs::metadata(path).await?.is_file() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let mut file = File::open(path).await?;
        file.seek(SeekFrom::End(-1)).await?;
        file.read_u8().await
    };
    last_byte.await.is_ok_and(|byte| byte != b'\n')
}

async fn append(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    options.mode(0o600);
    options.open(path).await.map_err(|source| Error::AuditFile {
        path: path.to_owned(),
        source,
    })
}
