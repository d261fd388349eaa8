//! What can be wrong with an audit log, and where.

use std::fmt;

/// A line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which of the files, from 0.
    pub file: usize,
    /// Which line of it, from 1.
    pub line: u64,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The line at which it shows.
    pub place: Place,
    /// The number that this line has, where it can be read.
    pub sequence: Option<u64>,
    /// What it is.
    pub kind: FaultKind,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It is not as it was written.
    Changed,
    /// It, or the line after it, is not as it was written.
    ChangedOrNext,
    /// It is no line of this log: put in, or changed beyond recognition.
    NotOfTheChain,
    /// Lines before it are missing.
    Missing {
        /// The number of the first of them.
        from: u64,
    },
    /// It was moved, or put in a second time.
    OutOfOrder {
        /// The number of the line before it.
        after: u64,
    },
    /// A chain begins although the one before has no end.
    NewChain,
    /// The log does not begin with the first line of its chain, and nothing says that those before it were removed.
    BeginsLate,
    /// It has no end.
    Cut,
    /// It is the last, and none was the one of this number that was noted elsewhere.
    NotHeld,
    /// It speaks for a torn line that does not stand before it.
    TornLineGone,
    /// It must be signed, and is not.
    NotSigned,
    /// It is signed with another key than those that were given.
    UnknownKey,
    /// Its signature is not over what stands there.
    WrongSignature,
}

impl FaultKind {
    /// Its name, for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changed | Self::ChangedOrNext => "changed",
            Self::NotOfTheChain => "not-of-the-chain",
            Self::Missing { .. } => "missing",
            Self::OutOfOrder { .. } => "out-of-order",
            Self::NewChain => "new-chain",
            Self::BeginsLate => "begins-late",
            Self::Cut => "cut",
            Self::NotHeld => "not-held",
            Self::TornLineGone => "torn-line-gone",
            Self::NotSigned => "not-signed",
            Self::UnknownKey => "unknown-key",
            Self::WrongSignature => "wrong-signature",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match (self.kind, self.sequence) {
            (FaultKind::Changed, _) => "was changed after it was written",
            (FaultKind::ChangedOrNext, _) => {
                "or the line after it was changed after it was written"
            }
            (FaultKind::NotOfTheChain, _) => {
                "is no line of this log, or was changed beyond recognition"
            }
            (FaultKind::Missing { from }, sequence) => {
                let to = sequence.unwrap_or(from).saturating_sub(1);
                return if from == to {
                    write!(
                        formatter,
                        "before it, line number {from} of the log is missing"
                    )
                } else {
                    write!(
                        formatter,
                        "before it, lines number {from} to {to} of the log are missing"
                    )
                };
            }
            (FaultKind::OutOfOrder { after }, sequence) => {
                let number = sequence.unwrap_or_default();
                return write!(
                    formatter,
                    "has the number {number} and stands after number {after}: it was moved, or put in"
                );
            }
            (FaultKind::NewChain, _) => {
                "begins a new chain, and the one before has no end: a crash, or lines were cut; nothing ties the two together"
            }
            (FaultKind::BeginsLate, sequence) => {
                let number = sequence.unwrap_or_default();
                return write!(
                    formatter,
                    "has the number {number}, and nothing says that those before it were removed by rotation: name their \
                     files, too, or say `--from {number}`"
                );
            }
            (FaultKind::Cut, _) => {
                "has no end: the process was cut off, or somebody cut it; the next start of the gateway takes note of it"
            }
            (FaultKind::NotHeld, sequence) => {
                let number = sequence.unwrap_or_default();
                return write!(
                    formatter,
                    "is the last, and line number {number} as it was noted elsewhere is not in the log: it was cut, or written anew"
                );
            }
            (FaultKind::TornLineGone, _) => {
                "speaks for a torn line, and that does not stand before it"
            }
            (FaultKind::NotSigned, _) => "must be signed with the key, and is not",
            (FaultKind::UnknownKey, _) => "is signed with a key that was not given",
            (FaultKind::WrongSignature, _) => "has a signature that is not over what stands there",
        };
        formatter.write_str(said)
    }
}
