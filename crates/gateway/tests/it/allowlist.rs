//! A network that is not on the allowlist.

use std::time::Duration;

use lychgate_listener::{Allowlist, AnyNetwork};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::World;

#[tokio::test]
async fn a_connection_from_elsewhere_is_closed_unread_audited_and_counted() {
    let elsewhere = vec!["192.0.2.0/24".parse().unwrap()];
    let world = World::with(|settings| {
        settings.allowlist = Allowlist::new(elsewhere, AnyNetwork::Refused).unwrap();
        settings.limits.refused_connection_lines = 2;
    })
    .await;
    for _ in 0..5 {
        let mut socket = TcpStream::connect(world.address).await.unwrap();
        let _written = socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut answer = Vec::new();
        let _read = socket.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "not a byte comes back");
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
