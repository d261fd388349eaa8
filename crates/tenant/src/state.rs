//! What the tenant remembers: keys, sessions, codes, refresh tokens, users, tickets. The only room with SQL.
//!
//! In come facts that other rooms have established; what may be used once leaves by one atomic statement that ends it.
//! An attacker would want to read this file, so whatever opens a door is kept as a digest only (signing keys cannot be:
//! the file's mode is 0600), and to make it grow, so every row has an end and every table that strangers fill has a bound.

mod assertions;
mod grants;
mod logins;
mod reference;
mod signing_keys;
mod tickets;
mod users;

pub(crate) use grants::{Code, RefreshTokenFound};
pub(crate) use logins::{LoginTransaction, Session};
pub(crate) use reference::Reference;
pub(crate) use tickets::{Ticket, TicketPurpose};
pub(crate) use users::User;

use std::{
    fs::{OpenOptions, Permissions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use lychgate_token::UnixTime;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::Error;

/// The version of `schema.sql`, kept in `pragma user_version`.
const SCHEMA_VERSION: i64 = 1;
/// Connections to the file; SQLite has one writer, the others read.
const CONNECTIONS: u32 = 4;
/// How long a statement waits for a connection or for the writer before it.
const WAIT: Duration = Duration::from_secs(5);
/// Expired rows that one round of [`State::purge`] takes from one table.
const PURGED_A_ROUND: i64 = 1000;

/// The tenant's state in one SQLite file.
#[derive(Clone)]
pub(crate) struct State {
    pool: SqlitePool,
}

impl State {
    /// Opens `file`, made with mode 0600 where it is absent; a file that others may read is closed to them.
    pub(crate) async fn open(file: &Path) -> Result<Self, Error> {
        keep_private(file).map_err(|source| Error::Read {
            file: file.to_owned(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(WAIT);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(WAIT)
            .connect_with(options)
            .await
            .map_err(Error::state("open"))?;
        let state = Self { pool };
        state.lay_out(file).await?;
        Ok(state)
    }

    async fn lay_out(&self, file: &Path) -> Result<(), Error> {
        let failed = Error::state("lay out");
        let version: i64 = sqlx::query("pragma user_version")
            .fetch_one(&self.pool)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(&failed)?;
        match version {
            SCHEMA_VERSION => Ok(()),
            0 => {
                sqlx::raw_sql(include_str!("state/schema.sql"))
                    .execute(&self.pool)
                    .await
                    .map_err(&failed)?;
                Ok(())
            }
            found => Err(Error::StateVersion {
                file: file.to_owned(),
                found,
                known: SCHEMA_VERSION,
            }),
        }
    }

    /// Deletes what has expired, at most a bounded number of rows a table. Returns how many went.
    pub(crate) async fn purge(&self, now: UnixTime) -> Result<u64, Error> {
        let mut purged = 0;
        for statement in [
            "delete from login_transactions where rowid in (select rowid from login_transactions where expires_at <= ? limit ?)",
            "delete from sessions where rowid in (select rowid from sessions where expires_at <= ? limit ?)",
            "delete from codes where rowid in (select rowid from codes where expires_at <= ? limit ?)",
            "delete from refresh_tokens where rowid in (select rowid from refresh_tokens where expires_at <= ? limit ?)",
            "delete from grants where rowid in (select rowid from grants where expires_at <= ? limit ?)",
            "delete from tickets where rowid in (select rowid from tickets where expires_at <= ? limit ?)",
            "delete from assertions where rowid in (select rowid from assertions where expires_at <= ? limit ?)",
        ] {
            let done = sqlx::query(statement)
                .bind(now.seconds())
                .bind(PURGED_A_ROUND)
                .execute(&self.pool)
                .await
                .map_err(Error::state("purge"))?;
            purged += done.rows_affected();
        }
        Ok(purged)
    }

    /// Closes the file; what was written is on the disk.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// SQLite gives its `-wal` and `-shm` files the mode of the database, so the mode of this one is enough.
fn keep_private(file: &Path) -> std::io::Result<()> {
    let opened = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file)?;
    opened.set_permissions(Permissions::from_mode(0o600))
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value)
        .map_err(|_| Error::Internal("a value of the state cannot be written as JSON"))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|_| Error::Internal("a value of the state cannot be read back"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tenant.db");
        std::fs::write(&file, b"").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let state = State::open(&file).await.unwrap();
        state.purge(UnixTime::from_seconds(1)).await.unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{:?}",
                entry.path()
            );
        }
    }

    #[tokio::test]
    async fn a_file_of_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tenant.db");
        let state = State::open(&file).await.unwrap();
        sqlx::query("pragma user_version = 7")
            .execute(&state.pool)
            .await
            .unwrap();
        state.close().await;
        assert!(matches!(
            State::open(&file).await,
            Err(Error::StateVersion { found: 7, .. })
        ));
    }
}
