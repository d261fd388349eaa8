//! Whether others than the gateway can reach the store.

use std::net::IpAddr;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static PUBLIC: Check = Check {
    severity: Severity::High,
    id: "store-public-address",
    title: "the store has a public address",
    why: "The gateway is to be the one way in. A database that the internet can reach is another.",
};

static LISTENS: Check = Check {
    severity: Severity::Low,
    id: "store-listens-everywhere",
    title: "the store listens on every address of its machine",
    why: "It is reached by loopback or a private address; a network that is added later reaches it, too.",
};

pub(super) static CHECKS: [&Check; 2] = [&PUBLIC, &LISTENS];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(store) = &facts.store else { return };
    let public = store
        .addresses
        .iter()
        .filter(|address| is_public(**address));
    let public = public.count();
    if public > 0 {
        let answers = if store.opened.is_ok() {
            ", and its port answers"
        } else {
            ""
        };
        findings.push(
            &PUBLIC,
            "store.url",
            format!("its host has {public} public address(es){answers}"),
            "give it a private address, and let its firewall admit the gateway alone",
        );
    }
    let Some(listens_on) = facts
        .seen()
        .and_then(|seen| seen.session.listens_on.as_deref())
    else {
        return;
    };
    let mut addresses = listens_on.split(',').map(str::trim);
    if addresses.any(|address| matches!(address, "*" | "0.0.0.0" | "::")) {
        findings.push(
            &LISTENS,
            "store.url",
            format!("it listens on `{listens_on}`"),
            "set `listen_addresses` (PostgreSQL) or `bind_address` (MySQL, MariaDB) to the address that the gateway uses",
        );
    }
}

/// Whether an address is one that the internet routes, by the registries of special addresses,
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>, <https://www.iana.org/assignments/iana-ipv6-special-registry>.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_documentation()
                || address.is_multicast()
                || first == 0
                || first >= 240
                || is_shared
                || is_benchmark)
        }
        IpAddr::V6(address) => {
            let [first, second, ..] = address.segments();
            // Global unicast is 2000::/3, less what is set aside for documentation.
            first & 0xe000 == 0x2000 && !(first == 0x2001 && second == 0x0db8) && first != 0x3fff
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_public_if_the_internet_routes_it() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("172.32.0.1", true),
            ("2606:4700::1111", true),
            ("::ffff:8.8.8.8", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("172.31.255.255", false),
            ("192.168.0.1", false),
            ("100.64.0.1", false),
            ("169.254.1.1", false),
            ("203.0.113.7", false),
            ("::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("2001:db8::1", false),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }
}
