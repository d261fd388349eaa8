//! A legacy store in a folder of its own, with a second way into the file for tests to look and to disturb.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lychgate_password::StoredHash;
use lychgate_store::{Error, Settings, StatementName, Store, StoreUrl};
use lychgate_store::{SampleUser, create_sample};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

pub(crate) const AUTHENTICATE: &str = "select id, email, email_verified, nickname, blocked, password_hash from users where email = :identifier";
pub(crate) const LOOKUP: &str =
    "select id, email, email_verified, nickname, blocked from users where email = :identifier";
pub(crate) const CREATE: &str = "insert into users (email, nickname, password_hash) values (:email, :nickname, :password_hash) returning id, email";
pub(crate) const VERIFY_EMAIL: &str = "update users set email_verified = 1 where email = :email";
pub(crate) const CHANGE_PASSWORD: &str =
    "update users set password_hash = :password_hash where email = :identifier";
pub(crate) const CHANGE_EMAIL: &str = "update users set email = :new_email, email_verified = :email_verified where email = :identifier";
pub(crate) const DELETE: &str = "delete from users where id = :user_id";

/// A statement that would take longer than anybody's life.
pub(crate) const ENDLESS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

/// The hash of the sample's first user.
pub(crate) const HASH: &str = "$2b$04$abcdefghijklmnopqrstuv0123456789012345678901234567890";

pub(crate) struct Legacy {
    pub(crate) file: PathBuf,
    _folder: TempDir,
}

impl Legacy {
    /// The sample's schema with two users: one can log in, the other has no password and is blocked.
    pub(crate) async fn sample() -> Self {
        let legacy = Self::empty();
        let zoe = SampleUser {
            email: "zoe@example.com".to_owned(),
            email_verified: true,
            nickname: Some("Zoë".to_owned()),
            blocked: false,
            password_hash: Some(hash(HASH)),
        };
        let max = SampleUser {
            email: "max@example.com".to_owned(),
            email_verified: false,
            nickname: None,
            blocked: true,
            password_hash: None,
        };
        create_sample(&legacy.file, &[zoe, max]).await.unwrap();
        legacy
    }

    /// A file with this schema instead.
    pub(crate) async fn with_schema(schema: &'static str) -> Self {
        let legacy = Self::empty();
        std::fs::File::create_new(&legacy.file).unwrap();
        legacy.run(schema).await;
        legacy
    }

    /// A folder in which there is no file yet.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            file: folder.path().join("users.db"),
            _folder: folder,
        }
    }

    pub(crate) fn settings(&self, statements: &[(StatementName, &str)]) -> Settings {
        let statements: BTreeMap<_, _> = statements
            .iter()
            .map(|(name, sql)| (*name, (*sql).to_owned()))
            .collect();
        Settings::new(StoreUrl::sqlite(&self.file), statements)
    }

    pub(crate) async fn open(&self, statements: &[(StatementName, &str)]) -> Result<Store, Error> {
        Store::open(self.settings(statements)).await
    }

    /// A store with one connection, and a deadline that is short for a person and long for a busy machine.
    pub(crate) async fn open_narrow(&self, statements: &[(StatementName, &str)]) -> Store {
        let mut settings = self.settings(statements);
        settings.connections = 1;
        settings.wait = Duration::from_secs(20);
        settings.deadline = Duration::from_secs(2);
        Store::open(settings).await.unwrap()
    }

    /// Another program's connection to the same file.
    pub(crate) async fn stranger(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(&self.file)
            .disable_statement_logging()
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql)
            .execute(&mut self.stranger().await)
            .await
            .unwrap();
    }

    pub(crate) async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql)
            .fetch_one(&mut self.stranger().await)
            .await
            .unwrap()
    }

    /// All there is of the users, as one text.
    pub(crate) async fn users(&self) -> String {
        self.text("select coalesce(group_concat(concat_ws('|', id, email, email_verified, nickname, password_hash), '\n'), '') from users").await
    }
}

pub(crate) fn hash(text: &str) -> StoredHash {
    StoredHash::new(text.to_owned()).unwrap()
}

/// The error of a result whose value cannot be shown.
pub(crate) fn refused<T>(result: Result<T, Error>) -> Error {
    result.err().expect("this was not refused")
}
