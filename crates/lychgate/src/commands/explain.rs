//! `lychgate explain`: every decision that was made for one request, from the audit log. It names no user: the log does not.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use lychgate_gateway::audit::Step;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, ReportFormat};
use crate::audit_log::{self, AuditLog};
use crate::config;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The id of the request, as its answer has it in `X-Request-Id` and in a problem's `request_id`.
    #[arg(value_name = "REQUEST_ID", value_parser = request_id)]
    request_id: String,
    /// The audit log, with what was rotated from it; if left out, the config's.
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    config: PathBuf,
    /// How it is reported.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
}

fn request_id(text: &str) -> Result<String, &'static str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 32 && text.bytes().all(is_digit) {
        Ok(text.to_owned())
    } else {
        Err("an id of a request is 32 digits of hex, in lower case")
    }
}

/// Finds the line of the request, and tells its story.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let log = if arguments.file.is_empty() {
        AuditLog::of_config(&config::read(&arguments.config)?)?
    } else {
        AuditLog::of(&arguments.file)?
    };
    let Some(found) = find(&log, &arguments.request_id)? else {
        let files = log.files().len() + log.compressed().len();
        let (read, id) = (log.files().len(), &arguments.request_id);
        return Err(Failure::Finding(format!(
            "no line of the audit log is about request {id}; {read} of {files} files were read"
        )));
    };
    let mut stdout = std::io::stdout().lock();
    let told = match arguments.format {
        ReportFormat::Text => stdout.write_all(found.text().as_bytes()),
        ReportFormat::Json => writeln!(stdout, "{:#}", found.json()),
    };
    Ok(told.context("cannot print what was found")?)
}

/// The line of a request, and where it stands.
struct Found {
    place: String,
    line: Line,
    /// The same, as it is written.
    written: Value,
}

/// What of a line there is to tell. Another version may have written it, so anything may be missing.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    time: String,
    request_id: String,
    canary: Option<String>,
    address: Option<String>,
    step: String,
    client: Option<String>,
    operation: Option<String>,
    outcome: String,
    reason: Option<String>,
    status: u16,
    pseudonym: Option<String>,
    pseudonym_key: Option<String>,
    duration_us: Option<u64>,
    detail: Detail,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    place_us: Option<u64>,
    issuer: Option<String>,
    token_us: Option<u64>,
    scope: Option<String>,
    lockout_us: Option<u64>,
    retry_after_s: Option<u64>,
    store_us: Option<u64>,
    row: Option<bool>,
    format: Option<String>,
    hash_wait_us: Option<u64>,
    hash_us: Option<u64>,
    matches: Option<bool>,
}

/// What one step did.
struct Told {
    step: &'static str,
    decision: &'static str,
    what: String,
}

fn find(log: &AuditLog, request_id: &str) -> Result<Option<Found>> {
    let needle = format!("\"request_id\":\"{request_id}\"");
    // Whoever asks mostly asks about what was just now.
    for file in log.files().iter().rev() {
        let lines = audit_log::open(file)?.split(b'\n');
        for (number, line) in (1_u64..).zip(lines) {
            let line = line.with_context(|| format!("cannot read {}", file.display()))?;
            let is_it = line
                .windows(needle.len())
                .any(|part| part == needle.as_bytes());
            if !is_it {
                continue;
            }
            let written: Value = serde_json::from_slice(&line).unwrap_or_default();
            let read = Line::deserialize(&written).unwrap_or_default();
            if read.request_id == request_id {
                return Ok(Some(Found {
                    place: format!("{}:{number}", file.display()),
                    line: read,
                    written,
                }));
            }
        }
    }
    Ok(None)
}

impl Found {
    fn text(&self) -> String {
        let line = &self.line;
        let mut rows = vec![
            format!("request {}, {}, {}", line.request_id, line.time, self.place),
            String::new(),
        ];
        rows.extend(self.steps().iter().map(|told| {
            let row = format!("{:<14}{:<13}{}", told.step, told.decision, told.what);
            row.trim_end().to_owned()
        }));
        let took = line.duration_us.map(milliseconds);
        let took = took.map_or_else(String::new, |took| format!(" after {took}"));
        rows.push(String::new());
        rows.push(format!("answered {} {}{took}", line.status, line.outcome));
        rows.extend(line.canary.as_ref().map(|canary| {
            format!("alert: it used a canary ({canary}): somebody has what nobody should have")
        }));
        rows.join("\n") + "\n"
    }

    fn json(&self) -> Value {
        let steps = self.steps();
        let steps = steps
            .iter()
            .map(|told| json!({ "step": told.step, "decision": told.decision, "what": told.what }));
        json!({
            "request_id": self.line.request_id,
            "place": self.place,
            "steps": steps.collect::<Vec<_>>(),
            "line": self.written,
        })
    }

    /// Every step of the way: those before the one that decided let the request pass, those after it never saw it.
    fn steps(&self) -> Vec<Told> {
        let mut is_over = false;
        let steps = Step::ALL.iter().map(|step| {
            let is_here = step.name() == self.line.step;
            let decision = if is_over {
                "not reached"
            } else if is_here && self.line.status >= 400 {
                "refused"
            } else if is_here {
                "done"
            } else if *step == Step::Lockout && self.line.detail.lockout_us.is_none() {
                // Only who tries a password meets it.
                "not asked"
            } else {
                "passed"
            };
            is_over |= is_here;
            Told {
                step: step.name(),
                decision,
                what: self.what(*step, decision),
            }
        });
        steps.collect()
    }

    /// What is known of a step.
    fn what(&self, step: Step, decision: &str) -> String {
        let (line, detail) = (&self.line, &self.line.detail);
        let mut said = Vec::new();
        match decision {
            "not reached" | "not asked" => return String::new(),
            "refused" => {
                said.push(Some(line.outcome.clone()));
                said.push(line.reason.clone());
                let seconds = detail.retry_after_s;
                said.push(seconds.map(|seconds| format!("to be tried again after {seconds} s")));
            }
            _ => {}
        }
        let time = |before: &str, time: Option<u64>| {
            time.map(|time| format!("{before}{}", milliseconds(time)))
        };
        let text = |before: &str, text: &Option<String>| {
            text.as_ref().map(|text| format!("{before}{text}"))
        };
        match step.name() {
            "allowlist" => said.push(line.address.clone()),
            "headers" => said.push(time("waited for a place: ", detail.place_us)),
            "access_token" => {
                said.push(text("issued by ", &detail.issuer));
                said.push(time("judged in ", detail.token_us));
            }
            "caller" => said.push(text("client ", &line.client)),
            "route" => said.push(line.operation.clone()),
            "scope" => said.push(detail.scope.clone()),
            "body" => {
                let short = line.pseudonym.as_ref();
                let short = short.map(|text| text.chars().take(16).collect::<String>());
                said.push(short.map(|short| format!("about {short}…")));
                said.push(text("pseudonym key ", &line.pseudonym_key));
            }
            "lockout" => said.push(time("waited for others: ", detail.lockout_us)),
            "operation" => said.extend(detail.work()),
            _ => {}
        }
        said.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Detail {
    /// What the operation did below.
    fn work(&self) -> [Option<String>; 4] {
        let time = |time: Option<u64>| milliseconds(time.unwrap_or(0));
        let hash = self.format.as_ref().map(|format| {
            let (took, waited) = (time(self.hash_us), time(self.hash_wait_us));
            format!("hash {format} {took} after a wait of {waited}")
        });
        let row = self.row.map(|row| if row { "a row" } else { "no row" });
        let matches = self.matches.map(|matches| {
            if matches {
                "the password is right"
            } else {
                "the password is wrong, or there was none to compare with"
            }
        });
        [
            self.store_us
                .map(|took| format!("store {}", milliseconds(took))),
            row.map(str::to_owned),
            hash,
            matches.map(str::to_owned),
        ]
    }
}

fn milliseconds(microseconds: u64) -> String {
    format!("{}.{:03} ms", microseconds / 1000, microseconds % 1000)
}
