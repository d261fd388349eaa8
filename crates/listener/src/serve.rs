//! From an admitted connection to answered requests.
//!
//! In comes a socket whose peer is admitted; out go requests, each with that admission, over HTTP/1.1 or HTTP/2 as the
//! client prefers (ALPN under TLS, the preface of RFC 9113 §3.4 without). An attacker would want to hold a connection
//! without asking anything, or to make many streams out of few bytes: both are bounded here.

use std::{convert::Infallible, error::Error as StdError, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tracing::debug;

use crate::{
    Counters, Limits, Transport, activity::Activity, counters::OpenConnection, drain::Tasks,
};

/// What every connection of a listener shares.
pub(crate) struct Server<Answer> {
    counters: Arc<Counters>,
    tasks: Tasks,
    transport: Transport,
    limits: Limits,
    http: auto::Builder<Tasks>,
    answer: Answer,
}

impl<Answer> Server<Answer> {
    pub(crate) fn new(
        transport: Transport,
        limits: Limits,
        counters: Arc<Counters>,
        tasks: Tasks,
        answer: Answer,
    ) -> Self {
        let http = http_within(&limits, tasks.clone());
        Self {
            counters,
            tasks,
            transport,
            limits,
            http,
            answer,
        }
    }

    /// Serves one connection to its end, which is the end of `_open`, too.
    pub(crate) async fn connection<A, F, B>(
        self: Arc<Self>,
        stream: TcpStream,
        admitted: A,
        _open: OpenConnection,
    ) where
        A: Clone + Send + Sync + 'static,
        Answer: Fn(A, Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        // An answer is written whole: waiting to fill a segment would only delay it.
        if let Err(error) = stream.set_nodelay(true) {
            return debug!(%error, "the connection was gone before it was served");
        }
        match &self.transport {
            Transport::Plain => self.requests(stream, admitted).await,
            Transport::Tls(tls) => {
                // Nothing has been asked before the handshake is over, so a stop need not wait for it.
                let handshake = timeout(self.limits.tls_handshake, tls.accept(stream));
                match self.tasks.finish().run_until_cancelled(handshake).await {
                    Some(Ok(Ok(stream))) => self.requests(stream, admitted).await,
                    Some(Ok(Err(error))) => {
                        self.counters.count_handshake_failure();
                        debug!(%error, "the TLS handshake failed");
                    }
                    Some(Err(_elapsed)) => {
                        self.counters.count_handshake_failure();
                        debug!("the TLS handshake took too long");
                    }
                    None => {}
                }
            }
        }
    }

    /// Speaks HTTP until the client has had enough, it is idle for too long, or a stop ends it.
    async fn requests<A, F, B, Io>(self: &Arc<Self>, io: Io, admitted: A)
    where
        A: Clone + Send + Sync + 'static,
        Answer: Fn(A, Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
        Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Arc::new(Activity::default());
        let service = service_fn(|request| {
            let running = Activity::begin(&activity, &self.counters);
            let (server, admitted) = (Arc::clone(self), admitted.clone());
            // `answer` is called inside the future: over HTTP/2 that is the stream's own task, so a panic stays there.
            async move {
                let response = (server.answer)(admitted, request).await;
                drop(running);
                Ok::<_, Infallible>(response)
            }
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(io), service));

        tokio::select! {
            ended = connection.as_mut() => return note(ended),
            () = activity.quiet(self.limits.header_read, self.limits.idle) => {}
            () = self.tasks.finish().cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection.as_mut() => note(ended),
            () = activity.quiet(self.limits.linger, self.limits.linger) => {}
        }
    }
}

/// Clients break off for many reasons, none of them ours: a line for whoever looks into one.
fn note(ended: Result<(), Box<dyn StdError + Send + Sync>>) {
    if let Err(error) = ended {
        debug!(%error, "the connection ended early");
    }
}

/// HTTP/1.1 and HTTP/2 with every bound they have.
fn http_within(limits: &Limits, tasks: Tasks) -> auto::Builder<Tasks> {
    let header_bytes = limits.header_bytes.saturating_mul(2).max(SMALLEST_BUFFER);
    let mut http = auto::Builder::new(tasks);
    http.http1()
        // `Activity` bounds the time of a head, over both protocols alike.
        .header_read_timeout(None)
        .max_buf_size(header_bytes)
        .max_headers(limits.headers.saturating_mul(2));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.http2_streams)
        .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
        // Rapid reset (CVE-2023-44487) and its kin: streams that a client opens and takes back, or makes us take back.
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS)
        // What a client may send before anyone has read it: memory that a stream and a connection can hold.
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        // A peer that is gone without a word is noticed before `Limits::idle`.
        .keep_alive_interval(limits.idle.min(PING_INTERVAL))
        .keep_alive_timeout(PING_TIMEOUT);
    http
}

/// The smallest buffer that hyper works with.
const SMALLEST_BUFFER: usize = 8 * 1024;
const MAX_PENDING_RESETS: usize = 20;
/// Over the life of a connection.
const MAX_ERROR_RESETS: usize = 128;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
const SEND_BUFFER: usize = 64 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
