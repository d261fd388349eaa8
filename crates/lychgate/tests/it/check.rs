//! `lychgate check` and `lychgate export grants` as a person runs them: nothing is found where nothing is wrong, and each
//! weakness is found by its id.

mod tenant;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::support::{
    AUDIENCE, Authority, Database, Issuer, Kind, SCRIPT_CLIENT, SIGNING_KEY, Serve, lychgate,
    sample_store,
};

/// A config in which there is nothing to find, but for the store's URL.
const SOUND: &str = r#"[gateway]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[gateway.allowlist]
networks = ["127.0.0.0/8"]

[gateway.access_token]
issuers = ["ISSUER"]
audience = "urn:legacy-identity"
clients = ["script-client"]
max_lifetime = "1h"

[store]
url = "STORE"

[store.operations]
authenticate = "select id, email, password_hash from users where email = :identifier"
lookup = "select id, email, email_verified from users where email = :identifier"
create = "insert into users (id, email, password_hash) values (7, :email, :password_hash)"
verify_email = "update users set email_verified = true where email = :email"
change_password = "update users set password_hash = :password_hash where email = :identifier"
change_email = "update users set email = :new_email where email = :identifier"
delete = "delete from users where id = :user_id"

[store.profile]
user_id = "id"

[passwords]
accept = ["argon2id"]

[passwords.decoy]
argon2id = 1

[audit]
file = "audit.jsonl"
pseudonym_key = "${file:pseudonym.key}"
signing_key = "${file:audit-signing.pem}"

[canaries]
identifiers = ["svc-backup@example.com"]
"#;

/// What is changed in the sound config, and the check that finds it.
const WEAKNESSES: [(&str, &str, &str); 19] = [
    (
        "networks = [\"127.0.0.0/8\"]",
        "networks = [\"8.0.0.0/8\"]",
        "allowlist-wide",
    ),
    (
        "networks = [\"127.0.0.0/8\"]",
        "networks = [\"2600::/16\"]",
        "allowlist-wide",
    ),
    (
        "networks = [\"127.0.0.0/8\"]",
        "networks = [\"0.0.0.0/0\"]\ni_accept_any_network = true",
        "allowlist-any-network",
    ),
    (
        "networks = [\"127.0.0.0/8\"]",
        "networks = [\"10.1.0.0/16\", \"8.8.8.8\"]",
        "allowlist-private-and-public",
    ),
    ("max_lifetime = \"1h\"\n", "", "token-lifetime"),
    (
        "clients = [\"script-client\"]",
        "clients = [\"a\", \"b\"]",
        "token-clients",
    ),
    (
        "issuers = [\"ISSUER\"]",
        "issuers = [\"https://a.example/\", \"https://b.example/\"]",
        "token-issuers",
    ),
    (
        "max_lifetime = \"1h\"",
        "max_lifetime = \"1h\"\nalgorithms = [\"RS256\", \"ES256\"]",
        "token-algorithms",
    ),
    (
        "accept = [\"argon2id\"]",
        "accept = [\"argon2id\", \"md5\"]",
        "passwords-weak-accepted",
    ),
    (
        "[passwords.decoy]\nargon2id = 1\n",
        "",
        "passwords-decoy-missing",
    ),
    ("file = \"audit.jsonl\"\n", "", "audit-standard-output"),
    (
        "pseudonym_key = \"${file:pseudonym.key}\"\n",
        "",
        "audit-key-missing",
    ),
    (
        "signing_key = \"${file:audit-signing.pem}\"\n",
        "",
        "audit-not-signed",
    ),
    (
        "file = \"audit.jsonl\"\n",
        "file = \"audit.jsonl\"\non_failure = \"answer\"\n",
        "audit-failure-answered",
    ),
    (
        "[canaries]\nidentifiers = [\"svc-backup@example.com\"]\n",
        "",
        "canaries-missing",
    ),
    (
        "${file:pseudonym.key}",
        "a-literal-canary-0123456789abcdef0123456789",
        "config-literal-secret",
    ),
    (
        "${file:pseudonym.key}",
        "${file:open.key}",
        "config-file-mode",
    ),
    (
        "delete from users where",
        "delete from strangers where",
        "store-statements-refused",
    ),
    ("sqlite:store.db", "sqlite:gone.db", "store-unreachable"),
];

#[tokio::test]
async fn nothing_is_found_where_nothing_is_wrong() {
    let folder = sqlite_folder().await;
    let output = check(folder.path(), &[]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.ends_with(" checks, 0 found\n"), "{said}");
}

#[tokio::test]
async fn each_weakness_is_found_by_its_id_and_no_value_is_shown() {
    for (from, to, id) in WEAKNESSES {
        let folder = sqlite_folder().await;
        change_config(folder.path(), from, to);
        let found = ids(folder.path()).await;
        let mut expected = BTreeSet::from([id.to_owned()]);
        if id == "config-literal-secret" {
            // The config itself is a secret then, and others may read it.
            expected.insert("config-file-mode".to_owned());
        }
        if id == "store-statements-refused" {
            expected.insert("store-needs-unknown".to_owned());
        }
        assert_eq!(found, expected, "{to}");
    }
}

#[tokio::test]
async fn an_address_that_leaves_the_published_list_or_has_left_it_is_found_while_it_is_in_use() {
    let folder = sqlite_folder().await;
    let list = |changelog: &str| {
        format!(
            r#"{{ "regions": {{ "EU": {{ "ipv4_cidrs": ["8.8.8.1/32", "8.8.8.2/32"] }} }}, "changelog": [{changelog}] }}"#
        )
    };
    let removal = |day: &str, network: &str| {
        format!(
            r#"{{ "date": "{day}", "region": "EU", "action": "remove", "ipv4_cidrs": ["{network}"] }}"#
        )
    };
    let networks = "networks = [\"127.0.0.0/8\"]";
    let files = "networks = [\"8.8.8.3\"]\nfiles = [\"ip-ranges.json\"]\nregions = [\"EU\"]";
    change_config(folder.path(), networks, files);
    for (changes, found) in [
        // Nothing, or nothing of ours, or one that came back.
        (String::new(), None),
        (removal("2026-01-01", "8.8.8.77/32"), None),
        (removal("2026-01-01", "8.8.8.1/32"), None),
        (
            removal("2999-01-01", "8.8.8.1/32"),
            Some("allowlist-address-leaving"),
        ),
        (
            removal("2026-01-01", "8.8.8.3/32"),
            Some("allowlist-address-left"),
        ),
    ] {
        write(folder.path(), "ip-ranges.json", &list(&changes));
        let found = found.into_iter().map(str::to_owned).collect();
        assert_eq!(ids(folder.path()).await, found, "{changes}");
    }
}

#[tokio::test]
async fn a_revocation_list_that_is_missing_or_runs_out_is_found_on_both_listeners() {
    let folder = sqlite_folder().await;
    let authority = Authority::new("clients");
    let server = authority.server("localhost");
    for (name, text) in [
        ("gateway.pem", &server.certificate),
        ("gateway.key", &server.key),
        ("clients.pem", &authority.pem()),
        ("clients.crl", &authority.list(&[], 4000)),
    ] {
        write(folder.path(), name, text);
    }
    let files = "certificate = \"gateway.pem\", key = \"gateway.key\", client_ca = \"clients.pem\"";
    let tls = format!(
        "tls = {{ {files}, client_crl = \"clients.crl\" }}\nadmin_tls = {{ {files} }}\nlisten"
    );
    change_config(folder.path(), "\nlisten", &format!("\n{tls}"));
    let missing = "client-revocation-list-missing".to_owned();
    assert_eq!(ids(folder.path()).await, [missing.clone()].into());
    write(folder.path(), "clients.crl", &authority.list(&[], 2021));
    let expiring = "client-revocation-list-expiring".to_owned();
    assert_eq!(ids(folder.path()).await, [missing, expiring].into());
}

#[tokio::test]
async fn a_store_that_others_may_open_and_that_holds_more_than_users_is_found() {
    let folder = sqlite_folder().await;
    let store = folder.path().join("store.db");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        ids(folder.path()).await,
        ["store-file-mode".to_owned()].into()
    );
}

/// What is done to the store, and the checks that find it. Each needs a table that allows it.
const TROUBLED: [(&str, &[&str]); 5] = [
    (
        "insert into users (email, password_hash) values ('zoe@example.com', '5f4dcc3b5aa765d61d8327deb882cf99')",
        &["hashes-weak", "hashes-not-accepted"],
    ),
    (
        "insert into users (email) values ('Zoe@example.com')",
        &["identifier-case"],
    ),
    (
        "insert into users (email) values ('ada@example.com')",
        &["identifier-collision"],
    ),
    ("drop index by_email", &["identifier-without-index"]),
    ("create table orders (id integer)", &["store-without-roles"]),
];

#[tokio::test]
async fn what_troubles_the_users_is_counted_and_nobody_is_named() {
    for (trouble, expected) in TROUBLED {
        let folder = sqlite_folder().await;
        let schema = "create table people as select * from users; drop table users; alter table people rename to users; \
                      create index by_email on users (email)";
        in_store(folder.path(), schema).await;
        assert_eq!(ids(folder.path()).await, BTreeSet::new());
        in_store(folder.path(), trouble).await;
        let expected: BTreeSet<_> = expected.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(ids(folder.path()).await, expected, "{trouble}");
    }
}

#[tokio::test]
async fn upper_case_that_sqlite_does_not_know_is_found() {
    let folder = sqlite_folder().await;
    let text = std::fs::read_to_string(folder.path().join("lychgate.toml")).unwrap();
    let text = text.replace(
        "where email = :identifier",
        "where lower(email) = :identifier",
    );
    std::fs::write(folder.path().join("lychgate.toml"), text).unwrap();
    in_store(
        folder.path(),
        "create index by_lower on users (lower(email))",
    )
    .await;
    assert_eq!(ids(folder.path()).await, BTreeSet::new());
    in_store(
        folder.path(),
        "insert into users (email) values ('Émile@example.com')",
    )
    .await;
    assert_eq!(
        ids(folder.path()).await,
        ["identifier-ascii-lower".to_owned()].into()
    );
}

#[tokio::test]
async fn a_store_that_ignores_case_where_the_config_does_not_is_found() {
    for comparison in [
        "email collate nocase = :identifier",
        "lower(email) = lower(:identifier)",
    ] {
        let folder = sqlite_folder().await;
        be_sensitive(folder.path());
        assert_eq!(ids(folder.path()).await, BTreeSet::new());
        compare_by(folder.path(), comparison);
        let expected = ["identifier-case-ignored", "identifier-without-index"];
        let expected: BTreeSet<_> = expected.map(str::to_owned).into();
        assert_eq!(ids(folder.path()).await, expected, "{comparison}");
    }
    for kind in [Kind::Postgres, Kind::Mysql] {
        let database = with_users(kind).await;
        let folder = folder("http://127.0.0.1:9/", &database.url);
        be_sensitive(folder.path());
        compare_by(folder.path(), "lower(email) = lower(:identifier)");
        let found = ids(folder.path()).await;
        assert!(found.contains("identifier-case-ignored"), "{found:?}");
        change_config(folder.path(), "\"sensitive\"", "\"insensitive\"");
        let found = ids(folder.path()).await;
        assert!(!found.contains("identifier-case-ignored"), "{found:?}");
    }
}

/// A database with the table of these tests, and an administrator's way into it.
async fn with_users(kind: Kind) -> Database {
    let database = Database::new(kind, Path::new("")).await;
    let user = "insert into users (id, email) values (1, 'zoe@example.com')";
    database.run(&format!("{USERS}; {user}")).await;
    database
}

fn be_sensitive(folder: &Path) {
    let section = "[store.operations]";
    let sensitive = format!("identifier_case = \"sensitive\"\n{section}");
    change_config(folder, section, &sensitive);
}

fn compare_by(folder: &Path, comparison: &str) {
    let lookup = "email_verified from users where email = :identifier";
    change_config(
        folder,
        lookup,
        &lookup.replace("email = :identifier", comparison),
    );
}

#[tokio::test]
async fn in_mysql_a_key_that_is_compared_as_a_number_is_found() {
    let database = with_users(Kind::Mysql).await;
    let folder = folder("http://127.0.0.1:9/", &database.url);
    let found = ids(folder.path()).await;
    assert!(found.contains("user-id-as-number"), "{found:?}");
    compare_exactly(folder.path());
    let found = ids(folder.path()).await;
    assert!(!found.contains("user-id-as-number"), "{found:?}");
}

/// Mends what MySQL makes of a number that is compared with a text.
fn compare_exactly(folder: &Path) {
    let key = "id = :user_id";
    let exactly = format!("{key} and cast(id as char) = :user_id");
    change_config(folder, key, &exactly);
}

async fn in_store(folder: &Path, sql: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("store.db"));
    let mut connection = options.connect().await.unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_away_is_one_finding_and_all_else_is_checked() {
    let folder = sqlite_folder().await;
    change_config(
        folder.path(),
        "sqlite:store.db",
        &format!("postgres://gate:{ROLE_PASSWORD}@127.0.0.1:9/legacy"),
    );
    change_config(
        folder.path(),
        "clients = [\"script-client\"]",
        "clients = [\"a\", \"b\"]",
    );
    let expected = [
        "store-unreachable",
        "token-clients",
        "config-literal-secret",
        "config-file-mode",
    ];
    assert_eq!(ids(folder.path()).await, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn only_what_is_severe_enough_fails() {
    let folder = sqlite_folder().await;
    change_config(
        folder.path(),
        "clients = [\"script-client\"]",
        "clients = [\"a\", \"b\"]",
    );
    for (arguments, status) in [
        (&[][..], 1),
        (&["--fail-on", "low"], 1),
        (&["--fail-on", "medium"], 0),
        (&["--fail-on", "high"], 0),
        (&["--fail-on", "never"], 2),
        (&["--config", "none.toml"], 2),
    ] {
        let output = check(folder.path(), arguments).await;
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
    }
}

#[tokio::test]
async fn sarif_names_the_rule_the_file_and_the_line() {
    let folder = sqlite_folder().await;
    change_config(
        folder.path(),
        "clients = [\"script-client\"]",
        "clients = [\"a\", \"b\"]",
    );
    let output = check(folder.path(), &["--format", "sarif"]).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], result["ruleId"]);
    assert_eq!(result["ruleId"], "token-clients");
    assert_eq!(result["level"], "note");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "lychgate.toml");
    let config = std::fs::read_to_string(folder.path().join("lychgate.toml")).unwrap();
    let line = config
        .lines()
        .position(|line| line.starts_with("clients"))
        .unwrap()
        + 1;
    assert_eq!(
        place["region"],
        json!({ "startLine": line, "startColumn": 1 })
    );
}

#[tokio::test]
async fn in_postgres_the_exported_grants_serve_every_operation_and_nothing_is_found() {
    the_whole_way(Kind::Postgres).await;
}

#[tokio::test]
async fn in_mysql_the_exported_grants_serve_every_operation_and_nothing_is_found() {
    the_whole_way(Kind::Mysql).await;
}

/// As an operator goes: the script by an administrator's config, then the role alone; then somebody grants too much.
async fn the_whole_way(kind: Kind) {
    let database = Database::new(kind, Path::new("")).await;
    let role = database.name.as_str();
    let (grantee, make) = match kind {
        Kind::Mysql => {
            let grantee = format!("'{role}'@'127.0.0.1'");
            let make = format!("create user {grantee} identified by '{ROLE_PASSWORD}'");
            (grantee, make)
        }
        _ => (
            role.to_owned(),
            format!("create role {role} login password '{ROLE_PASSWORD}'"),
        ),
    };
    database.run(&format!("{USERS}; {make}")).await;
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier, &database.url);
    if kind == Kind::Mysql {
        compare_exactly(folder.path());
    }
    let grants = ["export", "grants", "--role", role];
    let host = ["--host", "127.0.0.1"];
    let host = if kind == Kind::Mysql { &host[..] } else { &[] };
    let output = lychgate(folder.path(), &[&grants[..], host].concat())
        .output()
        .await
        .unwrap();
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    database.run(&script).await;

    write(
        folder.path(),
        "role.url",
        &database.url_of_role(ROLE_PASSWORD),
    );
    change_config(folder.path(), &database.url, "${file:role.url}");
    assert_eq!(ids(folder.path()).await, BTreeSet::new(), "{script}");
    every_operation(folder.path(), &issuer).await;

    let plant = match kind {
        Kind::Mysql => format!("grant all on *.* to {grantee}"),
        _ => format!("alter role {grantee} superuser"),
    };
    database.run(&plant).await;
    let findings = findings(folder.path()).await;
    let found: Vec<_> = findings
        .iter()
        .map(|finding| finding["id"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["role-superuser"]);
    let serve = Serve::start(folder.path()).await;
    serve.said("the store's role is a superuser").await;
    drop(serve);
    database.run(findings[0]["mend"].as_str().unwrap()).await;
    assert_eq!(ids(folder.path()).await, BTreeSet::new());
    every_operation(folder.path(), &issuer).await;
}

async fn every_operation(folder: &Path, issuer: &Issuer) {
    let serve = Serve::start(folder).await;
    serve.ready().await;
    let token = issuer.sign(&issuer.claims());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (operation, body, status, answer) in [
        (
            "create",
            json!({ "email": "ada@example.com", "password": "a first password" }),
            201,
            json!("ada@example.com"),
        ),
        (
            "verify-email",
            json!({ "email": "ada@example.com" }),
            200,
            json!(true),
        ),
        (
            "change-password",
            json!({ "identifier": "ada@example.com", "new_password": "a second password" }),
            200,
            json!(true),
        ),
        (
            "authenticate",
            json!({ "identifier": "ada@example.com", "password": "a second password" }),
            200,
            json!("ada@example.com"),
        ),
        (
            "change-email",
            json!({ "identifier": "ada@example.com", "new_email": "ada@example.org" }),
            200,
            json!(true),
        ),
        (
            "lookup",
            json!({ "identifier": "ada@example.org" }),
            200,
            json!("ada@example.org"),
        ),
        ("delete", json!({ "user_id": "7" }), 200, json!(true)),
    ] {
        let sent = client
            .post(format!("{}/v1/users/{operation}", serve.gateway))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        let found = sent.status().as_u16();
        let said: Value = sent.json().await.unwrap();
        assert_eq!(found, status, "{operation}: {said}");
        let first = said.as_object().unwrap().values().next().unwrap();
        assert!(
            *first == answer || first["email"] == answer,
            "{operation}: {said}"
        );
    }
    assert_eq!(serve.stop().await.0, Some(0));
}

#[tokio::test]
async fn grants_of_what_has_no_roles_or_no_host_are_wrong_usage() {
    let folder = sqlite_folder().await;
    let output = lychgate(folder.path(), &["export", "grants"])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    change_config(
        folder.path(),
        "sqlite:store.db",
        "mysql://gate@db.invalid/legacy",
    );
    let output = lychgate(folder.path(), &["export", "grants"])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("--host"), "{said}");
}

async fn check(folder: &Path, arguments: &[&str]) -> Output {
    let arguments = [&["check"], arguments].concat();
    let output = lychgate(folder, &arguments).output().await.unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    for secret in [ROLE_PASSWORD, "a-literal-canary", KEY] {
        assert!(!said.contains(secret), "{said}");
    }
    output
}

/// What is found. Databases of other tests in the same server are somebody else's.
async fn findings(folder: &Path) -> Vec<Value> {
    let output = check(folder, &["--format", "json"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let findings = document["findings"].as_array().unwrap().clone();
    let fails = output.status.code() == Some(1);
    assert_eq!(fails, !findings.is_empty(), "{said}");
    assert_eq!(document["ok"], json!(findings.is_empty()));
    let mut findings = findings;
    findings.retain(|finding| finding["id"] != "role-other-database");
    findings
}

async fn ids(folder: &Path) -> BTreeSet<String> {
    let findings = findings(folder).await;
    findings
        .iter()
        .map(|finding| finding["id"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) const KEY: &str = "pseudonym-key-canary-0123456789abcdef";

/// A folder with a config in which there is nothing to find, and its store.
pub(crate) async fn sqlite_folder() -> TempDir {
    let folder = folder("http://127.0.0.1:9/", "sqlite:store.db");
    sample_store(folder.path()).await;
    folder
}

fn folder(issuer: &str, store: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pseudonym.key", KEY);
    write(folder.path(), "open.key", KEY);
    write(folder.path(), "audit-signing.pem", SIGNING_KEY);
    let open = folder.path().join("open.key");
    std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o644)).unwrap();
    write(
        folder.path(),
        "lychgate.toml",
        &SOUND.replace("ISSUER", issuer).replace("STORE", store),
    );
    let config = folder.path().join("lychgate.toml");
    std::fs::set_permissions(config, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(SOUND.contains(AUDIENCE) && SOUND.contains(SCRIPT_CLIENT));
    folder
}

/// Writes a file that only its owner may read.
fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn change_config(folder: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join("lychgate.toml")).unwrap();
    let from = from.replace("ISSUER", "http://127.0.0.1:9/");
    assert_eq!(text.matches(&from).count(), 1, "{from}");
    std::fs::write(folder.join("lychgate.toml"), text.replace(&from, to)).unwrap();
}

/// The password of every role; a URL holds it, and nothing may show it.
const ROLE_PASSWORD: &str = "role-password-canary";

const USERS: &str = "
create table users (
    id integer not null primary key,
    email varchar(255) not null unique,
    email_verified boolean not null default false,
    password_hash varchar(255),
    notes varchar(255)
);
create table secrets (word varchar(255))";
