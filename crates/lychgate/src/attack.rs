//! `lychgate attack`: the known attacks, each played as whoever would play it, against a deployment that is one's own.
//!
//! An attack is data (what it is, what must come back) and a function that plays it over the network, from outside, with
//! no more than what the config lends it. It says what it saw. What could not be played is said, too, and never counts as
//! blocked: an attack that proves nothing is no comfort.

mod algorithm_confusion;
mod audience_injection;
mod browser;
mod claims;
mod codes;
mod credentials;
mod door;
mod doors;
mod enumeration;
mod fields;
mod floods;
mod foreign_tokens;
mod forger;
mod guessing;
mod hosts;
mod injection;
mod key_injection;
mod known;
mod operations;
mod proofs;
mod redirects;
mod settings;
mod slow_peers;
mod smuggling;
mod table;
mod target;

use std::pin::Pin;
use std::time::Duration;

use anyhow::Result;

pub(crate) use self::hosts::OwnedHosts;
pub(crate) use self::settings::{Application, Client, Settings, User};
pub(crate) use self::table::all;
pub(crate) use self::target::{Given, Target, TargetError};
use crate::commands::check::Severity;

/// One attack. Its id is a promise: tools remember it.
pub(crate) struct Attack {
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    /// What is tried.
    pub(crate) what: &'static str,
    /// What must come back.
    pub(crate) expected: &'static str,
    play: Play,
}

type Play = for<'t> fn(&'t Target) -> Playing<'t>;
type Playing<'t> = Pin<Box<dyn Future<Output = Result<Outcome>> + Send + 't>>;

/// What came of an attack, with what was seen.
pub(crate) enum Outcome {
    /// It was refused.
    Blocked(String),
    /// It got what it wanted.
    GotThrough(String),
    /// It could not be played, so nothing is known.
    NotTried(String),
}

/// The reason why an attack cannot be played.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotTried(String);

/// How long one attack may take.
const DEADLINE: Duration = Duration::from_mins(3);

impl Attack {
    /// Plays it. What breaks off on its way was not tried.
    pub(crate) async fn play(&self, target: &Target) -> Outcome {
        match tokio::time::timeout(DEADLINE, (self.play)(target)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => match error.downcast::<NotTried>() {
                Ok(NotTried(reason)) => Outcome::NotTried(reason),
                Err(error) => Outcome::NotTried(format!("it broke off: {error:#}")),
            },
            Err(_) => Outcome::NotTried(format!("it took more than {} s", DEADLINE.as_secs())),
        }
    }
}

impl Outcome {
    /// Its name in reports.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Blocked(_) => "blocked",
            Self::GotThrough(_) => "open",
            Self::NotTried(_) => "not-tried",
        }
    }

    /// What was seen, or why nothing was.
    pub(crate) fn seen(&self) -> &str {
        let (Self::Blocked(seen) | Self::GotThrough(seen) | Self::NotTried(seen)) = self;
        seen
    }
}

impl NotTried {
    fn because(reason: impl Into<String>) -> anyhow::Error {
        Self(reason.into()).into()
    }
}
