//! `lychgate audit verify`: reads a log once, from its first file to its last.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;
use lychgate_gateway::HeadPublicKey;
use lychgate_gateway::audit::{Digest, Link, Place, Verification};
use serde_json::{Value, json};

use crate::audit_log::{self, AuditLog};
use crate::commands::{Failure, ReportFormat};
use crate::config;

#[derive(Args)]
pub(super) struct Arguments {
    /// The files of the log. One alone brings those that were rotated from it; none is the log of the config.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A public key that signatures are verified with, in PEM; several if the key has changed. If no file is named, the
    /// config's.
    #[arg(long, value_name = "FILE")]
    public_key: Vec<PathBuf>,
    /// The number of the first line, where those before it are kept elsewhere.
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// A head that was noted elsewhere, `NUMBER:DIGEST` as this command prints it: the log must still hold that line.
    #[arg(long, value_name = "HEAD")]
    holds: Vec<Head>,
    /// The config, which is read if no file is named.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

#[derive(Clone, Copy)]
struct Head(Link);

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "a head is the number of a line, a colon and 64 digits of hex";
        let (sequence, digest) = text.split_once(':').ok_or(form)?;
        Ok(Self(Link {
            sequence: sequence.parse().map_err(|_| form)?,
            digest: Digest::parse(digest).ok_or(form)?,
        }))
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut keys = Vec::new();
    for file in &arguments.public_key {
        keys.push(key_of(file)?);
    }
    let log = if arguments.files.is_empty() {
        let config = config::read(&arguments.config)?;
        let heads = config
            .gateway
            .as_ref()
            .and_then(|gateway| gateway.audit.heads.as_ref());
        keys.extend(heads.map(|heads| heads.key.public_key().clone()));
        AuditLog::of_config(&config)?
    } else {
        AuditLog::of(&arguments.files)?
    };
    let mut verification = Verification::new(keys);
    if let Some(from) = arguments.from {
        verification.begin_at(from);
    }
    for Head(link) in &arguments.holds {
        verification.must_hold(*link);
    }
    read(&mut verification, &log)?;
    let report = Report {
        log: &log,
        verification: &verification,
    };
    match arguments.format {
        ReportFormat::Text => report.write_text()?,
        ReportFormat::Json => report.write_json()?,
    }
    match report.faults() {
        _ if verification.lines() == 0 => Err(Failure::Finding("the log holds no line".to_owned())),
        0 => Ok(()),
        1 => Err(Failure::Finding("the log is not whole: 1 fault".to_owned())),
        faults => Err(Failure::Finding(format!(
            "the log is not whole: {faults} faults"
        ))),
    }
}

/// Reads every file to its end.
pub(crate) fn read(verification: &mut Verification, log: &AuditLog) -> Result<()> {
    for (number, file) in log.files().iter().enumerate() {
        let lines = audit_log::open(file)?;
        let read = verification.read(number, lines);
        read.with_context(|| format!("cannot read {}", file.display()))?;
    }
    verification.finish();
    Ok(())
}

fn key_of(file: &Path) -> Result<HeadPublicKey, Failure> {
    let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    HeadPublicKey::from_pem(&pem)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// What was found, for people and for programs.
pub(crate) struct Report<'a> {
    pub(crate) log: &'a AuditLog,
    pub(crate) verification: &'a Verification,
}

impl Report<'_> {
    fn faults(&self) -> u64 {
        self.verification.faults().len() as u64 + self.verification.more_faults()
    }

    fn write_text(&self) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        let mut say = || -> std::io::Result<()> {
            for line in self.lines() {
                writeln!(stdout, "{line}")?;
            }
            Ok(())
        };
        say().context("cannot print the report")
    }

    /// Every fault, then what is proven.
    pub(crate) fn lines(&self) -> Vec<String> {
        let faults = self.verification.faults().iter();
        let faults = faults.map(|fault| format!("{}: {fault}", self.place(fault.place)));
        let mut lines: Vec<_> = faults.collect();
        if self.verification.more_faults() > 0 {
            lines.push(format!("… and {} more", self.verification.more_faults()));
        }
        lines.extend(self.summary());
        lines
    }

    /// What is proven, and what is to be known beside it.
    fn summary(&self) -> Vec<String> {
        let found = self.verification;
        let mut lines = Vec::new();
        let (files, count) = (self.log.files().len(), found.lines());
        let (first, last) = (found.first().unwrap_or(0), found.last());
        let last_number = last.map_or(0, |last| last.sequence);
        lines.push(format!(
            "{count} lines in {files} {}, number {first} to {last_number}",
            if files == 1 { "file" } else { "files" }
        ));
        match found.signed() {
            Some(signed) => {
                lines.push(format!(
                    "signed up to number {}, {}, key {}",
                    signed.sequence, signed.time, signed.key
                ));
                let after = last_number.saturating_sub(signed.sequence);
                if after > 0 {
                    lines.push(format!(
                        "note: {after} after that are tied to it, and not signed yet"
                    ));
                }
            }
            None => lines.push(
                "note: no signature was verified: it is tied together, and could have been written anew as a whole"
                    .to_owned(),
            ),
        }
        if found.torn() > 0 {
            lines.push(format!(
                "note: {} torn by a crash or a full disk, each with a line that says so",
                found.torn()
            ));
        }
        for place in found.unended() {
            lines.push(format!(
                "note: {}: a run begins, and the one before has no end: a crash, or lines were cut",
                self.place(*place)
            ));
        }
        for file in self.log.compressed() {
            lines.push(format!(
                "note: {} was not read: unpack it first",
                file.display()
            ));
        }
        if let Some(last) = last {
            lines.push(format!("head {}:{}", last.sequence, last.digest));
        }
        if self.faults() == 0 && count > 0 {
            lines.push("whole".to_owned());
        }
        lines
    }

    fn write_json(&self) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{:#}", self.json()).context("cannot print the report")
    }

    pub(crate) fn json(&self) -> Value {
        let found = self.verification;
        let place = |place: Place| json!({ "file": self.file(place), "line": place.line });
        let faults = found.faults().iter().map(|fault| {
            json!({
                "file": self.file(fault.place),
                "line": fault.place.line,
                "sequence": fault.sequence,
                "kind": fault.kind.name(),
                "message": fault.to_string(),
            })
        });
        json!({
            "files": self.log.files().iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "not_read": self.log.compressed().iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
            "lines": found.lines(),
            "first": found.first(),
            "head": found.last().map(|last| json!({
                "sequence": last.sequence,
                "digest": last.digest.to_string(),
            })),
            "signed": found.signed().map(|signed| json!({
                "sequence": signed.sequence,
                "time": signed.time,
                "key": signed.key,
            })),
            "torn": found.torn(),
            "without_end": found.unended().iter().copied().map(place).collect::<Vec<_>>(),
            "faults": faults.collect::<Vec<_>>(),
            "more_faults": found.more_faults(),
            "ok": self.faults() == 0 && found.lines() > 0,
        })
    }

    fn place(&self, place: Place) -> String {
        format!("{}:{}", self.file(place), place.line)
    }

    fn file(&self, place: Place) -> String {
        let file = self.log.files().get(place.file);
        file.map_or_else(String::new, |file| file.display().to_string())
    }
}
