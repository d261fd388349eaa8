//! `lychgate preflight` on a store as stores are after fifteen years: each count exact, and nobody named.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Database, Kind, lychgate};

/// A bcrypt hash, a phpass one, and one of nothing that is known.
const HASHES: [&str; 3] = [
    "$2b$10$N9qo8uLOickgx2ZMRZoMyehtJ/whDdsI.d1w/JqKiOrDw8pCT0JLG",
    "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
    "canary-of-nothing",
];

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

/// Key, address, username, hash, as SQL; without a key that is `null` there is one made of the row's number.
fn users() -> Vec<[String; 4]> {
    let [bcrypt, phpass, unknown] = HASHES.map(|hash| format!("'{hash}'"));
    let null = || "null".to_owned();
    let text = |text: &str| format!("'{text}'");
    let mut users: Vec<[String; 4]> = Vec::new();
    let mut add = |id: Option<String>, email: String, username: String, hash: String| {
        let id = id.unwrap_or_else(|| format!("'canary-{}'", users.len()));
        users.push([id, email, username, hash]);
    };
    // Two to the letter, one more by case: three who share an address.
    add(
        None,
        text("canary.dup@example.com"),
        text("one"),
        bcrypt.clone(),
    );
    add(
        None,
        text("canary.dup@example.com"),
        text("two"),
        bcrypt.clone(),
    );
    add(
        None,
        text("Canary.Dup@example.com"),
        text("three"),
        bcrypt.clone(),
    );
    // Two by composition, two by spaces.
    add(
        None,
        text("canary.zoë@example.com"),
        text("four"),
        bcrypt.clone(),
    );
    add(
        None,
        text("canary.zoe\u{308}@example.com"),
        text("five"),
        bcrypt.clone(),
    );
    add(
        None,
        text("canary.space@example.com"),
        text("six"),
        bcrypt.clone(),
    );
    add(
        None,
        text(" canary.space@example.com"),
        text("seven"),
        bcrypt.clone(),
    );
    // A username that is somebody else's address, and one that is one's own.
    add(
        None,
        text("canary.victim@example.com"),
        text("canary.own@example.com"),
        phpass.clone(),
    );
    add(
        None,
        text("canary.own@example.com"),
        text("Canary.Victim@example.com"),
        phpass.clone(),
    );
    add(
        None,
        text("canary.self@example.com"),
        text("canary.self@example.com"),
        phpass.clone(),
    );
    // Usernames by case, and one that the platform does not take.
    add(
        None,
        text("canary.a@example.com"),
        text("Canary"),
        phpass.clone(),
    );
    add(
        None,
        text("canary.b@example.com"),
        text("canary"),
        phpass.clone(),
    );
    add(
        None,
        text("canary.c@example.com"),
        text("can ary"),
        phpass.clone(),
    );
    // Addresses that are none.
    add(
        None,
        text("canary-without-at"),
        text("eight"),
        bcrypt.clone(),
    );
    add(
        None,
        text("can ary@example.com"),
        text("nine"),
        bcrypt.clone(),
    );
    add(
        None,
        text(&format!("{}@example.com", "c".repeat(250))),
        text("ten"),
        bcrypt.clone(),
    );
    add(
        None,
        text("canary@localhost"),
        text("eleven"),
        bcrypt.clone(),
    );
    add(None, null(), text("twelve"), bcrypt.clone());
    add(None, text(""), null(), bcrypt.clone());
    // Hashes that let nobody in.
    add(None, text("canary.d@example.com"), text("thirteen"), null());
    add(
        None,
        text("canary.e@example.com"),
        text("fourteen"),
        text(""),
    );
    add(
        None,
        text("canary.f@example.com"),
        text("fifteen"),
        text("!"),
    );
    add(None, text("canary.g@example.com"), text("sixteen"), unknown);
    add(
        None,
        text("canary.h@example.com"),
        text("seventeen"),
        text(&"h".repeat(1025)),
    );
    // Keys that are none, or not for ever.
    add(
        Some(null()),
        text("canary.i@example.com"),
        text("eighteen"),
        bcrypt.clone(),
    );
    add(
        Some(text("")),
        text("canary.j@example.com"),
        text("nineteen"),
        bcrypt.clone(),
    );
    add(
        Some(text("canary.k@example.com")),
        text("canary.k@example.com"),
        text("twenty"),
        bcrypt.clone(),
    );
    add(
        Some(text("canary-same")),
        text("canary.l@example.com"),
        text("t1"),
        bcrypt.clone(),
    );
    add(
        Some(text("canary-same")),
        text("canary.m@example.com"),
        text("t2"),
        bcrypt.clone(),
    );
    add(
        Some(text("Canary-Same")),
        text("canary.n@example.com"),
        text("t3"),
        bcrypt.clone(),
    );
    add(
        Some(text("canary|pipe")),
        text("canary.o@example.com"),
        text("t4"),
        bcrypt.clone(),
    );
    add(
        Some(text(&"k".repeat(129))),
        text("canary.p@example.com"),
        text("t5"),
        bcrypt.clone(),
    );
    add(
        Some(text(" canary-space")),
        text("canary.q@example.com"),
        text("t6"),
        bcrypt,
    );
    users
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
    let rows: Vec<_> = users()
        .iter()
        .map(|user| format!("({})", user.join(", ")))
        .collect();
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
        assert_eq!(document["users"], users().len());
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
    let config = format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\nallowlist = {{ networks = [\"127.0.0.0/8\"] }}\n\
         access_token = {{ issuers = [\"https://issuer.example.com/\"], audience = \"urn:x\", clients = [\"c\"] }}\n\
         [store]\nurl = \"{}\"\n[store.operations]\n\
         lookup = \"select id as user_id, email from users where email = :identifier\"\n\
         [passwords]\naccept = [\"argon2id\", \"bcrypt\"]\n",
        database.url
    );
    std::fs::write(folder.path().join("lychgate.toml"), config).unwrap();
    let output = lychgate(folder.path(), &["preflight", "--format", "json"])
        .output()
        .await
        .unwrap();
    assert_eq!(
        found(&output),
        BTreeMap::from([("hash-not-accepted".to_owned(), (1, None))])
    );
    assert_eq!(output.status.code(), Some(0));
}
