//! The tour on databases and directories that somebody gives to the demo.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, SqliteConnection};

use super::{Demo, STEPS};
use crate::directory::Tree;
use crate::support::own_number;

#[tokio::test]
async fn every_step_of_the_tour_is_as_expected_on_postgresql() {
    the_tour_is_good_on(&Database::in_server("LYCHGATE_TEST_POSTGRES", "tour").await).await;
}

#[tokio::test]
async fn every_step_of_the_tour_is_as_expected_on_mariadb() {
    the_tour_is_good_on(&Database::in_server("LYCHGATE_TEST_MYSQL", "tour").await).await;
}

#[tokio::test]
async fn every_step_of_the_tour_is_as_expected_on_openldap() {
    let directory = Directory::new("tour");
    let before = directory.tree.text();
    let demo = directory.demo(&["--exit", "--format", "json"]);
    let ended = demo.end().await;
    all_is_ok(ended.status, &ended.output, &ended.errors);
    assert!(
        ended
            .output
            .contains("logged in: sha512-crypt, bcrypt, ldap-smd5, ldap-sha, ldap-ssha"),
        "{}",
        ended.output
    );
    assert_eq!(directory.tree.text(), before);
}

#[tokio::test]
async fn every_step_of_the_tour_is_as_expected_on_a_given_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("given.db").display());
    let ended = Demo::start(&["--exit", "--format", "json", "--store", &url])
        .end()
        .await;
    all_is_ok(ended.status, &ended.output, &ended.errors);
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "the file that it made is still there");
}

#[tokio::test]
async fn a_tour_that_is_interrupted_leaves_the_database_as_it_was() {
    for variable in ["LYCHGATE_TEST_POSTGRES", "LYCHGATE_TEST_MYSQL"] {
        let database = Database::in_server(variable, "interrupted").await;
        database
            .run("create table orders (id integer)")
            .await
            .unwrap();
        let mut demo = Demo::start(&["--store", &database.url]);
        demo.line("login-wrong-password").await;
        database
            .run("select id from users")
            .await
            .expect("the tour runs there");
        demo.signal("INT").await;
        let ended = demo.end().await;
        assert_eq!(ended.status, Some(0), "{}{}", ended.output, ended.errors);
        assert_eq!(ended.left, 0, "its folder is still there");
        database
            .run("select id from users")
            .await
            .expect_err("the table is still there");
        database
            .run("select id from orders")
            .await
            .expect("what was there is still there");
    }
}

#[tokio::test]
async fn a_tour_that_is_interrupted_leaves_the_directory_as_it_was() {
    let directory = Directory::new("interrupted");
    let before = directory.tree.text();
    let mut demo = directory.demo(&[]);
    demo.line("login-wrong-password").await;
    assert!(
        directory.tree.text().contains("dn: uid=grace@example.com"),
        "the tour runs elsewhere"
    );
    demo.signal("INT").await;
    let ended = demo.end().await;
    assert_eq!(ended.status, Some(0), "{}{}", ended.output, ended.errors);
    assert_eq!(ended.left, 0, "its folder is still there");
    assert_eq!(directory.tree.text(), before);
}

#[tokio::test]
async fn a_directory_that_has_the_entry_of_the_demo_is_refused_and_left_alone() {
    let directory = Directory::new("theirs");
    directory.tree.add(
        "dn: ou=lychgate-demo,ROOT\nobjectClass: organizationalUnit\n\n\
         dn: cn=theirs,ou=lychgate-demo,ROOT\nobjectClass: device\n",
    );
    let before = directory.tree.text();
    let ended = directory.demo(&["--exit"]).end().await;
    assert_eq!(ended.status, Some(1), "{}", ended.errors);
    assert!(
        ended.errors.contains("an entry `ou=lychgate-demo`"),
        "{}",
        ended.errors
    );
    assert_eq!((ended.output.as_str(), ended.left), ("", 0));
    assert_eq!(directory.tree.text(), before);
}

#[tokio::test]
async fn a_database_that_has_users_is_refused_and_left_alone() {
    let file = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", file.path().join("theirs.db").display());
    std::fs::write(file.path().join("theirs.db"), "").unwrap();
    for database in [
        Database::in_server("LYCHGATE_TEST_POSTGRES", "theirs").await,
        Database::in_server("LYCHGATE_TEST_MYSQL", "theirs").await,
        Database { url: sqlite },
    ] {
        database
            .run("create table users (id integer)")
            .await
            .unwrap();
        database.run("insert into users values (7)").await.unwrap();
        let ended = Demo::start(&["--exit", "--store", &database.url])
            .end()
            .await;
        assert_eq!(ended.status, Some(1), "{}", ended.errors);
        assert!(
            ended.errors.contains("a table `users` already"),
            "{}",
            ended.errors
        );
        assert_eq!((ended.output.as_str(), ended.left), ("", 0));
        assert_eq!(
            database
                .run("delete from users where id = 7")
                .await
                .unwrap(),
            1
        );
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_wrong_usage_and_its_credentials_are_not_repeated() {
    for store in [
        "postgres://lychgate:hunter2@127.0.0.1/legacy",
        "mongodb://hunter2@127.0.0.1/legacy",
        "postgres://u:${env:NO_SUCH_VARIABLE_HERE}@127.0.0.1/legacy",
        "ldaps://127.0.0.1/ou=hunter2,dc=example,dc=com",
    ] {
        let ended = Demo::start(&["--exit", "--store", store]).end().await;
        assert_eq!(ended.status, Some(2), "{}", ended.errors);
        assert!(ended.errors.contains("`--store`"), "{}", ended.errors);
        assert!(!ended.errors.contains("hunter2"), "{}", ended.errors);
    }
}

async fn the_tour_is_good_on(database: &Database) {
    let ended = Demo::start(&["--exit", "--format", "json", "--store", &database.url])
        .end()
        .await;
    all_is_ok(ended.status, &ended.output, &ended.errors);
    database
        .run("select id from users")
        .await
        .expect_err("the table is still there");
}

fn all_is_ok(status: Option<i32>, output: &str, errors: &str) {
    assert_eq!(status, Some(0), "{output}{errors}");
    let report: Value = serde_json::from_str(output).unwrap();
    let steps = report["steps"].as_array().unwrap();
    let good = steps.iter().filter(|step| step["ok"] == true).count();
    assert_eq!((good, steps.len()), (STEPS.len(), STEPS.len()), "{output}");
}

/// A directory, and an account that may write there.
pub(crate) struct Directory {
    tree: Tree,
    folder: tempfile::TempDir,
}

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("password"),
            "the password of the keeper\n",
        )
        .unwrap();
        Self {
            tree: Tree::new(&format!("demo-{name}"), DIRECTORY),
            folder,
        }
    }

    /// A demo that is given it.
    pub(crate) fn demo(&self, arguments: &[&str]) -> Demo {
        let password = self.folder.path().join("password");
        let account = [
            "--store",
            &self.tree.url(&self.tree.root),
            "--bind-dn",
            &format!("cn=keeper,{}", self.tree.root),
            "--bind-password",
            &format!("${{file:{}}}", password.display()),
        ];
        Demo::start(&[arguments, &account].concat())
    }
}

/// `ROOT` stands for the root of the tree.
const DIRECTORY: &str = "
dn: ROOT
objectClass: organizationalUnit

dn: cn=keeper,ROOT
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: the password of the keeper
";

/// A database, and a way into it beside the demo.
struct Database {
    url: String,
}

impl Database {
    /// One that no other test knows, in a server that `cargo xtask test` has started.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test's own configuration comes from the environment"
    )]
    async fn in_server(variable: &str, name: &str) -> Self {
        let server = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: run `cargo xtask test`, or `cargo xtask servers`")
        });
        let name = format!("demo_{name}_{}", own_number());
        let create = format!("create database {name}");
        Self {
            url: server.clone(),
        }
        .run(&create)
        .await
        .unwrap();
        let (address, _) = server.rsplit_once('/').unwrap();
        Self {
            url: format!("{address}/{name}"),
        }
    }

    /// Runs SQL of the test's own; how many rows it changed.
    async fn run(&self, sql: &str) -> sqlx::Result<u64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match self.url.split(':').next().unwrap() {
            "postgres" => {
                let mut stranger = PgConnection::connect(&self.url).await?;
                sqlx::raw_sql(sql)
                    .execute(&mut stranger)
                    .await?
                    .rows_affected()
            }
            "mysql" => {
                let mut stranger = MySqlConnection::connect(&self.url).await?;
                sqlx::raw_sql(sql)
                    .execute(&mut stranger)
                    .await?
                    .rows_affected()
            }
            _ => {
                let mut stranger = SqliteConnection::connect(&self.url).await?;
                sqlx::raw_sql(sql)
                    .execute(&mut stranger)
                    .await?
                    .rows_affected()
            }
        })
    }
}
