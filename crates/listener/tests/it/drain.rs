//! A stop: what runs is finished, what hangs is cut, and both are told.

use std::{future::pending, sync::Arc, time::Duration};

use ::http::{Response, StatusCode, Version};
use http_body_util::Full;
use lychgate_listener::{Limits, Transport};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Notify};

use crate::served::{Served, ask, client, greet, read_to_end};

/// Longer than any test: whoever waits for this hangs.
const NEVER: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_running_request_is_finished() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let (begun, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begins, held) = (Arc::clone(&begun), Arc::clone(&release));
        let served = Served::new(
            Transport::Plain,
            Limits {
                drain: NEVER,
                ..Limits::default()
            },
            move |_, _| {
                let (begins, held) = (Arc::clone(&begins), Arc::clone(&held));
                async move {
                    begins.notify_one();
                    held.notified().await;
                    Response::new(Full::from("finished"))
                }
            },
        );
        let asking = tokio::spawn(client(version).get(served.url("/")).send());
        begun.notified().await;

        served.stop.cancel();
        while TcpStream::connect(served.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        release.notify_one();

        let answer = asking.await.unwrap().unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.text().await.unwrap(), "finished");
        let counters = Arc::clone(&served.counters);
        let drained = served.drained().await;
        assert!(drained.finished >= 1, "{drained:?}"); // The connections that tried whether it still listens count, too.
        assert_eq!((drained.cut, counters.open()), (0, 0));
    }
}

#[tokio::test]
async fn a_hanging_request_is_cut_when_the_time_is_over() {
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let begun = Arc::new(Notify::new());
        let begins = Arc::clone(&begun);
        let served = Served::new(
            Transport::Plain,
            Limits {
                drain: SOON,
                ..Limits::default()
            },
            move |_, _| {
                begins.notify_one();
                pending()
            },
        );
        let asking = tokio::spawn(client(version).get(served.url("/")).send());
        begun.notified().await;

        served.stop.cancel();
        let counters = Arc::clone(&served.counters);
        let drained = served.drained().await;
        assert_eq!((drained.finished, drained.cut, counters.open()), (0, 1, 0));
        assert!(drained.waited >= SOON);
        assert!(asking.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn kept_alive_connections_do_not_hold_up_a_stop() {
    let served = Served::new(
        Transport::Plain,
        Limits {
            drain: NEVER,
            ..Limits::default()
        },
        greet,
    );
    let mut kept = served.connect().await;
    ask(&mut kept).await;
    let http2 = client(Version::HTTP_2);
    http2.get(served.url("/")).send().await.unwrap();
    let silent = served.connect().await;
    served.until_open(3).await;

    served.stop.cancel();
    let drained = served.drained().await;
    assert_eq!((drained.finished, drained.cut), (3, 0));
    assert_eq!(read_to_end(&mut kept).await, b"");
    drop(silent);
}

#[tokio::test]
async fn half_a_head_does_not_hold_up_a_stop() {
    let limits = Limits {
        drain: NEVER,
        linger: SOON,
        ..Limits::default()
    };
    let served = Served::new(Transport::Plain, limits, greet);
    let mut stream = served.connect().await;
    ask(&mut stream).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    served.stop.cancel();
    let drained = served.drained().await;
    assert_eq!((drained.finished, drained.cut), (1, 0));
}

#[tokio::test]
async fn a_stop_without_connections_is_over_at_once() {
    let served = Served::new(
        Transport::Plain,
        Limits {
            drain: NEVER,
            ..Limits::default()
        },
        greet,
    );
    served.stop.cancel();
    let drained = served.drained().await;
    assert_eq!((drained.finished, drained.cut), (0, 0));
}

#[tokio::test]
async fn a_server_that_is_dropped_leaves_nothing_running() {
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let served = Served::new(Transport::Plain, Limits::default(), move |_, _| {
        begins.notify_one();
        pending()
    });
    let asking = tokio::spawn(client(Version::HTTP_2).get(served.url("/")).send());
    begun.notified().await;
    served.abandon();
    assert!(asking.await.unwrap().is_err());
    served.until_open(0).await;
}
