//! `lychgate serve` on PostgreSQL while the two users that it has there are exchanged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lychgate_password::{Password, Pool, Settings};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::task::JoinSet;

use super::*;
use crate::support::own_number;

/// A database of this test's own, with one user table and two users that may use it.
struct Database {
    url: String,
    name: String,
}

impl Database {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's own configuration comes from the environment"
    )]
    async fn new() -> Self {
        let server = std::env::var("LYCHGATE_TEST_POSTGRES")
            .expect("LYCHGATE_TEST_POSTGRES is not set: run `cargo xtask test`");
        let name = format!("rotation_{}", own_number());
        let (address, _) = server.rsplit_once('/').unwrap();
        let database = Self {
            url: format!("{address}/{name}"),
            name,
        };
        run(&server, &format!("create database {}", database.name)).await;
        let pool = Pool::start(Settings::default()).unwrap();
        let password = Password::new(PASSWORD.to_owned()).unwrap();
        let hash = pool.hash(password).await.unwrap();
        let users = format!(
            "create table users (id int primary key, email text, email_verified bool, nickname text, blocked bool, \
             password_hash text); insert into users values (1, 'ada@example.com', true, 'ada', false, '{}')",
            hash.expose_secret()
        );
        database.run(&users).await;
        for user in ["a", "b"] {
            let made = format!(
                "create role {user}_{name} login password 'first'; grant select on users to {user}_{name}",
                name = database.name
            );
            database.run(&made).await;
        }
        database
    }

    /// Host, port and name.
    fn address(&self) -> &str {
        self.url.split_once('@').unwrap().1
    }

    async fn run(&self, sql: &str) {
        run(&self.url, sql).await;
    }

    /// How many connections this user has.
    async fn connections(&self, user: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let sql = format!(
            "select count(*) from pg_stat_activity where usename = '{user}_{}'",
            self.name
        );
        let count = sqlx::query_scalar(AssertSqlSafe(sql));
        count.fetch_one(&mut connection).await.unwrap()
    }
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    done.execute(&mut connection).await.unwrap();
}

/// Logins and look-ups without a pause, each of which has to go well.
struct Load {
    tasks: JoinSet<()>,
    goes_on: Arc<AtomicBool>,
    logins: Arc<AtomicUsize>,
}

impl Load {
    fn on(serve: &Arc<Serve>, issuer: &Issuer) -> Self {
        let mut load = Self {
            tasks: JoinSet::new(),
            goes_on: Arc::new(AtomicBool::new(true)),
            logins: Arc::default(),
        };
        for task in 0..4 {
            let token = issuer.sign(&issuer.claims());
            let (serve, goes_on) = (Arc::clone(serve), Arc::clone(&load.goes_on));
            let logins = Arc::clone(&load.logins);
            load.tasks.spawn(async move {
                let gateway = Gateway {
                    serve: &serve,
                    token,
                };
                while goes_on.load(Ordering::Relaxed) {
                    let (operation, body) = if task == 0 {
                        ("authenticate", who("ada@example.com", PASSWORD))
                    } else {
                        ("lookup", json!({ "identifier": "ada@example.com" }))
                    };
                    let (status, answer) = gateway.ask(operation, &body).await;
                    assert_eq!(status, 200, "{operation}: {answer}");
                    assert_eq!(answer["user"]["user_id"], "1", "{operation}");
                    logins.fetch_add(usize::from(task == 0), Ordering::Relaxed);
                }
            });
        }
        load
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::Relaxed)
    }

    async fn stop(self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

/// A folder whose store is this database, as one of two users, and which only reads.
async fn reading_folder(database: &Database, issuer: &Issuer) -> TempDir {
    let folder = folder(&issuer.identifier).await;
    for user in ["a", "b"] {
        write(folder.path(), &format!("{user}.password"), "first\n");
    }
    let (address, name) = (database.address(), &database.name);
    let url = format!(
        r#"url = "postgres://{address}"
credentials = [
    {{ user = "a_{name}", password = "${{file:a.password}}" }},
    {{ user = "b_{name}", password = "${{file:b.password}}" }},
]"#
    );
    change_config(folder.path(), "url = \"sqlite:store.db\"", &url);
    let config = std::fs::read_to_string(folder.path().join("lychgate.toml")).unwrap();
    let only_reads = |line: &&str| {
        !["create", "verify", "change", "delete"]
            .iter()
            .any(|write| line.starts_with(write))
    };
    let config: Vec<&str> = config.lines().filter(only_reads).collect();
    write(folder.path(), "lychgate.toml", &config.join("\n"));
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_of_the_store_are_rotated_twice_without_a_failed_login() {
    let (database, issuer) = (Database::new().await, Issuer::start());
    let folder = reading_folder(&database, &issuer).await;
    let serve = Arc::new(Serve::start(folder.path()).await);
    serve.ready().await;
    let (load, name) = (Load::on(&serve, &issuer), &database.name);
    for (old, new, password) in [("a", "b", "second"), ("b", "a", "third")] {
        let prepared = format!("alter role {new}_{name} login password '{password}'");
        database.run(&prepared).await;
        let file = format!("{new}.password");
        write(folder.path(), &file, &format!("{password}\n"));
        until("the old user has no connection", async || {
            database.connections(new).await > 0 && database.connections(old).await == 0
        })
        .await;
        let retired = format!("alter role {old}_{name} nologin");
        database.run(&retired).await;
        let before = load.logins();
        until("people log in", async || load.logins() > before + 2).await;
    }
    load.stop().await;

    let faulty = async |value: &str| {
        let (_, metrics) = serve.admin("metrics").await;
        metrics.contains(&format!("\nlychgate_store_credentials_faulty {value}\n"))
    };
    assert!(faulty("0").await);
    write(folder.path(), "a.password", "mistyped\n");
    until("the metric tells of the fault", async || faulty("1").await).await;
    let line = serve.said("new credentials cannot be used").await;
    assert!(!line.contains("mistyped") && !line.contains(name), "{line}");

    // What is not there is named.
    let gone = format!(
        "alter role a_{name} nologin; \
         select pg_terminate_backend(pid) from pg_stat_activity where usename = 'a_{name}'"
    );
    database.run(&gone).await;
    let (status, said) = serve.admin("readyz").await;
    let store = format!("the legacy store postgres://{}", database.address());
    assert_eq!(status, 503);
    assert!(
        said.contains(&store) && said.contains("refuses the user"),
        "{said}"
    );
}
