//! Clients that send much and mean little, or that take nothing of what they asked for: each ends, and nobody else waits.

use std::time::Duration;

use ::http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use lychgate_listener::{AdmittedPeer, Limits, Transport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::OwnedReadHalf,
    task::JoinHandle,
};

use crate::frames::{
    CONTINUATION, END_STREAM, END_STREAM_AND_HEADERS, ENHANCE_YOUR_CALM, Frame, GET, GOAWAY,
    HEADERS, PING, PREFACE_AND_SETTINGS, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, frames,
};
use crate::served::{Answer, Served, greet, read_to_end};

/// Short enough that a test may wait for it; nothing is asserted about how long it took.
const SOON: Duration = Duration::from_millis(50);

/// More than any buffer on the way holds.
const MUCH: usize = 64 * 1024 * 1024;

/// A question over HTTP/1.1.
const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: listener\r\nconnection: close\r\n\r\n";

/// Every bound of time soon over.
fn soon() -> Limits {
    Limits {
        header_read: SOON,
        idle: SOON,
        linger: SOON,
        ..Limits::default()
    }
}

async fn never(_peer: AdmittedPeer, _request: Request<Incoming>) -> Answer {
    std::future::pending().await
}

/// Speaks HTTP/2 and sends all of this. What comes back is to be read.
async fn attack(
    served: &Served,
    sent: Vec<u8>,
) -> (OwnedReadHalf, JoinHandle<std::io::Result<()>>) {
    let (reading, mut writing) = served.connect().await.into_split();
    let attacking = tokio::spawn(async move {
        writing.write_all(PREFACE_AND_SETTINGS).await?;
        let sent = writing.write_all(&sent).await;
        // The other half goes with it, and the connection with both: not before the end has come.
        std::future::pending::<()>().await;
        sent
    });
    (reading, attacking)
}

/// Whether somebody else is answered now; who is slow may be cut, too.
async fn is_answered(served: &Served) -> bool {
    let mut stream = served.connect().await;
    let _asked = stream.write_all(ASK).await;
    read_to_end(&mut stream).await.starts_with(b"HTTP/1.1 200")
}

/// The frame with which the server says goodbye.
async fn goaway(reading: &mut OwnedReadHalf) -> Frame {
    let mut received = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let length = reading.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "closed without a GOAWAY");
        received.extend_from_slice(&piece[..length]);
        let mut frames = frames(&received).into_iter();
        if let Some(goaway) = frames.find(|frame| frame.kind == GOAWAY) {
            return goaway;
        }
    }
}

/// That a client who sends this is told to calm down, and its connection ends.
async fn is_calmed(sent: Vec<u8>) {
    let served = Served::new(Transport::Plain, Limits::default(), never);
    let (mut reading, attacking) = attack(&served, sent).await;
    let goaway = goaway(&mut reading).await;
    assert_eq!(goaway.payload[4..8], ENHANCE_YOUR_CALM.to_be_bytes());
    attacking.abort();
    drop(reading);
    served.until_open(0).await;
}

#[tokio::test]
async fn rapid_reset_ends_the_connection() {
    let streams = (1..2000_u32).step_by(2).flat_map(|stream| {
        let mut sent = frame(HEADERS, END_STREAM_AND_HEADERS, stream, &GET);
        sent.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        sent
    });
    is_calmed(streams.collect()).await;
}

#[tokio::test]
async fn resets_that_a_client_has_us_make_end_the_connection() {
    // A window beyond 2^31-1 is a fault of its stream (RFC 9113 §6.9.1), so the server resets it.
    let streams = (1..2000_u32).step_by(2).flat_map(|stream| {
        let mut sent = frame(HEADERS, END_STREAM_AND_HEADERS, stream, &GET);
        sent.extend(frame(
            WINDOW_UPDATE,
            0,
            stream,
            &0x7fff_ffff_u32.to_be_bytes(),
        ));
        sent
    });
    is_calmed(streams.collect()).await;
}

#[tokio::test]
async fn a_head_of_endless_continuations_ends_the_connection() {
    let mut sent = frame(HEADERS, END_STREAM, 1, &GET);
    // A field `x: y` in each, without an end of the head (RFC 7541 §6.2.2).
    let one = frame(CONTINUATION, 0, 1, &[0x00, 1, b'x', 1, b'y']);
    sent.extend(one.repeat(100_000));
    is_calmed(sent).await;
}

#[tokio::test]
async fn a_small_head_that_unpacks_into_a_large_one_reaches_nobody() {
    let served = Served::new(Transport::Plain, Limits::default(), |_, _| async {
        panic!("a head of 32 MB was taken");
    });
    let mut head = GET.to_vec();
    // A field of 4000 bytes goes into the table (RFC 7541 §6.2.1), and is then named by one byte, 8000 times (§6.1).
    head.extend([0x40, 1, b'b', 0x7f, 0xa1, 0x1e]);
    head.extend([b'b'; 4000]);
    head.extend([0xbe; 8000]);
    let sent = frame(HEADERS, END_STREAM_AND_HEADERS, 1, &head);
    let (mut reading, attacking) = attack(&served, sent).await;
    let mut received = Vec::new();
    let is_refused = |frame: &Frame| matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY);
    while !frames(&received).iter().any(is_refused) {
        let mut piece = [0; 4096];
        let length = reading.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "closed without a word");
        received.extend_from_slice(&piece[..length]);
    }
    attacking.abort();
    assert_eq!(served.counters.panics(), 0);
}

#[tokio::test]
async fn a_flood_of_pings_and_settings_is_cut_like_silence_and_holds_up_nobody() {
    for one in [
        frame(PING, 0, 0, &[0; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW_UPDATE, 0, 0, &0_u32.to_be_bytes()),
    ] {
        for reads in [false, true] {
            let served = Served::new(Transport::Plain, soon(), greet);
            let sent = one.repeat(MUCH / one.len());
            let (mut reading, mut writing) = served.connect().await.into_split();
            let flooding = tokio::spawn(async move {
                writing.write_all(PREFACE_AND_SETTINGS).await?;
                writing.write_all(&sent).await
            });
            let drinking = tokio::spawn(async move {
                let mut piece = [0; 4096];
                while reads
                    && reading
                        .read(&mut piece)
                        .await
                        .is_ok_and(|length| length > 0)
                {}
                reading
            });
            while !is_answered(&served).await {}
            assert!(flooding.await.unwrap().is_err(), "all of it was taken");
            drop(drinking.await.unwrap());
            served.until_open(0).await;
        }
    }
}

#[tokio::test]
async fn whoever_does_not_take_the_answer_is_cut() {
    let served = Served::new(Transport::Plain, soon(), |_, _| async {
        Response::new(Full::from(vec![0; MUCH]))
    });
    let (mut http1, mut http2) = (served.connect().await, served.connect().await);
    // Each may be cut before it has asked, which is one of the right outcomes.
    let _asked = http1.write_all(ASK).await;
    let get = frame(HEADERS, END_STREAM_AND_HEADERS, 1, &GET);
    let _asked = http2
        .write_all(&[PREFACE_AND_SETTINGS, &get].concat())
        .await;
    served.until(|counters| counters.accepted() == 2).await;
    served.until_open(0).await;
    drop((http1, http2));
}
