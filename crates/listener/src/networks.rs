//! A union of networks, and whether an address is in it.
//!
//! What an operator wrote comes in; what comes out holds each address once, whatever its spelling. An attacker would
//! want a second spelling of an address: v4-mapped IPv6 is IPv4 here.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::Error;

/// Networks without overlap, IPv4 before IPv6, in the order of their addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    /// The union. A v4-mapped network (`::ffff:0:0/96` and within, RFC 4291 §2.5.5.2) is the IPv4 network it stands for;
    /// a wider IPv6 network holds no IPv4 address. A network with host bits set is an error.
    pub(crate) fn union(networks: Vec<IpNet>) -> Result<Self, Error> {
        let networks = networks
            .into_iter()
            .map(|network| Ok(canonical(exact(network)?)))
            .collect::<Result<_, _>>()?;
        let mut networks = IpNet::aggregate(&networks);
        networks.sort_unstable();
        Ok(Self(networks))
    }

    /// Whether the address is in one of them; a v4-mapped one is to be canonical by now.
    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        // The networks do not overlap, so only the last that starts at or before the address can hold it.
        let after = self
            .0
            .partition_point(|network| network.network() <= address);
        after
            .checked_sub(1)
            .and_then(|candidate| self.0.get(candidate))
            .is_some_and(|network| network.contains(&address))
    }

    /// The family, if any, of which they hold every address.
    pub(crate) fn whole_family(&self) -> Option<&'static str> {
        if self.0.contains(&IpNet::V4(Ipv4Net::default())) {
            return Some("IPv4");
        }
        // No IPv6 peer has a v4-mapped address, so leaving those out leaves out nobody.
        let mapped = Ipv6Net::new(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), V4_MAPPED_PREFIX).ok();
        let networks: Vec<_> = self
            .0
            .iter()
            .copied()
            .chain(mapped.map(IpNet::V6))
            .collect();
        IpNet::aggregate(&networks)
            .contains(&IpNet::V6(Ipv6Net::default()))
            .then_some("IPv6")
    }

    pub(crate) fn as_slice(&self) -> &[IpNet] {
        &self.0
    }
}

/// A network without host bits: `10.0.0.5/8` would admit far more than the address that stands there.
pub(crate) fn exact(network: IpNet) -> Result<IpNet, Error> {
    if network == network.trunc() {
        Ok(network)
    } else {
        Err(Error::HostBits { network })
    }
}

/// The network as peers are compared with it: v4-mapped is IPv4.
fn canonical(network: IpNet) -> IpNet {
    let IpAddr::V4(address) = network.addr().to_canonical() else {
        return network;
    };
    let prefix = match network {
        IpNet::V4(_) => return network,
        IpNet::V6(mapped) => mapped.prefix_len().checked_sub(V4_MAPPED_PREFIX),
    };
    prefix
        .and_then(|prefix| Ipv4Net::new(address, prefix).ok())
        .map_or(network, IpNet::V4)
}

/// The length of `::ffff:0:0/96`.
pub(crate) const V4_MAPPED_PREFIX: u8 = 96;
