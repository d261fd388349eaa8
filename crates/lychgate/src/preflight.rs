//! What in a store will trouble a migration, counted exactly and in bounded memory.
//!
//! Every user passes once and is not kept: what is known of a row when it has passed are numbers. What is told are counts
//! and what they mean, never who is meant.

mod census;
mod findings;
mod names;
mod tally;

use std::ops::ControlFlow;

use lychgate_password::{Pool, Recognition};
use lychgate_store::{IdentifierNormalization, Inspection, Survey};

use self::census::Census;
pub(crate) use self::findings::{Finding, Severity};
use crate::commands::Failure;

/// What was counted.
pub(crate) struct Preflight {
    pub(crate) rows: u64,
    pub(crate) findings: Vec<Finding>,
    /// The formats of the hashes.
    pub(crate) formats: Recognition,
}

/// What to count, and by whose rules.
pub(crate) struct Plan {
    pub(crate) survey: Survey,
    pub(crate) has_email: bool,
    pub(crate) has_username: bool,
    /// What decides whether a hash may log in, where there is a config.
    pub(crate) pool: Option<Pool>,
    /// What is one character. Case is never told apart: the platform does not.
    pub(crate) normalization: IdentifierNormalization,
}

impl Preflight {
    /// Whether anything has to be mended before a migration.
    pub(crate) fn is_blocked(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::High)
    }
}

/// Walks over the users and counts; `progress` is told after each thousand.
pub(crate) async fn run(
    inspection: &mut Inspection,
    plan: &Plan,
    progress: impl Fn(u64),
) -> Result<Preflight, Failure> {
    let mut census = Census::new(plan);
    let mut broken = None;
    let walk = inspection.survey(&plan.survey, |user| {
        if let Err(error) = census.count(user) {
            broken = Some(error);
            return ControlFlow::Break(());
        }
        if census.rows().is_multiple_of(1_000) {
            progress(census.rows());
        }
        ControlFlow::Continue(())
    });
    walk.await.map_err(|error| Failure::Other(error.into()))?;
    match broken {
        Some(error) => Err(Failure::Other(error)),
        None => Ok(census.finish()?),
    }
}
