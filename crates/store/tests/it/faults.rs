//! What goes wrong with real servers: cut off, silent, killed, started again.

use std::time::{Duration, Instant};

use lychgate_store::StatementName::{Authenticate, ChangePassword, Lookup};
use lychgate_store::{Error, Parameters, StatementName, Store};
use tokio::task::JoinSet;

use crate::legacy::{AUTHENTICATE, CHANGE_PASSWORD, LOOKUP, hash, refused};
use crate::proxy::{Fault, Proxy};
use crate::world::{World, settings, variable};

/// Makes of each function two tests.
macro_rules! on_every_server {
    ($($behaviour:ident),* $(,)?) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $behaviour() {
                    super::$behaviour(crate::world::World::postgres().await).await;
                }
            )*
        }
        mod mysql {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $behaviour() {
                    super::$behaviour(crate::world::World::mysql().await).await;
                }
            )*
        }
    };
}

on_every_server!(
    a_read_whose_connection_is_cut_is_run_once_more,
    a_read_that_is_cut_twice_is_unavailable,
    a_write_that_is_cut_before_its_commit_is_not_done_and_not_repeated,
    a_write_whose_commit_is_not_answered_has_an_unknown_outcome,
    a_silent_server_is_a_timeout_and_its_connection_is_replaced,
    a_write_goes_through_after_the_pool_lost_its_connections,
    the_circuit_opens_when_the_store_is_down_and_closes_by_itself,
);

const STATEMENTS: [(StatementName, &str); 3] = [
    (Authenticate, AUTHENTICATE),
    (Lookup, LOOKUP),
    (ChangePassword, CHANGE_PASSWORD),
];

fn zoe() -> Parameters {
    Parameters::new().with("identifier", "zoe@example.com")
}

/// A store behind a proxy, without TLS, so that the proxy can read what it cuts.
async fn through_a_proxy(world: &World, connections: u32) -> (Store, Proxy) {
    let (address, database) = world.url_text().rsplit_once('/').unwrap();
    let (host, port) = address.rsplit_once(':').unwrap();
    let proxy = Proxy::to(port.parse().unwrap()).await;
    let url = format!("{host}:{}/{database}?sslmode=disable", proxy.port);
    let mut settings = settings(url.parse().unwrap(), &STATEMENTS);
    settings.connections = connections;
    (settings.wait, settings.deadline) = (Duration::from_secs(20), Duration::from_secs(4));
    (Store::open(settings).await.unwrap(), proxy)
}

async fn a_read_whose_connection_is_cut_is_run_once_more(world: World) {
    let (store, proxy) = through_a_proxy(&world, 2).await;
    for fault in [
        Fault::CutAnswerTo("zoe@example.com"),
        Fault::CutBefore("zoe@example.com"),
    ] {
        proxy.set(fault);
        assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
    }
}

async fn a_read_that_is_cut_twice_is_unavailable(world: World) {
    let (store, proxy) = through_a_proxy(&world, 2).await;
    proxy.set(Fault::Down);
    let error = refused(store.read(Lookup, &zoe()).await);
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
}

async fn a_write_that_is_cut_before_its_commit_is_not_done_and_not_repeated(world: World) {
    let (store, proxy) = through_a_proxy(&world, 1).await;
    let before = world.users().await;
    for fault in [
        Fault::CutAnswerTo("$2b$04$new"),
        Fault::CutBefore("$2b$04$new"),
    ] {
        proxy.set(fault);
        let change = zoe().with_password_hash(hash("$2b$04$new"));
        let error = refused(store.write(ChangePassword, &change).await);
        match &world {
            World::Postgres(_) => assert!(matches!(error, Error::Unavailable(_)), "{error}"),
            // Its tables may be of a kind that knows no transactions.
            _ => assert!(
                matches!(error, Error::OutcomeUnknown(ChangePassword)),
                "{error}"
            ),
        }
        assert_eq!(world.users().await, before);
    }
}

async fn a_write_whose_commit_is_not_answered_has_an_unknown_outcome(world: World) {
    let (store, proxy) = through_a_proxy(&world, 1).await;
    for (fault, is_done) in [
        (Fault::CutBefore("COMMIT"), false),
        (Fault::CutAnswerTo("COMMIT"), true),
    ] {
        proxy.set(fault);
        let change = zoe().with_password_hash(hash("$2b$04$new"));
        let error = refused(store.write(ChangePassword, &change).await);
        assert!(
            matches!(error, Error::OutcomeUnknown(ChangePassword)),
            "{error}"
        );
        assert_eq!(world.users().await.contains("$2b$04$new"), is_done);
    }
}

async fn a_silent_server_is_a_timeout_and_its_connection_is_replaced(world: World) {
    let (store, proxy) = through_a_proxy(&world, 1).await;
    proxy.set(Fault::SilenceFrom("zoe@example.com"));
    let error = refused(store.read(Lookup, &zoe()).await);
    assert!(matches!(error, Error::Timeout(Lookup)), "{error}");
    proxy.set(Fault::Nothing);
    assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
}

async fn a_write_goes_through_after_the_pool_lost_its_connections(world: World) {
    let store = Store::open(world.settings(&STATEMENTS)).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.spawn(async move { store.read(Lookup, &zoe()).await.unwrap().is_some() });
    }
    assert!(tasks.join_all().await.into_iter().all(|found| found));
    match &world {
        World::Postgres(_) => {
            world
                .run(
                    "select pg_terminate_backend(pid) from pg_stat_activity \
                       where datname = current_database() and pid <> pg_backend_pid()",
                )
                .await;
        }
        _ => kill_connections(&world).await,
    }
    let change = zoe().with_password_hash(hash("$2b$04$new"));
    assert_eq!(
        store.write(ChangePassword, &change).await.unwrap().matched,
        1
    );
    assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
}

async fn kill_connections(world: &World) {
    let kills = world.text(
        "select cast(group_concat(concat('kill ', id) separator ';') as char) from information_schema.processlist \
         where db = database() and id <> connection_id()",
    );
    world.run(&kills.await).await;
}

async fn the_circuit_opens_when_the_store_is_down_and_closes_by_itself(world: World) {
    let (store, proxy) = through_a_proxy(&world, 2).await;
    proxy.set(Fault::Down);
    let is_open = |error: &Error| error.to_string().contains("has not been asked again yet");
    let mut attempts = 0;
    while !is_open(&refused(store.read(Lookup, &zoe()).await)) {
        attempts += 1;
        assert!(attempts < 10, "the circuit does not open");
    }
    let change = zoe().with_password_hash(hash("$2b$04$new"));
    let error = refused(store.write(ChangePassword, &change).await);
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    refused(store.ping().await);
    proxy.set(Fault::Nothing);
    until_it_answers(&store).await;
    assert_eq!(
        store.write(ChangePassword, &change).await.unwrap().matched,
        1
    );
}

/// Asks until there is an answer, at most half a minute.
pub(crate) async fn until_it_answers(store: &Store) {
    let until = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.read(Lookup, &zoe()).await {
        assert!(
            Instant::now() < until,
            "the store does not come back: {error}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_killed_under_load_and_comes_back() {
    let world = World::mortal_postgres().await;
    is_killed_under_load(world, "LYCHGATE_TEST_POSTGRES_PID", "-QUIT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_killed_under_load_and_comes_back() {
    let world = World::mortal_mysql().await;
    is_killed_under_load(world, "LYCHGATE_TEST_MYSQL_PID", "-KILL").await;
}

/// While a server dies and comes back, what is answered is right, what is not answered is said to be unavailable, and
/// what was written is there.
async fn is_killed_under_load(world: World, pid_file: &str, signal: &str) {
    let mut settings = world.settings(&STATEMENTS);
    settings.deadline = Duration::from_secs(4);
    let store = Store::open(settings).await.unwrap();
    let mut tasks = JoinSet::new();
    let until = Instant::now() + Duration::from_secs(3);
    for _ in 0..6 {
        let store = store.clone();
        tasks.spawn(async move {
            while Instant::now() < until {
                match store.read(Authenticate, &zoe()).await {
                    Ok(row) => assert!(row.unwrap().take_password_hash().is_some()),
                    Err(Error::Unavailable(_) | Error::Timeout(_) | Error::Overloaded) => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    let pid_file = variable(pid_file);
    let killed = process_id(&pid_file);
    kill(&pid_file, signal);
    tasks.join_all().await;
    until_it_answers(&store).await;
    // Reads that waited for the new server may have noticed nothing, so it is the server that is asked.
    assert_ne!(process_id(&pid_file), killed, "nobody was killed");
    let change = zoe().with_password_hash(hash("$2b$04$new"));
    assert_eq!(
        store.write(ChangePassword, &change).await.unwrap().matched,
        1
    );
    assert!(world.users().await.contains("$2b$04$new"));
}

pub(crate) fn kill(pid_file: &str, signal: &str) {
    let killed = std::process::Command::new("kill")
        .args([signal, &process_id(pid_file)])
        .status();
    assert!(killed.unwrap().success());
}

fn process_id(pid_file: &str) -> String {
    let file = std::fs::read_to_string(pid_file).unwrap();
    file.lines().next().unwrap().to_owned()
}
