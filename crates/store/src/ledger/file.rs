//! The file of a ledger: its schema, who may hold it, and what its errors mean.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _, SqliteConnection};

use super::{Change, LedgerError, Life, Loss, Lost, Pseudonym};

/// `pragma application_id` of a ledger: `LyLg`.
const APPLICATION: i32 = 0x4c79_4c67;
/// `pragma user_version` of this schema.
const VERSION: i32 = 1;
/// How long a statement waits for another program's lock.
const WAIT: Duration = Duration::from_secs(2);

const SCHEMA: &str = "
create table ledger (
    id integer primary key check (id = 1),
    key_id text not null,
    started integer not null,
    alive integer not null,
    running integer not null,
    last_hit integer
) strict;
create table losses (
    cause text primary key,
    since integer not null,
    until integer not null,
    times integer not null
) strict;
create table users (
    pseudonym blob primary key,
    first_login integer,
    last_hit integer not null
) strict, without rowid;
pragma application_id = 1283017831;
pragma user_version = 1;
";

/// Keeps every other process from writing the same ledger, until it is dropped or the process ends. It is a file of its
/// own, since a second way into a database file would end SQLite's own locks.
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Lock {
    pub(super) fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let fault = |fault| LedgerError::File {
            path: ledger.to_owned(),
            fault,
        };
        let mut path = ledger.as_os_str().to_owned();
        path.push("-lock");
        let file = private().open(path);
        let file = file.map_err(|_| fault(NO_FOLDER))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(fault(
                "is written by another process; give each gateway a ledger of its own",
            )),
            Err(TryLockError::Error(_)) => Err(fault("cannot be locked on its file system")),
        }
    }
}

/// The path as SQLite takes it: one that begins with `file:` would be a URL.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, LedgerError> {
    std::path::absolute(path).map_err(|_| LedgerError::File {
        path: path.to_owned(),
        fault: "has no path that can be used",
    })
}

/// Makes the file where it is absent, and closes it to others. SQLite gives its `-wal` and `-shm` files the same mode.
pub(super) fn keep_private(path: &Path) -> Result<(), LedgerError> {
    let opened = private().open(path);
    opened
        .and_then(|file| file.set_permissions(Permissions::from_mode(0o600)))
        .map_err(|_| LedgerError::File {
            path: path.to_owned(),
            fault: NO_FOLDER,
        })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options
}

pub(super) async fn connect(path: &Path, write: bool) -> Result<SqliteConnection, LedgerError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .read_only(!write)
        .busy_timeout(WAIT)
        .disable_statement_logging();
    let connection = options.connect().await;
    connection.map_err(|error| unavailable(path, &error))
}

/// Whether the file is empty. What is neither empty nor a ledger is refused before anything in it is changed.
pub(super) async fn is_new(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<bool, LedgerError> {
    let looking = async {
        let tables: i64 = sqlx::query_scalar("select count(*) from sqlite_schema")
            .fetch_one(&mut *connection)
            .await?;
        let application: i32 = sqlx::query_scalar("pragma application_id")
            .fetch_one(&mut *connection)
            .await?;
        let version: i32 = sqlx::query_scalar("pragma user_version")
            .fetch_one(&mut *connection)
            .await?;
        Ok::<_, sqlx::Error>((tables, application, version))
    };
    let found = looking.await.map_err(|error| unavailable(path, &error))?;
    let fault = |fault| LedgerError::File {
        path: path.to_owned(),
        fault,
    };
    match found {
        (0, 0, 0) => Ok(true),
        (_, APPLICATION, VERSION) => Ok(false),
        (_, APPLICATION, _) => Err(fault(
            "was begun by another version of Lychgate; use that one, or move the file away",
        )),
        _ => Err(fault(
            "is a database of something else; name a file of its own, which need not be there yet",
        )),
    }
}

/// Makes a new ledger, all of it or nothing.
pub(super) async fn lay_out(
    connection: &mut SqliteConnection,
    path: &Path,
    key_id: &str,
    life: &Life,
) -> Result<(), LedgerError> {
    let making = async {
        let mut transaction = connection.begin_with("begin immediate").await?;
        transaction.execute(sqlx::raw_sql(SCHEMA)).await?;
        let insert =
            "insert into ledger (id, key_id, started, alive, running) values (1, ?, ?, ?, 1)";
        sqlx::query(insert)
            .bind(key_id)
            .bind(life.started)
            .bind(life.alive)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    };
    let made: sqlx::Result<()> = making.await;
    made.map_err(|error| unavailable(path, &error))
}

/// From here on what is written is on the disk, and readers are in nobody's way.
pub(super) async fn make_durable(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), LedgerError> {
    let pragmas = sqlx::raw_sql("pragma journal_mode = wal; pragma synchronous = full;");
    let set = connection.execute(pragmas).await;
    set.map(drop).map_err(|error| unavailable(path, &error))
}

/// The life of a ledger that was begun with this key.
pub(super) async fn life(
    connection: &mut SqliteConnection,
    path: &Path,
    key_id: &str,
) -> Result<Life, LedgerError> {
    let (life, found) = life_of(connection)
        .await
        .map_err(|error| unavailable(path, &error))?;
    same_key(path, found, key_id)?;
    Ok(life)
}

pub(super) fn same_key(path: &Path, found: String, given: &str) -> Result<(), LedgerError> {
    if found == given {
        return Ok(());
    }
    Err(LedgerError::Key {
        path: path.to_owned(),
        found,
        given: given.to_owned(),
    })
}

/// The life of a ledger, and the id of its key.
pub(super) async fn life_of(connection: &mut SqliteConnection) -> sqlx::Result<(Life, String)> {
    let row = sqlx::query("select key_id, started, alive, running, last_hit from ledger")
        .fetch_one(&mut *connection)
        .await?;
    let mut life = Life {
        started: row.try_get(1)?,
        alive: row.try_get(2)?,
        running: row.try_get(3)?,
        last_hit: row.try_get(4)?,
        losses: std::collections::BTreeMap::new(),
    };
    for row in sqlx::query("select cause, since, until, times from losses")
        .fetch_all(&mut *connection)
        .await?
    {
        let name: &str = row.try_get(0)?;
        let cause = Loss::ALL.into_iter().find(|loss| loss.name() == name);
        let cause = cause.ok_or_else(|| sqlx::Error::Decode("an unknown cause".into()))?;
        let lost = Lost {
            since: row.try_get(1)?,
            until: row.try_get(2)?,
            times: row.try_get(3)?,
        };
        life.losses.insert(cause, lost);
    }
    Ok((life, row.try_get(0)?))
}

pub(super) async fn save_life(connection: &mut SqliteConnection, life: &Life) -> sqlx::Result<()> {
    sqlx::query("update ledger set alive = ?, running = ?, last_hit = ?")
        .bind(life.alive)
        .bind(life.running)
        .bind(life.last_hit)
        .execute(&mut *connection)
        .await?;
    for (cause, lost) in &life.losses {
        sqlx::query(
            "insert or replace into losses (cause, since, until, times) values (?, ?, ?, ?)",
        )
        .bind(cause.name())
        .bind(lost.since)
        .bind(lost.until)
        .bind(lost.times)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes what is new about one user. The first login stays the first, the last hit becomes the last.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    pseudonym: &Pseudonym,
    change: &Change,
) -> sqlx::Result<()> {
    if change.removed {
        sqlx::query("delete from users where pseudonym = ?")
            .bind(pseudonym.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    if let Some(hit) = change.hit {
        let upsert = "insert into users (pseudonym, first_login, last_hit) values (?, ?, ?) on conflict do update set \
                      first_login = coalesce(first_login, excluded.first_login), last_hit = max(last_hit, excluded.last_hit)";
        sqlx::query(upsert)
            .bind(pseudonym.as_slice())
            .bind(change.login)
            .bind(hit)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// What an error of SQLite means. Its codes: <https://www.sqlite.org/rescode.html>.
pub(super) fn unavailable(path: &Path, error: &sqlx::Error) -> LedgerError {
    let code: Option<i32> = error
        .as_database_error()
        .and_then(DatabaseError::code)
        .and_then(|code| code.parse().ok());
    let reason = match code.map(|code| code & 0xff) {
        Some(5 | 6) => "it is locked by another program",
        Some(8) => "it may not be written",
        Some(10 | 13) => "its disk failed or is full",
        Some(11) => "it is damaged; move it away, and restart the gateway, which begins a new one",
        Some(26) => {
            "it is no SQLite file, or is damaged; move it away, and restart the gateway, which begins a new one"
        }
        Some(14) => "it cannot be opened; may this process read and write it, and its folder?",
        Some(_) | None => "it could not be read or written",
    };
    LedgerError::Unavailable {
        path: path.to_owned(),
        reason,
    }
}

const NO_FOLDER: &str =
    "cannot be made or written; is there a folder for it, which this process may write?";
