//! What comes from below, the store and the password pool, as a problem. The caller learns whether to try again; the
//! log learns the rest.

use std::borrow::Cow;

use super::{FieldFault, InvalidField, Problem};

impl From<lychgate_store::Error> for Problem {
    fn from(error: lychgate_store::Error) -> Self {
        use lychgate_store::Error;
        let problem = match &error {
            Error::Overloaded => Self::Overloaded,
            Error::Unavailable(_) => Self::StoreUnavailable,
            Error::Timeout(_) => Self::StoreTimeout,
            Error::OutcomeUnknown(_) => Self::OutcomeUnknown,
            Error::UniqueViolation(_) => Self::UserExists,
            Error::Ambiguous(_) => Self::Internal("ambiguous-identifier"),
            Error::Value { parameter, .. } => Self::InvalidField(InvalidField {
                field: field_of(parameter.as_deref()),
                fault: FieldFault::Unacceptable,
            }),
            Error::Constraint { .. } => Self::Internal("constraint-of-the-store"),
            Error::Column { .. } => Self::Internal("unreadable-column"),
            Error::Failed { .. } => Self::Internal("statement-failed"),
            Error::Identifier(_)
            | Error::Url(_)
            | Error::Settings(_)
            | Error::Credentials(_)
            | Error::UnknownStatement { .. }
            | Error::File { .. }
            | Error::Statements(_)
            | Error::NotDefined(_)
            | Error::WrongKind(_)
            | Error::Look(_)
            | Error::Parameter { .. } => Self::Internal("store-misused"),
        };
        if !matches!(problem, Self::UserExists | Self::InvalidField(_)) {
            tracing::error!("legacy store: {error}");
        }
        problem
    }
}

/// The field of the body that a parameter came from. Where the database does not say which value it cannot hold, it is
/// one of them.
fn field_of(parameter: Option<&str>) -> Cow<'static, str> {
    match parameter {
        Some("password_hash") => Cow::Borrowed("password"),
        Some(parameter) => Cow::Owned(parameter.to_owned()),
        None => Cow::Borrowed("one of the fields"),
    }
}

impl From<lychgate_password::Error> for Problem {
    fn from(error: lychgate_password::Error) -> Self {
        use lychgate_password::Error;
        match &error {
            Error::Overloaded => Self::Overloaded,
            Error::EmptyPassword
            | Error::PasswordTooLong { .. }
            | Error::NulInPassword
            | Error::HashTooLong { .. }
            | Error::NulInHash
            | Error::UnknownFormat
            | Error::NotWritable(_)
            | Error::WriteNotAccepted(_)
            | Error::Declaration { .. }
            | Error::Ambiguous(..)
            | Error::PepperMissing(_)
            | Error::Pepper { .. }
            | Error::Memory
            | Error::UserNameMissing(_)
            | Error::Threads
            | Error::Queue
            | Error::DecoyMix
            | Error::DecoyNotAccepted(_)
            | Error::DecoyCost { .. }
            | Error::Spawn(_)
            | Error::Internal(_) => {
                tracing::error!("password pool: {error}");
                Self::Internal("password-pool")
            }
        }
    }
}
