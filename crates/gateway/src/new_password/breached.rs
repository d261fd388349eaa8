//! Passwords that are known to others, from a local file: plain ones, one a line, kept in memory as digests; or Have I
//! Been Pwned's `SHA1:COUNT` lines in the order of their digests, which stay on disk however many they are.
//! Nothing is ever asked over the network. A file that cannot be read is no permission: the password is refused.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use lychgate_password::Password;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::problem::Problem;

/// The most bytes of a file of plain passwords.
const PLAIN_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a line of digests, at most: 40 digits, a colon, a count, and the ends of lines.
const LINE_BYTES: usize = 64;

/// Characters of a digest in hexadecimal.
const DIGITS: usize = 40;

/// Places of the file that are looked at when it is opened, evenly spread.
const SAMPLES: u64 = 1000;

/// Searches at a time; they read from a disk, on threads that others want, too.
const SEARCHES: usize = 4;

/// How long a search may take, the wait for its turn included.
const DEADLINE: Duration = Duration::from_secs(5);

/// A list of passwords that nobody should have.
pub struct BreachedList {
    kind: Kind,
    searches: Arc<Semaphore>,
}

enum Kind {
    /// The first eight bytes of each SHA-1, in order.
    Plain(Vec<u64>),
    Sorted(Arc<Sorted>),
}

/// A file of digests in their order.
struct Sorted {
    file: File,
    length: u64,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachedListFault {
    /// The system says so.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A device, a folder, a pipe.
    #[error("is not a file")]
    NotAFile,
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Plain passwords that would fill the memory.
    #[error(
        "is larger than 64 MiB and not a list of SHA-1 digests; use Have I Been Pwned's, in the order of the digests"
    )]
    TooLarge,
    /// Digests of another kind.
    #[error("holds NTLM digests; use the list of SHA-1 digests")]
    Ntlm,
    /// Digests that a search would miss.
    #[error(
        "is not lines of `SHA1:COUNT` in the order of their digests: near byte {0} it is not; sort it, or fetch it ordered by hash"
    )]
    NotSorted(u64),
}

impl BreachedList {
    /// Opens a list. Plain passwords are read now; of digests a sample is looked at, to see that they are in order.
    pub fn open(path: &Path) -> Result<Self, BreachedListFault> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(BreachedListFault::NotAFile);
        }
        let length = metadata.len();
        let mut beginning = Vec::with_capacity(LINE_BYTES);
        (&file)
            .take(LINE_BYTES as u64)
            .read_to_end(&mut beginning)?;
        let first = beginning.split(|byte| *byte == b'\n').next();
        let kind = match first.unwrap_or_default() {
            _ if length == 0 => return Err(BreachedListFault::Empty),
            first if digest_of(first).is_some() => {
                let sorted = Sorted { file, length };
                sorted.refuse_disorder()?;
                Kind::Sorted(Arc::new(sorted))
            }
            first if is_ntlm(first) => return Err(BreachedListFault::Ntlm),
            _ if length > PLAIN_BYTES => return Err(BreachedListFault::TooLarge),
            _ => Kind::Plain(plain(&File::open(path)?)?),
        };
        Ok(Self {
            kind,
            searches: Arc::new(Semaphore::new(SEARCHES)),
        })
    }

    /// Whether the password is on the list, to the letter.
    pub(crate) async fn holds(&self, password: &Password) -> Result<bool, Problem> {
        let digest = sha1(password.expose_secret().as_bytes());
        let sorted = match &self.kind {
            Kind::Plain(digests) => return Ok(digests.binary_search(&beginning(&digest)).is_ok()),
            Kind::Sorted(sorted) => Arc::clone(sorted),
        };
        let searches = Arc::clone(&self.searches);
        let search = async {
            let turn = searches.acquire_owned().await.map_err(io::Error::other)?;
            #[expect(
                clippy::disallowed_methods,
                reason = "it waits for a disk, on a bounded number of threads, and computes nothing"
            )]
            let found = tokio::task::spawn_blocking(move || {
                let _until_found = turn;
                sorted.holds(&digest)
            });
            found.await.map_err(io::Error::other)?
        };
        match timeout(DEADLINE, search).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => {
                tracing::error!("the list of breached passwords cannot be read: {error}");
                Err(Problem::Internal("breached-list-unreadable"))
            }
            Err(_) => {
                tracing::error!("the list of breached passwords was not read in time");
                Err(Problem::Internal("breached-list-too-slow"))
            }
        }
    }
}

impl Sorted {
    /// Halves the file until what is left is one line.
    fn holds(&self, wanted: &[u8; 20]) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.length);
        // Between `low` and `high` begin all lines that may still be it.
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(line) = self.line_from(middle)? else {
                high = middle;
                continue;
            };
            match line.digest.cmp(wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = line.end,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that begins at this byte or after it.
    fn line_from(&self, byte: u64) -> io::Result<Option<Line>> {
        // One byte earlier: a line begins here if the one before ends there.
        let from = byte.saturating_sub(1);
        let mut buffer = [0; 2 * LINE_BYTES];
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = self.file.read_at(rest, from + filled as u64)?;
            if read == 0 {
                break;
            }
            filled += read;
        }
        let bytes = buffer.get(..filled).unwrap_or_default();
        let start = if byte == 0 {
            0
        } else {
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if from + filled as u64 >= self.length => return Ok(None),
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        };
        let rest = bytes.get(start..).unwrap_or_default();
        if rest.is_empty() {
            // Past the last line; a file that has become shorter ends before it should.
            let ends = from + filled as u64 >= self.length;
            return if ends {
                Ok(None)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        let text = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let digest = digest_of(text).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Some(Line {
            digest,
            end: from + (start + text.len()) as u64 + 1,
        }))
    }

    /// Looks at lines all over the file, each of which must come after the one before.
    fn refuse_disorder(&self) -> Result<(), BreachedListFault> {
        let mut before: Option<Line> = None;
        for sample in 0..=SAMPLES {
            let byte =
                u64::try_from(u128::from(self.length) * u128::from(sample) / u128::from(SAMPLES));
            let byte = byte.unwrap_or(self.length);
            // Of a small file one line may be two samples.
            if before.as_ref().is_some_and(|before| byte < before.end) {
                continue;
            }
            let Ok(line) = self.line_from(byte) else {
                return Err(BreachedListFault::NotSorted(byte));
            };
            let Some(line) = line else { break };
            if before.is_some_and(|before| before.digest >= line.digest) {
                return Err(BreachedListFault::NotSorted(byte));
            }
            before = Some(line);
        }
        Ok(())
    }
}

/// A line of digests.
struct Line {
    digest: [u8; 20],
    /// Where the next one begins.
    end: u64,
}

/// The digests of plain passwords, in order.
fn plain(file: &File) -> Result<Vec<u64>, BreachedListFault> {
    let mut digests = Vec::new();
    let mut lines = BufReader::new(file.take(PLAIN_BYTES));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let password = line.strip_suffix(b"\n").unwrap_or(&line);
        let password = password.strip_suffix(b"\r").unwrap_or(password);
        if !password.is_empty() {
            digests.push(beginning(&sha1(password)));
        }
        line.clear();
    }
    if digests.is_empty() {
        return Err(BreachedListFault::Empty);
    }
    digests.sort_unstable();
    digests.dedup();
    Ok(digests)
}

/// The digest of a line such as `0018A45C4D1DEF81644B54AB7F969B88D65:10`, with its first five digits and in either case.
fn digest_of(line: &[u8]) -> Option<[u8; 20]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(DIGITS)?;
    let count = match rest.split_first() {
        None => &[][..],
        Some((b':', count)) => count,
        Some(_) => return None,
    };
    if !count.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut digest = [0; 20];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks(2)) {
        let pair = str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16)
            .ok()
            .filter(|_| !pair.starts_with('+'))?;
    }
    Some(digest)
}

fn is_ntlm(line: &[u8]) -> bool {
    line.split_at_checked(32).is_some_and(|(digits, rest)| {
        digits.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b":")
    })
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut sha1 = [0; 20];
    sha1.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    sha1
}

/// Enough of a digest for a few million of them.
fn beginning(digest: &[u8; 20]) -> u64 {
    digest
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
