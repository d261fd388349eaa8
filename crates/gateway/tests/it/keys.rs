//! The issuer's keys: rotation, revocation, outages, and a flood of made-up key ids.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use lychgate_gateway::KeyLimits;
use lychgate_token::SigningKey;
use tokio::sync::RwLock;

use crate::issuer::{Issuer, key};
use crate::world::World;

fn token_by(world: &World, key: &SigningKey) -> String {
    key.sign("JWT", &world.claims("read:users")).unwrap()
}

/// Asks until the answer has this status, however long the clocks of the gateway take, within reason.
async fn until_status(world: &World, token: &str, status: u16) {
    let reached = async {
        while world.lookup_with(token).await.status != status {
            tokio::task::yield_now().await;
        }
    };
    let within = Duration::from_secs(20);
    tokio::time::timeout(within, reached)
        .await
        .unwrap_or_else(|_| panic!("{status} in time"));
}

/// Until the issuer has been asked for its keys once more, and its answer was seen.
async fn until_asked_again(world: &World) {
    let asked = world.issuer.key_requests();
    let again = async {
        while world.issuer.key_requests() == asked {
            world
                .lookup_with(&token_by(world, &key()))
                .await
                .is_problem(401, "invalid-token");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again)
        .await
        .expect("asked again in time");
    world
        .lookup_with(&token_by(world, &key()))
        .await
        .is_problem(401, "invalid-token");
}

fn quick() -> KeyLimits {
    KeyLimits {
        refresh: Duration::from_secs(1),
        ..KeyLimits::default()
    }
}

#[tokio::test]
async fn it_starts_without_its_issuer_and_says_what_it_waits_for() {
    let key = key();
    let issuer = Issuer::start(&[&key]);
    issuer.answer_keys_with(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    let world = World::around(issuer, key, |_| {}).await;
    let answer = world.lookup_with(&world.token("read:users")).await;
    answer.is_problem(503, "keys-unavailable");
    assert!(!answer.header("retry-after").is_empty());
    let ready = world.admin("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains(&world.issuer.name), "{}", ready.text);
    world.issuer.rotate_to(&[&world.key]);
    world.until_ready().await;
    assert_eq!(
        world.lookup_with(&world.token("read:users")).await.status,
        200
    );
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_is_not_believed() {
    let key = key();
    let issuer = Issuer::start(&[&key]);
    issuer.call_itself(issuer.name.trim_end_matches('/'));
    let world = World::around(issuer, key, |_| {}).await;
    world
        .lookup_with(&world.token("read:users"))
        .await
        .is_problem(503, "keys-unavailable");
    assert_eq!(
        world.issuer.key_requests(),
        0,
        "its keys are not even asked for"
    );
}

#[tokio::test]
async fn a_new_key_works_at_once_and_its_fetch_is_the_only_one() {
    let world = World::start().await;
    let new = key();
    world.issuer.rotate_to(&[&world.key, &new]);
    let before = world.issuer.key_requests();
    let token = token_by(&world, &new);
    assert_eq!(world.lookup_with(&token).await.status, 200);
    assert_eq!(world.lookup_with(&token).await.status, 200);
    assert_eq!(world.issuer.key_requests(), before + 1);
}

#[tokio::test]
async fn keys_are_rotated_under_load_without_a_failed_request() {
    let world = World::with(|settings| settings.access_token.keys = quick()).await;
    // Whoever asks holds on to the token that is in use: none is sent after its key is gone.
    let in_use = RwLock::new(world.token("read:users"));
    let rotated = AtomicBool::new(false);
    let ask = || async {
        let mut answered = 0;
        while !rotated.load(Ordering::SeqCst) {
            let token = in_use.read().await;
            let answer = world.lookup_with(&token).await;
            assert_eq!(answer.status, 200, "after {answered}: {answer:?}");
            answered += 1;
        }
        answered
    };
    let rotate = async {
        let mut keys = vec![key()];
        world.issuer.rotate_to(&[&world.key, &keys[0]]);
        for round in 0..3 {
            *in_use.write().await = token_by(&world, &keys[round]);
            keys.push(key());
            world.issuer.rotate_to(&[&keys[round], &keys[round + 1]]);
            let asked = world.issuer.key_requests();
            while world.issuer.key_requests() < asked + 2 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        rotated.store(true, Ordering::SeqCst);
    };
    let all = async { tokio::join!(ask(), ask(), ask(), rotate) };
    let (one, two, three, ()) = tokio::time::timeout(Duration::from_mins(1), all)
        .await
        .expect("three rotations in time");
    assert!(one > 0 && two > 0 && three > 0);
}

#[tokio::test]
async fn a_made_up_key_is_remembered() {
    let world = World::start().await;
    let before = world.issuer.key_requests();
    let token = token_by(&world, &key());
    for _ in 0..5 {
        world
            .lookup_with(&token)
            .await
            .is_problem(401, "invalid-token");
    }
    assert_eq!(world.issuer.key_requests(), before + 1);
}

#[tokio::test]
async fn a_flood_of_made_up_keys_is_bounded_and_delays_no_rotation() {
    let world = World::with(|settings| settings.access_token.keys = quick()).await;
    let before = world.issuer.key_requests();
    let started = std::time::Instant::now();
    for _ in 0..100 {
        world
            .lookup_with(&token_by(&world, &key()))
            .await
            .is_problem(401, "invalid-token");
    }
    let passed = started.elapsed().as_secs();
    let fetches = world.issuer.key_requests() - before;
    assert!(
        fetches <= 6 + passed / 10 + passed + 2,
        "{fetches} fetches in {passed} s"
    );
    let new = key();
    world.issuer.rotate_to(&[&new]);
    until_status(&world, &token_by(&world, &new), 200).await;
    world
        .lookup_with(&world.token("read:users"))
        .await
        .is_problem(401, "invalid-token");
}

#[tokio::test]
async fn a_key_that_is_gone_ends_the_tokens_that_it_had_verified() {
    let world = World::with(|settings| settings.access_token.keys = quick()).await;
    let token = world.token("read:users");
    assert_eq!(world.lookup_with(&token).await.status, 200);
    assert_eq!(world.lookup_with(&token).await.status, 200, "from memory");
    world.issuer.rotate_to(&[&key()]);
    until_status(&world, &token, 401).await;
}

#[tokio::test]
async fn garbage_from_the_issuer_changes_nothing() {
    let world = World::with(|settings| settings.access_token.keys = quick()).await;
    let token = world.token("read:users");
    for (status, body) in [
        (StatusCode::OK, String::new()),
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, r#"{"keys":[]}"#.to_owned()),
        (StatusCode::OK, "x".repeat(1024 * 1024)),
        (StatusCode::NOT_FOUND, "{}".to_owned()),
    ] {
        world.issuer.answer_keys_with(status, body);
        until_asked_again(&world).await;
        assert_eq!(world.lookup_with(&token).await.status, 200);
    }
}

#[tokio::test]
async fn keys_that_were_not_refreshed_for_too_long_stop_working() {
    let limits = KeyLimits {
        max_stale: Duration::from_secs(1),
        ..quick()
    };
    let world = World::with(|settings| settings.access_token.keys = limits).await;
    let token = world.token("read:users");
    until_status(&world, &token, 200).await;
    world
        .issuer
        .answer_keys_with(StatusCode::BAD_GATEWAY, String::new());
    until_status(&world, &token, 503).await;
    world
        .lookup_with(&token)
        .await
        .is_problem(503, "keys-unavailable");
}

#[tokio::test]
async fn a_configured_key_location_needs_no_discovery() {
    let key = key();
    let issuer = Issuer::start(&[&key]);
    issuer.call_itself("https://other.example/");
    let location =
        lychgate_gateway::KeyLocation::parse(&format!("{}jwks.json", issuer.name)).unwrap();
    let world = World::around(issuer, key, |settings| {
        settings.access_token.issuers[0].jwks_uri = Some(location);
    })
    .await;
    world.until_ready().await;
    assert_eq!(
        world.lookup_with(&world.token("read:users")).await.status,
        200
    );
}
