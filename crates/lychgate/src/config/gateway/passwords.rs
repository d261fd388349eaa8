//! `[passwords]`: which formats may log in, what is written, and what an unknown user costs.

use lychgate_password::{Decoy, DecoyClass, Error, Format, Settings};

use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::RawPasswords;

/// The formats and the pool that computes them.
pub(crate) fn settings(raw: &RawPasswords, findings: &mut Findings<'_>) -> Option<Settings> {
    let key = Key::new("passwords");
    let defaults = Settings::default();
    let accept = accepted(raw, findings);
    let write = match &raw.write {
        Some(name) => findings.keep(&key.member("write"), name.parse::<Format>()),
        None => Some(defaults.write),
    };
    let wait = duration::or(
        raw.wait.as_ref(),
        defaults.queue_wait,
        &key.member("wait"),
        findings,
    );
    let settings = Settings {
        accept: accept?,
        write: write?,
        threads: raw
            .threads
            .map_or(defaults.threads, |threads| threads.get() as usize),
        queue: raw.queue.map_or(defaults.queue, |queue| queue as usize),
        queue_wait: wait?,
        ..defaults
    };
    if let Err(error) = settings.check() {
        let name = match error {
            Error::Threads => "threads",
            Error::Queue => "queue",
            _ => "write",
        };
        findings.push(&key.member(name), error);
        return None;
    }
    Some(settings)
}

/// The mix that unknown users are given, as configured. If it is not, the gateway guesses, and the guess gives way to the
/// first rows that are seen; a mix made up here would weigh as much as one that somebody knows.
pub(crate) fn decoys(
    raw: &RawPasswords,
    settings: &Settings,
    findings: &mut Findings<'_>,
) -> Option<Vec<DecoyClass>> {
    let key = Key::new("passwords.decoy");
    let Some(weights) = &raw.decoy else {
        return Some(Vec::new());
    };
    let mut classes = Some(Vec::new());
    for (name, weight) in weights {
        let format = findings.keep(&key.member(name), name.parse::<Format>());
        classes = classes.zip(format).map(|(mut classes, format)| {
            classes.push(DecoyClass::new(format, *weight));
            classes
        });
    }
    let classes = classes?;
    // Whether there can be such decoys at all does not depend on their key.
    findings.keep(&key, Decoy::new(&[0; 32], &classes, settings))?;
    Some(classes)
}

fn accepted(raw: &RawPasswords, findings: &mut Findings<'_>) -> Option<Vec<Format>> {
    let Some(names) = &raw.accept else {
        return Some(Settings::default().accept);
    };
    let key = Key::new("passwords.accept");
    let formats = names
        .iter()
        .enumerate()
        .map(|(index, name)| findings.keep(&key.element(index), name.parse::<Format>()));
    formats.collect::<Vec<_>>().into_iter().collect()
}
