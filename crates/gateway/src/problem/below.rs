//! What comes from below, the store and the password pool, as a problem. The caller learns whether to try again; the
//! log learns the rest.

use super::Problem;

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
            Error::Constraint { .. } => Self::Internal("constraint-of-the-store"),
            Error::Column { .. } => Self::Internal("unreadable-column"),
            Error::Failed { .. } => Self::Internal("statement-failed"),
            Error::Identifier(_)
            | Error::Url(_)
            | Error::Settings(_)
            | Error::UnknownStatement { .. }
            | Error::File { .. }
            | Error::Statements(_)
            | Error::NotDefined(_)
            | Error::WrongKind(_)
            | Error::Parameter { .. } => Self::Internal("store-misused"),
        };
        if !matches!(problem, Self::UserExists) {
            tracing::error!("legacy store: {error}");
        }
        problem
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
