//! Databases of a test's own: a SQLite file, or one in the servers that the tests are given.

use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, MySqlConnection, PgConnection};

use super::lychgate;

/// How long a command may take before it is called hung.
const PATIENCE: Duration = Duration::from_mins(1);

/// The kinds of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

/// A database that no other test knows.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    /// The URL of its owner, with the password, for `${env:…}`.
    pub(crate) url: String,
    /// A name that no other test has, for a role.
    pub(crate) name: String,
}

/// A number for the names of what this process makes on a server. Not that of the process: a server outlives many, and
/// their numbers come again.
pub(crate) fn own_number() -> u128 {
    static NUMBER: LazyLock<u128> = LazyLock::new(|| UNIX_EPOCH.elapsed().unwrap().as_micros());
    *NUMBER
}

impl Database {
    /// One of each kind; the file stands in this folder.
    pub(crate) async fn of_each_kind(folder: &Path) -> [Self; 3] {
        [
            Self::new(Kind::Sqlite, folder).await,
            Self::new(Kind::Postgres, folder).await,
            Self::new(Kind::Mysql, folder).await,
        ]
    }

    pub(crate) async fn new(kind: Kind, folder: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lychgate_{}_{number}", own_number());
        let server = match kind {
            Kind::Sqlite => {
                let file = folder.join(format!("{name}.db"));
                std::fs::File::create_new(&file).unwrap();
                let url = format!("sqlite:{}", file.display());
                return Self { kind, url, name };
            }
            Kind::Postgres => variable("LYCHGATE_TEST_POSTGRES"),
            Kind::Mysql => variable("LYCHGATE_TEST_MYSQL"),
        };
        let (address, _) = server.rsplit_once('/').unwrap();
        let url = format!("{address}/{name}");
        let server = Self {
            kind,
            url: server,
            name: name.clone(),
        };
        server.run(&format!("create database {name}")).await;
        Self { kind, url, name }
    }

    /// What a command says of this database.
    pub(crate) async fn ask_for(&self, command: &str, folder: &Path, arguments: &[&str]) -> Output {
        let arguments = [&[command, "--store", "${env:STORE_URL}"], arguments].concat();
        let mut command = lychgate(folder, &arguments);
        command.env("STORE_URL", &self.url);
        let output = tokio::time::timeout(PATIENCE, command.output()).await;
        output.expect("it hangs").unwrap()
    }

    /// Whether a role that is called as the database is refuses to run this.
    pub(crate) async fn refuses(&self, password: &str, sql: &str) -> bool {
        let url = self.url_of_role(password);
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self.kind {
            Kind::Sqlite => panic!("a file has no roles"),
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sql.execute(&mut connection).await.is_err()
            }
            Kind::Mysql => {
                let mut connection = MySqlConnection::connect(&url).await.unwrap();
                sql.execute(&mut connection).await.is_err()
            }
        }
    }

    /// The URL of a role that is called as the database is.
    pub(crate) fn url_of_role(&self, password: &str) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        format!("{scheme}://{}:{password}@{place}", self.name)
    }

    /// Runs SQL as the database's owner.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self.kind {
            Kind::Sqlite => {
                let file = self.url.strip_prefix("sqlite:").unwrap();
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .disable_statement_logging();
                let mut connection = options.connect().await.unwrap();
                sql.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
            }
            Kind::Mysql => {
                let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
                sql.execute(&mut connection).await.unwrap();
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test's own configuration comes from the environment"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts the servers, or `cargo xtask servers`")
    })
}
