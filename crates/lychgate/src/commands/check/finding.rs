//! What a check finds.

use clap::ValueEnum;

/// One thing that is looked for. Its id is a promise: tools remember it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Check {
    pub(crate) severity: Severity,
    pub(crate) id: &'static str,
    /// What is wrong, in a few words.
    pub(crate) title: &'static str,
    /// Why that matters.
    pub(crate) why: &'static str,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Severity {
    /// It should be better.
    Low,
    /// It helps whoever has got in elsewhere.
    Medium,
    /// It is a way in, or makes one into all of it.
    High,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One thing that was found.
pub(super) struct Finding {
    pub(super) check: &'static Check,
    /// What was found, with names and counts, never with a value.
    pub(super) reason: String,
    /// What ends it; where it is SQL, to the letter.
    pub(super) mend: String,
    pub(super) place: Place,
}

/// What a finding is about.
pub(super) enum Place {
    /// A key of the config.
    Config(String),
    /// Something in the export of the tenant.
    Export(String),
}

/// What a check could not judge, because the export of the tenant does not tell.
pub(super) struct NotTold {
    pub(super) check: &'static Check,
    /// What is not told.
    pub(super) what: String,
}

/// What all checks have found, and what they were not told.
#[derive(Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    not_told: Vec<NotTold>,
}

impl Findings {
    pub(super) fn push(
        &mut self,
        check: &'static Check,
        key: impl Into<String>,
        reason: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.found.push(Finding {
            check,
            reason: reason.into(),
            mend: mend.into(),
            place: Place::Config(key.into()),
        });
    }

    /// Adds what is about a place in the export of the tenant.
    pub(super) fn push_in_export(
        &mut self,
        check: &'static Check,
        place: &str,
        reason: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.found.push(Finding {
            check,
            reason: format!("{place}: {}", reason.into()),
            mend: mend.into(),
            place: Place::Export(place.to_owned()),
        });
    }

    /// Says what the export of the tenant does not tell. Nobody may take that for good.
    pub(super) fn not_told(&mut self, check: &'static Check, what: impl Into<String>) {
        self.not_told.push(NotTold {
            check,
            what: what.into(),
        });
    }

    /// The worst first, and what is not told in the order of the checks.
    pub(super) fn sorted(self) -> (Vec<Finding>, Vec<NotTold>) {
        let mut findings = self.found;
        findings.sort_by(|one, other| {
            let rank = |finding: &Finding| std::cmp::Reverse(finding.check.severity);
            (rank(one), one.check.id).cmp(&(rank(other), other.check.id))
        });
        (findings, self.not_told)
    }
}
