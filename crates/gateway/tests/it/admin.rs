//! What the operator sees.

use lychgate_gateway::metrics::METRICS;
use serde_json::json;

use crate::world::{World, ZOE, send};

#[tokio::test]
async fn it_is_alive_ready_and_describes_itself() {
    let world = World::start().await;
    assert_eq!(world.admin("/livez").await.status, 200);
    assert_eq!(
        world.admin("/readyz").await.json(),
        json!({ "ready": true, "waiting_for": [] })
    );
    let document = world.admin("/openapi.json").await.json();
    assert_eq!(
        document,
        lychgate_gateway::openapi(),
        "this deployment defines every operation"
    );
    assert_eq!(world.admin("/").await.status, 404);
}

#[tokio::test]
async fn every_metric_of_the_table_is_there_and_requests_are_counted() {
    let world = World::start().await;
    let token = world.token("read:users");
    world.lookup_with(&token).await;
    world.post("/v1/users/lookup", &token, &json!({})).await;
    let text = world.admin("/metrics").await.text;
    for metric in METRICS {
        assert!(
            text.contains(&format!("# HELP {} {}", metric.name, metric.help)),
            "{} in {text}",
            metric.name
        );
    }
    for line in [
        "lychgate_requests_total{operation=\"lookup\",outcome=\"answered\"} 1",
        "lychgate_requests_total{operation=\"lookup\",outcome=\"invalid-field\"} 1",
        "lychgate_request_duration_seconds_count{operation=\"lookup\"} 2",
        "lychgate_verified_tokens 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.contains(&format!(
        "lychgate_issuer_keys_available{{issuer=\"{}\"}} 1",
        world.issuer.name
    )));
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(
        text.matches("# HELP").count(),
        METRICS.len(),
        "and no other"
    );
}

#[tokio::test]
async fn nothing_can_be_changed_and_no_other_name_is_answered_to() {
    let world = World::start().await;
    let url = format!("http://{}/livez", world.admin);
    assert_eq!(send(world.client.post(&url)).await.status, 405);
    assert_eq!(
        send(world.client.get(&url).header("host", "attacker.example"))
            .await
            .status,
        421
    );
}

#[tokio::test]
async fn a_stop_finishes_and_says_how_long_it_waited() {
    let world = World::start().await;
    world.call("lookup", json!({ "identifier": ZOE })).await;
    let (drained, _folder) = world.stop().await;
    assert_eq!(drained.cut, 0);
}
