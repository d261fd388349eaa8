//! Where lines are written: whole, in the order in which they come, each before its request is answered.
//!
//! One task writes for all requests, on a thread where it may wait: lines that come at the same time, or while others are
//! written, go out in one write.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lychgate_token::{UnixTime, random_bytes};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking, yield_now};
use tokio::time::{Instant, timeout, timeout_at};

use super::destination::{Destination, Entry, Sink, Written};
use super::file::{AuditFile, Rotation, Tail};
use super::line::Line;
use super::syslog::Syslog;
use crate::error::Error;
use crate::settings::{AuditDestination, AuditSettings, OnAuditFailure};

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
    on_failure: OnAuditFailure,
    sequence: Arc<AtomicU64>,
}

/// A line, and who waits until it is written.
struct Waiting {
    entry: Entry,
    written: oneshot::Sender<io::Result<()>>,
}

impl Writer {
    /// Opens the destination and writes its first line. One that cannot be written now may be later, as any other.
    pub(crate) async fn open(settings: AuditSettings) -> Result<Self, Error> {
        let new_name = random_bytes().map_err(|_| Error::AuditChain)?;
        let (sink, tail) = match settings.destination {
            AuditDestination::File(path) => open_file(&path, settings.rotation)?,
            AuditDestination::Syslog(address) => {
                (Sink::Syslog(Syslog::open(address)?), Tail::default())
            }
            AuditDestination::Stdout => (Sink::Stream(Box::new(stdout()?)), Tail::default()),
        };
        let destination = Destination::new(sink, tail, new_name, settings.heads);
        let writer = Self::to(destination, DEADLINE).await;
        Ok(Self {
            on_failure: settings.on_failure,
            ..writer
        })
    }

    async fn to(destination: Destination, deadline: Duration) -> Self {
        let (lines, queue) = mpsc::channel(QUEUE);
        let sequence = Arc::new(AtomicU64::new(destination.sequence()));
        let (ready, is_ready) = oneshot::channel();
        let writing = Writing {
            destination: Some(destination),
            deadline,
            sequence: Arc::clone(&sequence),
        };
        tokio::spawn(writing.write_all(queue, ready));
        // Whether the first line could be written is seen by the next.
        drop(timeout(deadline, is_ready).await);
        Self {
            lines,
            failing: AtomicBool::new(false),
            on_failure: OnAuditFailure::Refuse,
            sequence,
        }
    }

    /// Whether nothing may be done now: the last line could not be written, so that the next would probably be lost, too.
    pub(crate) fn is_failing(&self) -> bool {
        self.refuses() && self.failing.load(Ordering::Relaxed)
    }

    /// Whether what cannot be audited is not answered.
    pub(crate) fn refuses(&self) -> bool {
        self.on_failure == OnAuditFailure::Refuse
    }

    /// The number of the last line that was written.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Relaxed)
    }

    /// Writes one line; at its end it is out of our hands. A destination that takes no more, such as a pipe that nobody
    /// reads, is an error after [`DEADLINE`].
    pub(crate) async fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let entry = Entry::Line(serde_json::to_vec(line)?);
        let written = self.written(entry).await;
        self.failing.store(written.is_err(), Ordering::Relaxed);
        written
    }

    /// Writes the last line of this run; after it there is no other.
    pub(crate) async fn stop(&self) -> io::Result<()> {
        self.written(Entry::Stop).await
    }

    async fn written(&self, entry: Entry) -> io::Result<()> {
        let (written, is_written) = oneshot::channel();
        // The task is gone only if it was stopped, or panicked.
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let waiting = Waiting { entry, written };
        self.lines.send(waiting).await.map_err(|_| gone())?;
        is_written.await.map_err(|_| gone())?
    }
}

/// The task that writes.
struct Writing {
    /// It is away while a write hangs.
    destination: Option<Destination>,
    deadline: Duration,
    sequence: Arc<AtomicU64>,
}

impl Writing {
    /// Writes what comes, until nobody can send any more, or the last line was written.
    async fn write_all(mut self, mut lines: mpsc::Receiver<Waiting>, ready: oneshot::Sender<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        self.write(&mut batch, &mut lines).await;
        drop(ready);
        while let Some(destination) = &self.destination {
            let due = destination.head_due();
            if !received(&mut batch, &mut lines, due).await {
                return;
            }
            // Whoever is ready to send a line at this moment sends it now, and it goes along.
            yield_now().await;
            while batch.len() < BATCH
                && let Ok(line) = lines.try_recv()
            {
                batch.push(line);
            }
            let stops = batch
                .iter()
                .any(|waiting| matches!(waiting.entry, Entry::Stop));
            self.write(&mut batch, &mut lines).await;
            if stops {
                return;
            }
        }
    }

    /// Writes these lines, and tells each who waits what came of it.
    #[expect(
        clippy::disallowed_methods,
        reason = "to write is to wait, and little is computed"
    )]
    async fn write(&mut self, batch: &mut Vec<Waiting>, lines: &mut mpsc::Receiver<Waiting>) {
        let Some(mut destination) = self.destination.take() else {
            return;
        };
        let (entries, mut callers): (Vec<_>, Vec<_>) = batch
            .drain(..)
            .map(|waiting| (waiting.entry, waiting.written))
            .unzip();
        let mut writing = spawn_blocking(move || {
            let written = destination.write(&entries);
            (destination, written)
        });
        let written = if let Ok(written) = timeout(self.deadline, &mut writing).await {
            written
        } else {
            tell(&mut callers, |_| Err(io::ErrorKind::TimedOut.into()));
            refuse_until(writing, lines).await
        };
        let Ok((back, Written { entries, outcome })) = written else {
            return;
        };
        self.sequence.store(back.sequence(), Ordering::Relaxed);
        self.destination = Some(back);
        tell(&mut callers, |number| match &outcome {
            Err(error) if number >= entries => Err(error.kind().into()),
            _ => Ok(()),
        });
    }
}

/// Waits for lines, or until a head is due without any: whether there may be more.
async fn received(
    batch: &mut Vec<Waiting>,
    lines: &mut mpsc::Receiver<Waiting>,
    due: Option<Instant>,
) -> bool {
    let received = lines.recv_many(batch, BATCH);
    match due {
        None => received.await > 0,
        Some(due) => timeout_at(due, received).await != Ok(0),
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
                tell(&mut vec![line.written], |_| Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }
}

/// Tells each who waits what came of the line.
fn tell(
    waiting: &mut Vec<oneshot::Sender<io::Result<()>>>,
    outcome: impl Fn(usize) -> io::Result<()>,
) {
    for (number, written) in waiting.drain(..).enumerate() {
        // Who is gone by now needs no answer.
        drop(written.send(outcome(number)));
    }
}

/// A file has a past, and can be rotated; a pipe or a device under the same name cannot.
fn open_file(path: &Path, rotation: Option<Rotation>) -> Result<(Sink, Tail), Error> {
    let is_file = std::fs::metadata(path).map_or(true, |metadata| metadata.is_file());
    if is_file {
        let (file, tail) = AuditFile::open(path, rotation, UnixTime::now())?;
        return Ok((Sink::File(file), tail));
    }
    let stream = std::fs::OpenOptions::new().append(true).open(path);
    let stream = stream.map_err(|source| Error::AuditFile {
        path: path.to_owned(),
        source,
    })?;
    Ok((Sink::Stream(Box::new(stream)), Tail::default()))
}

/// Standard output under a descriptor of our own, without the buffer that the process has before it.
fn stdout() -> Result<std::fs::File, Error> {
    let descriptor = io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map_err(Error::AuditStdout)?;
    Ok(std::fs::File::from(descriptor))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Mutex, MutexGuard};

    use super::*;
    use crate::audit::Heads;
    use crate::audit::chain::{Digest, End, Link};
    use crate::audit::head::HeadKey;
    use crate::audit::head::tests::KEY;
    use crate::audit::refused_connection;
    use crate::audit::verification::Verification;

    /// A disk that is full at times, and what it has taken.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        /// Writes that fail before the next that does not.
        full_for: u32,
        /// Bytes that the next write takes, before one that fails.
        at_once: Option<usize>,
        taken: Vec<u8>,
    }

    impl Disk {
        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap()
        }

        fn text(&self) -> String {
            String::from_utf8(self.state().taken.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.state();
            if let Some(left) = state.full_for.checked_sub(1) {
                state.full_for = left;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let count = state.at_once.take().unwrap_or(bytes.len());
            state.taken.extend(&bytes[..count]);
            if count < bytes.len() {
                state.full_for = 1;
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

    fn destination(sink: impl Write + Send + 'static) -> Destination {
        Destination::new(Sink::Stream(Box::new(sink)), Tail::default(), [7; 16], None)
    }

    async fn writer(disk: &Disk) -> Writer {
        Writer::to(destination(disk.clone()), DEADLINE).await
    }

    /// What a reader says of the chain on this disk.
    fn verified(disk: &Disk) -> Verification {
        let mut verification = Verification::new(Vec::new());
        verification.read(0, disk.text().as_bytes()).unwrap();
        verification.finish();
        assert!(verification.faults().is_empty(), "{verification:?}");
        verification
    }

    #[tokio::test]
    async fn it_is_failing_from_a_line_that_is_lost_to_one_that_is_not() {
        let disk = Disk::default();
        disk.state().full_for = 3;
        let writer = writer(&disk).await;
        assert!(!writer.is_failing());
        for _ in 0..2 {
            assert!(writer.write(&line()).await.is_err());
            assert!(writer.is_failing());
        }
        assert!(writer.write(&line()).await.is_ok());
        assert!(!writer.is_failing());
        assert_eq!(verified(&disk).lines(), 2, "the first says that it started");
    }

    #[tokio::test]
    async fn lines_that_come_at_once_are_all_written_and_whole_and_one_chain() {
        let disk = Disk::default();
        let writer = Arc::new(writer(&disk).await);
        let lines = (0..1000).map(|_| {
            let writer = Arc::clone(&writer);
            async move { writer.write(&line()).await.is_ok() }
        });
        let written = lines.collect::<tokio::task::JoinSet<_>>().join_all().await;
        assert_eq!(written, vec![true; 1000]);
        writer.stop().await.unwrap();
        assert!(
            writer.write(&line()).await.is_err(),
            "nothing after the stop"
        );
        let members = serde_json::to_string(&line()).unwrap();
        let (_, members) = members.split_at(1);
        let is_whole = |line: &&str| line.ends_with(members);
        assert_eq!(disk.text().lines().filter(is_whole).count(), 1000);
        assert_eq!(verified(&disk).lines(), 1002);
        assert_eq!(writer.sequence(), 1002);
    }

    #[tokio::test]
    async fn where_a_write_is_cut_those_before_the_cut_are_written_and_the_next_says_what_was_torn()
    {
        let disk = Disk::default();
        let writer = writer(&disk).await;
        let start = disk.text();
        let end = End::After(Link {
            sequence: 1,
            digest: Digest::of(start.trim_end().as_bytes()),
        });
        let first = end.tie(&serde_json::to_vec(&line()).unwrap());
        disk.state().at_once = Some(first.len() + 4);
        let (one, two) = (line(), line());
        let (written, lost) = tokio::join!(writer.write(&one), writer.write(&two));
        assert!(written.is_ok());
        assert_eq!(lost.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(writer.write(&line()).await.is_ok());
        let text = disk.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1].as_bytes(), first);
        assert_eq!(lines[2], "{\"s", "what was torn stays");
        assert!(lines[3].contains("\"event\":\"torn\""));
        assert_eq!(lines.len(), 5);
        assert_eq!(verified(&disk).torn(), 1);
    }

    #[tokio::test]
    async fn heads_are_signed_after_so_many_lines_and_after_so_long_and_at_both_ends() {
        let disk = Disk::default();
        let heads = |every| Heads {
            key: HeadKey::from_pem(KEY).unwrap(),
            lines: 3,
            every,
        };
        let sink = Sink::Stream(Box::new(disk.clone()));
        let long = Duration::from_hours(1);
        let destination = Destination::new(sink, Tail::default(), [7; 16], Some(heads(long)));
        let writer = Writer::to(destination, DEADLINE).await;
        for _ in 0..4 {
            writer.write(&line()).await.unwrap();
        }
        writer.stop().await.unwrap();
        let events = |disk: &Disk| {
            let lines = disk.text();
            let lines = lines.lines().map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let signed = if line["signature"].is_string() {
                    "signed "
                } else {
                    ""
                };
                format!("{signed}{}", line["event"].as_str().unwrap())
            });
            lines.collect::<Vec<_>>()
        };
        let refused = "refused-connection";
        assert_eq!(
            events(&disk),
            [
                "signed start",
                refused,
                refused,
                refused,
                "signed head",
                refused,
                "signed stop"
            ]
        );

        let disk = Disk::default();
        let sink = Sink::Stream(Box::new(disk.clone()));
        let soon = Duration::from_millis(1);
        let destination = Destination::new(sink, Tail::default(), [7; 16], Some(heads(soon)));
        let writer = Writer::to(destination, DEADLINE).await;
        writer.write(&line()).await.unwrap();
        while events(&disk).last().unwrap() != "signed head" {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(writer);
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
        let writer = Writer::to(destination(Pipe(pipe)), Duration::from_millis(10)).await;
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
