//! What is answered when something below is full, slow or away.

use std::time::Duration;

use lychgate_password::{DecoyClass, Format};
use lychgate_store::{Parameters, StatementName, Store, StoreUrl};
use serde_json::json;

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
