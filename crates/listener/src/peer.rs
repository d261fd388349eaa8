//! Who is at the other end of a connection, as the socket says, or a proxy that is trusted.

use std::net::{IpAddr, SocketAddr};

/// The other end of an accepted connection, or of the connection to a proxy before us. Only the accept loop and
/// [`ForwardedField`](crate::ForwardedField) make one.
///
/// An IPv4 peer that reached a dual-stack socket as `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2) is the IPv4 peer it is, so that
/// no address has two spellings further on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer {
    address: SocketAddr,
}

impl Peer {
    pub(crate) fn from_socket(address: SocketAddr) -> Self {
        Self {
            address: SocketAddr::new(address.ip().to_canonical(), address.port()),
        }
    }

    /// The client that a proxy named, without its port.
    pub(crate) fn told(address: IpAddr) -> Self {
        Self::from_socket(SocketAddr::new(address, 0))
    }

    /// Address and port; never a v4-mapped IPv6 address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
