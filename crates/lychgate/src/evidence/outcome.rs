//! What came of asking.

use std::collections::BTreeMap;

use super::asvs::{Requirement, Shown};

/// Everything that was asked here and now.
pub(crate) struct Asked {
    /// What `check` has found.
    pub(crate) findings: Vec<Finding>,
    /// Whether it could look at the store.
    pub(crate) saw_store: bool,
    /// Whether it had what the tenant says of itself, and which checks that does not answer.
    pub(crate) saw_tenant: bool,
    pub(crate) not_told: Vec<&'static str>,
    /// What came of each attack, by its id; empty without a report of `attack`.
    pub(crate) attacks: BTreeMap<String, String>,
    /// Whether the audit log is whole; `None` if there is none that could be read.
    pub(crate) log_is_whole: Option<bool>,
}

/// One finding of `check`.
pub(crate) struct Finding {
    pub(crate) id: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) reason: String,
}

/// How it stands with a requirement, or with one thing that shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Asked here, and so it is.
    Holds,
    /// Asked here, and so it is not.
    Fails,
    /// Some of it was asked here, and is so.
    InPart,
    /// Nothing of it was asked here; a test of this version shows it.
    ByTest,
    /// Nothing was asked.
    NotTold,
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::InPart => "in part",
            Self::ByTest => "by test",
            Self::NotTold => "not told",
        }
    }
}

/// Checks whose ids begin so judge what is seen of the store.
const OF_THE_STORE: [&str; 5] = ["role-", "directory-", "store-", "hashes-", "identifier-"];

impl Asked {
    /// How it stands with one thing that shows a requirement.
    pub(crate) fn of(&self, shown: Shown) -> Outcome {
        match shown {
            Shown::Test(_) => Outcome::ByTest,
            Shown::AuditLog => match self.log_is_whole {
                Some(true) => Outcome::Holds,
                Some(false) => Outcome::Fails,
                None => Outcome::NotTold,
            },
            Shown::Attack(id) => match self.attacks.get(id).map(String::as_str) {
                Some("blocked") => Outcome::Holds,
                Some("open") => Outcome::Fails,
                Some(_) | None => Outcome::NotTold,
            },
            Shown::Checks(beginning) => {
                let is_of = |of: &&str| beginning.starts_with(*of);
                let is_unseen = (!self.saw_store && OF_THE_STORE.iter().any(is_of))
                    || (!self.saw_tenant && is_of(&"tenant-"))
                    || self.not_told.iter().any(|id| id.starts_with(beginning));
                if self
                    .findings
                    .iter()
                    .any(|found| found.id.starts_with(beginning))
                {
                    Outcome::Fails
                } else if is_unseen {
                    Outcome::NotTold
                } else {
                    Outcome::Holds
                }
            }
        }
    }

    /// How it stands with a requirement: one thing that fails is enough.
    pub(crate) fn judge(&self, requirement: &Requirement) -> Outcome {
        let outcomes = requirement.shown_by.iter().map(|shown| self.of(*shown));
        let outcomes: Vec<_> = outcomes.collect();
        let has = |outcome| outcomes.contains(&outcome);
        match (
            has(Outcome::Fails),
            has(Outcome::Holds),
            has(Outcome::NotTold),
        ) {
            (true, _, _) => Outcome::Fails,
            (false, true, false) => Outcome::Holds,
            (false, true, true) => Outcome::InPart,
            (false, false, _) if has(Outcome::ByTest) => Outcome::ByTest,
            (false, false, _) => Outcome::NotTold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Shown::{Attack, AuditLog, Checks, Test};

    fn judged(shown_by: &'static [Shown], attacks: &[(&str, &str)], saw_store: bool) -> Outcome {
        let asked = Asked {
            findings: vec![Finding {
                id: "role-superuser",
                severity: "high",
                reason: String::new(),
            }],
            saw_store,
            saw_tenant: saw_store,
            not_told: vec!["tenant-region"],
            attacks: attacks
                .iter()
                .map(|(id, outcome)| ((*id).to_owned(), (*outcome).to_owned()))
                .collect(),
            log_is_whole: None,
        };
        asked.judge(&Requirement {
            id: "1.1.1",
            level: 1,
            asks: "",
            shown_by,
        })
    }

    #[test]
    fn what_was_not_asked_is_never_taken_for_good() {
        let one = &[("one", "blocked")];
        assert_eq!(judged(&[Attack("one")], one, true), Outcome::Holds);
        assert_eq!(
            judged(&[Attack("one"), Test("t")], one, true),
            Outcome::Holds
        );
        assert_eq!(
            judged(&[Attack("one"), Attack("two")], one, true),
            Outcome::InPart
        );
        assert_eq!(
            judged(&[Attack("one"), AuditLog], one, true),
            Outcome::InPart
        );
        assert_eq!(judged(&[Attack("two")], one, true), Outcome::NotTold);
        assert_eq!(
            judged(&[Attack("two"), Test("t")], one, true),
            Outcome::ByTest
        );
        let skipped = &[("one", "not-tried")];
        assert_eq!(judged(&[Attack("one")], skipped, true), Outcome::NotTold);
        assert_eq!(
            judged(&[Checks("hashes-weak")], &[], false),
            Outcome::NotTold
        );
        assert_eq!(judged(&[Checks("hashes-weak")], &[], true), Outcome::Holds);
    }

    #[test]
    fn what_only_the_tenant_can_tell_is_asked_of_its_export() {
        let tenant = |id| judged(Box::leak(Box::new([Checks(id)])), &[], true);
        assert_eq!(tenant("tenant-api-users"), Outcome::Holds);
        assert_eq!(tenant("tenant-region"), Outcome::NotTold);
        assert_eq!(
            judged(&[Checks("tenant-api-users")], &[], false),
            Outcome::NotTold
        );
    }

    #[test]
    fn one_thing_that_fails_is_enough() {
        let open = &[("one", "blocked"), ("two", "open")];
        assert_eq!(
            judged(&[Attack("one"), Attack("two")], open, true),
            Outcome::Fails
        );
        assert_eq!(
            judged(&[Attack("one"), Checks("role-")], open, false),
            Outcome::Fails
        );
    }
}
