//! One legacy store of each kind, with the same users in it, for tests that must come out the same on all of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use lychgate_store::{Error, Settings, StatementName, Store, StoreKind, StoreUrl};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

use crate::legacy::{HASH, Legacy};

/// A store of some kind, and a second way into it for tests to look and to disturb.
pub(crate) enum World {
    Sqlite(Legacy),
    /// The URL of a database of the test's own.
    Postgres(String),
    Mysql(String),
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        Self::Sqlite(Legacy::sample().await)
    }

    pub(crate) async fn postgres() -> Self {
        let world = Self::Postgres(new_database(&variable("LYCHGATE_TEST_POSTGRES")).await);
        world.run(POSTGRES_USERS).await;
        world.fill().await;
        world
    }

    pub(crate) async fn mysql() -> Self {
        let world = Self::Mysql(new_database(&variable("LYCHGATE_TEST_MYSQL")).await);
        world.run(MYSQL_USERS).await;
        world.fill().await;
        world
    }

    /// The same, in the servers that a test may kill.
    pub(crate) async fn mortal_postgres() -> Self {
        let world = Self::Postgres(new_database(&variable("LYCHGATE_TEST_POSTGRES_MORTAL")).await);
        world.run(POSTGRES_USERS).await;
        world.fill().await;
        world
    }

    pub(crate) async fn mortal_mysql() -> Self {
        let world = Self::Mysql(new_database(&variable("LYCHGATE_TEST_MYSQL_MORTAL")).await);
        world.run(MYSQL_USERS).await;
        world.fill().await;
        world
    }

    async fn fill(&self) {
        let sql = format!(
            "insert into users (email, email_verified, nickname, blocked, password_hash) values \
             ('zoe@example.com', '1', 'Zoë', '0', '{HASH}'), ('max@example.com', '0', null, '1', null)"
        );
        self.run(&sql).await;
    }

    pub(crate) fn url(&self) -> StoreUrl {
        match self {
            Self::Sqlite(legacy) => StoreUrl::sqlite(&legacy.file),
            Self::Postgres(url) | Self::Mysql(url) => url.parse().unwrap(),
        }
    }

    pub(crate) fn kind(&self) -> StoreKind {
        self.url().kind().unwrap()
    }

    /// The name of a server's database.
    pub(crate) fn database(&self) -> &str {
        self.url_text().rsplit_once('/').unwrap().1
    }

    /// The URL of a server as text, for tests that change it.
    pub(crate) fn url_text(&self) -> &str {
        match self {
            Self::Sqlite(_) => panic!("a file has no server"),
            Self::Postgres(url) | Self::Mysql(url) => url,
        }
    }

    pub(crate) fn settings(&self, statements: &[(StatementName, &str)]) -> Settings {
        settings(self.url(), statements)
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

    /// Runs SQL of the test's own, as another program would.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(legacy) => {
                let mut stranger = legacy.stranger().await;
                sqlx::raw_sql(sql).execute(&mut stranger).await.unwrap();
            }
            Self::Postgres(url) => {
                let mut stranger = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut stranger).await.unwrap();
            }
            Self::Mysql(url) => {
                let mut stranger = MySqlConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut stranger).await.unwrap();
            }
        }
    }

    /// The text that a query gives.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(legacy) => {
                let mut stranger = legacy.stranger().await;
                sqlx::query_scalar(sql).fetch_one(&mut stranger).await
            }
            Self::Postgres(url) => {
                let mut stranger = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut stranger).await
            }
            Self::Mysql(url) => {
                let mut stranger = MySqlConnection::connect(url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut stranger).await
            }
        }
        .unwrap()
    }

    /// All there is of the users, as one text.
    pub(crate) async fn users(&self) -> String {
        let row = "concat_ws('|', id, email, email_verified, nickname, blocked, password_hash)";
        let all = match self {
            Self::Sqlite(_) => format!("group_concat({row}, ';')"),
            Self::Postgres(_) => format!("string_agg({row}, ';' order by id)"),
            Self::Mysql(_) => {
                format!("cast(group_concat({row} order by id separator ';') as char)")
            }
        };
        self.text(&format!("select coalesce({all}, '') from users"))
            .await
    }

    /// An expression that takes longer than anybody waits, and is true.
    pub(crate) fn endless(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("({}) > 0", crate::legacy::ENDLESS),
            Self::Postgres(_) => "pg_sleep(60) is not null".to_owned(),
            Self::Mysql(_) => "sleep(60) = 0".to_owned(),
        }
    }
}

pub(crate) fn settings(url: StoreUrl, statements: &[(StatementName, &str)]) -> Settings {
    let statements: BTreeMap<_, _> = statements
        .iter()
        .map(|(name, sql)| (*name, (*sql).to_owned()))
        .collect();
    Settings::new(url, statements)
}

/// What `cargo xtask test` tells its tests of the servers that it has started.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own configuration comes from the environment"
)]
pub(crate) fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts the servers, or `cargo xtask servers`")
    })
}

/// A number for the names of what this process makes on a server. Not that of the process: a server outlives many, and
/// their numbers come again.
pub(crate) fn own_number() -> u128 {
    static NUMBER: LazyLock<u128> = LazyLock::new(|| UNIX_EPOCH.elapsed().unwrap().as_micros());
    *NUMBER
}

/// A database that no other test knows, by its URL.
async fn new_database(server: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", own_number());
    let create = AssertSqlSafe(format!("create database {name}"));
    if server.starts_with("postgres") {
        let mut connection = PgConnection::connect(server).await.unwrap();
        sqlx::raw_sql(create)
            .execute(&mut connection)
            .await
            .unwrap();
    } else {
        let mut connection = MySqlConnection::connect(server).await.unwrap();
        sqlx::raw_sql(create)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let (address, _) = server.rsplit_once('/').unwrap();
    format!("{address}/{name}")
}

const POSTGRES_USERS: &str = "
create table users (
    id integer generated by default as identity primary key,
    email text not null unique,
    email_verified boolean not null default false,
    nickname varchar(20) check (nickname <> 'root'),
    blocked boolean not null default false,
    password_hash text
)";

const MYSQL_USERS: &str = "
create table users (
    id integer auto_increment primary key,
    email varchar(255) not null unique,
    email_verified boolean not null default false,
    nickname varchar(20) check (nickname <> 'root'),
    blocked boolean not null default false,
    password_hash varchar(255)
) default character set utf8mb4 collate utf8mb4_bin";
