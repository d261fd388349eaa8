//! HTTP/1.1 and HTTP/2 on an admitted connection, and their bounds.

use std::{sync::Arc, time::Duration};

use ::http::{Response, StatusCode, Version};
use http_body_util::Full;
use lychgate_listener::{Limits, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};

use crate::frames::{GOAWAY, PREFACE_AND_SETTINGS, SETTINGS, frames};
use crate::served::{Served, ask, client, greet, read_to_end};

/// Short enough that a test may wait for it; nothing is asserted about how long it took.
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn both_versions_are_spoken_on_a_plain_socket() {
    let served = Served::new(Transport::Plain, Limits::default(), greet);
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let answer = client(version).get(served.url("/")).send().await.unwrap();
        assert_eq!(
            (answer.version(), answer.status()),
            (version, StatusCode::OK)
        );
        assert_eq!(answer.text().await.unwrap(), "127.0.0.1");
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_cut() {
    let served = Served::new(
        Transport::Plain,
        Limits {
            header_read: SOON,
            ..Limits::default()
        },
        greet,
    );
    assert_eq!(read_to_end(&mut served.connect().await).await, b"");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut() {
    let limits = Limits {
        header_read: SOON,
        linger: SOON,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, greet);
    let mut stream = served.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: listener\r\nx-slow: ")
        .await
        .unwrap();
    assert_eq!(read_to_end(&mut stream).await, b"");
    served.until_open(0).await;
}

#[tokio::test]
async fn a_kept_alive_connection_is_ended_when_it_is_idle() {
    let served = Served::new(
        Transport::Plain,
        Limits {
            idle: SOON,
            ..Limits::default()
        },
        greet,
    );
    let mut stream = served.connect().await;
    ask(&mut stream).await;
    assert_eq!(read_to_end(&mut stream).await, b"");
}

#[tokio::test]
async fn a_second_head_that_does_not_end_is_cut_as_idle() {
    let served = Served::new(
        Transport::Plain,
        Limits {
            idle: SOON,
            linger: SOON,
            ..Limits::default()
        },
        greet,
    );
    let mut stream = served.connect().await;
    ask(&mut stream).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, b"");
}

#[tokio::test]
async fn an_http2_client_that_asks_nothing_and_ignores_the_goodbye_is_cut() {
    let limits = Limits {
        header_read: SOON,
        linger: SOON,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, greet);
    let mut stream = served.connect().await;
    stream.write_all(PREFACE_AND_SETTINGS).await.unwrap();
    let frames = frames(&read_to_end(&mut stream).await);
    assert!(
        frames.iter().any(|frame| frame.kind == GOAWAY),
        "{frames:?}"
    );
    served.until_open(0).await;
}

#[tokio::test]
async fn a_long_answer_is_waited_for_beyond_every_idle_bound() {
    let limits = Limits {
        header_read: SOON,
        idle: SOON,
        linger: SOON,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, |peer, request| async move {
        tokio::time::sleep(SOON * 4).await; // What is tested is time itself: an answer longer than the bounds.
        greet(peer, request).await
    });
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let answer = client(version).get(served.url("/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "127.0.0.1");
    }
}

#[tokio::test]
async fn a_head_over_our_limit_reaches_the_answer_and_one_over_twice_that_is_431() {
    let limits = Limits {
        header_bytes: 16 * 1024,
        headers: 10,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, greet);
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let ask = |bytes| {
            client(version)
                .get(served.url("/"))
                .header("x-large", "x".repeat(bytes))
                .send()
        };
        assert_eq!(
            ask(20 * 1024).await.unwrap().status(),
            StatusCode::OK,
            "{version:?}"
        );
        let refused = ask(40 * 1024).await.unwrap();
        assert_eq!(
            refused.status(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "{version:?}"
        );
    }
    for (fields, status) in [(15, "HTTP/1.1 200"), (25, "HTTP/1.1 431")] {
        let mut stream = served.connect().await;
        let head = format!(
            "GET / HTTP/1.1\r\nconnection: close\r\n{}\r\n",
            "x: y\r\n".repeat(fields)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = String::from_utf8(read_to_end(&mut stream).await).unwrap();
        assert!(answer.starts_with(status), "{fields} fields: {answer}");
    }
}

#[tokio::test]
async fn http2_announces_its_bounds() {
    let limits = Limits {
        http2_streams: 7,
        header_bytes: 10_000,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, greet);
    let mut stream = served.connect().await;
    stream.write_all(PREFACE_AND_SETTINGS).await.unwrap();
    let mut received = Vec::new();
    let settings = loop {
        let mut piece = [0; 256];
        let length = stream.read(&mut piece).await.unwrap();
        received.extend_from_slice(&piece[..length]);
        if let Some(first) = frames(&received).into_iter().next() {
            break first;
        }
    };
    assert_eq!(settings.kind, SETTINGS);
    let announced: Vec<_> = settings
        .payload
        .chunks(6)
        .map(|setting| {
            (
                setting[1],
                u32::from_be_bytes(setting[2..].try_into().unwrap()),
            )
        })
        .collect();
    // RFC 9113 §6.5.2
    assert!(
        announced.contains(&(0x03, 7)),
        "SETTINGS_MAX_CONCURRENT_STREAMS in {announced:?}"
    );
    assert!(
        announced.contains(&(0x06, 20_000)),
        "SETTINGS_MAX_HEADER_LIST_SIZE in {announced:?}"
    );
}

#[tokio::test]
async fn a_panic_over_http1_closes_that_connection_and_no_other() {
    let served = Served::new(
        Transport::Plain,
        Limits::default(),
        |peer, request| async move {
            assert_ne!(request.uri().path(), "/panic", "asked for");
            greet(peer, request).await
        },
    );
    let mut other = served.connect().await;
    ask(&mut other).await;

    let mut stream = served.connect().await;
    stream
        .write_all(b"GET /panic HTTP/1.1\r\nhost: listener\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_to_end(&mut stream).await, b"");
    assert_eq!(served.counters.panics(), 1);

    ask(&mut other).await;
    ask(&mut served.connect().await).await;
}

#[tokio::test]
async fn a_panic_over_http2_resets_that_stream_and_no_other() {
    let release = Arc::new(Notify::new());
    let held = Arc::clone(&release);
    let served = Served::new(Transport::Plain, Limits::default(), move |_, request| {
        let held = Arc::clone(&held);
        async move {
            assert_ne!(request.uri().path(), "/panic", "asked for");
            held.notified().await;
            Response::new(Full::from("held"))
        }
    });
    let client = client(Version::HTTP_2);
    let first = tokio::spawn(client.get(served.url("/held")).send());
    served.until_open(1).await;
    assert!(client.get(served.url("/panic")).send().await.is_err());
    release.notify_one();
    assert_eq!(first.await.unwrap().unwrap().text().await.unwrap(), "held");
    assert_eq!(
        (served.counters.panics(), served.counters.accepted()),
        (1, 1)
    );
}

#[tokio::test]
async fn an_answer_is_dropped_when_its_client_goes_away() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, drops) = (Arc::clone(&begun), Arc::clone(&dropped));
    let served = Served::new(Transport::Plain, Limits::default(), move |_, _| {
        let (begins, guard) = (Arc::clone(&begins), Dropped(Arc::clone(&drops)));
        async move {
            begins.notify_one();
            let _guard = guard;
            std::future::pending().await
        }
    });
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let asking = tokio::spawn(client(version).get(served.url("/")).send());
        begun.notified().await;
        asking.abort();
        dropped.notified().await;
    }
}

#[tokio::test]
async fn what_is_no_http_is_answered_400_or_closed() {
    let served = Served::new(Transport::Plain, Limits::default(), greet);
    let mut stream: TcpStream = served.connect().await;
    stream
        .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        .await
        .unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"),
        "{answer:?}"
    );
}
