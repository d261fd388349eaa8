//! How far away an address is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can be behind an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This machine.
    Loopback,
    /// The owner's own networks (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// Anybody.
    Public,
    /// Nobody who should be called: link-local (a cloud's metadata service), multicast, reserved, or an IPv4 address hidden in IPv6.
    Special,
}

impl Reach {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Reach::Private,
        // This network, link-local, IETF assignments, benchmarks, multicast and reserved (RFC 6890).
        [0 | 224..=255, ..] | [169, 254, ..] | [192, 0, 0, _] | [198, 18..=19, ..] => {
            Reach::Special
        }
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Of what is left only 2000::/3 is assigned; 6to4 and Teredo hide an IPv4 address in it.
        [0x2002, ..] | [0x2001, 0, ..] => Reach::Special,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(address: &str) -> Reach {
        Reach::of(address.parse().unwrap())
    }

    #[test]
    fn every_spelling_of_this_machine_is_loopback_or_special() {
        for address in ["127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(reach(address), Reach::Loopback, "{address}");
        }
        for address in [
            "0.0.0.0",
            "::",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
        ] {
            assert_eq!(reach(address), Reach::Special, "{address}");
        }
    }

    #[test]
    fn the_metadata_service_is_special() {
        assert_eq!(reach("169.254.169.254"), Reach::Special);
        assert_eq!(reach("::ffff:169.254.169.254"), Reach::Special);
        assert_eq!(reach("fe80::1"), Reach::Special);
        assert_eq!(reach("255.255.255.255"), Reach::Special);
        assert_eq!(reach("ff02::1"), Reach::Special);
    }

    #[test]
    fn private_and_public_networks_are_told_apart() {
        for address in [
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "fd00:ec2::254",
        ] {
            assert_eq!(reach(address), Reach::Private, "{address}");
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2001:4860::8888",
        ] {
            assert_eq!(reach(address), Reach::Public, "{address}");
        }
    }
}
