//! Who gets a connection, and what a shortage does.

use std::{
    fs::File,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    process::Command,
};

use lychgate_listener::{Allowlist, AnyNetwork, Limits, Listener, Transport};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::served::{Served, ask, greet, read_to_end};

#[tokio::test]
async fn a_refused_peer_gets_a_closed_connection_and_no_byte() {
    let served = Served::to("192.0.2.0/24", Transport::Plain, Limits::default(), greet);
    let mut stream = served.connect().await;
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(
        (
            served.counters.accepted(),
            served.counters.refused(),
            served.counters.open()
        ),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_refused_peer_is_not_heard_even_when_it_speaks_first() {
    let served = Served::to(
        "192.0.2.0/24",
        Transport::Plain,
        Limits::default(),
        |_, _| async {
            panic!("a refused peer was heard");
        },
    );
    let mut stream = served.connect().await;
    // The connection may already be gone when this is written: that is one of the right outcomes.
    let _written = stream
        .write_all(b"GET / HTTP/1.1\r\nhost: listener\r\n\r\n")
        .await;
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(served.counters.panics(), 0);
}

#[tokio::test]
async fn an_admitted_peer_is_answered_with_its_admission() {
    let served = Served::new(Transport::Plain, Limits::default(), greet);
    let answer = ask(&mut served.connect().await).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn an_ipv4_peer_of_a_dual_stack_socket_is_held_against_the_ipv4_networks() {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let Ok(listener) = Listener::bind(any, Transport::Plain, Limits::default()) else {
        return; // A machine without IPv6 has no such peers.
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.address().port()));
    let loopback = vec!["127.0.0.0/8".parse().unwrap()];
    let allowlist = Allowlist::new(loopback, AnyNetwork::Refused).unwrap();
    let admit = move |peer| allowlist.admit(peer).ok();
    let serving = tokio::spawn(listener.serve(admit, greet, CancellationToken::new()));
    ask(&mut TcpStream::connect(address).await.unwrap()).await;
    serving.abort();
}

#[tokio::test]
async fn a_connection_over_the_limit_is_closed_and_counted_until_another_ends() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, greet);
    let mut first = served.connect().await;
    ask(&mut first).await;

    assert_eq!(read_to_end(&mut served.connect().await).await, b"");
    assert_eq!(served.counters.over_limit(), 1);
    ask(&mut first).await;

    drop(first);
    served.until_open(0).await;
    ask(&mut served.connect().await).await;
    assert_eq!(served.counters.over_limit(), 1);
}

#[tokio::test]
async fn refused_peers_take_no_place() {
    let limits = Limits {
        connections: 0,
        ..Limits::default()
    };
    let served = Served::to("192.0.2.0/24", Transport::Plain, limits, greet);
    assert_eq!(read_to_end(&mut served.connect().await).await, b"");
    assert_eq!(
        (served.counters.refused(), served.counters.over_limit()),
        (1, 0)
    );
}

/// Runs [`starved`] in a process that may open 64 files.
#[test]
fn a_shortage_of_descriptors_ends_nothing() {
    let this = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 64 && exec \"$0\" --exact accept::starved --ignored",
        ])
        .arg(this)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "takes every descriptor of its process: run by a_shortage_of_descriptors_ends_nothing"]
async fn starved() {
    let served = Served::new(Transport::Plain, Limits::default(), greet);
    let socket = TcpSocket::new_v4().unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    // The kernel completes the connection; only handing it over takes a descriptor.
    let mut stream = socket.connect(served.address).await.unwrap();
    while served.counters.accept_failures() == 0 {
        tokio::task::yield_now().await;
    }
    drop(taken);
    ask(&mut stream).await;
    assert_eq!(served.counters.accepted(), 1);
}
