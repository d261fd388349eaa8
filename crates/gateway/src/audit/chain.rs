//! The chain of audit lines: each carries its number and the digest of the line before it, so that none can be changed,
//! taken out or moved without the next one saying so.
//!
//! A line is `{"sequence":7,"previous":"…",` and then its own members. Before the first of a chain there is none: it has
//! the name of the chain instead, as `{"sequence":1,"chain":"…",`. The digest is SHA-256 over the bytes of a line without
//! its newline.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use super::hex;

/// SHA-256 of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of the bytes of a line, without its newline.
    pub fn of(line: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, line).as_ref());
        Self(bytes)
    }

    /// From lower-case hex.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode(text.as_bytes()).map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(&self.0))
    }
}

/// A line that is in a chain: its number and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its number; the first of a chain has 1.
    pub sequence: u64,
    /// What the next line has as `previous`.
    pub digest: Digest,
}

/// Where a chain ends, so that the next line can be tied to it.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// There is no line yet; the chain's name is random.
    New([u8; 16]),
    /// The last line.
    After(Link),
}

impl End {
    /// The line of these members, a JSON object, tied to what is before it.
    pub(super) fn tie(self, members: &[u8]) -> Vec<u8> {
        let tie = match self {
            Self::New(name) => {
                format!("{{\"sequence\":1,\"chain\":\"{}\",", hex::encode(&name))
            }
            Self::After(Link { sequence, digest }) => {
                let sequence = sequence.saturating_add(1);
                format!("{{\"sequence\":{sequence},\"previous\":\"{digest}\",")
            }
        };
        let mut line = tie.into_bytes();
        line.extend_from_slice(members.get(1..).unwrap_or_default());
        line
    }

    /// The number of the next line.
    pub(super) fn next(self) -> u64 {
        match self {
            Self::New(_) => 1,
            Self::After(link) => link.sequence.saturating_add(1),
        }
    }
}

/// A line of a chain, read strictly: of what has another form nobody can say what was changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChainedLine<'line> {
    pub(super) sequence: u64,
    /// The digest of the line before; `None` for the first line of a chain.
    pub(super) previous: Option<Digest>,
    pub(super) members: Members<'line>,
}

/// What the chain has to know of a line.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Members<'line> {
    pub(super) time: &'line str,
    pub(super) event: &'line str,
    /// Of `torn`: the digest of the torn line.
    #[serde(borrow)]
    pub(super) torn: Option<&'line str>,
    /// Of `rotated`: the last line of the files that were removed.
    pub(super) removed_through: Option<u64>,
    /// Of a signed line: the id of the key.
    #[serde(borrow)]
    pub(super) key: Option<&'line str>,
    #[serde(borrow)]
    pub(super) signature: Option<&'line str>,
}

impl<'line> ChainedLine<'line> {
    /// `None` if it is no line of a chain.
    pub(super) fn read(line: &'line [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"sequence\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let (number, rest) = rest.split_at_checked(digits.count())?;
        let sequence = number_of(number)?;
        let (previous, rest) = if let Some(rest) = rest.strip_prefix(b",\"previous\":\"") {
            let (digest, rest) = rest.split_at_checked(64)?;
            (Some(Digest(hex::decode(digest)?)), rest)
        } else {
            let (name, rest) = rest.strip_prefix(b",\"chain\":\"")?.split_at_checked(32)?;
            hex::decode::<16>(name)?;
            (None, rest)
        };
        rest.strip_prefix(b"\",")?;
        if previous.is_none() != (sequence == 1) {
            return None;
        }
        let members = serde_json::from_slice(line).ok()?;
        Some(Self {
            sequence,
            previous,
            members,
        })
    }
}

/// A number as we write it: from 1, without zeros before it.
fn number_of(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|_| !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: &[u8] = b"{\"time\":\"2026-12-01T00:00:00Z\",\"event\":\"answer\"}";

    #[test]
    fn a_line_is_tied_to_the_one_before_it_and_is_read_back() {
        let first = End::New([7; 16]).tie(MEMBERS);
        let read = ChainedLine::read(&first).unwrap();
        assert_eq!((read.sequence, read.previous), (1, None));
        let end = End::After(Link {
            sequence: 1,
            digest: Digest::of(&first),
        });
        let second = end.tie(MEMBERS);
        let read = ChainedLine::read(&second).unwrap();
        assert_eq!(
            (read.sequence, read.previous),
            (2, Some(Digest::of(&first)))
        );
        assert_eq!(read.members.event, "answer");
    }

    #[test]
    fn what_is_written_in_another_way_is_no_line() {
        let line = String::from_utf8(End::New([7; 16]).tie(MEMBERS)).unwrap();
        for (what, with) in [
            ("{\"sequence\":1", "{ \"sequence\":1"),
            (":1,", ":01,"),
            (":1,", ":2,"),
            (":1,", ":99999999999999999999,"),
            ("\"chain\":\"07", "\"chain\":\"0G"),
            ("\"event\"", "\"time\""),
            ("answer\"}", "answer\"} "),
            ("answer\"}", "answer\"},{}"),
            ("answer\"}", "answer\""),
        ] {
            let other = line.replacen(what, with, 1);
            let read = ChainedLine::read(other.as_bytes());
            // A space behind a JSON text is one all the same; the digest sees it.
            assert_eq!(read.is_some(), with.ends_with("} "), "{other}");
        }
    }
}
