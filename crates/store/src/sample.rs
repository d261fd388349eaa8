//! A small legacy store to try things on: the demo's and the tutorial's.

use std::path::Path;

use lychgate_password::StoredHash;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::fs::OpenOptions;

use crate::error::Error;

/// A user of the sample store.
pub struct SampleUser {
    /// The e-mail address, unique in the store.
    pub email: String,
    /// Whether the address is verified.
    pub email_verified: bool,
    /// What to call the user.
    pub nickname: Option<String>,
    /// Whether the account is disabled.
    pub blocked: bool,
    /// The stored hash; without it the user cannot log in.
    pub password_hash: Option<StoredHash>,
}

/// Makes a SQLite file of mode 0600 with one table `users`, and these users in it, numbered from 1. The file must not
/// be there yet.
pub async fn create(path: &Path, users: &[SampleUser]) -> Result<(), Error> {
    let fault = |fault| Error::File {
        path: path.to_owned(),
        fault,
    };
    let mut new_file = OpenOptions::new();
    new_file.write(true).create_new(true);
    #[cfg(unix)]
    new_file.mode(0o600);
    let file = new_file
        .open(path)
        .await
        .map_err(|_| fault("cannot be made; is there one already, or no folder for it?"))?;
    drop(file);
    fill(path, users)
        .await
        .map_err(|_| fault("could not be filled with sample users; are two of the same address?"))
}

async fn fill(path: &Path, users: &[SampleUser]) -> sqlx::Result<()> {
    let options = SqliteConnectOptions::new()
        .filename(std::path::absolute(path)?)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let mut transaction = connection.begin().await?;
    transaction.execute(SCHEMA).await?;
    for user in users {
        sqlx::query(INSERT)
            .bind(&user.email)
            .bind(user.email_verified)
            .bind(&user.nickname)
            .bind(user.blocked)
            .bind(user.password_hash.as_ref().map(StoredHash::expose_secret))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    connection.close().await
}

const SCHEMA: &str = "
create table users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    email_verified INTEGER NOT NULL DEFAULT 0,
    nickname TEXT,
    blocked INTEGER NOT NULL DEFAULT 0,
    password_hash TEXT
)";

const INSERT: &str = "
insert into users (email, email_verified, nickname, blocked, password_hash) values (?, ?, ?, ?, ?)";
