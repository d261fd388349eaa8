//! Where lines go, and the chain that they become there.
//!
//! Lines come in as they were made for their requests; each is tied to the one before it at the moment at which it is
//! written, so that numbers have no holes: what was not written has no number. What was torn on its way stays, and the next
//! line says so.

use std::io::{self, Write};
use std::time::Duration;

use lychgate_token::UnixTime;
use tokio::time::Instant;

use super::chain::{Digest, End, Link};
use super::file::{AuditFile, Tail};
use super::head::HeadKey;
use super::own::OwnEvent;
use super::syslog::Syslog;

/// Signs heads, and how often.
pub struct Heads {
    /// The key.
    pub key: HeadKey,
    /// After so many lines.
    pub lines: u64,
    /// After so long a time in which there was a line.
    pub every: Duration,
}

/// The one place that lines go to.
pub(super) struct Destination {
    sink: Sink,
    end: End,
    heads: Option<Heads>,
    /// Lines since the last signature, and when that was.
    unsigned: u64,
    signed_at: Instant,
    /// What the log has to say of itself before the next line.
    owed: Vec<OwnEvent>,
    /// The last line was begun and not ended: the next one starts on a new line.
    is_open: bool,
}

/// What takes bytes.
pub(super) enum Sink {
    File(AuditFile),
    /// Standard output, a pipe, a device.
    Stream(Box<dyn Write + Send>),
    Syslog(Syslog),
}

/// One line to be written.
pub(super) enum Entry {
    /// Of a request.
    Line(Vec<u8>),
    /// The last of this run.
    Stop,
}

/// How far a write came: how many of the entries were written, and why no more.
pub(super) struct Written {
    pub(super) entries: usize,
    pub(super) outcome: io::Result<()>,
}

/// What goes out in one write.
struct Batch {
    bytes: Vec<u8>,
    lines: Vec<Placed>,
    end: End,
}

/// A line with its place in the bytes of a write.
struct Placed {
    end: usize,
    link: Link,
    /// What it says, if it is the log's own.
    own: Option<OwnEvent>,
    /// Whether somebody waits for it.
    is_entry: bool,
}

impl Destination {
    /// A chain that goes on where the tail ends; its first line says that we have started.
    pub(super) fn new(sink: Sink, tail: Tail, new_name: [u8; 16], heads: Option<Heads>) -> Self {
        let torn = tail.torn.into_iter().map(OwnEvent::Torn);
        Self {
            sink,
            end: tail.last.map_or(End::New(new_name), End::After),
            heads,
            unsigned: 0,
            signed_at: Instant::now(),
            owed: std::iter::once(OwnEvent::Start).chain(torn).collect(),
            is_open: tail.is_open,
        }
    }

    /// The number of the last line.
    pub(super) fn sequence(&self) -> u64 {
        self.end.next() - 1
    }

    /// When a head has to be signed although no line comes.
    pub(super) fn head_due(&self) -> Option<Instant> {
        let heads = self.heads.as_ref().filter(|_| self.unsigned > 0)?;
        Some(self.signed_at + heads.every)
    }

    /// Writes what is owed, these entries, and a head if it is time for one.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Written {
        let now = UnixTime::now();
        if let Err(error) = self.renew(now) {
            self.signed_at = self.signed_at.max(Instant::now());
            return Written {
                entries: 0,
                outcome: Err(error),
            };
        }
        let batch = self.batch(entries, now);
        let (done, outcome) = self.sink.write(&batch);
        let entries = self.settle(&batch, done);
        Written { entries, outcome }
    }

    fn renew(&mut self, now: UnixTime) -> io::Result<()> {
        let Sink::File(file) = &mut self.sink else {
            return Ok(());
        };
        let has_torn = self.is_open || self.owed.iter().any(|own| matches!(own, OwnEvent::Torn(_)));
        // What was torn is noted in its own file.
        if has_torn {
            return Ok(());
        }
        if let Some(renewed) = file.renew(now, self.end.next())? {
            let removed_through = renewed.removed_through;
            self.owed.insert(0, OwnEvent::Rotated { removed_through });
        }
        Ok(())
    }

    /// Everything that is to be written, tied together.
    fn batch(&self, entries: &[Entry], now: UnixTime) -> Batch {
        let mut batch = Batch {
            bytes: if self.is_open {
                vec![b'\n']
            } else {
                Vec::new()
            },
            lines: Vec::with_capacity(self.owed.len() + entries.len() + 1),
            end: self.end,
        };
        for own in &self.owed {
            batch.put(&self.own_line(batch.end, *own, now), Some(*own), false);
        }
        for entry in entries {
            match entry {
                Entry::Line(members) => batch.put(&batch.end.tie(members), None, true),
                Entry::Stop => {
                    let own = OwnEvent::Stop;
                    batch.put(&self.own_line(batch.end, own, now), Some(own), true);
                }
            }
        }
        if self.wants_head(entries.len()) {
            let own = OwnEvent::Head;
            batch.put(&self.own_line(batch.end, own, now), Some(own), false);
        }
        batch
    }

    /// Whether after these lines the head is signed.
    fn wants_head(&self, more: usize) -> bool {
        let unsigned = self.unsigned + more as u64;
        self.heads.as_ref().is_some_and(|heads| {
            let is_time = self.signed_at.elapsed() >= heads.every;
            unsigned >= heads.lines || (unsigned > 0 && is_time)
        })
    }

    /// One of the log's own lines.
    fn own_line(&self, end: End, own: OwnEvent, now: UnixTime) -> Vec<u8> {
        let key = self.heads.as_ref().map(|heads| &heads.key);
        let line = own.line(now, key.map(|key| key.public_key().id()));
        // It has nothing that could not be written as JSON.
        let line = end.tie(&serde_json::to_vec(&line).unwrap_or_default());
        match key.filter(|_| own.is_head()) {
            Some(key) => key.sign(line).unwrap_or_default(),
            None => line,
        }
    }

    /// Takes note of what was written: how many entries that were.
    fn settle(&mut self, batch: &Batch, done: usize) -> usize {
        let mut entries = 0;
        let mut written_to = usize::from(self.is_open && done > 0);
        self.is_open &= done == 0;
        for line in batch.lines.iter().take_while(|line| line.end <= done) {
            self.end = End::After(line.link);
            written_to = line.end;
            entries += usize::from(line.is_entry);
            self.unsigned += 1;
            if let Some(own) = line.own {
                self.is_said(own);
            }
        }
        if self.head_due().is_some_and(|due| due <= Instant::now()) {
            // It could not be written; it is tried again after as long a time.
            self.signed_at = Instant::now();
        }
        let torn = batch.bytes.get(written_to..done);
        if let Some(torn) = torn.filter(|torn| !torn.is_empty()) {
            self.owed.push(OwnEvent::Torn(Digest::of(torn)));
            self.is_open = true;
        }
        entries
    }

    fn is_said(&mut self, own: OwnEvent) {
        if let Some(place) = self.owed.iter().position(|owed| *owed == own) {
            self.owed.remove(place);
        }
        if own.is_head() {
            self.unsigned = 0;
            self.signed_at = Instant::now();
        }
    }
}

impl Batch {
    fn put(&mut self, line: &[u8], own: Option<OwnEvent>, is_entry: bool) {
        let placed = Link {
            sequence: self.end.next(),
            digest: Digest::of(line),
        };
        self.end = End::After(placed);
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.lines.push(Placed {
            end: self.bytes.len(),
            link: placed,
            own,
            is_entry,
        });
    }
}

impl Sink {
    /// How many bytes of a batch were written, and why no more.
    fn write(&mut self, batch: &Batch) -> (usize, io::Result<()>) {
        match self {
            Self::File(file) => write_as_far_as_possible(file, &batch.bytes),
            Self::Stream(stream) => write_as_far_as_possible(stream, &batch.bytes),
            Self::Syslog(syslog) => {
                let lines = batch.bytes.split(|byte| *byte == b'\n');
                let (sent, outcome) = syslog.send(lines.take(batch.lines.len()));
                let last = sent.checked_sub(1).and_then(|last| batch.lines.get(last));
                (last.map_or(0, |last| last.end), outcome)
            }
        }
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
