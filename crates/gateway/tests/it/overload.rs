//! What is answered when something below is full, slow or away.

use std::time::Duration;

use lychgate_password::{DecoyClass, Format};
use lychgate_store::{Parameters, StatementName, Store, StoreUrl};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{PASSWORD, World, ZOE};

/// An expression that takes a database seconds, and is true.
const SLOW: &str = "(with recursive c(x) as (select 1 union all select x + 1 from c limit 200000000) \
                    select count(*) from c) > 0";

#[tokio::test]
async fn a_full_hash_queue_is_503_and_the_store_is_untouched() {
    let world = World::with(|settings| {
        settings.passwords.threads = 1;
        settings.passwords.queue = 0;
        settings.decoys = vec![DecoyClass {
            format: Format::Bcrypt,
            cost: 12,
            weight: 1,
        }];
    })
    .await;
    let login = || {
        world.call(
            "authenticate",
            json!({ "identifier": "nobody@example.com", "password": PASSWORD }),
        )
    };
    let (a, b, c, d) = tokio::join!(login(), login(), login(), login());
    let answers = [a, b, c, d];
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 503)
        .collect();
    assert!(!refused.is_empty() && refused.len() < 4, "{answers:?}");
    for answer in refused {
        answer.is_problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let lookup = world.lookup_with(&world.token("read:users")).await;
    assert_eq!(lookup.status, 200, "a flood of logins slows no lookup");
}

#[tokio::test]
async fn a_request_without_a_place_in_time_is_503_and_audited() {
    let world = World::with(|settings| {
        settings.limits.requests = 0;
        settings.limits.request = Duration::from_millis(50);
    })
    .await;
    let answer = world.lookup_with(&world.token("read:users")).await;
    answer.is_problem(503, "overloaded");
    assert_eq!(world.audit().last().unwrap()["outcome"], "overloaded");
}

#[tokio::test]
async fn a_caller_who_hangs_up_before_its_turn_leaves_nothing_behind() {
    let world = World::with(|settings| settings.limits.requests = 1).await;
    let body = json!({ "email": ZOE }).to_string();
    let head = format!(
        "POST /v1/users/verify-email HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        world.token("verify:users"),
        body.len()
    );
    let mut first = TcpStream::connect(world.address).await.unwrap();
    first.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status(&mut first).await, "HTTP/1.1 100", "it has the place");
    let mut second = TcpStream::connect(world.address).await.unwrap();
    second
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    until_open(&world, 2).await;
    drop(second);
    until_open(&world, 1).await;
    first.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(status(&mut first).await, "HTTP/1.1 200");
    world.lookup_with(&world.token("read:users")).await;
    assert_eq!(world.audit().len(), 2, "the second was never begun");
}

/// Reads one head, and gives its version and status.
async fn status(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    String::from_utf8_lossy(&head[..12]).into_owned()
}

/// Waits until so many connections are open.
async fn until_open(world: &World, connections: u64) {
    let open = async {
        while world.metric("lychgate_open_connections").await != connections {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), open)
        .await
        .expect("in time");
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_504() {
    let world = World::with(|settings| {
        settings.store.deadline = Duration::from_millis(100);
        let slow = format!("select id from users where lower(email) = :identifier and {SLOW}");
        settings
            .store
            .statements
            .insert(StatementName::Lookup, slow);
    })
    .await;
    world
        .lookup_with(&world.token("read:users"))
        .await
        .is_problem(504, "store-timeout");
}

#[tokio::test]
async fn a_store_that_somebody_else_holds_is_503_for_a_write_and_nothing_is_changed() {
    let world = World::with(|settings| {
        settings.store.wait = Duration::from_millis(50);
        settings.store.deadline = Duration::from_millis(100);
    })
    .await;
    let file = StoreUrl::sqlite(world.folder.path().join("users.db"));
    let slow = format!(
        "update users set nickname = 'held' where id = 1 and lower(email) = :email and {SLOW}"
    );
    let mut settings =
        lychgate_store::Settings::new(file, [(StatementName::VerifyEmail, slow)].into());
    settings.deadline = Duration::from_secs(20);
    let holder = Store::open(settings).await.unwrap();
    let holds = tokio::spawn(async move {
        let parameters = Parameters::new().with("email", ZOE);
        holder
            .write(StatementName::VerifyEmail, &parameters)
            .await
            .map(|written| written.matched)
    });
    let refused = async {
        loop {
            let answer = world.call("verify_email", json!({ "email": ZOE })).await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(15), refused)
        .await
        .expect("held in time");
    answer.is_problem(503, "store-unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    holds.abort();
}

#[tokio::test]
async fn a_request_that_is_out_of_time_is_answered_by_how_far_it_came() {
    let world = World::with(|settings| {
        settings.limits.request = Duration::from_millis(100);
        let slow = format!("select id from users where lower(email) = :identifier and {SLOW}");
        settings
            .store
            .statements
            .insert(StatementName::Lookup, slow);
    })
    .await;
    world
        .lookup_with(&world.token("read:users"))
        .await
        .is_problem(504, "store-timeout");
    assert_eq!(world.audit().last().unwrap()["step"], "operation");
}

#[tokio::test]
async fn a_write_that_is_out_of_time_has_an_outcome_that_nobody_knows() {
    let world = World::with(|settings| {
        settings.limits.request = Duration::from_millis(100);
        let slow =
            format!("update users set email_verified = 1 where lower(email) = :email and {SLOW}");
        settings
            .store
            .statements
            .insert(StatementName::VerifyEmail, slow);
    })
    .await;
    world
        .call("verify_email", json!({ "email": ZOE }))
        .await
        .is_problem(504, "outcome-unknown");
}

#[tokio::test]
async fn a_write_that_the_store_stopped_in_time_has_changed_nothing() {
    let world = World::with(|settings| {
        settings.store.deadline = Duration::from_millis(100);
        let slow =
            format!("update users set email_verified = 1 where lower(email) = :email and {SLOW}");
        settings
            .store
            .statements
            .insert(StatementName::VerifyEmail, slow);
    })
    .await;
    world
        .call("verify_email", json!({ "email": ZOE }))
        .await
        .is_problem(503, "store-unavailable");
    let user = world.lookup_with(&world.token("read:users")).await.json();
    assert_eq!(user["user"]["email_verified"], false);
}
