//! Who the client is where a proxy stands before us: what the proxy says, and nobody else.
//!
//! A [`Peer`] that is one of the [`TrustedProxies`] comes in with the one thing that is read: a PROXY header, `Forwarded`
//! or `X-Forwarded-For`. Out comes the client as a [`Peer`], to be held against the allowlist like any other. An attacker
//! would want to say who she is: what she wrote stands to the left of what the proxies added, and is never reached.

mod forwarded;
mod proxy_protocol;
mod x_forwarded_for;

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

pub(crate) use self::proxy_protocol::{Header, read_header};
use crate::{Error, Peer, networks::Networks};

/// The proxies whose word is taken for the address of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Networks);

impl TrustedProxies {
    /// Takes the union of `networks`. An empty list, a network with host bits set, and a union that is all of IPv4 or all
    /// of IPv6 are errors: whoever trusts everyone trusts the attacker.
    pub fn new(networks: Vec<IpNet>) -> Result<Self, Error> {
        if networks.is_empty() {
            return Err(Error::NoProxies);
        }
        let networks = Networks::union(networks)?;
        match networks.whole_family() {
            Some(family) => Err(Error::EveryProxy { family }),
            None => Ok(Self(networks)),
        }
    }

    /// Whether this peer is one of them.
    pub fn include(&self, peer: Peer) -> bool {
        self.0.contain(peer.address().ip())
    }
}

/// The header field that a proxy writes the client's address into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardedField {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`, which every proxy of the time before writes.
    XForwardedFor,
}

/// Why a request through a proxy has no client that could be held against the allowlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// The peer is none of the trusted proxies, so its word counts nothing.
    #[error("the peer is none of the trusted proxies")]
    Stranger,
    /// The field is not there.
    #[error("the proxy did not say who the client is")]
    Missing,
    /// The field is not as its grammar has it, or names no address.
    #[error("what the proxy said of the client is no address")]
    Malformed,
}

impl ForwardedField {
    /// The client of a request that came from `peer`: walking the list from its right end, which the nearest proxy wrote,
    /// the first address that is none of the trusted proxies. Where all of them are, the leftmost.
    pub fn client(
        self,
        peer: Peer,
        proxies: &TrustedProxies,
        headers: &HeaderMap,
    ) -> Result<Peer, Untold> {
        if !proxies.include(peer) {
            return Err(Untold::Stranger);
        }
        let lines: Vec<&HeaderValue> = headers.get_all(self.name()).iter().collect();
        let mut client = Err(Untold::Missing);
        for line in lines.iter().rev() {
            let line = line.to_str().map_err(|_| Untold::Malformed)?;
            for address in self.addresses(line)?.into_iter().rev() {
                let told = Peer::told(address.ok_or(Untold::Malformed)?);
                if !proxies.include(told) {
                    return Ok(told);
                }
                client = Ok(told);
            }
        }
        client
    }

    /// Each element's address in the order of the line; `None` for one that names none.
    fn addresses(self, line: &str) -> Result<Vec<Option<IpAddr>>, Untold> {
        match self {
            Self::Forwarded => forwarded::addresses(line).ok_or(Untold::Malformed),
            Self::XForwardedFor => Ok(x_forwarded_for::addresses(line)),
        }
    }

    fn name(self) -> HeaderName {
        match self {
            Self::Forwarded => header::FORWARDED,
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
        }
    }
}

#[cfg(test)]
mod tests;
