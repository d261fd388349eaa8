//! `lychgate password identify`: the report on hashes that were recognised, for people and for programs.

use std::fmt::Write as _;

use lychgate_password::{
    Candidate, CostRange, Format, Group, Limits, Proof, Recogniser, Recognition, Settings, prove,
};
use serde_json::{Value, json};

use super::input::Input;
use super::{Identify, declared, names, print, print_json, untried_json, untried_lines};
use crate::commands::{Failure, ReportFormat};

/// Reads the hashes and says what they may be.
pub(super) fn run(arguments: &Identify) -> Result<(), Failure> {
    let mut input = Input::default();
    let accepted = arguments.hashes.accepted()?;
    let declared = declared(&accepted);
    let mut recogniser = Recogniser::with_declared(&declared);
    let file = arguments.hashes.file.as_deref();
    let proof = if arguments.prove || arguments.secrets.password.is_some() {
        let secrets = input.secrets(&arguments.secrets)?;
        let hash = input.one_hash(file)?;
        recogniser.observe(&hash);
        Some(prove(
            &hash,
            &secrets.known(),
            &declared,
            &Limits::default(),
        ))
    } else {
        input.each_hash(file, |hash| recogniser.observe(&hash))?;
        None
    };
    let recognition = recogniser.recognition();
    if recognition.observed == 0 {
        return Err(Failure::Usage("there is no hash to identify".to_owned()));
    }
    let report = Report {
        recognition,
        proof,
        accepted,
    };
    match arguments.format {
        ReportFormat::Text => print(&report.text())?,
        ReportFormat::Json => print_json(&report.json())?,
    }
    report.verdict()
}

struct Report {
    recognition: Recognition,
    proof: Option<Proof>,
    /// Formats that are accepted without a change: by the config, or where none says otherwise.
    accepted: Vec<Format>,
}

impl Report {
    fn text(&self) -> String {
        let Recognition {
            observed,
            blank,
            unknown,
            groups,
        } = &self.recognition;
        let mut text = format!("{observed} read, {blank} blank or locked, {unknown} unknown\n");
        for group in groups {
            let is_certain = group
                .candidates
                .iter()
                .any(|candidate| candidate.is_certain);
            let how = match (is_certain, &self.proof) {
                (true, _) => "of this format",
                (false, None) => "of one of these; a known password proves which (--prove)",
                (false, Some(_)) => "of one of these by its looks",
            };
            line(&mut text, &format!("\n{} {how}:", group.hashes));
            for candidate in &group.candidates {
                line(&mut text, &self.candidate_text(candidate, group));
            }
        }
        if let Some(proof) = &self.proof {
            let verdict = match names(&proof.proven) {
                none if none.is_empty() => {
                    "none: the password is not the one, or its salt stands in another column"
                        .to_owned()
                }
                some => some.join(", "),
            };
            line(&mut text, &format!("\nproven: {verdict}"));
            text.push_str(&untried_lines(proof));
        }
        let settled = self.settled();
        if !settled.is_empty() {
            line(&mut text, "\nIn the config:\n\n[passwords]");
            line(&mut text, &format!("accept = [{}]", quoted(&settled)));
        }
        for open in self.open() {
            let formats = quoted(&open);
            line(
                &mut text,
                &format!("# and one of these, once it is proven: {formats}"),
            );
        }
        text
    }

    fn candidate_text(&self, candidate: &Candidate, group: &Group) -> String {
        let format = candidate.format;
        let mut text = format!("  {format}: {}", format.description());
        let mut notes = candidate.costs.iter().map(range).collect::<Vec<_>>();
        if candidate.fits < group.hashes {
            notes.push(format!("fits {} of them", candidate.fits));
        }
        if candidate.over_limits > 0 {
            notes.push(format!(
                "{} over the limits, refused",
                candidate.over_limits
            ));
        }
        notes.extend(needs(format).map(|need| format!("needs {need}")));
        if format.is_weak() {
            notes.push("weak".to_owned());
        }
        if self.accepted.contains(&format) {
            notes.push("accepted already".to_owned());
        }
        if !notes.is_empty() {
            let _infallible = write!(text, " ({})", notes.join("; "));
        }
        text
    }

    fn json(&self) -> Value {
        let candidate = |candidate: &Candidate| {
            let format = candidate.format;
            json!({
                "format": format.name(),
                "description": format.description(),
                "fits": candidate.fits,
                "is_certain": candidate.is_certain,
                "is_weak": format.is_weak(),
                "is_accepted": self.accepted.contains(&format),
                "needs": needs(format).collect::<Vec<_>>(),
                "over_limits": candidate.over_limits,
                "costs": candidate.costs.iter().map(|cost| json!({
                    "name": cost.name, "least": cost.least, "most": cost.most,
                })).collect::<Vec<_>>(),
            })
        };
        let group = |group: &Group| {
            let candidates = group.candidates.iter().map(candidate);
            json!({ "hashes": group.hashes, "candidates": candidates.collect::<Vec<_>>() })
        };
        let names = |formats: &[Format]| -> Vec<&str> {
            formats.iter().map(|format| format.name()).collect()
        };
        json!({
            "observed": self.recognition.observed,
            "blank": self.recognition.blank,
            "unknown": self.recognition.unknown,
            "groups": self.recognition.groups.iter().map(group).collect::<Vec<_>>(),
            "proof": self.proof.as_ref().map(|proof| json!({
                "proven": names(&proof.proven),
                "untried": untried_json(proof),
            })),
            "accept": names(&self.settled()),
            "open": self.open().iter().map(|formats| names(formats)).collect::<Vec<_>>(),
        })
    }

    /// The formats that config is to accept: what is certain or proven, and what new passwords are written as.
    fn settled(&self) -> Vec<Format> {
        let candidates = self.recognition.candidates();
        let certain = candidates.filter(|candidate| candidate.is_certain);
        let mut formats = certain
            .map(|candidate| candidate.format)
            .collect::<Vec<_>>();
        // Names of one computation are not accepted together; the first one serves.
        formats.extend(self.proof.iter().filter_map(|proof| proof.proven.first()));
        if !formats.is_empty() {
            formats.push(Settings::default().write);
        }
        formats.sort();
        formats.dedup();
        formats
    }

    /// For each group that is of one of several formats: which.
    fn open(&self) -> Vec<Vec<Format>> {
        let settled = self.settled();
        let formats = self.recognition.groups.iter().map(|group| {
            let formats = group.candidates.iter().map(|candidate| candidate.format);
            formats.collect::<Vec<_>>()
        });
        formats
            .filter(|formats| !formats.iter().any(|format| settled.contains(format)))
            .collect()
    }

    fn verdict(&self) -> Result<(), Failure> {
        let unknown = self.recognition.unknown;
        if unknown > 0 {
            return Err(Failure::Finding(format!(
                "{unknown} of {} are like no format there is; docs/reference/password-formats.md says how one is declared",
                self.recognition.observed
            )));
        }
        match &self.proof {
            Some(proof) if proof.proven.is_empty() => Err(Failure::Finding(
                "the password proves none of the formats".to_owned(),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

fn range(cost: &CostRange) -> String {
    let CostRange { name, least, most } = cost;
    if least == most {
        format!("{name} {least}")
    } else {
        format!("{name} {least} to {most}")
    }
}

fn needs(format: Format) -> impl Iterator<Item = &'static str> {
    let pepper = format.needs_pepper().then_some("the pepper");
    let name = format.needs_user_name().then_some("the user's name");
    pepper.into_iter().chain(name)
}

fn quoted(formats: &[Format]) -> String {
    let quoted = formats.iter().map(|format| format!("\"{format}\""));
    quoted.collect::<Vec<_>>().join(", ")
}
