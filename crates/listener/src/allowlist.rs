//! Which networks may call.
//!
//! A [`Peer`] comes in; out comes an [`AdmittedPeer`], which is the proof that the rest of the way asks for. An attacker
//! would want a second spelling of an address, or a list that says less than it seems to: v4-mapped IPv6 is IPv4 on both
//! sides, and a list that holds every address is refused.

mod file;

use std::net::IpAddr;

use ipnet::IpNet;

pub use self::file::{Removal, parse_network, read_networks, read_removals};
use crate::{Error, Peer, networks::Networks};

/// Whether an allowlist that holds every address of a family is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnyNetwork {
    /// A union that is all of IPv4 or all of IPv6 is an error.
    #[default]
    Refused,
    /// It was asked for by name (`i_accept_any_network`).
    Accepted,
}

/// The networks that calls may come from. Never the only control: platforms share their addresses among tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowlist {
    networks: Networks,
}

impl Allowlist {
    /// Takes the union of `networks`. A v4-mapped network (`::ffff:0:0/96` and within, RFC 4291 §2.5.5.2) is the IPv4
    /// network it stands for; a wider IPv6 network holds no IPv4 address.
    ///
    /// An empty list, a network with host bits set and, unless `any` accepts it, a union that is all of IPv4 or all of
    /// IPv6 are errors.
    pub fn new(networks: Vec<IpNet>, any: AnyNetwork) -> Result<Self, Error> {
        if networks.is_empty() {
            return Err(Error::NoNetworks);
        }
        let networks = Networks::union(networks)?;
        if any == AnyNetwork::Refused
            && let Some(family) = networks.whole_family()
        {
            return Err(Error::EveryAddress { family });
        }
        Ok(Self { networks })
    }

    /// Admits a peer whose address is in one of the networks, and gives any other back.
    pub fn admit(&self, peer: Peer) -> Result<AdmittedPeer, Peer> {
        let address = peer.address().ip();
        if self.networks.contain(address) {
            Ok(AdmittedPeer { address })
        } else {
            Err(peer)
        }
    }

    /// Admits a peer whom another list has admitted, if this one does, too.
    pub fn admit_again(&self, peer: AdmittedPeer) -> Option<AdmittedPeer> {
        self.networks.contain(peer.address).then_some(peer)
    }

    /// The networks, merged where they touch; IPv4 before IPv6.
    pub fn networks(&self) -> &[IpNet] {
        self.networks.as_slice()
    }
}

/// A peer whose address is on the allowlist. Only [`Allowlist::admit`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AdmittedPeer {
    address: IpAddr,
}

impl AdmittedPeer {
    /// The peer's address; never a v4-mapped IPv6 address.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

    use ipnet::{Ipv4Net, Ipv6Net};
    use proptest::prelude::*;

    use super::*;
    use crate::networks::V4_MAPPED_PREFIX;

    fn networks(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn allowlist(texts: &[&str]) -> Result<Allowlist, Error> {
        Allowlist::new(networks(texts), AnyNetwork::Refused)
    }

    fn peer(address: impl Into<IpAddr>) -> Peer {
        Peer::from_socket(SocketAddr::new(address.into(), 40_000))
    }

    fn admits(allowlist: &Allowlist, address: &str) -> bool {
        allowlist
            .admit(peer(address.parse::<IpAddr>().unwrap()))
            .is_ok()
    }

    #[test]
    fn an_address_inside_is_admitted_and_one_outside_is_given_back() {
        let allowlist = allowlist(&["203.0.113.0/24", "2001:db8::/32"]).unwrap();
        assert!(admits(&allowlist, "203.0.113.0"));
        assert!(admits(&allowlist, "203.0.113.255"));
        assert!(admits(&allowlist, "2001:db8:ffff::1"));
        let stranger = peer(Ipv4Addr::new(203, 0, 114, 0));
        assert_eq!(allowlist.admit(stranger), Err(stranger));
        assert!(!admits(&allowlist, "203.0.112.255"));
        assert!(!admits(&allowlist, "2001:db9::"));
        assert!(!admits(&allowlist, "::"));
    }

    #[test]
    fn a_v4_mapped_peer_is_the_v4_peer() {
        let allowlist = allowlist(&["203.0.113.0/24"]).unwrap();
        let admitted = allowlist
            .admit(peer("::ffff:203.0.113.9".parse::<IpAddr>().unwrap()))
            .unwrap();
        assert_eq!(admitted.address(), IpAddr::from([203, 0, 113, 9]));
        assert!(!admits(&allowlist, "::ffff:198.51.100.1"));
    }

    #[test]
    fn a_peer_of_another_list_is_admitted_again_only_if_it_is_on_this_one() {
        let wide = allowlist(&["203.0.113.0/24"]).unwrap();
        let narrow = allowlist(&["203.0.113.128/25"]).unwrap();
        let [low, high] = [[203, 0, 113, 1], [203, 0, 113, 200]]
            .map(|address| wide.admit(peer(address)).unwrap());
        assert_eq!(narrow.admit_again(low), None);
        assert_eq!(narrow.admit_again(high), Some(high));
    }

    #[test]
    fn a_v4_mapped_network_is_the_v4_network() {
        let allowlist = allowlist(&["::ffff:203.0.113.0/120"]).unwrap();
        assert_eq!(allowlist.networks(), networks(&["203.0.113.0/24"]));
        assert!(admits(&allowlist, "203.0.113.9"));
    }

    #[test]
    fn an_ipv6_network_wider_than_the_mapped_ones_holds_no_ipv4_address() {
        let allowlist = allowlist(&["::/64"]).unwrap();
        assert!(admits(&allowlist, "::1"));
        assert!(!admits(&allowlist, "203.0.113.9"));
        assert!(!admits(&allowlist, "::ffff:203.0.113.9"));
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert!(matches!(allowlist(&[]), Err(Error::NoNetworks)));
    }

    #[test]
    fn host_bits_are_refused_with_both_mends() {
        let error = allowlist(&["10.0.0.5/8"]).unwrap_err().to_string();
        assert_eq!(
            error,
            "10.0.0.5/8 has bits set beyond its prefix: write 10.0.0.0/8 for the network, or 10.0.0.5 for the one address"
        );
    }

    #[test]
    fn every_address_is_refused_however_it_is_put_together() {
        let unions: [&[&str]; 6] = [
            &["0.0.0.0/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["::ffff:0:0/96"],
            &["::ffff:0:0/97", "128.0.0.0/2", "192.0.0.0/2"],
            &["::/0"],
            &["8000::/1", "::/2", "4000::/2", "192.0.2.1/32"],
        ];
        for union in unions {
            assert!(
                matches!(allowlist(union), Err(Error::EveryAddress { .. })),
                "{union:?}"
            );
            assert!(
                Allowlist::new(networks(union), AnyNetwork::Accepted).is_ok(),
                "{union:?}"
            );
        }
    }

    #[test]
    fn all_of_ipv6_but_the_mapped_addresses_is_all_of_ipv6() {
        let mapped: Ipv6Net = "::ffff:0:0/96".parse().unwrap();
        // One sibling a prefix length: together they are everything but `mapped`.
        let all_else = (1..=V4_MAPPED_PREFIX).map(|length| {
            let sibling = u128::from(mapped.network()) ^ (1 << (128 - u32::from(length)));
            IpNet::V6(
                Ipv6Net::new(Ipv6Addr::from(sibling), length)
                    .unwrap()
                    .trunc(),
            )
        });
        let refused = Allowlist::new(all_else.collect(), AnyNetwork::Refused);
        assert!(matches!(
            refused,
            Err(Error::EveryAddress { family: "IPv6" })
        ));
    }

    #[test]
    fn nearly_everything_is_not_everything() {
        assert!(allowlist(&["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]).is_ok());
    }

    /// Few distinct high bits, so that networks overlap, touch, and hold some of the addresses.
    fn any_network() -> impl Strategy<Value = IpNet> {
        let v4 = (0..64_u32, 0..=32_u8).prop_map(|(high, length)| {
            IpNet::V4(
                Ipv4Net::new(Ipv4Addr::from(high << 26 | high), length)
                    .unwrap()
                    .trunc(),
            )
        });
        let v6 = (0..64_u128, 0..=128_u8).prop_map(|(high, length)| {
            IpNet::V6(
                Ipv6Net::new(Ipv6Addr::from(high << 122 | high), length)
                    .unwrap()
                    .trunc(),
            )
        });
        let mapped = (0..64_u32, 96..=128_u8).prop_map(|(high, length)| {
            let address = Ipv4Addr::from(high << 26 | high).to_ipv6_mapped();
            IpNet::V6(Ipv6Net::new(address, length).unwrap().trunc())
        });
        prop_oneof![v4, v6, mapped]
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        let v4 = (0..64_u32, 0..64_u32).prop_map(|(high, low)| Ipv4Addr::from(high << 26 | low));
        prop_oneof![
            v4.clone().prop_map(IpAddr::V4),
            v4.prop_map(|address| IpAddr::V6(address.to_ipv6_mapped())),
            (0..64_u128, 0..64_u128)
                .prop_map(|(high, low)| IpAddr::V6(Ipv6Addr::from(high << 122 | low))),
            any::<IpAddr>(),
        ]
    }

    proptest! {
        #[test]
        fn the_lookup_agrees_with_a_scan_of_what_was_given(
            networks in prop::collection::vec(any_network(), 1..40),
            address in any_address(),
        ) {
            let allowlist = Allowlist::new(networks.clone(), AnyNetwork::Accepted).unwrap();
            let address = address.to_canonical();
            let mapped = IpAddr::V6(match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                IpAddr::V6(v6) => v6,
            });
            let scanned = networks.iter().any(|network| {
                network.contains(&address)
                    || (address.is_ipv4() && network.prefix_len() >= V4_MAPPED_PREFIX && network.contains(&mapped))
            });
            prop_assert_eq!(allowlist.admit(peer(address)).is_ok(), scanned);
        }

        #[test]
        fn the_merged_networks_are_sorted_and_apart(networks in prop::collection::vec(any_network(), 1..40)) {
            let allowlist = Allowlist::new(networks, AnyNetwork::Accepted).unwrap();
            for pair in allowlist.networks().windows(2) {
                prop_assert!(pair[0] < pair[1]);
                prop_assert!(!pair[0].contains(&pair[1]));
            }
        }
    }
}
