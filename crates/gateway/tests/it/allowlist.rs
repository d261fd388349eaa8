//! A network that is not on the allowlist.

use std::time::Duration;

use lychgate_gateway::{ClientAddress, Settings};
use lychgate_listener::{Allowlist, AnyNetwork, ForwardedField, TrustedProxies};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{Answer, World, ZOE, send};

#[tokio::test]
async fn a_connection_from_elsewhere_is_closed_unread_audited_and_counted() {
    let elsewhere = vec!["192.0.2.0/24".parse().unwrap()];
    let world = World::with(|settings| {
        settings.allowlist = Allowlist::new(elsewhere, AnyNetwork::Refused).unwrap();
        settings.limits.refused_connection_lines = 2;
    })
    .await;
    for _ in 0..5 {
        let answer = said_to(&world, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(answer, "", "not a byte comes back");
    }
    let told = async {
        while world.audit().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .expect("lines in time");
    for line in world.audit() {
        assert_eq!(line["event"], "refused-connection");
        assert_eq!(line["outcome"], "address-not-allowed");
        assert_eq!(line["address"], "127.0.0.1");
    }
    assert_eq!(world.metric("lychgate_refused_connections_total").await, 5);
    assert_eq!(world.audit().len(), 2, "the number of lines is bounded");
}

fn proxies(network: &str) -> TrustedProxies {
    TrustedProxies::new(vec![network.parse().unwrap()]).unwrap()
}

/// Clients of 192.0.2.0/24 alone, through a proxy on loopback.
fn through(source: ClientAddress) -> impl FnOnce(&mut Settings) {
    let clients = vec!["192.0.2.0/24".parse().unwrap()];
    move |settings| {
        settings.allowlist = Allowlist::new(clients, AnyNetwork::Refused).unwrap();
        settings.client_address = source;
        settings.limits.refused_connection_lines = 100;
    }
}

/// A good call with these header fields beside its own.
async fn call(world: &World, fields: &[(&'static str, &str)]) -> Answer {
    let mut request = world
        .client
        .post(world.url("/v1/users/lookup"))
        .bearer_auth(world.token("read:users"))
        .json(&json!({ "identifier": ZOE }));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    send(request).await
}

/// Each field with its spelling of a client, of a stranger, and of both, the stranger first; and the field that is not
/// read.
const FIELDS: [(ForwardedField, [&str; 2], [&str; 3]); 2] = [
    (
        ForwardedField::Forwarded,
        ["forwarded", "x-forwarded-for"],
        [
            "for=192.0.2.7",
            "for=198.51.100.1",
            "for=198.51.100.1, for=192.0.2.7, for=127.0.0.2",
        ],
    ),
    (
        ForwardedField::XForwardedFor,
        ["x-forwarded-for", "forwarded"],
        [
            "192.0.2.7",
            "198.51.100.1",
            "198.51.100.1, 192.0.2.7, 127.0.0.2",
        ],
    ),
];

#[tokio::test]
async fn behind_a_proxy_each_request_is_held_against_the_allowlist_by_the_configured_field_alone() {
    for (field, [name, other], [client, stranger, both]) in FIELDS {
        let source = ClientAddress::Field(field, proxies("127.0.0.0/8"));
        let world = World::with(through(source)).await;
        let good = [
            vec![(name, client)],
            vec![(name, both)],
            vec![(name, client), (other, stranger)],
        ];
        for fields in &good {
            assert_eq!(call(&world, fields).await.status, 200, "{fields:?}");
        }
        let claimed = format!("{client}, {stranger}");
        let bad = [
            (vec![(name, stranger)], "not-on-the-allowlist"),
            // What the client wrote herself stands to the left of what the proxy saw.
            (vec![(name, claimed.as_str())], "not-on-the-allowlist"),
            (
                vec![(name, client), (name, stranger)],
                "not-on-the-allowlist",
            ),
            (vec![(name, "nonsense")], "client-address-malformed"),
            (vec![(other, client)], "client-address-missing"),
            (vec![("x-real-ip", "192.0.2.7")], "client-address-missing"),
            (vec![], "client-address-missing"),
        ];
        for (fields, _) in &bad {
            call(&world, fields)
                .await
                .is_problem(403, "address-not-allowed");
        }
        let lines = world.audit();
        for line in &lines[..good.len()] {
            assert_eq!(
                (&line["address"], &line["outcome"]),
                (&json!("192.0.2.7"), &json!("user"))
            );
        }
        let refused = &lines[good.len()..];
        assert_eq!(refused.len(), bad.len());
        for (line, (_, reason)) in refused.iter().zip(bad) {
            assert_eq!(
                (&line["step"], &line["reason"]),
                (&json!("allowlist"), &json!(reason))
            );
        }
        assert_eq!(refused[1]["address"], "198.51.100.1");
    }
}

#[tokio::test]
async fn a_refused_address_is_told_before_the_token_is_looked_at() {
    let source = ClientAddress::Field(ForwardedField::XForwardedFor, proxies("127.0.0.0/8"));
    let world = World::with(through(source)).await;
    let request = world
        .client
        .post(world.url("/v1/users/lookup"))
        .bearer_auth("nonsense");
    let answer = send(request.header("x-forwarded-for", "198.51.100.1")).await;
    assert_eq!(answer.status, 403);
    assert!(!answer.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_is_closed_whatever_she_writes() {
    for source in [
        ClientAddress::Field(ForwardedField::Forwarded, proxies("10.0.0.0/8")),
        ClientAddress::Field(ForwardedField::XForwardedFor, proxies("10.0.0.0/8")),
        ClientAddress::ProxyProtocol(proxies("10.0.0.0/8")),
    ] {
        let world = World::with(through(source)).await;
        for spoken in [
            "GET / HTTP/1.1\r\nhost: x\r\nforwarded: for=192.0.2.7\r\nx-forwarded-for: 192.0.2.7\r\n\r\n",
            "PROXY TCP4 192.0.2.7 127.0.0.1 1 443\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        ] {
            assert_eq!(said_to(&world, spoken).await, "");
        }
        assert_eq!(world.metric("lychgate_refused_connections_total").await, 2);
    }
}

#[tokio::test]
async fn over_the_proxy_protocol_the_client_of_the_header_is_held_against_the_allowlist() {
    let source = ClientAddress::ProxyProtocol(proxies("127.0.0.0/8"));
    let world = World::with(through(source)).await;
    let get =
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: 198.51.100.1\r\n\r\n";
    let introduced = |client| format!("PROXY TCP4 {client} 127.0.0.1 1 443\r\n{get}");
    assert_eq!(said_to(&world, &introduced("198.51.100.1")).await, "");
    assert_eq!(said_to(&world, get).await, "");
    let answer = said_to(&world, &introduced("192.0.2.7")).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let line = world
        .audit()
        .into_iter()
        .find(|line| line["event"] == "answer")
        .unwrap();
    assert_eq!(
        (&line["address"], &line["step"]),
        (&json!("192.0.2.7"), &json!("access_token"))
    );
}

/// What comes back over a connection on which this is said, up to its end.
async fn said_to(world: &World, spoken: &str) -> String {
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let _written = socket.write_all(spoken.as_bytes()).await;
    let mut answer = Vec::new();
    let _read = socket.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}
