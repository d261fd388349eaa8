//! A right password whose hash is of another decade is hashed anew, after the answer, and only if nothing is lost by it.

use std::time::Duration;

use lychgate_gateway::Settings;
use lychgate_password::{Format, StoredHash};
use lychgate_store::{Parameters, StatementName, Store, StoreUrl, Value as StoreValue};
use serde_json::{Value, json};

use crate::world::{PASSWORD, World, ZOE, read_audit};

const UPGRADE: &str = "update users set password_hash = :password_hash \
                       where lower(email) = :identifier and password_hash = :old_hash";

/// An expression that takes a database longer than any test, and is true.
const ENDLESS: &str = "(with recursive n(i) as (select 1 union all select i + 1 from n) \
                       select count(*) from n) > 0";

/// Python's `hashlib` made them: SHA-1 over password and `saltsalt`.
const OF_PASSWORD: &str = "{SSHA}46BnfOtjjVkV2IM1YrlQPStNxk5zYWx0c2FsdA==";
const OF_SHORT: &str = "{SSHA}FYhWmgocd6eU2nwJwogzbw9cqtVzYWx0c2FsdA==";

/// libxcrypt's bcrypt of eighty times `x`.
const OF_EIGHTY: &str = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";

const ADA: &str = "ada@example.com";

async fn upgrading(change: impl FnOnce(&mut Settings)) -> World {
    World::with(|settings| {
        settings.passwords.accept = vec![Format::Argon2id, Format::Bcrypt, Format::LdapSsha];
        let statements = &mut settings.store.statements;
        statements.insert(StatementName::UpgradePassword, UPGRADE.to_owned());
        change(settings);
    })
    .await
}

/// Another program's way into the store.
async fn legacy_application(world: &World) -> Store {
    let file = StoreUrl::sqlite(world.folder.path().join("users.db"));
    let statements = [
        (
            StatementName::Authenticate,
            "select id, password_hash from users where email = :identifier",
        ),
        (
            StatementName::Create,
            "insert into users (email, blocked, password_hash) \
             values (:email, :email_verified, :password_hash) returning id",
        ),
        (
            StatementName::ChangePassword,
            "update users set password_hash = :password_hash where email = :identifier",
        ),
    ];
    let statements = statements.map(|(name, sql)| (name, sql.to_owned()));
    Store::open(lychgate_store::Settings::new(file, statements.into()))
        .await
        .unwrap()
}

async fn add_user(world: &World, email: &str, blocked: bool, hash: &str) {
    let parameters = Parameters::new()
        .with("email", email)
        .with("email_verified", StoreValue::Boolean(blocked))
        .with_password_hash(StoredHash::new(hash.to_owned()).unwrap());
    let store = legacy_application(world).await;
    store
        .write(StatementName::Create, &parameters)
        .await
        .unwrap();
}

async fn stored(world: &World, email: &str) -> String {
    let parameters = Parameters::new().with("identifier", email);
    let store = legacy_application(world).await;
    let row = store.read(StatementName::Authenticate, &parameters).await;
    let hash = row.unwrap().unwrap().take_password_hash().unwrap();
    hash.expose_secret().to_owned()
}

async fn logs_in(world: &World, identifier: &str, password: &str) -> bool {
    let body = json!({ "identifier": identifier, "password": password });
    let answer = world.call("authenticate", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    !answer.json()["user"].is_null()
}

/// The value of a line of the metrics; nothing counted is no line.
async fn count(world: &World, line: &str) -> u64 {
    let text = world.admin("/metrics").await.text;
    let value = text.lines().find_map(|found| found.strip_prefix(line));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

async fn outcomes(world: &World, outcome: &str) -> u64 {
    let line = format!("lychgate_password_upgrades_total{{outcome=\"{outcome}\"}}");
    count(world, &line).await
}

async fn left(world: &World, reason: &str) -> u64 {
    let line = format!("lychgate_password_upgrades_left_total{{reason=\"{reason}\"}}");
    count(world, &line).await
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("in time");
}

fn upgrade_lines(lines: &[Value]) -> Vec<&Value> {
    let is_upgrade = |line: &&Value| line["event"] == "password-upgrade";
    lines.iter().filter(is_upgrade).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_right_password_the_hash_is_rewritten_and_nothing_more_is_to_do() {
    let world = upgrading(|_| {}).await;
    add_user(&world, ADA, false, OF_PASSWORD).await;
    assert!(logs_in(&world, ADA, PASSWORD).await);
    until(async || outcomes(&world, "upgraded").await == 1).await;
    let upgraded = stored(&world, ADA).await;
    assert!(upgraded.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));

    assert!(logs_in(&world, ADA, PASSWORD).await);
    assert!(!logs_in(&world, ADA, "another").await);
    let (_, folder) = world.stop().await;
    let lines = read_audit(&folder);
    let [line] = *upgrade_lines(&lines) else {
        panic!("one upgrade in {lines:?}")
    };
    assert_eq!(
        (&line["outcome"], &line["step"]),
        (&json!("upgraded"), &json!("operation"))
    );
    let login = lines
        .iter()
        .find(|line| line["operation"] == "authenticate");
    assert_eq!(line["pseudonym"], login.unwrap()["pseudonym"]);
    let text = line.to_string();
    for secret in [ADA, PASSWORD, OF_PASSWORD, &upgraded] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_of_today_and_a_store_without_the_statement_are_left_alone() {
    let world = upgrading(|_| {}).await;
    assert!(logs_in(&world, ZOE, PASSWORD).await);
    let metrics = world.admin("/metrics").await.text;
    let counted = metrics
        .lines()
        .filter(|line| line.starts_with("lychgate_password_upgrades"));
    let counted: Vec<_> = counted.collect();
    assert!(
        counted.len() > 10 && counted.iter().all(|line| line.ends_with(" 0")),
        "{counted:?}"
    );
    let (_, folder) = world.stop().await;
    assert!(upgrade_lines(&read_audit(&folder)).is_empty());

    let world = World::with(|settings| {
        settings.passwords.accept = vec![Format::Argon2id, Format::LdapSsha];
    })
    .await;
    add_user(&world, ADA, false, OF_PASSWORD).await;
    assert!(logs_in(&world, ADA, PASSWORD).await);
    assert_eq!(stored(&world, ADA).await, OF_PASSWORD);
    assert_eq!(world.hashes().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_no_operation() {
    let world = upgrading(|_| {}).await;
    let token = world.token("upgrade:passwords update:passwords");
    for path in ["/v1/users/upgrade-password", "/v1/users/upgrade_password"] {
        let answer = world.post(path, &token, &json!({})).await;
        answer.is_problem(404, "unknown-operation");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_disabled_user_upgrade_nothing() {
    let world = upgrading(|_| {}).await;
    add_user(&world, ADA, false, OF_PASSWORD).await;
    add_user(&world, "gone@example.com", true, OF_PASSWORD).await;
    assert!(!logs_in(&world, ADA, "wrong").await);
    assert!(!logs_in(&world, "gone@example.com", PASSWORD).await);
    let hashes = world.hashes().await;
    assert_eq!(hashes, 2, "one for each answer, and none after it");
    assert_eq!(stored(&world, ADA).await, OF_PASSWORD);
    assert_eq!(stored(&world, "gone@example.com").await, OF_PASSWORD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_not_read_whole_is_left_and_counted_without_a_line() {
    let world = upgrading(|_| {}).await;
    add_user(&world, ADA, false, OF_EIGHTY).await;
    assert!(logs_in(&world, ADA, &"x".repeat(80)).await);
    assert_eq!(left(&world, "length").await, 1);
    assert_eq!(stored(&world, ADA).await, OF_EIGHTY);
    assert!(logs_in(&world, ADA, &"x".repeat(72)).await, "read whole");
    until(async || outcomes(&world, "upgraded").await == 1).await;
    let (_, folder) = world.stop().await;
    let lines = read_audit(&folder);
    assert_eq!(upgrade_lines(&lines).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_new_format_does_not_hold_is_left_and_counted() {
    let world = upgrading(|settings| settings.passwords.write = Format::Bcrypt).await;
    let long = "y".repeat(73);
    let argon2 = {
        let pool = lychgate_password::Pool::start(lychgate_password::Settings::default()).unwrap();
        let password = lychgate_password::Password::new(long.clone()).unwrap();
        pool.hash(password).await.unwrap()
    };
    add_user(&world, ADA, false, argon2.expose_secret()).await;
    assert!(logs_in(&world, ADA, &long).await);
    assert_eq!(left(&world, "new-format").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_answered_while_its_upgrade_is_held_back_and_a_flood_is_bounded() {
    let world = upgrading(|settings| {
        settings.limits.upgrades.queue = 2;
        settings.store.wait = Duration::from_millis(50);
        settings.store.deadline = Duration::from_mins(1);
        settings.limits.upgrades.deadline = Duration::from_mins(1);
        settings.store.statements.insert(
            StatementName::UpgradePassword,
            format!("{UPGRADE} and {ENDLESS}"),
        );
    })
    .await;
    let users: Vec<_> = (0..6)
        .map(|number| format!("u{number}@example.com"))
        .collect();
    for user in &users {
        add_user(&world, user, false, OF_SHORT).await;
    }
    // The first is on its way, two wait, and for the others there is no room.
    for user in &users {
        assert!(logs_in(&world, user, "short").await);
    }
    until(async || left(&world, "queue-full").await >= 3).await;
    assert!(logs_in(&world, &users[0], "short").await);
    until(async || left(&world, "under-way").await == 1).await;
    // Whoever else wants to write finds the upgrade at it.
    let verify = async || world.call("verify_email", json!({ "email": ZOE })).await;
    until(async || verify().await.status == 503).await;
    assert!(logs_in(&world, &users[5], "short").await);
    assert_eq!(outcomes(&world, "upgraded").await, 0);
    assert_eq!(stored(&world, &users[0]).await, OF_SHORT);

    let folder = {
        let stopped = tokio::time::timeout(Duration::from_secs(20), world.stop()).await;
        stopped.expect("it does not wait for an upgrade").1
    };
    let lines = read_audit(&folder);
    let [line] = *upgrade_lines(&lines) else {
        panic!("one upgrade was begun in {lines:?}")
    };
    assert_eq!(
        (&line["outcome"], &line["reason"]),
        (&json!("upgrade-failed"), &json!("stopping"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_takes_too_long_fails_and_the_next_has_its_turn() {
    let world = upgrading(|settings| {
        settings.store.deadline = Duration::from_millis(200);
        settings.store.statements.insert(
            StatementName::UpgradePassword,
            format!("{UPGRADE} and (email = 'bob@example.com' or {ENDLESS})"),
        );
    })
    .await;
    add_user(&world, ADA, false, OF_SHORT).await;
    add_user(&world, "bob@example.com", false, OF_SHORT).await;
    assert!(logs_in(&world, ADA, "short").await);
    assert!(logs_in(&world, "bob@example.com", "short").await);
    until(async || outcomes(&world, "upgraded").await == 1).await;
    assert_eq!(outcomes(&world, "upgrade-failed").await, 1);
    assert_eq!(stored(&world, ADA).await, OF_SHORT);
    let (_, folder) = world.stop().await;
    let lines = read_audit(&folder);
    assert_eq!(upgrade_lines(&lines)[0]["reason"], "store-unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_changed_in_between_is_left_and_that_is_no_failure() {
    let world = upgrading(|settings| {
        // What the login is shown is no longer what is there.
        settings.store.statements.insert(
            StatementName::Authenticate,
            format!(
                "select id, '{OF_SHORT}' as password_hash from users where email = :identifier"
            ),
        );
    })
    .await;
    add_user(&world, ADA, false, OF_PASSWORD).await;
    assert!(logs_in(&world, ADA, "short").await);
    until(async || outcomes(&world, "superseded").await == 1).await;
    assert_eq!(stored(&world, ADA).await, OF_PASSWORD);
    assert_eq!(outcomes(&world, "upgrade-failed").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_changed_during_the_upgrade_stays_changed() {
    let world = upgrading(|_| {}).await;
    add_user(&world, ADA, false, OF_PASSWORD).await;
    for round in 0..8 {
        let store = legacy_application(&world).await;
        let old = Parameters::new()
            .with("identifier", ADA)
            .with_password_hash(StoredHash::new(OF_PASSWORD.to_owned()).unwrap());
        store
            .write(StatementName::ChangePassword, &old)
            .await
            .unwrap();

        let settled =
            async || outcomes(&world, "upgraded").await + outcomes(&world, "superseded").await;
        let before = settled().await;
        let new = format!("a new password, number {round}");
        let change = json!({ "identifier": ADA, "new_password": new });
        let (logged_in, changed) = tokio::join!(
            logs_in(&world, ADA, PASSWORD),
            world.call("change_password", change)
        );
        assert_eq!(changed.json(), json!({ "changed": true }));
        if logged_in {
            until(async || settled().await > before).await;
        }
        assert!(logs_in(&world, ADA, &new).await, "round {round}");
        assert!(!logs_in(&world, ADA, PASSWORD).await, "round {round}");
    }
    assert_eq!(outcomes(&world, "upgrade-failed").await, 0);
}
