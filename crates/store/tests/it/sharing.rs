//! PostgreSQL's reads over shared connections: what one of them suffers is nobody else's.

use std::time::Duration;

use lychgate_store::StatementName::{Authenticate, Lookup, VerifyEmail};
use lychgate_store::{Error, Parameters, Settings, StatementName, Store};
use tokio::task::JoinSet;

use crate::legacy::{AUTHENTICATE, HASH, refused};
use crate::proxy::{Fault, Proxy};
use crate::world::{World, settings};

/// Slow for the second user.
const LOOKUP: &str = "select id, case email when 'max@example.com' then pg_sleep(60) is null end as blocked \
                      from users where email = :identifier";
const VERIFY: &str =
    "update users set email_verified = (pg_sleep(60) is null) where email = :email";
const STATEMENTS: [(StatementName, &str); 3] = [
    (Authenticate, AUTHENTICATE),
    (Lookup, LOOKUP),
    (VerifyEmail, VERIFY),
];

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

fn four_connections(world: &World, deadline: Duration) -> Settings {
    let mut settings = world.settings(&STATEMENTS);
    settings.connections = 4;
    (settings.wait, settings.deadline) = (Duration::from_millis(500), deadline);
    settings
}

/// Waits until there are connections that only shared reads use.
async fn until_it_shares(world: &World, store: &Store) {
    let sharing = "select count(*)::text from pg_stat_activity where application_name = 'lychgate' \
                   and datname = current_database()";
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while world.text(sharing).await.parse::<u32>().unwrap() < 3 {
        assert!(std::time::Instant::now() < until, "it does not share");
        assert!(finds(store, "zoe@example.com").await.unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn finds(store: &Store, who: &str) -> Result<bool, Error> {
    let found = store.read(Lookup, &identifier(who)).await?;
    Ok(found.is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_while_every_connection_for_writes_is_busy() {
    let world = World::postgres().await;
    let store = Store::open(four_connections(&world, Duration::from_secs(20))).await;
    let store = store.unwrap();
    until_it_shares(&world, &store).await;
    let mut writes = JoinSet::new();
    for email in ["zoe@example.com", "max@example.com"] {
        let store = store.clone();
        let who = Parameters::new().with("email", email);
        writes.spawn(async move { store.write(VerifyEmail, &who).await.map(drop) });
    }
    let busy = "select count(*)::text from pg_stat_activity where query like 'update%' and state = 'active' \
                and datname = current_database()";
    while world.text(busy).await != "2" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut reads = JoinSet::new();
    for _ in 0..40 {
        let store = store.clone();
        reads.spawn(async move {
            let found = store
                .read(Authenticate, &identifier("zoe@example.com"))
                .await;
            let hash = found.unwrap().unwrap().take_password_hash().unwrap();
            assert_eq!(hash.expose_secret(), HASH);
        });
    }
    reads.join_all().await;
    let who = Parameters::new().with("email", "eve@example.com");
    let error = refused(store.write(VerifyEmail, &who).await);
    assert!(matches!(error, Error::Overloaded), "{error}");
    assert_eq!(writes.len(), 2, "they are still at it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_read_holds_up_nobody_who_comes_after_it() {
    let world = World::postgres().await;
    let store = Store::open(four_connections(&world, Duration::from_secs(8))).await;
    let store = store.unwrap();
    until_it_shares(&world, &store).await;
    let slow = tokio::spawn({
        let store = store.clone();
        async move { finds(&store, "max@example.com").await }
    });
    let mut reads = JoinSet::new();
    for _ in 0..60 {
        let store = store.clone();
        reads.spawn(async move { finds(&store, "zoe@example.com").await.unwrap() });
    }
    assert!(reads.join_all().await.into_iter().all(|found| found));
    assert!(
        !slow.is_finished(),
        "it was to take longer than all of them"
    );
    let error = refused(slow.await.unwrap());
    assert!(matches!(error, Error::Timeout(Lookup)), "{error}");
    until_it_shares(&world, &store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_takes_nobody_along() {
    let world = World::postgres().await;
    let store = Store::open(four_connections(&world, Duration::from_secs(20))).await;
    let store = store.unwrap();
    for _ in 0..3 {
        until_it_shares(&world, &store).await;
        let impatient = finds(&store, "max@example.com");
        let impatient = tokio::time::timeout(Duration::from_millis(20), impatient);
        let others = async {
            for _ in 0..20 {
                assert!(finds(&store, "zoe@example.com").await.unwrap());
            }
        };
        assert!(tokio::join!(impatient, others).0.is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_connection_that_is_cut_costs_nobody_the_answer() {
    let world = World::postgres().await;
    let (address, database) = world.url_text().rsplit_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let proxy = Proxy::to(port.parse().unwrap()).await;
    let url = format!("{host}:{}/{database}?sslmode=disable", proxy.port);
    let mut settings = settings(url.parse().unwrap(), &STATEMENTS);
    (settings.wait, settings.deadline) = (Duration::from_secs(20), Duration::from_secs(20));
    let store = Store::open(settings).await.unwrap();
    for fault in [
        Fault::CutAnswerTo("zoe@example.com"),
        Fault::CutBefore("zoe@example.com"),
    ] {
        until_it_shares(&world, &store).await;
        proxy.set(fault);
        let mut reads = JoinSet::new();
        for _ in 0..10 {
            let store = store.clone();
            reads.spawn(async move { finds(&store, "zoe@example.com").await.unwrap() });
        }
        assert!(reads.join_all().await.into_iter().all(|found| found));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_read_can_no_more_write_than_any_other() {
    let world = World::postgres().await;
    world.run("create function gone(text) returns int volatile language sql as 'delete from users where email = $1 returning id'").await;
    let store = world
        .open(&[(Lookup, "select gone(:identifier) as id")])
        .await
        .unwrap();
    let before = world.users().await;
    for _ in 0..50 {
        let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await);
        assert!(
            matches!(error, Error::Unavailable("it may only be read")),
            "{error}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.users().await, before);
}

/// A table that is changed behind our back is read as it is now.
#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_changes_its_type_is_read_as_it_is_now() {
    let world = World::postgres().await;
    let store = world.open(&STATEMENTS).await.unwrap();
    until_it_shares(&world, &store).await;
    let mut reads = JoinSet::new();
    for _ in 0..40 {
        let store = store.clone();
        reads.spawn(async move { finds(&store, "zoe@example.com").await.unwrap() });
    }
    assert!(reads.join_all().await.into_iter().all(|found| found));
    world
        .run("alter table users alter id drop identity; alter table users alter id type text using 'n' || id")
        .await;
    for _ in 0..20 {
        let row = store.read(Lookup, &identifier("zoe@example.com")).await;
        assert_eq!(row.unwrap().unwrap().get("id"), Some(&"n1".into()));
    }
}

/// The two drivers mean the same by every type, so that what one prepared the other may read.
#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_read_over_a_shared_connection_as_over_any_other() {
    let world = World::postgres().await;
    world
        .run("create type colour as enum ('red'); create domain address as text; create domain number as int")
        .await;
    let sql = "select 7::int2 as a, 1.5::numeric as b, 'x'::char(8) as c, 'red'::colour as d, 'a@b'::address as e, \
               7::number as f, array['red'::colour] as g, array[1, 2] as h, '{\"a\":1}'::jsonb as i, 'x'::\"char\" as j, \
               '\\xff'::bytea as k, '1999-12-31 23:31:30+02'::timestamptz as l, null::uuid as m, 'n'::name as n \
               from users where email = :identifier::address";
    let statements = [(Lookup, sql), (Authenticate, AUTHENTICATE)];
    let mut narrow = world.settings(&statements);
    narrow.connections = 1;
    let alone = Store::open(narrow).await.unwrap();
    let row = alone.read(Lookup, &identifier("zoe@example.com")).await;
    let expected = row.unwrap().unwrap().into_columns();
    drop(alone);
    let store = world.open(&statements).await.unwrap();
    until_it_shares(&world, &store).await;
    for _ in 0..5 {
        let row = store.read(Lookup, &identifier("zoe@example.com")).await;
        let columns = row.unwrap().unwrap().into_columns();
        assert!(columns == expected, "{columns:?}");
    }
}
