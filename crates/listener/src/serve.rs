//! From an admitted connection to answered requests.
//!
//! In comes a socket whose peer is admitted; out go requests, each with that admission, over HTTP/1.1 or HTTP/2 as the
//! client prefers (ALPN under TLS, the preface of RFC 9113 §3.4 without). An attacker would want to hold a connection
//! without asking anything, or to make many streams out of few bytes: both are bounded here.

use std::{error::Error as StdError, pin::pin, sync::Arc, time::Duration};

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
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    Counters, HandshakeFault, Limits, Live, Peer, Tls, TrustedProxies,
    activity::Activity,
    client_address::{Header, read_header},
    counters::OpenConnection,
    drain::Tasks,
    welcome::Welcome,
};

/// Among the extensions of an answer: its connection ends after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer;

/// Who may come in, and whose word is taken for it.
pub(crate) struct Entrance<Admit> {
    /// With these, only they may connect, and each connection begins with a PROXY header.
    pub(crate) proxies: Option<TrustedProxies>,
    pub(crate) admit: Admit,
}

/// What is known of a connection before a byte of it is read.
pub(crate) enum Entry<A> {
    /// The client itself, admitted.
    Admitted(A),
    /// A trusted proxy, who will say for whom.
    Proxy(Peer),
}

/// What every connection of a listener shares.
pub(crate) struct Server<Admit, Answer> {
    counters: Arc<Counters>,
    tasks: Tasks,
    tls: Option<Arc<Live<Tls>>>,
    limits: Limits,
    http: auto::Builder<Tasks>,
    entrance: Entrance<Admit>,
    answer: Answer,
}

impl<Admit, Answer> Server<Admit, Answer> {
    pub(crate) fn new(
        tls: Option<Arc<Live<Tls>>>,
        limits: Limits,
        counters: Arc<Counters>,
        tasks: Tasks,
        entrance: Entrance<Admit>,
        answer: Answer,
    ) -> Self {
        let http = http_within(&limits, tasks.clone());
        Self {
            counters,
            tasks,
            tls,
            limits,
            http,
            entrance,
            answer,
        }
    }

    /// Whether a peer may connect, as far as that can be said before a byte is read.
    pub(crate) fn entry<A>(&self, peer: Peer) -> Option<Entry<A>>
    where
        Admit: Fn(Peer) -> Option<A>,
    {
        match &self.entrance.proxies {
            Some(proxies) => proxies.include(peer).then_some(Entry::Proxy(peer)),
            None => (self.entrance.admit)(peer).map(Entry::Admitted),
        }
    }

    /// Serves one connection to its end, which is the end of `_open`, too.
    pub(crate) async fn connection<A, F, B>(
        self: Arc<Self>,
        mut stream: TcpStream,
        entry: Entry<A>,
        _open: OpenConnection,
    ) where
        Admit: Fn(Peer) -> Option<A> + Send + Sync + 'static,
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
        let admitted = match entry {
            Entry::Admitted(admitted) => admitted,
            Entry::Proxy(proxy) => match self.introduced(&mut stream, proxy).await {
                Some(admitted) => admitted,
                None => return,
            },
        };
        let Some(in_force) = &self.tls else {
            return self.requests(stream, admitted, None).await;
        };
        let tls = in_force.current();
        // Nothing has been asked before the handshake is over, so a stop need not wait for it.
        let handshake = timeout(self.limits.tls_handshake, tls.accept(stream));
        match self.tasks.finish().run_until_cancelled(handshake).await {
            Some(Ok(Ok(stream))) => {
                let (_, session) = stream.get_ref();
                let chain = session.peer_certificates();
                let welcome = Welcome::new(Arc::clone(in_force), tls, chain);
                self.requests(stream, admitted, Some(welcome)).await;
            }
            Some(Ok(Err(error))) => {
                let fault = HandshakeFault::of(&error);
                self.counters.count_handshake_failure(fault);
                debug!(%error, reason = fault.name(), "the TLS handshake failed");
            }
            Some(Err(_elapsed)) => {
                self.counters
                    .count_handshake_failure(HandshakeFault::TooSlow);
                debug!("the TLS handshake took too long");
            }
            None => {}
        }
    }

    /// Hears from a trusted proxy who the client is, and admits that client or not.
    async fn introduced<A>(&self, stream: &mut TcpStream, proxy: Peer) -> Option<A>
    where
        Admit: Fn(Peer) -> Option<A>,
    {
        // Nothing has been asked yet, so a stop need not wait for it.
        let header = timeout(self.limits.tls_handshake, read_header(stream));
        let client = match self.tasks.finish().run_until_cancelled(header).await? {
            Ok(Ok(Header::Client(address))) => Peer::from_socket(address),
            Ok(Ok(Header::Proxy)) => proxy,
            Ok(Err(error)) => {
                self.counters
                    .count_handshake_failure(HandshakeFault::ProxyHeader);
                debug!(proxy = %proxy.address(), %error, "a trusted proxy sent no PROXY header");
                return None;
            }
            Err(_elapsed) => {
                self.counters
                    .count_handshake_failure(HandshakeFault::TooSlow);
                debug!(proxy = %proxy.address(), "the PROXY header took too long");
                return None;
            }
        };
        let admitted = (self.entrance.admit)(client);
        if admitted.is_none() {
            self.counters.count_refused();
            debug!(peer = %client.address(), "closed: the address is not allowed");
        }
        admitted
    }

    /// Speaks HTTP until the client has had enough, it is idle for too long, it is no longer let in, an answer was the last,
    /// or a stop ends it.
    async fn requests<A, F, B, Io>(self: &Arc<Self>, io: Io, admitted: A, welcome: Option<Welcome>)
    where
        Admit: Send + Sync + 'static,
        A: Clone + Send + Sync + 'static,
        Answer: Fn(A, Request<Incoming>) -> F + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
        Io: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Arc::new(Activity::default());
        let over = CancellationToken::new();
        let service = service_fn(|mut request: Request<Incoming>| {
            let running = Activity::begin(&activity, &self.counters);
            let (server, admitted, over) = (Arc::clone(self), admitted.clone(), over.clone());
            let let_in = self.let_in(welcome.as_ref(), &mut request);
            // `answer` is called inside the future: over HTTP/2 that is the stream's own task, so a panic stays there.
            async move {
                if !let_in {
                    over.cancel();
                    return Err(NotLetInAnyMore);
                }
                let response = (server.answer)(admitted, request).await;
                drop(running);
                if response.extensions().get::<LastAnswer>().is_some() {
                    over.cancel();
                }
                Ok(response)
            }
        });
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(io), service));

        tokio::select! {
            ended = connection.as_mut() => return note(ended),
            () = activity.quiet(self.limits.header_read, self.limits.idle) => {}
            () = over.cancelled() => {}
            () = self.tasks.finish().cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection.as_mut() => note(ended),
            () = activity.quiet(self.limits.linger, self.limits.linger) => {}
        }
    }

    /// Whether the client of this request is still let in; if so, the request says by which certificate.
    fn let_in(&self, welcome: Option<&Welcome>, request: &mut Request<Incoming>) -> bool {
        let Some(welcome) = welcome else { return true };
        if let Err(fault) = welcome.lasts() {
            self.counters.count_handshake_failure(fault);
            debug!(
                reason = fault.name(),
                "the client of a connection is not let in any more"
            );
            return false;
        }
        if let Some(thumbprint) = welcome.thumbprint() {
            request.extensions_mut().insert(thumbprint);
        }
        true
    }
}

/// The certificate of a connection's client was let in at its handshake, and is not now.
#[derive(Debug, thiserror::Error)]
#[error("the client's certificate is not let in any more")]
struct NotLetInAnyMore;

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
