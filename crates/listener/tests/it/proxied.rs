//! A listener behind a proxy that speaks the PROXY protocol, and whoever pretends to be one.

use std::time::Duration;

use lychgate_listener::{Limits, Transport};
use reqwest::Certificate;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::served::{Served, ask_as, greet, read_to_end};
use crate::tls::{certificate, transport};

const CLIENT: &[u8] = b"PROXY TCP4 192.0.2.7 203.0.113.1 56324 443\r\n";
const STRANGER: &[u8] = b"PROXY TCP4 198.51.100.1 203.0.113.1 56324 443\r\n";

/// Clients of 192.0.2.0/24 through a proxy on loopback.
fn proxied(transport: Transport, limits: Limits) -> Served {
    Served::behind("127.0.0.0/8", "192.0.2.0/24", transport, limits, greet)
}

async fn introduced(served: &Served, header: &[u8]) -> TcpStream {
    let mut stream = served.connect().await;
    stream.write_all(header).await.unwrap();
    stream
}

#[tokio::test]
async fn the_client_that_the_proxy_names_is_the_peer() {
    let served = proxied(Transport::Plain, Limits::default());
    let answer = ask_as(&mut introduced(&served, CLIENT).await, "192.0.2.7").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

    let v4 = [192, 0, 2, 9, 203, 0, 113, 1, 0xdc, 0x04, 0x01, 0xbb];
    let version_2 = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &v4].concat();
    ask_as(&mut introduced(&served, &version_2).await, "192.0.2.9").await;
}

#[tokio::test]
async fn a_client_that_is_not_on_the_allowlist_is_closed_whoever_brings_her() {
    let served = proxied(Transport::Plain, Limits::default());
    assert_eq!(
        read_to_end(&mut introduced(&served, STRANGER).await).await,
        b""
    );
    assert_eq!(
        (
            served.counters.refused(),
            served.counters.all_handshake_failures()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn the_proxy_itself_is_held_against_the_allowlist_like_anyone() {
    let served = proxied(Transport::Plain, Limits::default());
    assert_eq!(
        read_to_end(&mut introduced(&served, b"PROXY UNKNOWN\r\n").await).await,
        b""
    );
    assert_eq!(served.counters.refused(), 1);

    let served = Served::behind(
        "127.0.0.0/8",
        "127.0.0.1/32",
        Transport::Plain,
        Limits::default(),
        greet,
    );
    ask_as(
        &mut introduced(&served, b"PROXY UNKNOWN\r\n").await,
        "127.0.0.1",
    )
    .await;
}

#[tokio::test]
async fn a_peer_that_is_no_trusted_proxy_is_not_heard() {
    let served = Served::behind(
        "10.0.0.0/8",
        "192.0.2.0/24",
        Transport::Plain,
        Limits::default(),
        greet,
    );
    let mut stream = served.connect().await;
    // The connection may already be gone when this is written: that is one of the right outcomes.
    let _written = stream.write_all(CLIENT).await;
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(
        (
            served.counters.refused(),
            served.counters.all_handshake_failures()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn without_a_header_nothing_is_heard_even_of_a_trusted_proxy() {
    let served = proxied(Transport::Plain, Limits::default());
    let mut stream = introduced(&served, b"GET / HTTP/1.1\r\nhost: listener\r\n\r\n").await;
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(served.counters.all_handshake_failures(), 1);
}

#[tokio::test]
async fn a_second_header_is_not_a_header_but_a_request_that_makes_no_sense() {
    let served = proxied(Transport::Plain, Limits::default());
    let mut stream = introduced(&served, &[CLIENT, STRANGER].concat()).await;
    let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn a_header_that_does_not_come_is_cut_and_counted() {
    let limits = Limits {
        tls_handshake: Duration::from_millis(50),
        ..Limits::default()
    };
    let served = proxied(Transport::Plain, limits);
    let mut stream = introduced(&served, b"PROXY TCP4 192.0.2.7 ").await;
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(served.counters.all_handshake_failures(), 1);
}

#[tokio::test]
async fn tls_begins_behind_the_header() {
    let certificate = certificate();
    let served = proxied(transport(&certificate), Limits::default());
    // A proxy that passes TLS through, as HAProxy does in TCP mode with `send-proxy`.
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", proxy.local_addr().unwrap());
    let upstream = served.address;
    tokio::spawn(async move {
        let (mut outer, _) = proxy.accept().await.unwrap();
        let mut inner = TcpStream::connect(upstream).await.unwrap();
        inner.write_all(CLIENT).await.unwrap();
        let _ended = copy_bidirectional(&mut outer, &mut inner).await;
    });
    let root = Certificate::from_pem(certificate.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([root])
        .build()
        .unwrap();
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "192.0.2.7");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_header() {
    let served = proxied(Transport::Plain, Limits::default());
    let mut stream = introduced(&served, b"PROXY ").await;
    served.until_open(1).await;
    served.stop.cancel();
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(served.drained().await.cut, 0);
}
