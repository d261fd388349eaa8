//! PostgreSQL behind a real PgBouncer in transaction mode: whoever asks twice may be answered by two sessions.

use std::time::Duration;

use lychgate_store::StatementName::{Authenticate, ChangePassword, Create, Lookup, VerifyEmail};
use lychgate_store::{Error, Parameters, Settings, StatementName, Store, Value};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::task::JoinSet;

use crate::legacy::{AUTHENTICATE, CHANGE_PASSWORD, CREATE, LOOKUP, hash, refused};
use crate::world::{World, settings, variable};

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

/// The same database, through the pooler.
fn through_the_pooler(world: &World) -> String {
    let pooler = variable("LYCHGATE_TEST_PGBOUNCER");
    let (address, _) = pooler.rsplit_once('/').unwrap();
    let (_, database) = world.url_text().rsplit_once('/').unwrap();
    format!("{address}/{database}")
}

fn pooled(world: &World, statements: &[(StatementName, &str)]) -> Settings {
    let url = format!(
        "{}?sslmode=disable&prepared=false",
        through_the_pooler(world)
    );
    let mut settings = settings(url.parse().unwrap(), statements);
    (settings.wait, settings.deadline) = (Duration::from_secs(30), Duration::from_secs(30));
    settings
}

/// More of our connections than the pooler has sessions, so that they go from hand to hand; and none of a session's
/// statements is left in it.
#[tokio::test(flavor = "multi_thread")]
async fn many_reads_and_writes_at_once_all_come_true_and_leave_nothing_prepared() {
    let world = World::postgres().await;
    world
        .run(
            "create type mood as enum ('glad', 'sad'); alter table users add mood mood default 'glad'",
        )
        .await;
    let mood =
        "select id, mood, password_hash from users where email = :identifier and mood <> 'sad'";
    let statements = [
        (Authenticate, mood),
        (ChangePassword, CHANGE_PASSWORD),
        (Create, CREATE),
    ];
    let store = Store::open(pooled(&world, &statements)).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..24 {
        let store = store.clone();
        tasks.spawn(async move {
            let (email, stored) = (format!("u{number}@example.com"), format!("$2b$04${number}"));
            let create = Parameters::new().with("email", email.as_str());
            let create = create.with_password_hash(hash("$2b$04$first"));
            assert_eq!(store.write(Create, &create).await.unwrap().matched, 1);
            let change = identifier(&email).with_password_hash(hash(&stored));
            let changed = store.write(ChangePassword, &change).await.unwrap();
            assert_eq!(changed.matched, 1);
            for _ in 0..10 {
                let found = store.read(Authenticate, &identifier(&email)).await;
                let mut row = found.unwrap().unwrap();
                assert_eq!(row.take_password_hash().unwrap().expose_secret(), stored);
                assert_eq!(row.get("mood"), Some(&Value::from("glad")));
            }
        });
    }
    tasks.join_all().await;
    let error = refused(store.write(Create, &duplicate()).await);
    assert!(matches!(error, Error::UniqueViolation(Create)), "{error}");
    let url = through_the_pooler(&world);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
        let options = options.extra_float_digits(None);
        let options = options.ssl_mode(sqlx::postgres::PgSslMode::Disable);
        let mut session = PgConnection::connect_with(&options).await.unwrap();
        session.execute("begin").await.unwrap();
        let left = "do $$ begin if exists (select from pg_prepared_statements) then raise 'left'; end if; end $$";
        session.execute(left).await.unwrap();
        sessions.push(session);
    }
}

fn duplicate() -> Parameters {
    Parameters::new()
        .with("email", "zoe@example.com")
        .with_password_hash(hash("$2b$04$x"))
}

#[tokio::test]
async fn a_read_cannot_write_through_the_pooler_whatever_it_calls() {
    let world = World::postgres().await;
    world.run("create function gone(text) returns int volatile language sql as 'delete from users where email = $1 returning id'").await;
    let before = world.users().await;
    let statements = [(Lookup, "select gone(:identifier) as id")];
    let store = Store::open(pooled(&world, &statements)).await.unwrap();
    for _ in 0..4 {
        let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await);
        assert!(
            matches!(error, Error::Unavailable("it may only be read")),
            "{error}"
        );
    }
    assert_eq!(world.users().await, before);
}

#[tokio::test]
async fn a_deadline_holds_through_the_pooler_and_in_the_server_itself() {
    let world = World::postgres().await;
    let slow = "select id, current_setting('statement_timeout') as nickname, \
                case email when 'max@example.com' then pg_sleep(60) is null end as blocked \
                from users where email = :identifier";
    let verify = "update users set email_verified = (email <> 'max@example.com' or pg_sleep(60) is null) \
                  where email = :email";
    let mut settings = pooled(&world, &[(Lookup, slow), (VerifyEmail, verify)]);
    (settings.connections, settings.deadline) = (1, Duration::from_secs(2));
    let store = Store::open(settings).await.unwrap();
    let before = world.users().await;
    for _ in 0..2 {
        let error = refused(store.read(Lookup, &identifier("max@example.com")).await);
        assert!(matches!(error, Error::Timeout(Lookup)), "{error}");
        let max = Parameters::new().with("email", "max@example.com");
        let error = refused(store.write(VerifyEmail, &max).await);
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        let row = store.read(Lookup, &identifier("zoe@example.com")).await;
        let row = row.unwrap().unwrap();
        assert_eq!(row.get("nickname"), Some(&Value::from("2s")));
    }
    assert_eq!(world.users().await, before);
}

#[tokio::test]
async fn a_pooler_is_told_from_a_server_that_is_down() {
    let world = World::postgres().await;
    let url = format!("{}?sslmode=disable", through_the_pooler(&world));
    let statements = [(Lookup, LOOKUP), (Authenticate, AUTHENTICATE)];
    let error = refused(Store::open(settings(url.parse().unwrap(), &statements)).await);
    assert!(
        error.to_string().contains("add `prepared=false` to `url`"),
        "{error}"
    );
}

#[tokio::test]
async fn only_postgres_has_such_poolers() {
    let world = World::mysql().await;
    let url = |value| format!("{}?prepared={value}", world.url_text());
    let error = url("false")
        .parse::<lychgate_store::StoreUrl>()
        .unwrap_err();
    assert!(error.to_string().contains("`prepared`"), "{error}");
    let store = Store::open(settings(url("true").parse().unwrap(), &[(Lookup, LOOKUP)])).await;
    store.unwrap().ping().await.unwrap();
}
