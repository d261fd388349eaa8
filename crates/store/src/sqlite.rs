//! A legacy store in a SQLite file: opening it, and running its statements.
//! Each run has one connection of a bounded pool, and a deadline that stops SQLite itself; a caller that goes away
//! stops it too, so nobody can hold a connection with a slow statement.

mod failure;
mod prepare;
mod values;

pub(crate) use self::failure::of_a_look as look_failed;
pub(crate) use self::values::value;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqlitePoolOptions, SqliteQueryResult, SqliteRow,
};
use sqlx::{ConnectOptions as _, Executor as _, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;
use tokio::time::{timeout, timeout_at};

use crate::answer::{self, Answer};
use crate::error::Error;
use crate::parameters::Parameters;
use crate::prepare::{Prepared, Statements};
use crate::row::{Row, Written};
use crate::statement::{Statement, StatementName};
use crate::store::Settings;

/// An open SQLite file and its prepared statements.
pub(crate) struct SqliteStore {
    file: PathBuf,
    pool: SqlitePool,
    /// SQLite writes one at a time. Our writers queue here, in order, rather than in its sleep-and-try-again.
    writer: Mutex<()>,
    statements: Statements<()>,
    wait: Duration,
    deadline: Duration,
}

impl SqliteStore {
    /// Opens a file that is there, and prepares every statement.
    pub(crate) async fn open(file: &Path, settings: &Settings) -> Result<Self, Error> {
        let writes = settings.statements.keys().any(|name| !name.is_read());
        let file = existing_file(file, writes).await?;
        let pool = pool(&file, settings);
        let opening = async {
            let unusable = |error| failure::of_opening(&file, &error);
            let mut connection = pool.acquire().await.map_err(unusable)?;
            // The first look into the file: whether it is SQLite at all, and text in it what the driver takes it for.
            let encoding: String = sqlx::query_scalar("pragma encoding")
                .fetch_one(&mut *connection)
                .await
                .map_err(unusable)?;
            if encoding != "UTF-8" {
                return Err(failure::of_encoding(&file));
            }
            prepare::all(&mut connection, &settings.statements).await
        };
        let opened = timeout(settings.wait + settings.deadline, opening).await;
        let statements = opened.map_err(|_| Error::Unavailable(SILENT))??;
        let (wait, deadline) = (settings.wait, settings.deadline);
        Ok(Self {
            file,
            pool,
            writer: Mutex::new(()),
            statements,
            wait,
            deadline,
        })
    }

    /// The statement of an operation, if config defines it.
    pub(crate) fn statement(&self, name: StatementName) -> Option<&Statement> {
        self.statements
            .get(&name)
            .map(|prepared| &prepared.statement)
    }

    /// Runs a statement that only reads.
    pub(crate) async fn read(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Option<Row>, Error> {
        let (prepared, arguments) = self.prepared(name, parameters)?;
        let mut connection = self.connection().await?;
        let until = Instant::now() + self.deadline;
        let statement = async {
            let _waiting = leash(&mut connection, until).await?;
            run(&mut connection, prepared, arguments).await
        };
        let answer = timeout_at(until.into(), statement)
            .await
            .map_err(|_| Error::Timeout(name))?;
        let answer = answer.map_err(|error| failure::of_statement(name, &error))?;
        answer.the_row(name, row)
    }

    /// Runs a statement that writes, as one transaction. Until `commit` is sent nothing has happened, and whatever goes
    /// wrong before that is undone with the connection's return; only an unanswered `commit` leaves the outcome open.
    pub(crate) async fn write(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Written, Error> {
        let (prepared, arguments) = self.prepared(name, parameters)?;
        let turn = async { (self.writer.lock().await, self.connection().await) };
        let turn = timeout(self.wait, turn).await;
        let (_turn, connection) = turn.map_err(|_| Error::Overloaded)?;
        let mut connection = connection?;
        let started = Instant::now();
        let until = started + self.deadline.mul_f64(SHARE_OF_STATEMENT);
        let statement = async {
            let _waiting = leash(&mut connection, until).await?;
            connection.execute("begin immediate").await?;
            run(&mut connection, prepared, arguments).await
        };
        let answer = timeout_at(until.into(), statement)
            .await
            .map_err(|_| Error::Unavailable(failure::TOO_SLOW))?;
        let answer = answer.map_err(|error| failure::of_statement(name, &error))?;
        let matched = answer.matched();
        if matched > 1 {
            return Err(Error::Ambiguous(name));
        }
        let row = answer.the_row(name, row)?;
        let commit = timeout_at(
            (started + self.deadline).into(),
            connection.execute("commit"),
        )
        .await;
        let answer = commit.map_err(|_| Error::OutcomeUnknown(name))?;
        answer.map_err(|error| failure::of_commit(name, &error))?;
        Ok(Written { matched, row })
    }

    /// Reads from the file, and looks whether there still is one at its path.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let asking = async {
            let file = tokio::fs::metadata(&self.file).await;
            file.map_err(|_| Error::Unavailable("its file is gone"))?;
            let answer = self.pool.fetch_one(SCHEMA).await;
            answer.map_err(|error| failure::of_connection(&error))?;
            Ok(())
        };
        timeout(self.wait + self.deadline, asking)
            .await
            .map_err(|_| Error::Unavailable(SILENT))?
    }

    async fn connection(&self) -> Result<PoolConnection<Sqlite>, Error> {
        let connection = self.pool.acquire().await;
        connection.map_err(|error| failure::of_connection(&error))
    }

    fn prepared(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<(&Prepared<()>, SqliteArguments), Error> {
        let prepared = self.statements.get(&name).ok_or(Error::NotDefined(name))?;
        let arguments = values::arguments(name, parameters.in_order(name, &prepared.statement)?)?;
        Ok((prepared, arguments))
    }
}

/// One connection for a tool that only looks, with what ends its work once it is dropped, or after this time.
pub(crate) async fn connect_to_look(
    file: &Path,
    limit: Duration,
) -> Result<(SqliteConnection, Arc<()>), Error> {
    let file = existing_file(file, false).await?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .read_only(true)
        .busy_timeout(LOCK_OF_A_LOOK)
        .disable_statement_logging();
    let unusable = |error| failure::of_opening(&file, &error);
    let mut connection = options.connect().await.map_err(unusable)?;
    let encoding: String = sqlx::query_scalar("pragma encoding")
        .fetch_one(&mut connection)
        .await
        .map_err(unusable)?;
    if encoding != "UTF-8" {
        return Err(failure::of_encoding(&file));
    }
    let waiting = leash(&mut connection, Instant::now() + limit).await;
    Ok((connection, waiting.map_err(unusable)?))
}

async fn run(
    connection: &mut SqliteConnection,
    prepared: &Prepared<()>,
    arguments: SqliteArguments,
) -> sqlx::Result<Answer<SqliteRow>> {
    let changes = SqliteQueryResult::rows_affected;
    let query = sqlx::query_with(prepared.sql.clone(), arguments);
    answer::run::<Sqlite>(connection, query, changes).await
}

pub(crate) fn row(name: StatementName, row: &SqliteRow) -> Result<Row, Error> {
    answer::row::<Sqlite>(name, row, values::value)
}

/// Ties SQLite's work on this connection to whoever waits for it: past the moment, or once the leash is dropped, it is
/// interrupted. A timeout alone would not do: the driver's thread would go on, and keep the connection.
async fn leash(connection: &mut SqliteConnection, until: Instant) -> sqlx::Result<Arc<()>> {
    let waiting = Arc::new(());
    let watched = Arc::downgrade(&waiting);
    let go_on = move || watched.strong_count() > 0 && Instant::now() < until;
    connection
        .lock_handle()
        .await?
        .set_progress_handler(STEPS_BETWEEN_LOOKS, go_on);
    Ok(waiting)
}

/// The absolute path of a file that is there. Absolute, since SQLite reads a path that begins with `file:` as a URL.
async fn existing_file(file: &Path, writes: bool) -> Result<PathBuf, Error> {
    let fault = |fault| Error::File {
        path: file.to_owned(),
        fault,
    };
    let absolute = std::path::absolute(file).map_err(|_| fault("has no path that can be used"))?;
    match tokio::fs::metadata(&absolute).await {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(fault("is not a file")),
        Err(_) => {
            return Err(fault(
                "is not there, or may not be seen; a legacy store is never created",
            ));
        }
    }
    // SQLite would open a file that it may not write without a word, and fail at the first write.
    let opened = tokio::fs::OpenOptions::new()
        .read(true)
        .write(writes)
        .open(&absolute)
        .await;
    opened.map_err(|_| fault("may not be opened; reading it, and writing it where a statement writes, must be allowed"))?;
    Ok(absolute)
}

fn pool(file: &Path, settings: &Settings) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(settings.deadline.mul_f64(SHARE_OF_LOCK))
        .disable_statement_logging();
    let deadline = settings.deadline;
    SqlitePoolOptions::new()
        .max_connections(settings.connections)
        .acquire_timeout(settings.wait)
        .test_before_acquire(false)
        // Whatever became of its last user, a connection comes back without a transaction, or not at all.
        .after_release(move |connection, _| {
            Box::pin(async move {
                match timeout(deadline, connection.execute("rollback")).await {
                    Ok(Ok(_) | Err(sqlx::Error::Database(_))) => Ok(true),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(sqlx::Error::WorkerCrashed),
                }
            })
        })
        .connect_lazy_with(options)
}

/// The cheapest statement that reads from the file.
const SCHEMA: &str = "select count(*) from sqlite_schema";

const SILENT: &str = "it does not answer";

/// How much of a write's deadline the statement may use; the rest is for its `commit`.
const SHARE_OF_STATEMENT: f64 = 0.75;

/// How much of the deadline SQLite waits for each lock: less than what `commit` is left with, so that a store locked
/// by another program is answered as that, and not as a write of unknown outcome.
const SHARE_OF_LOCK: f64 = 0.2;

/// How long a tool that only looks waits for another program's lock.
const LOCK_OF_A_LOOK: Duration = Duration::from_secs(5);

/// Steps of SQLite's machine between two looks at the clock: a few microseconds.
const STEPS_BETWEEN_LOOKS: i32 = 1_000;
