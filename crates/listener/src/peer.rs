//! Who is at the other end of a connection, as the socket says and nobody else.

use std::net::SocketAddr;

/// The other end of an accepted connection. Only the accept loop makes one.
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

    /// Address and port; never a v4-mapped IPv6 address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
