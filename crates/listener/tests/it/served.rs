//! A listener that serves, and clients that speak to it byte by byte.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use lychgate_listener::{
    AdmittedPeer, Allowlist, AnyNetwork, Counters, Drained, Limits, Listener, Transport,
    TrustedProxies,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub(crate) type Answer = Response<Full<Bytes>>;

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) counters: Arc<Counters>,
    pub(crate) stop: CancellationToken,
    serving: JoinHandle<Drained>,
}

impl Served {
    /// Serves loopback peers on a free port.
    pub(crate) fn new<F>(
        transport: Transport,
        limits: Limits,
        answer: impl Fn(AdmittedPeer, Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::to("127.0.0.0/8", transport, limits, answer)
    }

    /// Serves peers of one network on a free port.
    pub(crate) fn to<F>(
        network: &str,
        transport: Transport,
        limits: Limits,
        answer: impl Fn(AdmittedPeer, Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self::by(bind(transport, limits), network, answer)
    }

    /// Serves clients of one network whom the proxies of another introduce.
    pub(crate) fn behind<F>(
        proxies: &str,
        network: &str,
        transport: Transport,
        limits: Limits,
        answer: impl Fn(AdmittedPeer, Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let proxies = TrustedProxies::new(vec![proxies.parse().unwrap()]).unwrap();
        Self::by(bind(transport, limits).behind(proxies), network, answer)
    }

    fn by<F>(
        listener: Listener,
        network: &str,
        answer: impl Fn(AdmittedPeer, Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let allowlist =
            Allowlist::new(vec![network.parse().unwrap()], AnyNetwork::Refused).unwrap();
        let (address, counters, stop) = (
            listener.address(),
            listener.counters(),
            CancellationToken::new(),
        );
        let admit = move |peer| allowlist.admit(peer).ok();
        let serving = tokio::spawn(listener.serve(admit, answer, stop.clone()));
        Self {
            address,
            counters,
            stop,
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Drops the future of `Listener::serve` without a stop.
    pub(crate) fn abandon(&self) {
        self.serving.abort();
    }

    /// Waits for a stop that was asked for through `stop`.
    pub(crate) async fn drained(self) -> Drained {
        within_reason(self.serving).await.unwrap()
    }

    pub(crate) async fn until_open(&self, connections: usize) {
        self.until(|counters| counters.open() == connections).await;
    }

    pub(crate) async fn until(&self, is_so: impl Fn(&Counters) -> bool) {
        within_reason(async {
            while !is_so(&self.counters) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn bind(transport: Transport, limits: Limits) -> Listener {
    Listener::bind(SocketAddr::from(([127, 0, 0, 1], 0)), transport, limits).unwrap()
}

/// A test that would hang fails. Nothing that passes takes a hundredth of this.
async fn within_reason<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .unwrap()
}

/// Answers every request with the address it was admitted from.
pub(crate) async fn greet(peer: AdmittedPeer, _request: Request<Incoming>) -> Answer {
    Response::new(Full::from(peer.address().to_string()))
}

/// A client that keeps one connection of HTTP/1.1, or of HTTP/2 by prior knowledge.
pub(crate) fn client(version: ::http::Version) -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy();
    let client = if version == ::http::Version::HTTP_2 {
        client.http2_prior_knowledge()
    } else {
        client.http1_only()
    };
    client.build().unwrap()
}

/// Everything up to the end of the connection, be it closed or reset.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = within_reason(stream.read(&mut piece)).await {
        received.extend_from_slice(&piece[..length]);
    }
    received
}

/// Asks once over HTTP/1.1 and keeps the connection; the answer is [`greet`]'s.
pub(crate) async fn ask(stream: &mut TcpStream) -> String {
    ask_as(stream, "127.0.0.1").await
}

/// The same, as a client whom a proxy has introduced as this address.
pub(crate) async fn ask_as(stream: &mut TcpStream, client: &str) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: listener\r\n\r\n")
        .await
        .unwrap();
    let mut received = String::new();
    while !received.ends_with(client) {
        let mut piece = [0; 256];
        let length = stream.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "closed after {received:?}");
        received.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    received
}
