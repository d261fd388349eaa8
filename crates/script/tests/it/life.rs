//! How long `global` lives, and whom it is shared with.

use std::time::Duration;

use lychgate_script::{Container, Settings};
use serde_json::json;

use crate::server::Server;
use crate::{call, value_in};

const COUNT: &str = "global.count = (global.count || 0) + 1; callback(null, global.count);";

#[tokio::test]
async fn scripts_of_one_container_share_one_global() {
    let container = Container::new(Settings::default());
    assert_eq!(value_in(&container, COUNT).await, json!(1));
    assert_eq!(value_in(&container, COUNT).await, json!(2));
    assert_eq!(
        value_in(&container, "callback(null, count)").await,
        json!(2)
    );
    assert_eq!((container.started(), container.recycled()), (1, 0));
}

#[tokio::test]
async fn nothing_crosses_from_one_container_to_another() {
    let (one, other) = (
        Container::new(Settings::default()),
        Container::new(Settings::default()),
    );
    value_in(
        &one,
        "global.secret = 1; Array.prototype.secret = 1; process.env.SECRET = '1'; callback(null)",
    )
    .await;
    let seen = value_in(
        &other,
        "callback(null, [typeof global.secret, typeof [].secret, typeof process.env.SECRET])",
    )
    .await;
    assert_eq!(seen, json!(["undefined", "undefined", "undefined"]));
}

#[tokio::test]
async fn fifty_overlapping_calls_share_one_token_and_one_instance() {
    let server = Server::start().await;
    let container = server.container();
    let script = crate::script(
        "async function login(callback) {
           global.token = global.token || fetch(configuration.URL + '/token').then((answer) => answer.json());
           const { access_token } = await global.token;
           callback(null, access_token);
         }",
    );
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (container, script) = (container.clone(), script.clone());
            tokio::spawn(async move { container.call_function(&script, vec![]).await.outcome })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), [json!("token-1")]);
    }
    assert_eq!(server.requests(), 1);
    assert_eq!((container.started(), container.recycled()), (1, 0));
}

#[tokio::test]
async fn a_callback_style_script_may_wait_for_another_calls_promise() {
    let server = Server::start().await;
    let container = server.container();
    let script = crate::script(
        "function login(callback) {
           global.token = global.token || fetch(configuration.URL + '/token').then((answer) => answer.json());
           global.token.then((token) => callback(null, token.access_token), callback);
         }",
    );
    let (one, two) = tokio::join!(
        container.call_function(&script, vec![]),
        container.call_function(&script, vec![])
    );
    assert_eq!(one.outcome.unwrap(), two.outcome.unwrap());
}

#[tokio::test]
async fn an_old_instance_is_replaced_between_calls() {
    let container = Container::new(Settings {
        age: Duration::ZERO,
        ..Settings::default()
    });
    assert_eq!(value_in(&container, COUNT).await, json!(1));
    assert_eq!(value_in(&container, COUNT).await, json!(1));
    assert_eq!((container.started(), container.recycled()), (2, 1));
}

#[tokio::test]
async fn a_call_does_not_lose_its_instance_to_age() {
    let server = Server::start().await;
    let container = Container::new(Settings {
        age: Duration::ZERO,
        ..server.settings()
    });
    let slow =
        "global.mine = 1; await fetch(configuration.URL + '/slow/50'); callback(null, global.mine)";
    let (one, two) = tokio::join!(value_in(&container, slow), value_in(&container, slow));
    assert_eq!((one, two), (json!(1), json!(1)));
    assert_eq!(container.started(), 2);
}

#[tokio::test]
async fn an_idle_instance_ends_by_itself_and_loses_no_call() {
    let container = Container::new(Settings {
        idle: Duration::from_millis(1),
        ..Settings::default()
    });
    for _ in 0..200 {
        assert_eq!(
            value_in(&container, "callback(null, 'here')").await,
            json!("here")
        );
    }
    while container.recycled() < container.started() {
        tokio::task::yield_now().await;
    }
    assert!(container.started() >= 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_the_container_in_order() {
    let container = Container::new(Settings {
        calls: 1,
        ..Settings::default()
    });
    let waits = crate::script("function f(callback) { setTimeout(() => callback(null), 20); }");
    {
        let call = container.call_function(&waits, vec![]);
        tokio::select! { biased; _ = call => panic!("too fast"), () = std::future::ready(()) => {} }
    }
    // The permit belongs to the work: it is free once that has ended.
    while call(
        &container,
        "function f(callback) { callback(null); }",
        vec![],
    )
    .await
    .outcome
    .is_err()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(container.started(), 1);
}

#[tokio::test]
async fn configuration_is_what_was_given_and_frozen() {
    let container = Container::new(Settings {
        configuration: [("KEY".to_owned(), "a \"value\"".to_owned())].into(),
        ..Settings::default()
    });
    let body = "configuration.KEY = 'other'; configuration.NEW = 1; try { configuration = {}; } catch {} callback(null, configuration);";
    assert_eq!(
        value_in(&container, body).await,
        json!({ "KEY": "a \"value\"" })
    );
    let strict = "'use strict'; try { configuration.KEY = 1; callback(null, 'set'); } catch (error) { callback(null, error.name); }";
    assert_eq!(value_in(&container, strict).await, json!("TypeError"));
}
