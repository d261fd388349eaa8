//! SQLite's result codes, as what they mean for whoever asked.
//! Codes are passed on, SQLite's text never: a trigger or a constraint may put values into it.

use std::path::Path;

use sqlx::error::DatabaseError;

use crate::error::Error;
use crate::statement::StatementName;

/// Why a write was not done, when it was stopped before its `commit`.
pub(super) const TOO_SLOW: &str = "the write took longer than its deadline and was undone";

/// What a file that could not be opened or read at start means.
pub(super) fn of_opening(file: &Path, error: &sqlx::Error) -> Error {
    let fault = |fault| Error::File {
        path: file.to_owned(),
        fault,
    };
    match result_code(error).map(primary) {
        Some(NOT_A_DATABASE) => fault("is not a SQLite database, or an encrypted one"),
        Some(CANNOT_OPEN) => {
            fault("cannot be opened by SQLite; may this process read and write it, and its folder?")
        }
        Some(CORRUPT) => fault("is damaged; run SQLite's `pragma integrity_check` on it"),
        _ => of_connection(error),
    }
}

/// What it means that a file keeps its text in UTF-16, which the driver would read as other text.
pub(super) fn of_encoding(file: &Path) -> Error {
    Error::File {
        path: file.to_owned(),
        fault: "keeps its text in UTF-16; move its tables to a file whose `pragma encoding` is UTF-8",
    }
}

/// What the failure of a look means.
pub(crate) fn of_a_look(error: &sqlx::Error) -> Error {
    match result_code(error) {
        Some(code) if unavailable(primary(code)).is_none() => Error::Look(code.to_string()),
        _ => of_connection(error),
    }
}

/// What the failure of a statement means, as long as it is not committed.
pub(super) fn of_statement(name: StatementName, error: &sqlx::Error) -> Error {
    let Some(code) = result_code(error) else {
        return of_connection(error);
    };
    match (code, primary(code)) {
        (CONSTRAINT_UNIQUE | CONSTRAINT_PRIMARY_KEY | CONSTRAINT_ROWID, _) => {
            Error::UniqueViolation(name)
        }
        (_, CONSTRAINT) => Error::Constraint {
            statement: name,
            constraint: constraint(code),
        },
        (_, INTERRUPTED) if name.is_read() => Error::Timeout(name),
        (_, primary) => match unavailable(primary) {
            Some(reason) => Error::Unavailable(reason),
            None => Error::Failed {
                statement: name,
                code: code.to_string(),
            },
        },
    }
}

/// What the failure of a `commit` means. SQLite undoes what it refuses to commit; of a disk that failed, or of a
/// connection that broke, nobody knows how far it came.
pub(super) fn of_commit(name: StatementName, error: &sqlx::Error) -> Error {
    match result_code(error).map(primary) {
        None | Some(INPUT_OUTPUT) => Error::OutcomeUnknown(name),
        Some(_) => of_statement(name, error),
    }
}

/// What it means that there is no connection, or that it broke.
pub(super) fn of_connection(error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::PoolTimedOut => Error::Overloaded,
        _ => Error::Unavailable(
            result_code(error)
                .map(primary)
                .and_then(unavailable)
                .unwrap_or("its connection broke"),
        ),
    }
}

fn unavailable(primary: i32) -> Option<&'static str> {
    match primary {
        BUSY | LOCKED => Some("it is locked by another program"),
        INTERRUPTED => Some(TOO_SLOW),
        READ_ONLY => Some("its file may not be written"),
        INPUT_OUTPUT | FULL => Some("its disk failed or is full"),
        CORRUPT | NOT_A_DATABASE => Some("its file is damaged"),
        CANNOT_OPEN => Some("its file cannot be opened"),
        _ => None,
    }
}

fn constraint(code: i32) -> &'static str {
    match code {
        CONSTRAINT_CHECK => "check",
        CONSTRAINT_FOREIGN_KEY => "foreign key",
        CONSTRAINT_NOT_NULL => "not null",
        CONSTRAINT_TRIGGER => "trigger",
        CONSTRAINT_DATATYPE => "data type",
        _ => "another one",
    }
}

fn result_code(error: &sqlx::Error) -> Option<i32> {
    error
        .as_database_error()
        .and_then(DatabaseError::code)?
        .parse()
        .ok()
}

/// The low byte of an extended code.
const fn primary(code: i32) -> i32 {
    code & 0xff
}

// Result codes: <https://www.sqlite.org/rescode.html>.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READ_ONLY: i32 = 8;
const INTERRUPTED: i32 = 9;
const INPUT_OUTPUT: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const NOT_A_DATABASE: i32 = 26;
const CONSTRAINT_CHECK: i32 = 275;
const CONSTRAINT_FOREIGN_KEY: i32 = 787;
const CONSTRAINT_NOT_NULL: i32 = 1299;
const CONSTRAINT_PRIMARY_KEY: i32 = 1555;
const CONSTRAINT_TRIGGER: i32 = 1811;
const CONSTRAINT_UNIQUE: i32 = 2067;
const CONSTRAINT_ROWID: i32 = 2579;
const CONSTRAINT_DATATYPE: i32 = 3091;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_nobody_answered_leaves_the_outcome_open() {
        let error = of_commit(StatementName::Delete, &sqlx::Error::WorkerCrashed);
        assert!(matches!(
            error,
            Error::OutcomeUnknown(StatementName::Delete)
        ));
    }

    #[test]
    fn a_statement_that_nobody_answered_changed_nothing() {
        let error = of_statement(StatementName::Delete, &sqlx::Error::WorkerCrashed);
        assert!(matches!(error, Error::Unavailable(_)));
    }

    #[test]
    fn a_connection_that_nobody_gave_back_in_time_means_overload() {
        assert!(matches!(
            of_connection(&sqlx::Error::PoolTimedOut),
            Error::Overloaded
        ));
    }
}
