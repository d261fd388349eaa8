//! Where lines are written: whole, in the order in which they come, each before its request is answered.
//!
//! One task writes for all requests, on a thread where it may wait: lines that come at the same time, or while others are
//! written, go out in one write.

use std::io::{self, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking, yield_now};
use tokio::time::timeout;

use super::line::Line;
use crate::error::Error;
use crate::settings::AuditDestination;

/// How long a write may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Lines that may wait for their turn; whoever comes then waits for a place.
const QUEUE: usize = 1024;

/// Lines that are written together, at most.
const BATCH: usize = 128;

/// The one writer of audit lines. Its task ends with it.
pub(crate) struct Writer {
    lines: mpsc::Sender<Waiting>,
    failing: AtomicBool,
}

/// A line, and who waits until it is written.
struct Waiting {
    line: Vec<u8>,
    written: oneshot::Sender<io::Result<()>>,
}

struct Destination {
    sink: Box<dyn Write + Send>,
    /// A line was begun and not ended: the next one starts on a new line.
    torn: bool,
}

impl Writer {
    /// Opens the destination. A file is appended to, and made for its owner only if it is not there.
    pub(crate) async fn open(destination: &AuditDestination) -> Result<Self, Error> {
        let destination = match destination {
            AuditDestination::File(path) => Destination {
                torn: ends_in_a_torn_line(path).await,
                sink: Box::new(append(path)?),
            },
            AuditDestination::Stdout => Destination {
                torn: false,
                sink: Box::new(stdout()?),
            },
        };
        Ok(Self::to(destination, DEADLINE))
    }

    fn to(destination: Destination, deadline: Duration) -> Self {
        let (lines, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write_all(destination, waiting, deadline));
        Self {
            lines,
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
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        let written = self.written(line).await;
        self.failing.store(written.is_err(), Ordering::Relaxed);
        written
    }

    async fn written(&self, line: Vec<u8>) -> io::Result<()> {
        let (written, is_written) = oneshot::channel();
        // The task is gone only if it panicked.
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let waiting = Waiting { line, written };
        self.lines.send(waiting).await.map_err(|_| gone())?;
        is_written.await.map_err(|_| gone())?
    }
}

/// Writes what comes, until nobody can send any more.
#[expect(
    clippy::disallowed_methods,
    reason = "to write is to wait, and nothing is computed"
)]
async fn write_all(
    mut destination: Destination,
    mut lines: mpsc::Receiver<Waiting>,
    deadline: Duration,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while lines.recv_many(&mut batch, BATCH).await > 0 {
        // Whoever is ready to send a line at this moment sends it now, and it goes along.
        yield_now().await;
        while batch.len() < BATCH
            && let Ok(line) = lines.try_recv()
        {
            batch.push(line);
        }
        let (bytes, ends) = destination.bytes_of(&batch);
        let mut writing = spawn_blocking(move || destination.write(&bytes));
        let written = if let Ok(written) = timeout(deadline, &mut writing).await {
            written
        } else {
            tell(&mut batch, |_| Err(io::ErrorKind::TimedOut.into()));
            refuse_until(writing, &mut lines).await
        };
        let Ok((back, done, outcome)) = written else {
            return;
        };
        destination = back;
        tell(&mut batch, |number| match &outcome {
            Err(error) if ends.get(number).is_none_or(|end| done < *end) => {
                Err(error.kind().into())
            }
            _ => Ok(()),
        });
    }
}

/// While a write hangs, every line is refused at once: none of those who bring them can be answered.
async fn refuse_until<T>(
    mut writing: JoinHandle<T>,
    lines: &mut mpsc::Receiver<Waiting>,
) -> Result<T, tokio::task::JoinError> {
    loop {
        tokio::select! {
            written = &mut writing => return written,
            Some(line) = lines.recv() => {
                tell(&mut vec![line], |_| Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }
}

/// Tells each who waits what came of the line.
fn tell(batch: &mut Vec<Waiting>, outcome: impl Fn(usize) -> io::Result<()>) {
    for (number, waiting) in batch.drain(..).enumerate() {
        // Who is gone by now needs no answer.
        drop(waiting.written.send(outcome(number)));
    }
}

impl Destination {
    /// The lines one after the other, and where each ends.
    fn bytes_of(&self, batch: &[Waiting]) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        if self.torn {
            bytes.push(b'\n');
        }
        let mut ends = Vec::with_capacity(batch.len());
        for waiting in batch {
            bytes.extend_from_slice(&waiting.line);
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    /// Writes as many of these bytes as can be written, and says how many that were.
    fn write(mut self, bytes: &[u8]) -> (Self, usize, io::Result<()>) {
        let (done, outcome) = write_as_far_as_possible(&mut self.sink, bytes);
        let last = bytes.get(..done).and_then(<[u8]>::last);
        self.torn = last.map_or(self.torn, |byte| *byte != b'\n');
        (self, done, outcome)
    }
}

/// How many bytes were written, and why no more.
fn write_as_far_as_possible(sink: &mut dyn Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match sink.write(rest) {
            Ok(0) => return (done, Err(io::ErrorKind::WriteZero.into())),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (done, Err(error)),
        }
    }
    (done, sink.flush())
}

/// Standard output under a descriptor of our own, without the buffer that the process has before it.
fn stdout() -> Result<std::fs::File, Error> {
    let descriptor = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::AuditStdout)?;
    Ok(std::fs::File::from(descriptor))
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

fn append(path: &Path) -> Result<std::fs::File, Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(path).map_err(|source| Error::AuditFile {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use lychgate_token::UnixTime;

    use super::*;
    use crate::audit::refused_connection;

    /// A disk that is full for so many writes, and what it has taken.
    #[derive(Clone, Default)]
    struct Disk {
        full_for: u32,
        /// Bytes that one write takes.
        at_once: Option<usize>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(left) = self.full_for.checked_sub(1) {
                self.full_for = left;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let count = self.at_once.take().unwrap_or(bytes.len());
            self.taken.lock().unwrap().extend(&bytes[..count]);
            if count < bytes.len() {
                self.full_for = 1;
            }
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line() -> Line<'static> {
        refused_connection(UnixTime::from_seconds(0), [192, 0, 2, 1].into(), 0)
    }

    fn destination(disk: &Disk) -> Destination {
        Destination {
            sink: Box::new(disk.clone()),
            torn: false,
        }
    }

    #[tokio::test]
    async fn it_is_failing_from_a_line_that_is_lost_to_one_that_is_not() {
        let disk = Disk {
            full_for: 2,
            ..Disk::default()
        };
        let writer = Writer::to(destination(&disk), DEADLINE);
        assert!(!writer.is_failing());
        for _ in 0..2 {
            assert!(writer.write(&line()).await.is_err());
            assert!(writer.is_failing());
        }
        assert!(writer.write(&line()).await.is_ok());
        assert!(!writer.is_failing());
    }

    #[tokio::test]
    async fn lines_that_come_at_once_are_all_written_and_whole() {
        let disk = Disk::default();
        let writer = Arc::new(Writer::to(destination(&disk), DEADLINE));
        let lines = (0..1000).map(|_| {
            let writer = Arc::clone(&writer);
            async move { writer.write(&line()).await.is_ok() }
        });
        let written = lines.collect::<tokio::task::JoinSet<_>>().join_all().await;
        assert_eq!(written, vec![true; 1000]);
        let taken = disk.taken.lock().unwrap();
        let expected = serde_json::to_string(&line()).unwrap();
        let taken = std::str::from_utf8(&taken).unwrap();
        assert!(taken.lines().all(|line| line == expected));
        assert_eq!(taken.lines().count(), 1000);
    }

    #[tokio::test]
    async fn where_a_write_is_cut_those_before_the_cut_are_written_and_the_next_starts_on_a_new_line()
     {
        let expected = serde_json::to_vec(&line()).unwrap();
        let disk = Disk {
            at_once: Some(expected.len() + 3),
            ..Disk::default()
        };
        let writer = Writer::to(destination(&disk), DEADLINE);
        let (one, two) = (line(), line());
        let (first, second) = tokio::join!(writer.write(&one), writer.write(&two));
        assert!(first.is_ok());
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(writer.write(&line()).await.is_ok());
        let cut = [
            &expected[..],
            b"\n",
            &expected[..2],
            b"\n",
            &expected[..],
            b"\n",
        ]
        .concat();
        assert_eq!(*disk.taken.lock().unwrap(), cut);
    }

    /// A pipe that nobody reads, until somebody does.
    struct Pipe(std::sync::mpsc::Receiver<()>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn while_a_write_hangs_lines_fail_and_afterwards_they_are_written() {
        let (read, pipe) = std::sync::mpsc::channel();
        let sink = Box::new(Pipe(pipe));
        let destination = Destination { sink, torn: false };
        let writer = Writer::to(destination, Duration::from_millis(10));
        for _ in 0..2 {
            let error = writer.write(&line()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(writer.is_failing());
        }
        read.send(()).unwrap();
        // The write that hung has to come back first; until then lines are refused.
        while writer.write(&line()).await.is_err() {
            read.send(()).unwrap();
        }
        assert!(!writer.is_failing());
    }
}
