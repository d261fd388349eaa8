//! Whether an audit log is whole: that no line was changed, taken out, put in, moved or cut, and which one was.
//!
//! What the chain alone proves ends with its last line but one, and holds against whoever cannot write it anew from
//! somewhere on. What is signed holds against everybody without the key.

mod fault;

use std::io::{self, BufRead, Read as _};

pub use self::fault::{Fault, FaultKind, Place};
use super::chain::{ChainedLine, Digest, Link};
use super::head::HeadPublicKey;

/// No line of ours is longer, and what is torn is not either.
const LONGEST: u64 = 1024 * 1024;

/// Faults that are told; more are counted only.
const MOST_FAULTS: usize = 100;

/// What was found in a log, read line by line from its first file to its last.
#[derive(Debug)]
pub struct Verification {
    keys: Vec<HeadPublicKey>,
    lines: u64,
    first: Option<u64>,
    last: Option<Seen>,
    /// Two lines of which one was changed; the next line says which.
    suspects: Option<(Place, Place)>,
    /// Lines of no chain that no line has spoken for yet.
    strays: Vec<(Place, Digest)>,
    torn: u64,
    removed_through: u64,
    signed: Option<Signed>,
    unended: Vec<Place>,
    /// The first line of each chain.
    beginnings: Vec<Digest>,
    /// Lines that were noted elsewhere, and not seen yet.
    noted: Vec<Link>,
    faults: Vec<Fault>,
    more_faults: u64,
}

/// The last line that carries a good signature: it and everything before it is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its number.
    pub sequence: u64,
    /// When it was written, RFC 3339.
    pub time: String,
    /// The id of the key.
    pub key: String,
}

/// A line that was read.
#[derive(Debug, Clone, Copy)]
struct Seen {
    link: Link,
    place: Place,
    is_stop: bool,
}

impl Verification {
    /// Signatures are verified with these keys; without any they are not looked at.
    pub fn new(keys: Vec<HeadPublicKey>) -> Self {
        Self {
            keys,
            lines: 0,
            first: None,
            last: None,
            suspects: None,
            strays: Vec::new(),
            torn: 0,
            removed_through: 0,
            signed: None,
            unended: Vec::new(),
            beginnings: Vec::new(),
            noted: Vec::new(),
            faults: Vec::new(),
            more_faults: 0,
        }
    }

    /// Reads the next file of the log, to its end.
    pub fn read(&mut self, file: usize, mut lines: impl BufRead) -> io::Result<()> {
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let read = lines.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                break;
            }
            let place = Place { file, line };
            self.lines += 1;
            match bytes.strip_suffix(b"\n") {
                Some(whole) => self.line(place, whole),
                None if bytes.len() as u64 == LONGEST => {
                    self.fault(place, None, FaultKind::NotOfTheChain);
                    skip_line(&mut lines)?;
                }
                // The end of the file, unless a line of the next one speaks for it.
                None => self.fault(place, None, FaultKind::Cut),
            }
        }
        Ok(())
    }

    /// The end of the last file.
    pub fn finish(&mut self) {
        self.settle_suspects(None);
        self.settle_strays(0);
        let first = self.first.unwrap_or(1);
        if first > self.removed_through.saturating_add(1) {
            let place = Place { file: 0, line: 1 };
            self.fault(place, Some(first), FaultKind::BeginsLate);
        }
        let last = self
            .last
            .map_or(Place { file: 0, line: 1 }, |last| last.place);
        for noted in std::mem::take(&mut self.noted) {
            self.fault(last, Some(noted.sequence), FaultKind::NotHeld);
        }
    }

    /// The lines before this one are known to be elsewhere.
    pub fn begin_at(&mut self, sequence: u64) {
        self.removed_through = self.removed_through.max(sequence.saturating_sub(1));
    }

    /// A line that was noted elsewhere: the log has to hold it.
    pub fn must_hold(&mut self, line: Link) {
        self.noted.push(line);
    }

    fn line(&mut self, place: Place, line: &[u8]) {
        let digest = Digest::of(line);
        let Some(read) = ChainedLine::read(line) else {
            self.strays.push((place, digest));
            return;
        };
        self.first = self.first.or(Some(read.sequence));
        let was_stop = self.last.is_some_and(|last| last.is_stop);
        let Some(sequence) = self.number(place, &read, digest) else {
            return;
        };
        if !matches!(read.members.event, "start" | "rotated" | "torn") {
            self.settle_strays(0);
        }
        match read.members.event {
            "start" if self.last.is_some() && !was_stop => self.unended.push(place),
            "torn" => self.speak_for_torn(place, &read),
            "rotated" => {
                let through = read.members.removed_through.unwrap_or(0);
                self.removed_through = self.removed_through.max(through);
            }
            _ => {}
        }
        self.check_signature(place, line, &read);
        let seen = Link { sequence, digest };
        self.noted.retain(|noted| *noted != seen);
        self.last = Some(Seen {
            link: seen,
            place,
            is_stop: match read.members.event {
                "stop" => true,
                "rotated" => was_stop,
                _ => false,
            },
        });
    }

    /// The number of a line that takes its place in the chain; without one, the chain goes on as if it were not there.
    fn number(&mut self, place: Place, read: &ChainedLine<'_>, digest: Digest) -> Option<u64> {
        let sequence = read.sequence;
        let Some(previous) = read.previous else {
            return self.begins_chain(place, digest);
        };
        let Some(last) = self.last else {
            // Of a log whose first lines cannot be read, the numbers tell how many there were.
            let strays = self.strays.len() as u64;
            if strays > 0 && sequence == strays + 1 {
                self.settle_strays(strays);
                self.first = Some(1);
            }
            return Some(sequence);
        };
        let expected = last.link.sequence.saturating_add(1);
        let next = (sequence == expected).then_some((previous, last.link));
        self.settle_suspects(next);
        let is_tied = previous == last.link.digest;
        if sequence == expected {
            if !is_tied && !self.is_known(last.place) {
                self.suspects = Some((last.place, place));
            }
        } else if is_tied {
            self.fault(place, Some(sequence), FaultKind::Changed);
        } else if sequence > expected {
            let missing = sequence - expected;
            if self.strays.len() as u64 == missing {
                self.settle_strays(missing);
            } else {
                let kind = FaultKind::Missing { from: expected };
                self.fault(place, Some(sequence), kind);
            }
            return Some(sequence);
        } else {
            let after = last.link.sequence;
            self.fault(place, Some(sequence), FaultKind::OutOfOrder { after });
            return None;
        }
        Some(expected)
    }

    fn begins_chain(&mut self, place: Place, digest: Digest) -> Option<u64> {
        self.settle_suspects(None);
        if self.beginnings.contains(&digest) {
            let after = self.last.map_or(0, |last| last.link.sequence);
            self.fault(place, Some(1), FaultKind::OutOfOrder { after });
            return None;
        }
        self.beginnings.push(digest);
        if self.last.is_some_and(|last| !last.is_stop) {
            self.fault(place, Some(1), FaultKind::NewChain);
        }
        Some(1)
    }

    /// Which of two lines was changed: the earlier one, if the later is what its next line says it was.
    fn settle_suspects(&mut self, next: Option<(Digest, Link)>) {
        let Some((earlier, later)) = self.suspects.take() else {
            return;
        };
        match next {
            Some((previous, link)) if previous != link.digest => {
                self.fault(later, Some(link.sequence), FaultKind::Changed);
            }
            Some((_, link)) => {
                let sequence = Some(link.sequence - 1);
                self.fault(earlier, sequence, FaultKind::Changed);
            }
            None => self.fault(earlier, None, FaultKind::ChangedOrNext),
        }
    }

    /// Lines of no chain that nothing speaks for: as many were changed as are missing, the others were put in.
    fn settle_strays(&mut self, missing: u64) {
        let strays = std::mem::take(&mut self.strays);
        for (number, (place, _)) in (0..).zip(strays) {
            let kind = if number < missing {
                FaultKind::Changed
            } else {
                FaultKind::NotOfTheChain
            };
            self.fault(place, None, kind);
        }
    }

    fn speak_for_torn(&mut self, place: Place, read: &ChainedLine<'_>) {
        let torn = read.members.torn.and_then(Digest::parse);
        let stray = self.strays.first().map(|(_, digest)| *digest);
        if torn.is_some() && torn == stray {
            self.strays.remove(0);
            self.torn += 1;
        } else {
            self.fault(place, Some(read.sequence), FaultKind::TornLineGone);
        }
    }

    fn check_signature(&mut self, place: Place, line: &[u8], read: &ChainedLine<'_>) {
        let members = read.members;
        let must = matches!(members.event, "start" | "stop" | "head");
        if self.keys.is_empty() || !(must || members.signature.is_some()) {
            return;
        }
        let sequence = Some(read.sequence);
        let named = members.key.unwrap_or_default();
        let Some(key) = self.keys.iter().find(|key| key.id() == named) else {
            let kind = if members.signature.is_some() {
                FaultKind::UnknownKey
            } else {
                FaultKind::NotSigned
            };
            return self.fault(place, sequence, kind);
        };
        if !key.has_signed(line) {
            return self.fault(place, sequence, FaultKind::WrongSignature);
        }
        self.signed = Some(Signed {
            sequence: read.sequence,
            time: members.time.to_owned(),
            key: key.id().to_owned(),
        });
    }

    fn is_known(&self, place: Place) -> bool {
        self.faults
            .last()
            .is_some_and(|fault| fault.place == place && fault.kind == FaultKind::Changed)
    }

    fn fault(&mut self, place: Place, sequence: Option<u64>, kind: FaultKind) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault {
                place,
                sequence,
                kind,
            });
        } else {
            self.more_faults += 1;
        }
    }

    /// What is wrong, in the order in which it was found.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Faults beyond those that are told.
    pub fn more_faults(&self) -> u64 {
        self.more_faults
    }

    /// How many lines were read.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The number of the first line.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// The last line.
    pub fn last(&self) -> Option<Link> {
        self.last.map(|last| last.link)
    }

    /// The last line that is signed, if signatures were looked at.
    pub fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// Lines that were torn, by a crash or a full disk, and that a line speaks for.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// Where a run begins although the one before has no end: a crash, or lines that were cut.
    pub fn unended(&self) -> &[Place] {
        &self.unended
    }

    /// Chains that begin in this log; each start of a gateway that cannot read what it wrote begins one.
    pub fn chains(&self) -> usize {
        self.beginnings.len()
    }
}

/// Reads the rest of a line that is too long.
fn skip_line(lines: &mut impl BufRead) -> io::Result<()> {
    loop {
        let read = lines.fill_buf()?;
        if read.is_empty() {
            return Ok(());
        }
        let end = read.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(read.len(), |end| end + 1);
        lines.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
