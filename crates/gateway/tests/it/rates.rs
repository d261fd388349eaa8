//! Rates by client and by network, over the wire.

use std::num::NonZeroU32;

use lychgate_gateway::{ClientId, Rate};
use serde_json::json;

use crate::world::{Answer, CLIENT, World, ZOE, send};

/// So slow that no load of the machine fills it again in the middle of a test.
fn three_at_once() -> Rate {
    Rate {
        per_minute: NonZeroU32::MIN,
        burst: NonZeroU32::new(3).unwrap(),
    }
}

async fn lookup_as(world: &World, client: &str) -> Answer {
    let mut claims = world.claims("read:users");
    claims["azp"] = json!(client);
    claims["sub"] = json!(format!("{client}@clients"));
    world.lookup_with(&world.sign(&claims)).await
}

#[tokio::test]
async fn a_client_that_calls_too_often_is_told_when_to_come_again_and_another_is_not_slowed() {
    let world = World::with(|settings| {
        settings.limits.rates.client = Some(three_at_once());
        let other = ClientId::parse("other-client").unwrap();
        settings.access_token.clients.insert(other);
    })
    .await;
    for _ in 0..3 {
        assert_eq!(lookup_as(&world, CLIENT).await.status, 200);
    }
    let refused = lookup_as(&world, CLIENT).await;
    refused.is_problem(429, "rate-limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let line = world.audit().pop().unwrap();
    assert_eq!(
        (&line["step"], &line["reason"]),
        (&json!("rate"), &json!("rate-of-the-client"))
    );
    assert!(line["pseudonym"].is_null(), "the body was not read");
    assert_eq!(lookup_as(&world, "other-client").await.status, 200);
    assert_eq!(world.metric("lychgate_rate_buckets").await, 2);
}

#[tokio::test]
async fn who_is_refused_for_the_token_uses_up_nobodys_rate() {
    let world = World::with(|settings| {
        settings.limits.rates.client = Some(three_at_once());
        settings.limits.rates.network = Some(three_at_once());
    })
    .await;
    for _ in 0..10 {
        let refused = world.lookup_with("not a token").await;
        assert_eq!(refused.status, 401);
        let refused = world.lookup_with(&world.token("create:users")).await;
        refused.is_problem(403, "insufficient-scope");
        lookup_as(&world, "a-client-of-others")
            .await
            .is_problem(403, "client-not-allowed");
    }
    for _ in 0..3 {
        assert_eq!(lookup_as(&world, CLIENT).await.status, 200);
    }
    lookup_as(&world, CLIENT)
        .await
        .is_problem(429, "rate-limited");
}

#[tokio::test]
async fn a_network_that_calls_too_often_is_refused_and_another_is_not() {
    let world = World::with(|settings| settings.limits.rates.network = Some(three_at_once())).await;
    for _ in 0..3 {
        assert_eq!(lookup_as(&world, CLIENT).await.status, 200);
    }
    lookup_as(&world, CLIENT)
        .await
        .is_problem(429, "rate-limited");
    assert_eq!(
        world.audit().pop().unwrap()["reason"],
        "rate-of-the-network"
    );
    let elsewhere = reqwest::Client::builder()
        .no_proxy()
        .local_address("127.0.0.2".parse::<std::net::IpAddr>().unwrap())
        .build()
        .unwrap();
    let request = elsewhere
        .post(world.url("/v1/users/lookup"))
        .bearer_auth(world.token("read:users"))
        .json(&json!({ "identifier": ZOE }));
    assert_eq!(send(request).await.status, 200);
}
