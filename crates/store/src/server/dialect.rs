//! What one kind of server has to say for itself, so that all the rest is said once.

use std::future::Future;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{Connection, Database, SqlStr};

use super::{REFUSED, TOO_SLOW};
use crate::answer::Answer;
use crate::credentials::Credential;
use crate::error::{Error, StatementFlaw};
use crate::parameters::Binding;
use crate::prepare::Prepared;
use crate::row::Row;
use crate::sql::NamedSql;
use crate::statement::StatementName;

/// What is particular to one kind of server.
pub(crate) trait Dialect: Sized + Send + Sync + 'static {
    /// Its driver.
    type Database: Database;
    /// What it tells of a statement's parameters when it prepares it.
    type Signature: Send + Sync;

    /// Whether all of a transaction is undone if its connection breaks.
    const UNDOES: bool;

    /// The user and password of the URL; no user: an empty name.
    fn credential(&self) -> Credential;

    /// The same server, as this user.
    #[must_use]
    fn as_user(&self, credential: &Credential) -> Self;

    /// Whether a pooler stands in between, so that a transaction is all that is sure to reach one session.
    fn is_pooled(&self) -> bool {
        false
    }

    /// Begins a transaction that may write, or may not. Outside of one, a connection of ours may only read; behind a
    /// pooler there is no outside.
    fn begin(&self, writes: bool, deadline: Duration) -> SqlStr;

    /// A connection, limited to this deadline for each statement.
    fn options(&self, deadline: Duration) -> Result<ConnectOptions<Self>, Error>;

    /// Makes a new connection ready, beyond what its options can say.
    fn ready(
        connection: &mut ConnectionOf<Self>,
        deadline: Duration,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Prepares a statement, and checks what only the database knows of it.
    fn prepare(
        &self,
        connection: &mut ConnectionOf<Self>,
        name: StatementName,
        named: &NamedSql,
    ) -> impl Future<Output = Result<Prepared<Self::Signature>, StatementFlaw>> + Send;

    /// The values of a run, as the database takes them; or the place of the first that it cannot hold.
    fn arguments(
        signature: &Self::Signature,
        bindings: &[Binding<'_>],
    ) -> Result<<Self::Database as Database>::Arguments, Unfit>;

    /// Runs a statement.
    fn run(
        &self,
        connection: &mut ConnectionOf<Self>,
        prepared: &Prepared<Self::Signature>,
        arguments: <Self::Database as Database>::Arguments,
    ) -> impl Future<Output = Result<Answer<RowOf<Self>>, Failure>> + Send;

    /// Reads a row.
    fn row(name: StatementName, row: &RowOf<Self>) -> Result<Row, Error>;

    /// What an error of the database means.
    fn failure(error: &dyn DatabaseError) -> Failure;
}

pub(crate) type ConnectionOf<D> = <<D as Dialect>::Database as Database>::Connection;
pub(crate) type RowOf<D> = <<D as Dialect>::Database as Database>::Row;
pub(crate) type ConnectOptions<D> = <ConnectionOf<D> as Connection>::Options;

/// The place of a value, among the statement's parameters, that the database's type for it cannot hold.
pub(crate) struct Unfit(pub(crate) usize);

/// What an error means for whoever asked, whatever the database calls it.
pub(crate) enum Failure {
    /// The connection is gone, or was never there.
    Lost,
    /// The server refuses the user, or the password.
    Refused,
    /// The server refuses us, or cannot do its work now; nothing was changed.
    Unavailable(&'static str),
    /// The server stopped a statement that took too long.
    TooSlow,
    /// A second row with a unique key.
    Unique,
    /// Another constraint.
    Constraint(&'static str),
    /// A value that its column cannot hold.
    Unfit,
    /// Anything else; the database's code.
    Other(String),
}

impl Failure {
    /// Whether it says something of the statement only, and nothing against the connection.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Unique | Self::Constraint(_) | Self::Unfit)
    }

    /// The error of a statement; `is_undone` says whether nothing is changed when its connection breaks.
    pub(crate) fn into_error(self, name: StatementName, is_undone: bool) -> Error {
        match self {
            Self::Lost if is_undone => Error::Unavailable("its connection broke"),
            Self::Lost => Error::OutcomeUnknown(name),
            Self::TooSlow if name.is_read() => Error::Timeout(name),
            Self::TooSlow => Error::Unavailable(TOO_SLOW),
            Self::Refused => Error::Unavailable(REFUSED),
            Self::Unavailable(reason) => Error::Unavailable(reason),
            Self::Unique => Error::UniqueViolation(name),
            Self::Constraint(constraint) => Error::Constraint {
                statement: name,
                constraint,
            },
            Self::Unfit => Error::Value {
                statement: name,
                parameter: None,
            },
            Self::Other(code) => Error::Failed {
                statement: name,
                code,
            },
        }
    }
}

/// What an error of the driver means.
pub(crate) fn failure<D: Dialect>(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Database(error) => D::failure(&**error),
        _ => Failure::Lost,
    }
}
