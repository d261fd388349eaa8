//! Everything that can go wrong with a legacy store, by whose fault it is.
//! A message names statement, parameter and column; it never holds a value, a hash or the credentials of a URL.

use std::path::PathBuf;

use crate::statement::StatementName;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    // The caller's.
    /// What was given as an identifier cannot be one.
    #[error("the identifier {0}")]
    Identifier(&'static str),

    // The configuration's.
    /// The store's URL cannot be used.
    #[error("the store's url {0}")]
    Url(&'static str),
    /// The users of the store, or their passwords, cannot be read.
    #[error("the store's credentials: {0}")]
    Credentials(String),
    /// A limit that is not sound.
    #[error("the store's settings: {0}")]
    Settings(&'static str),
    /// A key of `[store.operations]` that names no operation.
    #[error("there is no statement `{name}`; did you mean `{nearest}`?")]
    UnknownStatement {
        /// The key.
        name: String,
        /// The known key that is closest to it.
        nearest: &'static str,
    },
    /// The store's file cannot be used.
    #[error("the store's file {} {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        fault: &'static str,
    },
    /// Statements that do not fit their operations; every flaw that was found.
    #[error("{}", listed(.0))]
    Statements(Vec<(StatementName, StatementFlaw)>),

    // The store's.
    /// No connection became free in time. Nothing was sent.
    #[error(
        "every connection to the store is busy; raise `connections`, or find out why its statements are slow"
    )]
    Overloaded,
    /// The store cannot be reached, is locked by somebody else, or took too long to write. Nothing was changed.
    #[error("the store is not available: {0}; nothing was changed")]
    Unavailable(&'static str),
    /// A read was not answered within the deadline.
    #[error(
        "statement `{0}` took longer than its deadline and was stopped; is there an index on what it searches by?"
    )]
    Timeout(StatementName),
    /// A write was sent and not answered: it may or may not have happened.
    #[error("statement `{0}` was sent, and the store did not say whether it was done")]
    OutcomeUnknown(StatementName),
    /// A write would have made a second row with a unique key. Nothing was changed.
    #[error("statement `{0}` would make a duplicate of a unique key; nothing was changed")]
    UniqueViolation(StatementName),
    /// More than one row for a key that must name one user. Nothing was changed.
    #[error(
        "statement `{0}` matched more than one row; its condition must name one user; nothing was changed"
    )]
    Ambiguous(StatementName),
    /// A value that the store has no room for, or that is not of its type. Nothing was changed.
    #[error("statement `{statement}` was given {} that the store cannot hold; nothing was changed",
        .parameter.as_ref().map_or("a value".to_owned(), |name| format!("a value for `:{name}`")))]
    Value {
        /// The statement.
        statement: StatementName,
        /// The parameter, where the database tells.
        parameter: Option<String>,
    },
    /// A constraint of the schema refused a write. Nothing was changed.
    #[error(
        "statement `{statement}` broke a constraint of the schema ({constraint}); nothing was changed"
    )]
    Constraint {
        /// The statement.
        statement: StatementName,
        /// The kind of constraint.
        constraint: &'static str,
    },
    /// A column holds a value that cannot be read.
    #[error("statement `{statement}` returned a value in column `{column}` that {fault}")]
    Column {
        /// The statement.
        statement: StatementName,
        /// The column.
        column: String,
        /// What is wrong with the value.
        fault: &'static str,
    },
    /// The database refused a statement that it had accepted at start. Nothing was changed.
    #[error("statement `{statement}` failed in the database, code {code}; has its schema changed?")]
    Failed {
        /// The statement.
        statement: StatementName,
        /// The database's own code for the error; its text could hold values.
        code: String,
    },

    /// The database refused a look at what is in it.
    #[error(
        "the store refused a look at its tables, code {0}; may this user read the catalogue and the user table?"
    )]
    Look(String),

    // Ours.
    /// A statement was run that config does not define.
    #[error("statement `{0}` is not defined; define it under `[store.operations]`")]
    NotDefined(StatementName),
    /// A write was run as a read, or a read as a write.
    #[error("statement `{0}` was run as the other kind: reads are read, writes are written")]
    WrongKind(StatementName),
    /// A statement was run with a value that it does not take, or without one that it needs.
    #[error("statement `{statement}` was run {fault} parameter `{parameter}`")]
    Parameter {
        /// The statement.
        statement: StatementName,
        /// The parameter.
        parameter: String,
        /// `without` or `with an unknown`.
        fault: &'static str,
    },
}

/// What is wrong with a configured statement.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFlaw {
    /// What a directory does by itself, if at all.
    #[error("it is no operation of a directory, whose server keeps the hashes: leave it out")]
    NotOfDirectories,
    /// A quote or a comment that is not closed.
    #[error("{0} is opened and never closed")]
    Unclosed(&'static str),
    /// A placeholder of some database instead of a name.
    #[error("`{0}` is a placeholder by number; write parameters by name, such as `:identifier`")]
    Placeholder(String),
    /// Something after the statement's end.
    #[error("there is more after the `;`; write one SQL statement")]
    MoreThanOne,
    /// A `*` that stands for the columns of whatever the table is at the time.
    #[error("it returns `*`; list the columns, so that they stay the same when the table changes")]
    Wildcard,
    /// A NUL, at which a database may stop reading.
    #[error("it holds a NUL character")]
    Nul,
    /// Nothing, or a comment only.
    #[error("there is no SQL in it")]
    Empty,
    /// A parameter that the operation has no value for.
    #[error("unknown parameter `:{parameter}` (did you mean `:{nearest}`?); it may take {}", named(.known))]
    UnknownParameter {
        /// The parameter.
        parameter: String,
        /// The known one that is closest.
        nearest: &'static str,
        /// All that the statement may take.
        known: &'static [&'static str],
    },
    /// A parameter without which the operation makes no sense.
    #[error("it does not use {}, and must", either(.0))]
    MissingParameter(&'static [&'static str]),
    /// A parameter of a type that no value of ours can be brought into.
    #[error(
        "its parameter `:{parameter}` is of type `{kind}`, which is not supported; write `cast(cast(:{parameter} as text) as {kind})`"
    )]
    ParameterType {
        /// The parameter.
        parameter: String,
        /// The database's name of the type.
        kind: String,
    },
    /// A column of a type that is none of a profile's.
    #[error(
        "its column `{column}` is of type `{kind}`, which is not supported; write `cast({column} as text) as {column}`"
    )]
    ColumnType {
        /// The column.
        column: String,
        /// The database's name of the type.
        kind: String,
    },
    /// The database counts other parameters than we do.
    #[error(
        "the database sees {found} parameters where there are {expected} named ones; use only `:name`"
    )]
    ParameterCount {
        /// How many names there are.
        expected: usize,
        /// How many the database sees.
        found: usize,
    },
    /// The database does not accept the statement.
    #[error("the database does not accept it: {0}")]
    Refused(String),
    /// A statement that must only read, and writes.
    #[error("it must only read; write a `select`")]
    NotARead,
    /// A statement that must write, and only reads.
    #[error("it must write; write an `insert`, `update` or `delete`")]
    NotAWrite,
    /// A read that returns nothing to make a user of.
    #[error(
        "it does not return `password_hash`; add the column, or name it so with `as password_hash`"
    )]
    NoPasswordHash,
    /// A hash that would leave the store where nobody needs it.
    #[error("it returns `password_hash`, which only `authenticate` may; leave it out")]
    PasswordHash,
    /// Two columns that nobody can tell apart.
    #[error("it returns two columns named `{0}`; rename one with `as`")]
    DuplicateColumn(String),
    /// What is no search filter, or no value for an attribute.
    #[error("it is not a search filter (RFC 4515) that can be used: {0}")]
    Filter(&'static str),
    /// An attribute that the directory does not have.
    #[error("the directory's schema has no attribute `{0}`")]
    UnknownAttribute(String),
    /// An attribute of `blocked` that says nothing.
    #[error(
        "`[store.ldap] blocked` names `{0}`, which is no sign of a disabled account; known are a boolean attribute, `userAccountControl`, `lockoutTime`, `msDS-User-Account-Control-Computed` and `pwdAccountLockedTime`"
    )]
    NoSign(String),
    /// A write that config does not say the attributes of.
    #[error("`[store.ldap.{0}]` is missing or empty: it says which attributes are set")]
    NothingToSet(&'static str),
    /// A `create` that cannot say whom it made.
    #[error(
        "it has no `returning`, and there is no `lookup` that could find the new user; add one of the two"
    )]
    NoWayBack,
}

fn listed(flaws: &[(StatementName, StatementFlaw)]) -> String {
    let lines: Vec<_> = flaws
        .iter()
        .map(|(name, flaw)| format!("statement `{name}`: {flaw}"))
        .collect();
    lines.join("\n")
}

fn named(parameters: &[&str]) -> String {
    let names: Vec<_> = parameters.iter().map(|name| format!("`:{name}`")).collect();
    names.join(", ")
}

fn either(parameters: &[&str]) -> String {
    let names: Vec<_> = parameters.iter().map(|name| format!("`:{name}`")).collect();
    names.join(" or ")
}
