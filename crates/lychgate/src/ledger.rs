//! The migration ledger, read: how far a migration is, how it will go on, and whether it is over.

mod forecast;
mod model;
mod reason;
mod report;
#[cfg(test)]
mod simulation;

pub(crate) use self::model::{Doubt, Rules, Standing, Tally, Total, judge};
pub(crate) use self::report::Report;
