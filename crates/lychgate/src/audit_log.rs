//! The files of an audit log, in the order in which they were written.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use lychgate_gateway::AuditDestination;
use serde::Deserialize;

use crate::commands::Failure;
use crate::config::Config;

/// Lines of a file at whose beginning one of the chain is looked for.
const LOOKED_AT: usize = 64;

/// No line is longer.
const LONGEST: u64 = 1024 * 1024;

/// The files of one log.
pub(crate) struct AuditLog {
    files: Vec<PathBuf>,
    /// What stands beside it under a name of its own, and cannot be read as it is.
    compressed: Vec<PathBuf>,
}

/// When the first line of a file was written, and its number.
#[derive(Deserialize)]
struct Begin {
    time: String,
    sequence: u64,
}

impl AuditLog {
    /// These files. One alone brings the files that were rotated from it.
    pub(crate) fn of(named: &[PathBuf]) -> Result<Self> {
        let mut log = Self {
            files: named.to_vec(),
            compressed: Vec::new(),
        };
        if let [file] = named {
            log.add_rotated(file);
        }
        let begins = log.files.iter().map(|file| begin(file));
        let begins = begins.collect::<Result<Vec<_>>>()?;
        let mut files: Vec<_> = begins.into_iter().zip(log.files).collect();
        files.sort();
        log.files = files.into_iter().map(|(_, file)| file).collect();
        Ok(log)
    }

    /// The log that a config names.
    pub(crate) fn of_config(config: &Config) -> Result<Self, Failure> {
        let destination = config
            .gateway
            .as_ref()
            .map(|gateway| &gateway.audit.destination);
        match destination {
            Some(AuditDestination::File(file)) => Ok(Self::of(std::slice::from_ref(file))?),
            Some(AuditDestination::Stdout | AuditDestination::Syslog(_)) => Err(Failure::Usage(
                "by the config, audit lines do not go to a file: name the one that they end up in"
                    .to_owned(),
            )),
            None => Err(Failure::Config(
                "the config has no `[gateway]`, and so no audit log".to_owned(),
            )),
        }
    }

    /// Its files, the oldest first.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Files that belong to it and have to be unpacked first.
    pub(crate) fn compressed(&self) -> &[PathBuf] {
        &self.compressed
    }

    fn add_rotated(&mut self, file: &Path) {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            Some(_) | None => Path::new("."),
        };
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            return;
        };
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.filter_map(Result::ok) {
            let found = entry.file_name();
            match found.to_str().and_then(|found| rotation_of(found, name)) {
                Some(Rotated::Plain) => self.files.push(file.with_file_name(found)),
                Some(Rotated::Compressed) => self.compressed.push(file.with_file_name(found)),
                None => {}
            }
        }
        self.compressed.sort();
    }
}

/// Opens one of the files, or says which it was.
pub(crate) fn open(file: &Path) -> Result<BufReader<File>> {
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(BufReader::new(opened))
}

#[derive(Debug, PartialEq, Eq)]
enum Rotated {
    Plain,
    Compressed,
}

/// Whether a name is that of a log with a number or a time behind it, as rotation leaves them.
fn rotation_of(found: &str, name: &str) -> Option<Rotated> {
    let suffix = found.strip_prefix(name)?.strip_prefix(['.', '-'])?;
    let mut packed = [".gz", ".xz", ".zst", ".bz2"].iter();
    let (suffix, kind) = match packed.find_map(|ending| suffix.strip_suffix(ending)) {
        Some(suffix) => (suffix, Rotated::Compressed),
        None => (suffix, Rotated::Plain),
    };
    let is_stamp =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'T' | b'Z' | b'-' | b'.' | b'_');
    let begins = suffix.bytes().next()?.is_ascii_digit();
    (begins && suffix.bytes().all(is_stamp)).then_some(kind)
}

/// By the first line that can be read; `None`, and first, if none can.
fn begin(file: &Path) -> Result<Option<(String, u64)>> {
    let mut lines = open(file)?;
    for _ in 0..LOOKED_AT {
        let mut line = Vec::new();
        lines.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            break;
        }
        if let Ok(Begin { time, sequence }) = serde_json::from_slice(&line) {
            return Ok(Some((time, sequence)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rotation_leaves_is_known_by_its_name() {
        for (found, expected) in [
            ("audit.jsonl.1", Some(Rotated::Plain)),
            (
                "audit.jsonl.20261201T030405Z-0000000042",
                Some(Rotated::Plain),
            ),
            ("audit.jsonl-20261201", Some(Rotated::Plain)),
            ("audit.jsonl.2.gz", Some(Rotated::Compressed)),
            ("audit.jsonl", None),
            ("audit.jsonl.bak", None),
            ("audit.jsonl.pem", None),
            ("audit.jsonl.gz", None),
            ("other.jsonl.1", None),
        ] {
            assert_eq!(rotation_of(found, "audit.jsonl"), expected, "{found}");
        }
    }
}
