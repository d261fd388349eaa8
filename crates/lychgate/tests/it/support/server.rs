//! A database of a test's own, in one of the servers that the test command has started.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

/// A database with a table of users, one of secrets, and a role that may log in and has no right yet.
pub(crate) struct Server {
    /// The administrator's URL.
    url: String,
    /// The name of the role.
    pub(crate) role: String,
}

/// The password of every role; a URL holds it, and nothing may show it.
pub(crate) const ROLE_PASSWORD: &str = "role-password-canary";

impl Server {
    pub(crate) async fn postgres() -> Self {
        let server = Self::new("LYCHGATE_TEST_POSTGRES").await;
        let role = &server.role;
        let make = format!("{USERS}; create role {role} login password '{ROLE_PASSWORD}'");
        server.run(&make).await;
        server
    }

    pub(crate) async fn mysql() -> Self {
        let server = Self::new("LYCHGATE_TEST_MYSQL").await;
        let role = server.grantee();
        let make = format!("{USERS}; create user {role} identified by '{ROLE_PASSWORD}'");
        server.run(&make).await;
        server
    }

    async fn new(variable: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let database = format!("check_{}_{number}", std::process::id());
        let role = format!("gate_{}_{number}", std::process::id());
        let url = variable_of(variable);
        let (place, _) = url.rsplit_once('/').unwrap();
        let server = Self {
            url: url.clone(),
            role,
        };
        server.run(&format!("create database {database}")).await;
        Self {
            url: format!("{place}/{database}"),
            ..server
        }
    }

    /// The role as SQL writes it.
    pub(crate) fn grantee(&self) -> String {
        if self.url.starts_with("mysql") {
            format!("'{}'@'127.0.0.1'", self.role)
        } else {
            self.role.clone()
        }
    }

    /// The administrator's URL.
    pub(crate) fn administrator(&self) -> &str {
        &self.url
    }

    /// The role's URL.
    pub(crate) fn url(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        format!("{scheme}://{}:{ROLE_PASSWORD}@{place}", self.role)
    }

    /// Runs SQL as an administrator.
    pub(crate) async fn run(&self, sql: &str) {
        let statements = AssertSqlSafe(sql.to_owned());
        let done = if self.url.starts_with("mysql") {
            let mut connection = MySqlConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(statements)
                .execute(&mut connection)
                .await
                .map(drop)
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(statements)
                .execute(&mut connection)
                .await
                .map(drop)
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// What `cargo xtask test` tells its tests of the servers that it has started.
#[expect(
    clippy::disallowed_methods,
    reason = "the test's own configuration comes from the environment"
)]
fn variable_of(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `cargo xtask test`, which starts the servers, or `cargo xtask servers`")
    })
}

const USERS: &str = "
create table users (
    id integer not null primary key,
    email varchar(255) not null unique,
    email_verified boolean not null default false,
    password_hash varchar(255),
    notes varchar(255)
);
create table secrets (word varchar(255))";
