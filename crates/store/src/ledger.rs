//! The migration ledger: who has been seen since when, in a SQLite file of ours, under pseudonyms.
//! One writer holds it; whoever opens it learns whether it was kept without a gap. It is worth stealing only together
//! with the key: without it, it holds times and nobody's name.

mod file;
mod life;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection};

use self::file::Lock;
pub use self::life::{BEAT, Life, Loss, Lost, RESTART};

/// A user's name in a ledger.
pub type Pseudonym = [u8; 16];

/// What a ledger knows of a user. Times are whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first login with the right password: when a platform that imports users has imported this one.
    pub first_login: Option<i64>,
    /// When the platform last asked for the user, and was told.
    pub last_hit: i64,
}

/// What is new about a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The user was removed; what is known from before goes, too.
    pub removed: bool,
    /// The first login since.
    pub login: Option<i64>,
    /// The last hit since.
    pub hit: Option<i64>,
}

/// What is to be written next.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// By user.
    pub users: HashMap<Pseudonym, Change>,
    /// The last hit about anybody.
    pub last_hit: Option<i64>,
    /// How many more there were, for which there was no room.
    pub dropped: u64,
}

/// A ledger that this process writes.
pub struct Ledger {
    path: PathBuf,
    connection: SqliteConnection,
    life: Life,
    _lock: Lock,
}

/// Everything in a ledger.
pub struct Contents {
    /// How it was kept.
    pub life: Life,
    /// Every user it has seen.
    pub users: HashMap<Pseudonym, Seen>,
}

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file is not a ledger of ours.
    #[error("the ledger {} {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        fault: &'static str,
    },
    /// Its pseudonyms were made with another key.
    #[error(
        "the ledger {} was begun with another pseudonym key (its id is {found}, this one's is {given}); \
         put that key back, or move the file away and begin a new ledger", path.display()
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// The id of the key in the file.
        found: String,
        /// The id of the key that was given.
        given: String,
    },
    /// It cannot be read or written just now.
    #[error("the ledger {} cannot be used now: {reason}", path.display())]
    Unavailable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
}

impl LedgerError {
    /// Whether it may pass by itself, and is nobody's wrong config.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl Ledger {
    /// Opens a ledger to write it from now on, made with mode 0600 where it is absent. Only one process may.
    pub async fn open(path: &Path, key_id: &str, now: i64) -> Result<Self, LedgerError> {
        let path = file::absolute(path)?;
        let lock = Lock::take(&path)?;
        file::keep_private(&path)?;
        let mut connection = file::connect(&path, true).await?;
        let life = if file::is_new(&mut connection, &path).await? {
            let life = Life::begin(now);
            file::lay_out(&mut connection, &path, key_id, &life).await?;
            life
        } else {
            let mut life = file::life(&mut connection, &path, key_id).await?;
            life.resume(now);
            life
        };
        file::make_durable(&mut connection, &path).await?;
        let mut ledger = Self {
            path,
            connection,
            life: life.clone(),
            _lock: lock,
        };
        // That somebody writes it is on the disk before anything could be missed.
        ledger.save(&Changes::default(), life).await?;
        Ok(ledger)
    }

    /// Writes what is new, and a sign of life; all of it or nothing.
    pub async fn write(&mut self, changes: &Changes, now: i64) -> Result<(), LedgerError> {
        let life = self.after(changes, now);
        self.save(changes, life).await
    }

    /// Writes what is new, and that this is the end. Without it, whoever opens the ledger next finds a gap.
    pub async fn close(mut self, changes: &Changes, now: i64) -> Result<(), LedgerError> {
        let mut life = self.after(changes, now);
        life.stop(now);
        self.save(changes, life).await?;
        let closed = self.connection.close().await;
        closed.map_err(|error| file::unavailable(&self.path, &error))
    }

    fn after(&self, changes: &Changes, now: i64) -> Life {
        let mut life = self.life.clone();
        if changes.dropped > 0 {
            life.lose(Loss::Dropped, life.alive, now);
        }
        life.beat(now);
        life.last_hit = life.last_hit.max(changes.last_hit);
        life
    }

    async fn save(&mut self, changes: &Changes, life: Life) -> Result<(), LedgerError> {
        let connection = &mut self.connection;
        let saving = async {
            connection.execute("begin immediate").await?;
            for (pseudonym, change) in &changes.users {
                file::apply(connection, pseudonym, change).await?;
            }
            file::save_life(connection, &life).await?;
            connection.execute("commit").await
        };
        if let Err(error) = saving.await {
            // SQLite may have undone it already, as where the disk is full; the driver's own transaction would trip over it.
            let _undone = self.connection.execute("rollback").await;
            return Err(file::unavailable(&self.path, &error));
        }
        self.life = life;
        Ok(())
    }
}

impl Contents {
    /// Reads a ledger, whoever writes it meanwhile.
    pub async fn read(path: &Path, key_id: &str) -> Result<Self, LedgerError> {
        let path = file::absolute(path)?;
        if !path.is_file() {
            return Err(LedgerError::File {
                path,
                fault: "is not there; a gateway whose config has `[ledger]` begins it",
            });
        }
        let mut connection = file::connect(&path, false).await?;
        if file::is_new(&mut connection, &path).await? {
            return Err(LedgerError::File {
                path,
                fault: "is empty; a gateway whose config has `[ledger]` begins it",
            });
        }
        let reading = async {
            // One moment's view of both tables.
            let mut snapshot = connection.begin().await?;
            let life = file::life_of(&mut snapshot).await?;
            let users = sqlx::query("select pseudonym, first_login, last_hit from users")
                .fetch_all(&mut *snapshot)
                .await?;
            let users: sqlx::Result<HashMap<_, _>> = users.iter().map(seen).collect();
            Ok::<_, sqlx::Error>((life, users?))
        };
        let ((life, found), users) = reading
            .await
            .map_err(|error| file::unavailable(&path, &error))?;
        file::same_key(&path, found, key_id)?;
        Ok(Self { life, users })
    }
}

fn seen(row: &sqlx::sqlite::SqliteRow) -> sqlx::Result<(Pseudonym, Seen)> {
    let pseudonym: &[u8] = row.try_get(0)?;
    let pseudonym = pseudonym
        .try_into()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    let seen = Seen {
        first_login: row.try_get(1)?,
        last_hit: row.try_get(2)?,
    };
    Ok((pseudonym, seen))
}

#[cfg(test)]
mod tests;
