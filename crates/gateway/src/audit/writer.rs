//! Where lines are written: whole, one after the other, each flushed before its request is answered.

use std::io::{self, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
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
    failing: AtomicBool,
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
        Ok(Self::to(destination))
    }

    fn to(destination: Destination) -> Self {
        Self {
            destination: Mutex::new(destination),
            failing: AtomicBool::new(false),
        }
    }

    /// Whether the last line could not be written, so that the next would probably be lost, too.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Writes one line; at its end it is out of our hands. A destination that takes no more, such as a pipe that nobody
    /// reads, is an error after [`DEADLINE`].
    pub(crate) async fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let written = async { self.destination.lock().await.write(&bytes).await };
        let written = timeout(DEADLINE, written)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.failing.store(written.is_err(), Ordering::Relaxed);
        written
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

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use lychgate_token::UnixTime;

    use super::*;
    use crate::audit::refused_connection;

    /// A disk that is full for so many writes.
    struct FullFor(u32);

    impl AsyncWrite for FullFor {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Poll::Ready(Err(io::ErrorKind::StorageFull.into()))
                }
                None => Poll::Ready(Ok(bytes.len())),
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn it_is_failing_from_a_line_that_is_lost_to_one_that_is_not() {
        let sink = Box::new(FullFor(2));
        let writer = Writer::to(Destination { sink, torn: false });
        let line = || refused_connection(UnixTime::from_seconds(0), [192, 0, 2, 1].into(), 0);
        assert!(!writer.is_failing());
        for _ in 0..2 {
            assert!(writer.write(&line()).await.is_err());
            assert!(writer.is_failing());
        }
        assert!(writer.write(&line()).await.is_ok());
        assert!(!writer.is_failing());
    }
}
