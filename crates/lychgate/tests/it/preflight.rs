//! `lychgate preflight` on a store as stores are after fifteen years: each count exact, and nobody named.

mod users;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use self::users::HASHES;
use crate::support::{Database, Kind, lychgate};

fn schema(kind: Kind) -> &'static str {
    match kind {
        // A key of any kind, as SQLite lets tables have it.
        Kind::Sqlite => "create table users (id, email text, username text, password_hash text)",
        Kind::Postgres => {
            "create table users (id text, email text, username text, password_hash text)"
        }
        Kind::Mysql => {
            "create table users (id varchar(200), email varchar(300), username varchar(200), password_hash text) \
             default character set utf8mb4 collate utf8mb4_bin"
        }
    }
}

/// How many users each finding is about, and how many different things they share.
fn expected() -> BTreeMap<&'static str, (u64, Option<u64>)> {
    BTreeMap::from([
        ("email-duplicate", (2, Some(1))),
        ("email-differs-by-case", (3, Some(1))),
        ("email-differs-by-unicode", (2, Some(1))),
        ("email-differs-by-space", (2, Some(1))),
        ("email-untrimmed", (1, None)),
        // The victim and the owner of the other address cross each other.
        ("username-is-another-email", (2, None)),
        ("username-differs-by-case", (2, Some(1))),
        ("username-refused", (1, None)),
        ("username-missing", (1, None)),
        ("email-no-at", (1, None)),
        ("email-space", (1, None)),
        ("email-too-long", (1, None)),
        ("email-untyped", (1, None)),
        ("email-malformed", (1, None)),
        ("email-missing", (2, None)),
        ("not-findable", (1, None)),
        ("hash-missing", (1, None)),
        ("hash-blank", (2, None)),
        ("hash-unknown", (1, None)),
        ("hash-unfit", (1, None)),
        ("id-null", (1, None)),
        ("id-empty", (1, None)),
        ("id-is-email", (1, None)),
        ("id-not-unique", (2, Some(1))),
        ("id-differs-by-case", (3, Some(1))),
        ("id-pipe", (1, None)),
        ("id-long", (1, None)),
        ("id-space", (1, None)),
    ])
}

async fn fill(database: &Database) {
    database.run(schema(database.kind)).await;
    let rows = users::rows();
    database
        .run(&format!("insert into users values {}", rows.join(", ")))
        .await;
}

async fn preflight(database: &Database, folder: &Path, arguments: &[&str]) -> Output {
    database.ask_for("preflight", folder, arguments).await
}

fn found(output: &Output) -> BTreeMap<String, (u64, Option<u64>)> {
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = document["findings"].as_array().unwrap();
    let count = |finding: &Value| {
        (
            finding["users"].as_u64().unwrap(),
            finding["groups"].as_u64(),
        )
    };
    findings
        .iter()
        .map(|finding| (finding["id"].as_str().unwrap().to_owned(), count(finding)))
        .collect()
}

#[tokio::test]
async fn every_trouble_of_a_dirty_store_is_counted_exactly_and_nobody_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for database in Database::of_each_kind(folder.path()).await {
        fill(&database).await;
        let output = preflight(&database, folder.path(), &["--format", "json"]).await;
        let expected: BTreeMap<_, _> = expected()
            .into_iter()
            .map(|(id, count)| (id.to_owned(), count))
            .collect();
        assert_eq!(found(&output), expected, "{:?}", database.kind);
        assert_eq!(output.status.code(), Some(1));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["users"], users::rows().len());
        let phpass = json!({ "hashes": 6, "formats": ["phpass"] });
        assert!(
            document["formats"].as_array().unwrap().contains(&phpass),
            "{document:#}"
        );
        let text = preflight(&database, folder.path(), &[]).await;
        for said in [&output.stdout, &output.stderr, &text.stdout, &text.stderr] {
            let said = String::from_utf8_lossy(said).to_lowercase();
            for personal in ["canary", "example.com", "$2b$", "$p$9"] {
                assert!(!said.contains(personal), "{personal} in {said}");
            }
        }
    }
}

#[tokio::test]
async fn keys_that_change_their_kind_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Kind::Sqlite, folder.path()).await;
    database.run(schema(Kind::Sqlite)).await;
    let hash = HASHES[0];
    for (number, id) in ["1", "2", "-3", "'4'", "5.5"].into_iter().enumerate() {
        database
            .run(&format!(
                "insert into users values ({id}, 'u{number}@example.com', 'u{number}', '{hash}')"
            ))
            .await;
    }
    let output = preflight(&database, folder.path(), &["--format", "json"]).await;
    let expected = [
        ("id-fraction", 1),
        ("id-mixed-kinds", 2),
        ("id-negative", 1),
    ];
    let expected: BTreeMap<_, _> = expected
        .into_iter()
        .map(|(id, users)| (id.to_owned(), (users, None)))
        .collect();
    assert_eq!(found(&output), expected);
}

#[tokio::test]
async fn a_store_without_trouble_ends_in_0_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Kind::Sqlite, folder.path()).await;
    database.run("create table users (id integer primary key, email text not null unique, password_hash text not null)").await;
    let rows: Vec<_> = (1..=3_000)
        .map(|id| format!("({id}, 'user{id}@example.com', '{}')", HASHES[0]))
        .collect();
    database
        .run(&format!("insert into users values {}", rows.join(", ")))
        .await;
    let output = preflight(&database, folder.path(), &[]).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("3000 users in users of sqlite:") && said.contains("nothing was found"),
        "{said}"
    );
}

/// Two tables look alike; the statement says which one it is.
#[tokio::test]
async fn with_a_config_the_table_of_its_statement_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    for database in Database::of_each_kind(folder.path()).await {
        for (table, users) in [("customers", 3), ("members", 2)] {
            database
                .run(&format!(
                    "create table {table} (id integer primary key, email varchar(190) not null unique, password_hash varchar(255) not null)"
                ))
                .await;
            let hash = HASHES[0];
            let rows = (0..users).map(|id| format!("({id}, 'u{id}@example.com', '{hash}')"));
            let rows: Vec<_> = rows.collect();
            database
                .run(&format!("insert into {table} values {}", rows.join(", ")))
                .await;
        }
        let authenticate = "select m.id as user_id, m.email, m.password_hash from members m where m.email = :identifier";
        let config = config(
            &database.url,
            "authenticate",
            authenticate,
            &["bcrypt", "phpass"],
        );
        std::fs::write(folder.path().join("lychgate.toml"), config).unwrap();
        let counted = async |arguments: &[&str]| {
            let arguments = [&["preflight", "--format", "json"], arguments].concat();
            let output = lychgate(folder.path(), &arguments).output().await.unwrap();
            let document: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
            document["users"].as_u64()
        };
        assert_eq!(counted(&[]).await, Some(2), "{:?}", database.kind);
        assert_eq!(counted(&["--table", "customers"]).await, Some(3));
    }
}

/// A config of a gateway with one operation.
fn config(url: &str, operation: &str, sql: &str, accept: &[&str]) -> String {
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nallowlist = {{ networks = [\"127.0.0.0/8\"] }}\n\
         access_token = {{ issuers = [\"https://issuer.example.com/\"], audience = \"urn:x\", clients = [\"c\"] }}\n\
         [store]\nurl = \"{url}\"\n[store.operations]\n{operation} = \"{sql}\"\n\
         [passwords]\naccept = {accept:?}\nwrite = {:?}\n",
        accept[0]
    )
}

#[tokio::test]
async fn with_a_config_hashes_that_it_does_not_accept_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Kind::Sqlite, folder.path()).await;
    database.run("create table users (id integer primary key, email text not null unique, password_hash text not null)").await;
    for (number, hash) in HASHES[..2].iter().enumerate() {
        database
            .run(&format!(
                "insert into users values ({number}, 'u{number}@example.com', '{hash}')"
            ))
            .await;
    }
    let output = with_config(folder.path(), &database, "nfc").await;
    assert_eq!(
        found(&output),
        BTreeMap::from([("hash-not-accepted".to_owned(), (1, None))])
    );
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn with_a_config_users_collide_in_its_normalization() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Kind::Sqlite, folder.path()).await;
    database.run("create table users (id integer primary key, email text not null unique, password_hash text not null)").await;
    for (id, letter) in [(1, "z"), (2, "ｚ")] {
        let hash = HASHES[0];
        database
            .run(&format!(
                "insert into users values ({id}, '{letter}oe@example.com', '{hash}')"
            ))
            .await;
    }
    let output = with_config(folder.path(), &database, "nfc").await;
    assert!(!found(&output).contains_key("email-differs-by-unicode"));
    let output = with_config(folder.path(), &database, "nfkc").await;
    assert_eq!(found(&output)["email-differs-by-unicode"], (2, Some(1)));
}

/// What is counted with a config that accepts two formats.
async fn with_config(folder: &Path, database: &Database, normalization: &str) -> Output {
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nallowlist = {{ networks = [\"127.0.0.0/8\"] }}\n\
         access_token = {{ issuers = [\"https://issuer.example.com/\"], audience = \"urn:x\", clients = [\"c\"] }}\n\
         [store]\nurl = \"{}\"\nidentifier_normalization = \"{normalization}\"\n[store.operations]\n\
         lookup = \"select id as user_id, email from users where email = :identifier\"\n\
         [passwords]\naccept = [\"argon2id\", \"bcrypt\"]\n",
        database.url
    );
    std::fs::write(folder.join("lychgate.toml"), config).unwrap();
    lychgate(folder, &["preflight", "--format", "json"])
        .output()
        .await
        .unwrap()
}
