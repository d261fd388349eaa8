//! The lines that the log writes about itself: that it starts, stops, goes on in a new file, was torn, and its signed head.

use lychgate_token::UnixTime;
use serde::Serialize;

use super::chain::Digest;
use super::line::rfc_3339;

/// What the log has to say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnEvent {
    /// The gateway has started.
    Start,
    /// It stops.
    Stop,
    /// The head of the chain is signed.
    Head,
    /// Lines go on in a new file; of the old ones, those up to this line were removed.
    Rotated { removed_through: Option<u64> },
    /// A line before was begun and not ended. It stays where it is.
    Torn(Digest),
}

/// Its form. The chain and the signature come around it.
#[derive(Debug, Serialize)]
pub(super) struct OwnLine<'a> {
    time: String,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_through: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    torn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl OwnEvent {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Head => "head",
            Self::Rotated { .. } => "rotated",
            Self::Torn(_) => "torn",
        }
    }

    /// Whether it is signed where there is a key.
    pub(super) const fn is_head(self) -> bool {
        matches!(self, Self::Start | Self::Stop | Self::Head)
    }

    /// Its line, signed with the key of this id.
    pub(super) fn line(self, time: UnixTime, key: Option<&str>) -> OwnLine<'_> {
        let key = key.filter(|_| self.is_head());
        let mut line = OwnLine {
            time: rfc_3339(time),
            event: self.name(),
            version: None,
            removed_through: None,
            torn: None,
            key,
        };
        match self {
            Self::Start => line.version = Some(env!("CARGO_PKG_VERSION")),
            Self::Rotated { removed_through } => line.removed_through = removed_through,
            Self::Torn(digest) => line.torn = Some(digest.to_string()),
            Self::Stop | Self::Head => {}
        }
        line
    }
}
