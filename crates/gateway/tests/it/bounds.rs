//! Bodies and heads that are too large, too slow, or not what they should be.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{World, ZOE, send};

fn body_of(bytes: usize) -> String {
    let frame = r#"{"identifier":""}"#.len();
    format!(r#"{{"identifier":"{}"}}"#, "x".repeat(bytes - frame))
}

async fn post_raw(world: &World, content_type: &str, body: String) -> crate::world::Answer {
    let request = world
        .client
        .post(world.url("/v1/users/lookup"))
        .bearer_auth(world.token("read:users"));
    send(request.header("content-type", content_type).body(body)).await
}

#[tokio::test]
async fn a_body_over_16_kib_is_too_large_and_the_answer_arrives() {
    let world = World::start().await;
    post_raw(&world, "application/json", body_of(16 * 1024))
        .await
        .is_problem(422, "invalid-field");
    post_raw(&world, "application/json", body_of(16 * 1024 + 1))
        .await
        .is_problem(413, "too-large");
    post_raw(&world, "application/json", body_of(250 * 1024))
        .await
        .is_problem(413, "too-large");
}

#[tokio::test]
async fn a_refused_body_is_drained_so_that_a_401_arrives_too() {
    let world = World::start().await;
    let request = world
        .client
        .post(world.url("/v1/users/lookup"))
        .body(body_of(250 * 1024));
    send(request).await.is_problem(401, "invalid-token");
}

#[tokio::test]
async fn only_json_is_read() {
    let world = World::start().await;
    for content_type in [
        "text/plain",
        "application/xml",
        "application/json; charset=utf-16",
        "multipart/form-data",
    ] {
        post_raw(&world, content_type, "{}".into())
            .await
            .is_problem(415, "unsupported-media-type");
    }
    let good = json!({ "identifier": ZOE }).to_string();
    assert_eq!(
        post_raw(&world, "application/json;charset=utf-8", good)
            .await
            .status,
        200
    );
    for body in [
        "",
        "[]",
        "{\"identifier\":\"a\",\"identifier\":\"b\"}",
        "{\"identifier\":\"a\"} {}",
    ] {
        post_raw(&world, "application/json", body.into())
            .await
            .is_problem(400, "malformed-request");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let world = World::start().await;
    let large = world
        .client
        .post(world.url("/v1/users/lookup"))
        .header("x-large", "x".repeat(18 * 1024));
    send(large).await.is_problem(431, "headers-too-large");
    let mut many = world.client.post(world.url("/v1/users/lookup"));
    for number in 0..80 {
        many = many.header(format!("x-{number}"), "x");
    }
    send(many).await.is_problem(431, "headers-too-large");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let world = World::with(|settings| settings.limits.body.read = Duration::from_millis(50)).await;
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "POST /v1/users/lookup HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{{",
        world.token("read:users")
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read_to_string(&mut answer));
    read.await.unwrap().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains(":too-slow"),
        "{answer}"
    );
    assert_eq!(world.audit().last().unwrap()["outcome"], "too-slow");
}

#[tokio::test]
async fn a_caller_who_hangs_up_is_audited_all_the_same() {
    let world = World::start().await;
    let body = json!({ "identifier": ZOE, "new_password": "hung up" }).to_string();
    let head = format!(
        "POST /v1/users/change-password HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        world.token("update:passwords"),
        body.len()
    );
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    drop(socket);
    let seen = async {
        while !world
            .audit()
            .iter()
            .any(|line| line["outcome"] == "changed")
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen)
        .await
        .expect("a line in time");
}

#[tokio::test]
async fn a_caller_who_asks_first_is_refused_before_it_sends_its_body() {
    let world = World::start().await;
    let mut socket = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /v1/users/lookup HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
                content-type: application/json\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), socket.read_to_string(&mut answer));
    read.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}
