//! The file of the audit log: opened where its chain ends, and followed when it is moved away.
//!
//! One process writes it: another is refused by a lock. It is rotated here, by size and age, or by somebody else, who moves
//! it away; then the next line opens a new one.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lychgate_token::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::chain::{ChainedLine, Digest, Link};
use crate::error::Error;

/// How far back the end of the chain is looked for.
const TAIL_BYTES: u64 = 1024 * 1024;

/// Lines behind the end of the chain that a crash can have left.
const MOST_TORN: usize = 16;

/// How often it is looked whether somebody moved the file away, and how long a rotation that failed is not tried again.
const LOOK: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_mins(1);

/// When the file is rotated, and what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Once it has at least so many bytes.
    pub bytes: Option<u64>,
    /// Once its first line is so old.
    pub after: Option<Duration>,
    /// How many of the files that were rotated are kept; all of them if `None`.
    pub keep: Option<usize>,
}

/// What was found at the end of a file.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The last line of a chain.
    pub(super) last: Option<Link>,
    /// What stands after it.
    pub(super) torn: Vec<Digest>,
    /// The last of those has no newline.
    pub(super) is_open: bool,
}

/// The file, open for writing at its end.
pub(super) struct AuditFile {
    path: PathBuf,
    file: File,
    written: u64,
    since: UnixTime,
    rotation: Option<Rotation>,
    looked: Instant,
    /// When a rotation may be tried.
    rotate_from: Instant,
}

impl AuditFile {
    /// Opens the file; it is made for its owner only if it is not there. Another process that writes it is an error, and so
    /// is a file whose end is no chain.
    pub(super) fn open(
        path: &Path,
        rotation: Option<Rotation>,
        now: UnixTime,
    ) -> Result<(Self, Tail), Error> {
        let unusable = |source| Error::AuditFile {
            path: path.to_owned(),
            source,
        };
        let file = append(path).map_err(unusable)?;
        lock(&file).map_err(unusable)?;
        let metadata = file.metadata().map_err(unusable)?;
        let tail = tail(path, metadata.len()).map_err(unusable)?;
        let Some(tail) = tail else {
            return Err(Error::AuditFileForeign(path.to_owned()));
        };
        let since = first_time(path).unwrap_or(now);
        let file = Self::of(path, file, metadata.len(), since, rotation);
        Ok((file, tail))
    }

    fn of(
        path: &Path,
        file: File,
        written: u64,
        since: UnixTime,
        rotation: Option<Rotation>,
    ) -> Self {
        let now = Instant::now();
        Self {
            path: path.to_owned(),
            file,
            written,
            since,
            rotation,
            looked: now,
            rotate_from: now,
        }
    }

    /// Follows a file that was moved away, and opens a new one when it is time to; its first line is to be the `next`. One
    /// that cannot be moved is written on.
    pub(super) fn renew(&mut self, now: UnixTime, next: u64) -> io::Result<Option<Renewed>> {
        if self.looked.elapsed() >= LOOK {
            if self.is_elsewhere()? {
                self.reopen(now)?;
                return Ok(Some(Renewed::default()));
            }
            self.looked = Instant::now();
        }
        let Some(rotation) = self.rotation.filter(|rotation| self.is_due(*rotation, now)) else {
            return Ok(None);
        };
        if let Err(error) = self.move_away(now, next) {
            let path = self.path.display();
            tracing::error!("the audit file {path} was not rotated: {error}");
            self.rotate_from = Instant::now() + RETRY;
            return Ok(None);
        }
        self.reopen(now)?;
        let removed_through = rotation.keep.and_then(|keep| self.remove_all_but(keep));
        Ok(Some(Renewed { removed_through }))
    }

    fn is_due(&self, rotation: Rotation, now: UnixTime) -> bool {
        let large = rotation.bytes.is_some_and(|bytes| self.written >= bytes);
        let old = rotation
            .after
            .is_some_and(|after| now.since(self.since) >= after);
        self.written > 0 && (large || old) && Instant::now() >= self.rotate_from
    }

    /// Whether the path is another file by now, or none.
    fn is_elsewhere(&self) -> io::Result<bool> {
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok(identity(&there) != identity(&self.file.metadata()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn reopen(&mut self, now: UnixTime) -> io::Result<()> {
        let file = append(&self.path)?;
        lock(&file)?;
        let written = file.metadata()?.len();
        let rotate_from = self.rotate_from;
        *self = Self::of(&self.path, file, written, now, self.rotation);
        self.rotate_from = rotate_from;
        Ok(())
    }

    /// The new name says when, and which line the next file begins with.
    fn move_away(&self, now: UnixTime, next: u64) -> io::Result<()> {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}-{next:010}", stamp(now)));
        // We alone write here, so nobody makes it between these two.
        if std::fs::exists(&name)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(&self.path, name)
    }

    /// Removes the oldest of the files that were rotated, and says which line was the last of them.
    fn remove_all_but(&self, keep: usize) -> Option<u64> {
        let mut rotated = rotated(&self.path);
        let surplus = rotated.len().saturating_sub(keep);
        let mut last = None;
        for file in rotated.drain(..surplus) {
            let metadata = std::fs::metadata(&file).ok()?;
            let tail = tail(&file, metadata.len()).ok()??;
            if let Err(error) = std::fs::remove_file(&file) {
                tracing::error!("{} was not removed: {error}", file.display());
                break;
            }
            last = tail.last.map(|link| link.sequence).or(last);
        }
        last
    }
}

/// That a new file was begun.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Renewed {
    pub(super) removed_through: Option<u64>,
}

impl Write for AuditFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The files that were rotated from this one, the oldest first.
fn rotated(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(files) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let is_rotated = |file: &PathBuf| {
        let found = file.file_name().and_then(|name| name.to_str());
        let stamp = found.and_then(|found| found.strip_prefix(name)?.strip_prefix('.'));
        stamp.is_some_and(is_stamp)
    };
    let files = files.filter_map(Result::ok).map(|file| file.path());
    let mut rotated: Vec<_> = files.filter(is_rotated).collect();
    rotated.sort();
    rotated
}

/// `20261201T030405Z`: sorts as time goes.
fn stamp(now: UnixTime) -> String {
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    OffsetDateTime::from_unix_timestamp(now.seconds())
        .ok()
        .and_then(|time| time.format(form).ok())
        .unwrap_or_else(|| now.to_string())
}

fn is_stamp(text: &str) -> bool {
    text.len() > 17
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b'T',
            15 => byte == b'Z',
            16 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// The end of a file: `None` if more stands behind its last chained line than a crash leaves.
pub(super) fn tail(path: &Path, length: u64) -> io::Result<Option<Tail>> {
    let mut file = File::open(path)?;
    let from = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length - from).read_to_end(&mut bytes)?;
    let mut tail = Tail {
        is_open: bytes.last().is_some_and(|byte| *byte != b'\n'),
        ..Tail::default()
    };
    let ended = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    if ended.is_empty() && bytes.is_empty() {
        return Ok(Some(tail));
    }
    let mut is_last = true;
    for line in ended.rsplit(|byte| *byte == b'\n') {
        // What has no newline was not written to its end.
        let whole = !(is_last && tail.is_open);
        is_last = false;
        if let Some(read) = ChainedLine::read(line).filter(|_| whole) {
            tail.last = Some(Link {
                sequence: read.sequence,
                digest: Digest::of(line),
            });
            break;
        }
        tail.torn.push(Digest::of(line));
        if tail.torn.len() > MOST_TORN {
            return Ok(None);
        }
    }
    tail.torn.reverse();
    Ok((tail.last.is_some() || from == 0).then_some(tail))
}

/// When the first line of a file was written.
fn first_time(path: &Path) -> Option<UnixTime> {
    let mut beginning = Vec::new();
    File::open(path)
        .ok()?
        .take(4096)
        .read_to_end(&mut beginning)
        .ok()?;
    let line = beginning.split(|byte| *byte == b'\n').next()?;
    let time = ChainedLine::read(line)?.members.time;
    let time = OffsetDateTime::parse(time, &Rfc3339).ok()?;
    Some(UnixTime::from_seconds(time.unix_timestamp()))
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(path)
}

fn lock(file: &File) -> io::Result<()> {
    use std::fs::TryLockError;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::Error::new(
            io::ErrorKind::ResourceBusy,
            "another process writes it; a chain has one writer",
        ),
        TryLockError::Error(error) => error,
    })
}
