//! The accept loop.
//!
//! A connection comes from the kernel and goes, with its peer admitted, into a task of its own. A peer that is not
//! admitted is closed here, before a byte is read; so is one too many. An attacker would like this loop to end or to
//! spin: no error ends it, and what a shortage causes is waited out.

use std::{error::Error as StdError, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    Counters, Drained, Error, Limits, Live, Peer, Tls, Transport, TrustedProxies,
    counters::OpenConnection,
    drain::{Tasks, drain},
    serve::{Entrance, Entry, Server},
};

/// A bound socket, ready to serve.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Live<Tls>>>,
    limits: Limits,
    counters: Arc<Counters>,
    proxies: Option<TrustedProxies>,
}

impl Listener {
    /// Binds `address` and listens; port 0 takes a free one. To be called inside a Tokio runtime.
    ///
    /// From here on the kernel queues connections (1024 at most) until [`Listener::serve`] takes them.
    pub fn bind(address: SocketAddr, transport: Transport, limits: Limits) -> Result<Self, Error> {
        let open = || {
            let socket = listen(address)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        let (socket, address) = open().map_err(|source| Error::Bind { address, source })?;
        Ok(Self {
            socket,
            address,
            tls: match transport {
                Transport::Plain => None,
                Transport::Tls(tls) => Some(Arc::new(Live::new(tls))),
            },
            limits,
            counters: Arc::default(),
            proxies: None,
        })
    }

    /// Takes connections from these proxies only, each with a header of the PROXY protocol (version 1 or 2) before its
    /// first byte: the peer is the client that the header names, or the proxy itself where it speaks for itself.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self {
            proxies: Some(proxies),
            ..self
        }
    }

    /// The address that is bound, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where TLS is spoken, the certificate that is in force, to be replaced at any time. Connections to come get the new
    /// one. Those that are open go on, unless the new one does not let in the certificate that their client has shown: they
    /// end with their next request, which is not answered.
    pub fn tls(&self) -> Option<Arc<Live<Tls>>> {
        self.tls.clone()
    }

    /// What this listener counts, to be read at any time, also while it serves and after.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `stop` is cancelled, then drains within [`Limits::drain`] and says how that went.
    ///
    /// `admit` decides on each connection, before TLS and, unless a proxy introduces the client, before a byte of it is
    /// read; with `None` it is closed. What it returns comes with every request of the connection. It runs in the accept
    /// loop: it must neither block nor panic.
    ///
    /// `answer` makes the answer to each request, over HTTP/1.1 and HTTP/2 alike. Where the client has shown a certificate,
    /// the request says which ([`CertificateThumbprint::of_connection`](crate::CertificateThumbprint)). Its future has no deadline here, save
    /// that of a stop; an answer with [`LastAnswer`](crate::LastAnswer) among its extensions is the last of its connection.
    /// The future is dropped, wherever it waits, when the peer goes away or is cut. An answer's body has to be
    /// taken by the peer within [`Limits::idle`], counted from the last request on the connection.
    ///
    /// A panic inside `answer` reaches that one request: over HTTP/1.1 the client sees its connection closed without an
    /// answer, over HTTP/2 its stream reset, while the connection's other streams go on. It is counted
    /// ([`Counters::panics`]). Whoever wants a 500 in its place catches it inside `answer`.
    ///
    /// Dropping the returned future cuts every connection.
    pub async fn serve<A, F, B>(
        self,
        admit: impl Fn(Peer) -> Option<A> + Send + Sync + 'static,
        answer: impl Fn(A, Request<Incoming>) -> F + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Drained
    where
        A: Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let Self {
            socket,
            address,
            tls,
            limits,
            counters,
            proxies,
        } = self;
        let tasks = Tasks::default();
        let _cut_when_dropped = tasks.cut_when_dropped();
        let server = Arc::new(Server::new(
            tls,
            limits.clone(),
            Arc::clone(&counters),
            tasks.clone(),
            Entrance { proxies, admit },
            answer,
        ));

        let accepting = Accepting {
            socket,
            address,
            limits,
            counters,
        };
        let entrance = Arc::clone(&server);
        let serve = |stream, entry, open| {
            tasks.spawn(Arc::clone(&server).connection(stream, entry, open));
        };
        accepting
            .until(&stop, |peer| entrance.entry(peer), serve)
            .await;
        accepting.end(&tasks).await
    }

    /// The same for another protocol than HTTP: `pass` gets each admitted connection as it is, without a byte of it read,
    /// and whatever TLS there is to be is its own matter. A PROXY header is not read here.
    pub async fn hand_over<A, F>(
        self,
        admit: impl Fn(Peer) -> Option<A> + Send + Sync + 'static,
        pass: impl Fn(A, TcpStream) -> F + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Drained
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let accepting = Accepting {
            socket: self.socket,
            address: self.address,
            limits: self.limits,
            counters: self.counters,
        };
        let tasks = Tasks::default();
        let _cut_when_dropped = tasks.cut_when_dropped();
        let entry = |peer| admit(peer).map(Entry::Admitted);
        let hand = |stream: TcpStream, entry, open: OpenConnection| {
            // What is said is said at once, as over HTTP.
            if let (Entry::Admitted(admitted), Ok(())) = (entry, stream.set_nodelay(true)) {
                let passing = pass(admitted, stream);
                tasks.spawn(async move {
                    let _until_passed = open;
                    passing.await;
                });
            }
        };
        accepting.until(&stop, entry, hand).await;
        accepting.end(&tasks).await
    }
}

/// A socket from which connections are taken.
struct Accepting {
    socket: TcpListener,
    address: SocketAddr,
    limits: Limits,
    counters: Arc<Counters>,
}

impl Accepting {
    /// Takes connections until `stop`; `take` gets those that `entry` lets in, if there is room.
    async fn until<A>(
        &self,
        stop: &CancellationToken,
        entry: impl Fn(Peer) -> Option<Entry<A>>,
        take: impl Fn(TcpStream, Entry<A>, OpenConnection),
    ) {
        let Self {
            socket,
            address,
            limits,
            counters,
        } = self;
        let mut failures = 0;
        while let Some(accepted) = stop.run_until_cancelled(socket.accept()).await {
            match accepted {
                Ok((stream, from)) => {
                    failures = 0;
                    counters.count_accepted();
                    let peer = Peer::from_socket(from);
                    if let Some(entry) = gate(peer, entry(peer), limits, counters) {
                        // It counts as open from here, so that the next one sees it.
                        take(stream, entry, Counters::open_connection(counters));
                    }
                }
                Err(error) => {
                    failures += 1;
                    counters.count_accept_failure();
                    if let Some(pause) = pause_after(&error, failures) {
                        warn!(%address, %error, ?pause, "cannot accept a connection; is the limit of open files too low?");
                        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                    }
                }
            }
        }
    }

    /// Takes no more, and waits for what runs.
    async fn end(self, tasks: &Tasks) -> Drained {
        let Self {
            socket,
            address,
            limits,
            counters,
        } = self;
        drop(socket);
        let drained = drain(tasks, &limits, &counters).await;
        info!(%address, waited = ?drained.waited, finished = drained.finished, cut = drained.cut, "stopped listening");
        drained
    }
}

/// The allowlist, then the connection limit: a peer that may not call takes no place from one that may.
fn gate<A>(
    peer: Peer,
    entry: Option<Entry<A>>,
    limits: &Limits,
    counters: &Counters,
) -> Option<Entry<A>> {
    let Some(entry) = entry else {
        counters.count_refused();
        debug!(peer = %peer.address(), "closed: the address is not allowed");
        return None;
    };
    if counters.open() >= limits.connections {
        counters.count_over_limit();
        debug!(peer = %peer.address(), "closed: too many connections are open");
        return None;
    }
    Some(entry)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// How long to wait after `failures` in a row; not at all where the fault was one connection's own (accept(2) reports
/// what became of a connection in the queue). A shortage of descriptors or memory would otherwise be asked about
/// thousands of times a second, since the connection stays in the queue.
fn pause_after(error: &io::Error, failures: u32) -> Option<Duration> {
    match error.kind() {
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::Interrupted => None,
        _ => Some(
            SHORTEST_PAUSE
                .saturating_mul(1 << failures.saturating_sub(1).min(10))
                .min(LONGEST_PAUSE),
        ),
    }
}

const BACKLOG: u32 = 1024;
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_is_waited_out_for_longer_and_longer_up_to_a_second() {
        let shortage = io::Error::from_raw_os_error(24); // EMFILE
        let pauses: Vec<_> = (1..=9)
            .map(|failures| pause_after(&shortage, failures).unwrap().as_millis())
            .collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert_eq!(pause_after(&shortage, u32::MAX), Some(LONGEST_PAUSE));
    }

    #[test]
    fn a_connection_that_went_away_in_the_queue_costs_no_pause() {
        assert_eq!(
            pause_after(&io::ErrorKind::ConnectionAborted.into(), 1),
            None
        );
    }

    #[tokio::test]
    async fn an_address_in_use_is_an_error_that_names_it() {
        let first = Listener::bind(
            "127.0.0.1:0".parse().unwrap(),
            Transport::Plain,
            Limits::default(),
        )
        .unwrap();
        let Err(error) = Listener::bind(first.address(), Transport::Plain, Limits::default())
        else {
            panic!("two listeners on one address");
        };
        assert_eq!(
            error.to_string(),
            format!("cannot listen on {}", first.address())
        );
    }
}
