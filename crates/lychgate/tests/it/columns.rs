//! Each example of the page on hashes in columns, made in each database and logged in through.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Issuer, Serve, gateway_config, own_number};

/// What every example's hash is of.
const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn every_example_of_hashes_in_columns_logs_in_on_sqlite() {
    for section in sections() {
        let folder = tempfile::tempdir().unwrap();
        let url = "sqlite:store.db";
        run(
            "sqlite3",
            &["-bail", "store.db"],
            folder.path(),
            &section.sql("sqlite"),
        );
        section.logs_in(folder.path(), url, "sqlite").await;
    }
}

#[tokio::test]
async fn every_example_of_hashes_in_columns_logs_in_on_postgresql() {
    let server = variable("LYCHGATE_TEST_POSTGRES");
    for (number, section) in sections().iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("columns_{}_{number}", own_number());
        let psql = |url: &str, sql: &str| {
            let arguments = [url, "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"];
            run("psql", &arguments, folder.path(), sql);
        };
        psql(&server, &format!("create database {name}"));
        let url = with_database(&server, &name);
        psql(&url, &section.sql("postgresql"));
        section.logs_in(folder.path(), &url, "postgresql").await;
    }
}

#[tokio::test]
async fn every_example_of_hashes_in_columns_logs_in_on_mariadb() {
    let server = variable("LYCHGATE_TEST_MYSQL");
    let (user, host) = server
        .trim_start_matches("mysql://")
        .split_once('@')
        .unwrap();
    let (host, port) = host.split('/').next().unwrap().rsplit_once(':').unwrap();
    for (number, section) in sections().iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("columns_{}_{number}", own_number());
        let arguments = [
            "--no-defaults",
            "--protocol=tcp",
            "--user",
            user,
            "--host",
            host,
            "--port",
            port,
        ];
        let sql = format!(
            "create database {name}; use {name};\n{}",
            section.sql("mariadb")
        );
        run("mariadb", &arguments, folder.path(), &sql);
        let url = with_database(&server, &name);
        section.logs_in(folder.path(), &url, "mariadb").await;
    }
}

/// The blocks under one heading of the page, each with the databases that it is for; all where it names none.
struct Section {
    heading: String,
    blocks: Vec<(String, String)>,
}

fn sections() -> Vec<Section> {
    let page = include_str!("../../../../docs/how-to/hashes-in-columns.md");
    let sections = page.split("\n## ").skip(1).map(|section| {
        let (heading, text) = section.split_once('\n').unwrap();
        let fenced = text.split("```").skip(1).step_by(2);
        let blocks = fenced.map(|block| {
            let (kind, content) = block.split_once('\n').unwrap();
            (kind.to_owned(), content.to_owned())
        });
        Section {
            heading: heading.to_owned(),
            blocks: blocks.collect(),
        }
    });
    let sections = sections.collect::<Vec<_>>();
    assert!(sections.len() >= 5);
    sections
}

impl Section {
    fn blocks(&self, language: &str, database: &str) -> String {
        let applies = |kind: &str| {
            let mut words = kind.split_whitespace();
            let databases: Vec<&str> = words.clone().skip(1).collect();
            words.next() == Some(language)
                && (databases.is_empty() || databases.contains(&database))
        };
        let blocks = self.blocks.iter().filter(|(kind, _)| applies(kind));
        let text = blocks
            .map(|(_, content)| content.as_str())
            .collect::<String>();
        assert!(
            !text.is_empty(),
            "{} has no {language} for {database}",
            self.heading
        );
        text
    }

    fn sql(&self, database: &str) -> String {
        self.blocks("sql", database)
    }

    /// Every user of the example logs in with the password, and with no other.
    async fn logs_in(&self, folder: &Path, url: &str, database: &str) {
        let issuer = Issuer::start();
        let toml = self.blocks("toml", database);
        let store = format!("[store]\nurl = \"{url}\"\n{toml}");
        let config = gateway_config(&issuer.identifier, &store);
        std::fs::write(folder.join("lychgate.toml"), config).unwrap();
        let serve = Serve::start(folder).await;
        serve.ready().await;
        let sql = self.sql(database);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let users = ["ada@example.com", "bob@example.com"];
        for (user, id) in users
            .into_iter()
            .zip(["1", "2"])
            .filter(|(user, _)| sql.contains(user))
        {
            for (password, expected) in [(PASSWORD, json!(id)), ("wrong horse", Value::Null)] {
                let answer = client
                    .post(format!("{}/v1/users/authenticate", serve.gateway))
                    .bearer_auth(issuer.sign(&issuer.claims()))
                    .json(&json!({ "identifier": user, "password": password }))
                    .send()
                    .await
                    .unwrap();
                let document: Value = answer.json().await.unwrap();
                assert_eq!(
                    document["user"]["user_id"], expected,
                    "{} on {database}: {user}: {document}",
                    self.heading
                );
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
        panic!("{name} is not set; `cargo xtask test` starts the servers and sets it")
    })
}

fn with_database(server: &str, name: &str) -> String {
    let (address, _) = server.rsplit_once('/').unwrap();
    format!("{address}/{name}")
}

/// Hands SQL to a database's own client.
fn run(program: &str, arguments: &[&str], folder: &Path, sql: &str) {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(sql.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{program} refuses\n{sql}");
}
