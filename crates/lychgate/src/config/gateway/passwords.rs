//! `[passwords]`: which formats may log in, what is written, and what an unknown user costs.

mod declared;
mod rules;

use std::collections::BTreeMap;

use lychgate_password::{Decoy, DecoyClass, Error, Format, Pepper, Settings};

use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::RawPasswords;

pub(crate) use rules::rules;

/// The formats and the pool that computes them.
pub(crate) fn settings(raw: &RawPasswords, findings: &mut Findings<'_>) -> Option<Settings> {
    let key = Key::new("passwords");
    let defaults = Settings::default();
    let declared = declared::formats(&raw.formats, findings)?;
    let accept = accepted(raw, &declared, findings);
    let peppers = peppers(raw, &declared, findings);
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
        peppers: peppers?,
        write: write?,
        memory_kib: raw.memory_mib.map_or(defaults.memory_kib, |memory| {
            memory.get().saturating_mul(1024)
        }),
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
            Error::Memory => "memory_mib",
            Error::Ambiguous(..) => "accept",
            Error::PepperMissing(_) => "peppers",
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
        let declared = settings.accept.iter().find(|format| format.name() == name);
        let format = match declared {
            Some(format) => Some(*format),
            None => findings.keep(&key.member(name), name.parse::<Format>()),
        };
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

/// Formats that config declares, by name.
type Declared = BTreeMap<String, Format>;

fn accepted(
    raw: &RawPasswords,
    declared: &Declared,
    findings: &mut Findings<'_>,
) -> Option<Vec<Format>> {
    let Some(names) = &raw.accept else {
        return Some(Settings::default().accept);
    };
    let key = Key::new("passwords.accept");
    findings.keep_each(&key, names, |name| named(name, declared))
}

fn peppers(
    raw: &RawPasswords,
    declared: &Declared,
    findings: &mut Findings<'_>,
) -> Option<BTreeMap<Format, Pepper>> {
    let key = Key::new("passwords.peppers");
    let peppers = raw.peppers.iter().map(|(name, secret)| {
        let key = key.member(name);
        let format = findings.keep(&key, named(name, declared));
        let pepper = findings.keep(&key, Pepper::new(secret.expose_secret().to_owned()));
        format.zip(pepper)
    });
    peppers.collect::<Vec<_>>().into_iter().collect()
}

fn named(name: &str, declared: &Declared) -> Result<Format, Error> {
    declared.get(name).copied().map_or_else(|| name.parse(), Ok)
}
