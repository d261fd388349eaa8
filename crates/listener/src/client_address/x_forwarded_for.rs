//! `X-Forwarded-For`: addresses between commas, with a port where the proxy writes one.
//!
//! The field has no grammar of its own, so each element stands alone: what an attacker wrote into one cannot change how
//! the next is read.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The elements' addresses; `None` where one is none. An empty element is no element (RFC 9110 §5.6.1).
pub(super) fn addresses(line: &str) -> Vec<Option<IpAddr>> {
    line.split(',')
        .map(|element| element.trim_matches([' ', '\t']))
        .filter(|element| !element.is_empty())
        .map(address)
        .collect()
}

/// `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:443`.
fn address(element: &str) -> Option<IpAddr> {
    let bracketed = || {
        let inner = element.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    let with_port = || Some(element.parse::<SocketAddr>().ok()?.ip());
    element.parse().ok().or_else(bracketed).or_else(with_port)
}
