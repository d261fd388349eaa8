//! The native interface: a guarded door to the database's own protocol, for scripts that still speak it.
//!
//! A connection comes in from an allowed network, with a certificate of its own, and names a user and a database that
//! config names; its bytes go on to the server, which asks for the password as ever. An attacker on an allowed network has
//! no certificate; one who has a script's key gets no further than that script's user, and leaves a trace of each session.
//! What is said inside a session is between the client and the server's grants: the door passes on bytes.

mod mysql;
mod postgres;
mod relay;
mod room;
mod sessions;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lychgate_listener::{AdmittedPeer, Listener, Live, MutualTls, Peer, Transport};
use lychgate_store::{StoreKind, Upstream};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use self::room::Room;
use crate::error::Error;

pub(crate) use self::sessions::{Counts, Sessions};

/// A door, as config has it.
pub struct NativeSettings {
    /// Where it is.
    pub listen: SocketAddr,
    /// Its certificate, and whose certificates it asks for.
    pub tls: MutualTls,
    /// The server behind it.
    pub upstream: Upstream,
    /// The users that sessions may begin as. Not empty.
    pub users: BTreeSet<String>,
    /// The databases that sessions may begin in. Not empty.
    pub databases: BTreeSet<String>,
    /// How much goes through it.
    pub limits: NativeLimits,
}

/// The bounds of a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeLimits {
    /// Connections at a time; one more is closed.
    pub connections: usize,
    /// From the connection to the session's first message to the server.
    pub opening: Duration,
    /// How long a session may say nothing, either way.
    pub idle: Duration,
    /// Bytes of one session, both ways together.
    pub session_bytes: u64,
}

impl Default for NativeLimits {
    fn default() -> Self {
        Self {
            connections: 32,
            opening: Duration::from_secs(10),
            idle: Duration::from_mins(10),
            session_bytes: 256 * 1024 * 1024,
        }
    }
}

/// A door, bound.
pub(crate) struct Door {
    listener: Listener,
    room: Arc<Room>,
}

/// The certificate of a door, and those that it asks for: to be replaced at any time, for the sessions to come.
#[derive(Clone)]
pub(crate) struct DoorTls {
    listen: SocketAddr,
    protocols: &'static [&'static [u8]],
    in_force: Arc<Live<MutualTls>>,
}

impl Door {
    /// Binds it. Port 0 takes a free one.
    pub(crate) fn bind(settings: NativeSettings) -> Result<Self, Error> {
        for (list, is_empty) in [
            ("users", settings.users.is_empty()),
            ("databases", settings.databases.is_empty()),
        ] {
            if is_empty {
                return Err(Error::EmptyList(list));
            }
        }
        let limits = lychgate_listener::Limits {
            connections: settings.limits.connections,
            ..lychgate_listener::Limits::default()
        };
        let listener = Listener::bind(settings.listen, Transport::Plain, limits)?;
        let protocols: &'static [&'static [u8]] = match settings.upstream.kind() {
            StoreKind::Postgres => &[postgres::ALPN],
            StoreKind::Mysql | StoreKind::Sqlite => &[],
        };
        Ok(Self {
            listener,
            room: Arc::new(Room {
                tls: DoorTls {
                    listen: settings.listen,
                    protocols,
                    in_force: Arc::new(Live::new(settings.tls.speaking(protocols))),
                },
                upstream: settings.upstream,
                users: settings.users,
                databases: settings.databases,
                limits: settings.limits,
            }),
        })
    }

    /// What can be replaced while it is open.
    pub(crate) fn tls(&self) -> DoorTls {
        self.room.tls.clone()
    }

    /// With the real port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Lets in whom `admit` lets in, until `stop`; then every session ends.
    pub(crate) async fn run(
        self,
        sessions: Arc<Sessions>,
        admit: impl Fn(Peer) -> Option<AdmittedPeer> + Send + Sync + 'static,
        stop: CancellationToken,
    ) {
        let room = self.room;
        let ending = stop.clone();
        let pass = move |peer: AdmittedPeer, stream: TcpStream| {
            let (room, stop) = (Arc::clone(&room), ending.clone());
            let sessions = Arc::clone(&sessions);
            async move { Box::pin(room.session(&sessions, peer, stream, &stop)).await }
        };
        self.listener.hand_over(admit, pass, stop).await;
    }
}

impl DoorTls {
    /// Where config has the door.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// What is in force now.
    pub(crate) fn current(&self) -> Arc<MutualTls> {
        self.in_force.current()
    }

    /// Puts others in force.
    pub(crate) fn replace(&self, tls: MutualTls) {
        self.in_force.replace(tls.speaking(self.protocols));
    }
}
