//! Who calls, as far as the network knows: the gate before all others.
//!
//! A connection comes in as a [`Connection`]: of a client whose network is on the allowlist, or of a trusted proxy who
//! says in each request who the client is. An [`AdmittedPeer`] goes on, the proof that this client's network is on the
//! list. An attacker would want to be taken for somebody else by a field that she wrote herself.

use std::net::IpAddr;

use http::HeaderMap;
use lychgate_listener::{AdmittedPeer, Allowlist, Peer, Untold};

use crate::problem::Problem;
use crate::settings::ClientAddress;

/// The allowlist, and whose address is held against it.
#[derive(Clone)]
pub(crate) struct Admission {
    allowlist: Allowlist,
    source: ClientAddress,
}

/// The other end of a connection that was let in.
#[derive(Clone, Copy)]
pub(crate) enum Connection {
    /// The client, whose network is on the allowlist.
    Client(AdmittedPeer),
    /// A trusted proxy; each request has a client of its own.
    Proxy(Peer),
}

impl Admission {
    pub(crate) fn new(allowlist: Allowlist, source: ClientAddress) -> Self {
        Self { allowlist, source }
    }

    /// Whose address is held against the list.
    pub(crate) fn source(&self) -> &ClientAddress {
        &self.source
    }

    /// Lets a connection in, or gives its peer back.
    pub(crate) fn connection(&self, peer: Peer) -> Result<Connection, Peer> {
        match &self.source {
            ClientAddress::Field(_, proxies) if proxies.include(peer) => {
                Ok(Connection::Proxy(peer))
            }
            ClientAddress::Field(..) => Err(peer),
            ClientAddress::Peer | ClientAddress::ProxyProtocol(_) => {
                self.allowlist.admit(peer).map(Connection::Client)
            }
        }
    }

    /// Lets in whoever connects to a door of the native interface: there the client is always the peer.
    pub(crate) fn native(&self, peer: Peer) -> Result<AdmittedPeer, Peer> {
        self.allowlist.admit(peer)
    }

    /// The client of a request; of one who is refused, the address that was told.
    pub(crate) fn client(
        &self,
        connection: Connection,
        headers: &HeaderMap,
    ) -> Result<AdmittedPeer, Refused> {
        let told = match (connection, &self.source) {
            // The list may be another than the one that let the connection in.
            (Connection::Client(peer), _) => {
                return self.allowlist.admit_again(peer).ok_or(Refused {
                    address: Some(peer.address()),
                    problem: Problem::AddressNotAllowed("no-longer-on-the-allowlist"),
                });
            }
            (Connection::Proxy(peer), ClientAddress::Field(field, proxies)) => field
                .client(peer, proxies, headers)
                .map_err(Refused::untold)?,
            (Connection::Proxy(_), _) => return Err(Refused::untold(Untold::Stranger)),
        };
        self.allowlist.admit(told).map_err(|peer| Refused {
            address: Some(peer.address().ip()),
            problem: Problem::AddressNotAllowed("not-on-the-allowlist"),
        })
    }
}

impl Connection {
    /// Whether everything on it comes from one client, who stands at its other end.
    pub(crate) fn is_of_one_client(self) -> bool {
        matches!(self, Self::Client(_))
    }

    /// The address at the other end of the socket, or of the PROXY header.
    pub(crate) fn address(self) -> IpAddr {
        match self {
            Self::Client(peer) => peer.address(),
            Self::Proxy(peer) => peer.address().ip(),
        }
    }
}

/// A client who was not admitted.
pub(crate) struct Refused {
    pub(crate) address: Option<IpAddr>,
    pub(crate) problem: Problem,
}

impl Refused {
    fn untold(untold: Untold) -> Self {
        Self {
            address: None,
            problem: Problem::AddressNotAllowed(match untold {
                Untold::Stranger => "not-a-trusted-proxy",
                Untold::Missing => "client-address-missing",
                Untold::Malformed => "client-address-malformed",
            }),
        }
    }
}
