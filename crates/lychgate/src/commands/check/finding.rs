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
    /// The key of the config that it is about.
    pub(super) key: String,
}

/// What all checks have found.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn push(
        &mut self,
        check: &'static Check,
        key: impl Into<String>,
        reason: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.0.push(Finding {
            check,
            key: key.into(),
            reason: reason.into(),
            mend: mend.into(),
        });
    }

    /// The worst first.
    pub(super) fn sorted(self) -> Vec<Finding> {
        let mut findings = self.0;
        findings.sort_by(|one, other| {
            let rank = |finding: &Finding| std::cmp::Reverse(finding.check.severity);
            (rank(one), one.check.id).cmp(&(rank(other), other.check.id))
        });
        findings
    }
}
