//! What a tour found, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

/// One step of the tour.
#[derive(Serialize)]
pub(crate) struct Step {
    /// Its name; stable, in kebab-case.
    pub(crate) name: &'static str,
    /// What is tried.
    pub(crate) what: &'static str,
    /// What must come back.
    pub(crate) expected: &'static str,
    /// What came back.
    pub(crate) actual: String,
    /// Whether they are the same.
    pub(crate) ok: bool,
}

impl Step {
    pub(crate) fn new(
        name: &'static str,
        what: &'static str,
        expected: &'static str,
        actual: String,
    ) -> Self {
        let ok = actual == expected;
        Self {
            name,
            what,
            expected,
            actual,
            ok,
        }
    }
}

/// The steps of a whole tour.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) steps: Vec<Step>,
    /// Whether every step came out as expected.
    pub(crate) ok: bool,
}

impl Report {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        let ok = steps.iter().all(|step| step.ok);
        Self { steps, ok }
    }

    /// Writes one JSON document.
    pub(crate) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes how many steps came out as expected, and the names of those that did not.
    pub(crate) fn write_summary(&self, out: &mut impl Write) -> io::Result<()> {
        let good = self.steps.iter().filter(|step| step.ok).count();
        writeln!(
            out,
            "{good} of {} steps came out as expected.",
            self.steps.len()
        )?;
        for step in self.steps.iter().filter(|step| !step.ok) {
            writeln!(out, "Not so: {}", step.name)?;
        }
        Ok(())
    }
}
