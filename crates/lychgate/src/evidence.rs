//! What an auditor takes home: the requirements of OWASP ASVS 5.0 that this gateway has to do with, each with what shows it,
//! and what came of that here and now.
//!
//! A test ran when this version was built, and is only named; what a check, an attack or the audit log says was asked now.
//! Nothing that was not asked is taken for good.

mod asvs;
mod outcome;
mod report;

pub(crate) use self::outcome::{Asked, Finding};
pub(crate) use self::report::{Report, Subject};
