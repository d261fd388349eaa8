//! Why an export cannot be read. A message names places and fields, never a value.

use std::fmt::Display;
use std::path::Path;

use thiserror::Error;

/// Why an export cannot be read.
#[derive(Debug, Error)]
pub(crate) enum ExportError {
    #[error("cannot read {place}: {reason}")]
    Unreadable { place: String, reason: String },
    #[error(
        "{place} is no export: give a folder or a `.yaml` file of auth0-deploy-cli, a Terraform state (`.tfstate`), or the JSON of `terraform show -json`"
    )]
    UnknownForm { place: String },
    #[error("{place}: `{field}` is not {expected}")]
    WrongType {
        place: String,
        field: String,
        expected: &'static str,
    },
    #[error("{place} names {named}, which is outside of the export")]
    Outside { place: String, named: String },
    #[error("{place} is larger than {most} bytes")]
    TooLarge { place: String, most: u64 },
    #[error("{place} has more than {most} files")]
    TooMany { place: String, most: usize },
}

impl ExportError {
    pub(super) fn unreadable(place: &dyn Display, reason: &dyn Display) -> Self {
        Self::Unreadable {
            place: place.to_string(),
            reason: reason.to_string(),
        }
    }

    pub(super) fn unknown_form(path: &Path) -> Self {
        Self::UnknownForm {
            place: path.display().to_string(),
        }
    }
}
