//! A small legacy store to try things on: the demo's and the tutorial's.
//! It is made only where no users are, and what is removed again is only what was made here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lychgate_password::StoredHash;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    ConnectOptions as _, Connection, Database, Encode, Executor, IntoArguments, SqlStr, Type,
};
use tokio::fs::OpenOptions;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::ldap::SampleTree;
use crate::mysql::Mysql;
use crate::postgres::Postgres;
use crate::server::Dialect;
use crate::url::{Location, StoreUrl};

/// A user of the sample store.
pub struct SampleUser {
    /// The e-mail address, unique in the store.
    pub email: String,
    /// Whether the address is verified.
    pub email_verified: bool,
    /// What to call the user.
    pub nickname: Option<String>,
    /// Whether the account is disabled; in a directory such a user has no password.
    pub blocked: bool,
    /// The stored hash; without it the user cannot log in.
    pub password_hash: Option<StoredHash>,
}

/// The users that were made in a store, to be removed again.
#[must_use = "what was made is removed by `remove` alone"]
pub struct Sample(Made);

enum Made {
    /// A table `users`.
    Table(StoreUrl),
    /// A SQLite file that was not there before.
    File(PathBuf),
    /// An entry of a directory, and all below it.
    Tree(SampleTree),
}

/// Why there is no sample in a store, or why it is still there.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The store is in use.
    #[error("the store has a table `users` already; name an empty database that is yours")]
    InUse,
    /// The table could not be made, or not be filled.
    #[error(
        "no table `users` could be made in the store; may its user make tables there? Nothing was left behind"
    )]
    NotMade,
    /// The table could not be removed.
    #[error("the table `users` of the sample could not be removed from the store; drop it by hand")]
    NotRemoved,
    /// A directory lets nobody write who does not say who it is.
    #[error(
        "the store is a directory, where nothing is made without an account that may write there"
    )]
    NoAccount,
    /// The entry of the sample is there.
    #[error(
        "the directory has an entry `ou={SAMPLE_UNIT}` below the base already; if a demo that was killed left it, remove it by hand"
    )]
    TreeInUse,
    /// The entry could not be made, or not be filled.
    #[error(
        "no entry `ou={SAMPLE_UNIT}` with users could be made below the base; is the base there, and may the account add entries with hashes of passwords below it?"
    )]
    TreeNotMade,
    /// The entry could not be removed.
    #[error(
        "the entry `ou={SAMPLE_UNIT}` of the sample, or what is below it, could not be removed from the directory; remove it by hand"
    )]
    TreeNotRemoved,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Makes a SQLite file of mode 0600 with one table `users`, and these users in it, numbered from 1. The file must not
/// be there yet.
pub async fn create(path: &Path, users: &[SampleUser]) -> Result<(), Error> {
    let fault = |fault| Error::File {
        path: path.to_owned(),
        fault,
    };
    new_file(path)
        .await
        .map_err(|_| fault("cannot be made; is there one already, or no folder for it?"))?;
    let filled = async {
        let mut connection = open_file(path).await.ok()?;
        let made = make::<sqlx::Sqlite>(&mut connection, &SQLITE, users).await;
        made.ok()
    };
    filled
        .await
        .ok_or_else(|| fault("could not be filled with sample users; are two of the same address?"))
}

/// Makes a table `users` in an empty database, and these users in it; in a directory an entry `ou=lychgate-demo` below
/// the base, with the users below that, as the account with this name and password. A SQLite file that is not there is
/// made with mode 0600.
pub async fn create_in(
    url: &StoreUrl,
    account: Option<(String, Zeroizing<String>)>,
    users: &[SampleUser],
) -> Result<Sample, SampleError> {
    match &url.0 {
        Location::Sqlite(path) if !path.exists() => {
            new_file(path).await.map_err(|_| SampleError::NotMade)?;
            let filled = fill_file(path, users).await;
            if filled.is_err() {
                remove_file(path).await;
            }
            filled.map(|()| Sample(Made::File(path.clone())))
        }
        Location::Sqlite(path) => fill_file(path, users).await.map(|()| table(url)),
        Location::Postgres(address) => {
            let mut connection = connect(&Postgres(address.clone())).await?;
            let made = make::<sqlx::Postgres>(&mut connection, &POSTGRES, users).await;
            made.map(|()| table(url))
        }
        Location::Mysql(address) => {
            let mut connection = connect(&Mysql(address.clone())).await?;
            let made = make::<sqlx::MySql>(&mut connection, &MYSQL, users).await;
            made.map(|()| table(url))
        }
        Location::Ldap(directory) => {
            let account = account.ok_or(SampleError::NoAccount)?;
            let tree = SampleTree::create(directory, account, users).await?;
            Ok(Sample(Made::Tree(tree)))
        }
    }
}

fn table(url: &StoreUrl) -> Sample {
    Sample(Made::Table(url.clone()))
}

async fn fill_file(path: &Path, users: &[SampleUser]) -> Result<(), SampleError> {
    let mut connection = open_file(path).await?;
    make::<sqlx::Sqlite>(&mut connection, &SQLITE, users).await
}

impl Sample {
    /// Removes what was made: the table, or the file or the entry that was made for it.
    pub async fn remove(self) -> Result<(), SampleError> {
        let url = match self.0 {
            Made::File(path) => {
                remove_file(&path).await;
                return Ok(());
            }
            Made::Tree(tree) => return tree.remove().await,
            Made::Table(url) => url,
        };
        match &url.0 {
            Location::Sqlite(path) => {
                let mut connection = open_file(path).await?;
                drop_users::<sqlx::Sqlite>(&mut connection, &SQLITE).await
            }
            Location::Postgres(address) => {
                let mut connection = connect(&Postgres(address.clone())).await?;
                drop_users::<sqlx::Postgres>(&mut connection, &POSTGRES).await
            }
            Location::Mysql(address) => {
                let mut connection = connect(&Mysql(address.clone())).await?;
                drop_users::<sqlx::MySql>(&mut connection, &MYSQL).await
            }
            // No table was ever made there.
            Location::Ldap(_) => Err(SampleError::NotRemoved),
        }
    }
}

async fn remove_file(path: &Path) {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        let _absent = tokio::fs::remove_file(file).await;
    }
}

/// How one kind of database says it.
struct Words {
    begin: &'static str,
    schema: &'static str,
    insert: &'static str,
}

async fn make<D>(
    connection: &mut D::Connection,
    words: &Words,
    users: &[SampleUser],
) -> Result<(), SampleError>
where
    D: Database,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    bool: Type<D> + for<'q> Encode<'q, D>,
    for<'q> &'q str: Type<D> + Encode<'q, D>,
    for<'q> Option<&'q str>: Type<D> + Encode<'q, D>,
{
    let looked = connection.execute("select 1 from users where 1 = 0").await;
    if looked.is_ok() {
        return Err(SampleError::InUse);
    }
    run::<D>(connection, words, words.schema)
        .await
        .map_err(|_| SampleError::NotMade)?;
    let filling = async {
        let begin = SqlStr::from_static(words.begin);
        let mut transaction = connection.begin_with(begin).await?;
        for user in users {
            let hash = user.password_hash.as_ref().map(StoredHash::expose_secret);
            sqlx::query(words.insert)
                .bind(user.email.as_str())
                .bind(user.email_verified)
                .bind(user.nickname.as_deref())
                .bind(user.blocked)
                .bind(hash)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    };
    let filled: sqlx::Result<()> = filling.await;
    if filled.is_err() {
        drop_users::<D>(connection, words).await?;
        return Err(SampleError::NotMade);
    }
    Ok(())
}

async fn drop_users<D>(connection: &mut D::Connection, words: &Words) -> Result<(), SampleError>
where
    D: Database,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let dropped = run::<D>(connection, words, "drop table users").await;
    dropped.map_err(|_| SampleError::NotRemoved)
}

/// Runs one statement that may write.
async fn run<D>(
    connection: &mut D::Connection,
    words: &Words,
    statement: &'static str,
) -> sqlx::Result<()>
where
    D: Database,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let begin = SqlStr::from_static(words.begin);
    let mut transaction = connection.begin_with(begin).await?;
    transaction.execute(statement).await?;
    transaction.commit().await
}

async fn new_file(path: &Path) -> std::io::Result<()> {
    let mut new_file = OpenOptions::new();
    new_file.write(true).create_new(true);
    #[cfg(unix)]
    new_file.mode(0o600);
    new_file.open(path).await.map(drop)
}

async fn open_file(path: &Path) -> Result<sqlx::SqliteConnection, Error> {
    let fault = |fault| Error::File {
        path: path.to_owned(),
        fault,
    };
    let absolute = std::path::absolute(path).map_err(|_| fault("has no path that can be used"))?;
    let options = SqliteConnectOptions::new()
        .filename(absolute)
        .create_if_missing(false)
        .disable_statement_logging();
    let connection = options.connect().await;
    connection.map_err(|_| fault("cannot be opened by SQLite"))
}

/// The name of the entry that the sample has in a directory, as its `ou`.
pub const SAMPLE_UNIT: &str = "lychgate-demo";

/// A connection that may write as it likes: what makes the store's own read-only would forbid `create table`, which
/// MySQL does in no transaction.
async fn connect<D: Dialect>(dialect: &D) -> Result<<D::Database as Database>::Connection, Error> {
    let options = dialect.options(PATIENCE)?;
    let connecting = <D::Database as Database>::Connection::connect_with(&options);
    let connected = timeout(PATIENCE, connecting).await;
    connected
        .map_err(|_| Error::Unavailable("it does not answer"))?
        .map_err(|_| Error::Unavailable("it cannot be reached, or refuses its user"))
}

/// How long a server may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const SQLITE: Words = Words {
    begin: "begin immediate",
    schema: "
create table users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    email_verified INTEGER NOT NULL DEFAULT 0,
    nickname TEXT,
    blocked INTEGER NOT NULL DEFAULT 0,
    password_hash TEXT
)",
    insert: "
insert into users (email, email_verified, nickname, blocked, password_hash) values (?, ?, ?, ?, ?)",
};

const POSTGRES: Words = Words {
    begin: "begin read write",
    schema: "
create table users (
    id integer generated by default as identity primary key,
    email text not null unique,
    email_verified boolean not null default false,
    nickname text,
    blocked boolean not null default false,
    password_hash text
)",
    insert: "
insert into users (email, email_verified, nickname, blocked, password_hash) values ($1, $2, $3, $4, $5)",
};

const MYSQL: Words = Words {
    begin: "start transaction read write",
    schema: "
create table users (
    id integer auto_increment primary key,
    email varchar(255) not null unique,
    email_verified boolean not null default false,
    nickname varchar(255),
    blocked boolean not null default false,
    password_hash varchar(255)
) default character set utf8mb4 collate utf8mb4_bin",
    insert: "
insert into users (email, email_verified, nickname, blocked, password_hash) values (?, ?, ?, ?, ?)",
};
