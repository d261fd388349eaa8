//! How much of the world may call.

use std::collections::BTreeSet;

use ipnet::IpNet;
use lychgate_listener::allowlist::{Removal, read_networks, read_removals};
use lychgate_token::UnixTime;
use time::OffsetDateTime;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static ANY: Check = Check {
    severity: Severity::High,
    id: "allowlist-any-network",
    title: "any network may call",
    why: "The token is then the sole control, and everybody may try theirs.",
};

static WIDE: Check = Check {
    severity: Severity::Medium,
    id: "allowlist-wide",
    title: "the allowlist holds a wide network",
    why: "A platform publishes single addresses or small networks; a wide one holds strangers.",
};

static MIXED: Check = Check {
    severity: Severity::Low,
    id: "allowlist-private-and-public",
    title: "the allowlist holds private networks beside public ones",
    why: "A hosted platform never calls from a private address. Behind a proxy or address translation everybody does, and \
          the list then admits everybody.",
};

static LEAVING: Check = Check {
    severity: Severity::Medium,
    id: "allowlist-address-leaving",
    title: "an address in use is about to leave the published list",
    why: "The platform will call from others, and strangers may be given this one.",
};

static LEFT: Check = Check {
    severity: Severity::Medium,
    id: "allowlist-address-left",
    title: "an address in use has left the published list",
    why: "The platform calls from it no more, and strangers may have been given it.",
};

pub(super) static CHECKS: [&Check; 5] = [&ANY, &WIDE, &MIXED, &LEAVING, &LEFT];

/// Shorter prefixes are wide.
const NARROW_V4: u8 = 16;
const NARROW_V6: u8 = 32;

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(gateway) = &facts.gateway else {
        return;
    };
    let key = "gateway.allowlist.networks";
    let networks = gateway.allowlist.networks();
    let mut private = 0;
    let mut public = 0;
    for network in networks {
        let is_private = is_private(network);
        if is_private {
            private += 1;
        } else {
            public += 1;
        }
        let narrow = match network {
            IpNet::V4(_) => NARROW_V4,
            IpNet::V6(_) => NARROW_V6,
        };
        if network.prefix_len() == 0 {
            findings.push(
                &ANY,
                "gateway.allowlist.i_accept_any_network",
                format!("`{network}` is every address of its family"),
                "name the networks that the platform calls from, and remove `i_accept_any_network`",
            );
        } else if network.prefix_len() < narrow && !network.addr().is_loopback() {
            findings.push(
                &WIDE,
                key,
                format!("`{network}` is wider than /{narrow}"),
                "name the addresses that the platform publishes for your region",
            );
        }
    }
    changes(facts, networks, findings);
    if private > 0 && public > 0 {
        findings.push(
            &MIXED,
            key,
            format!("{private} private network(s) stand beside {public} public one(s)"),
            "remove the private ones, or the public ones, whichever never calls",
        );
    }
}

/// What the changelog of the published list says of networks in use.
fn changes(facts: &Facts, in_use: &[IpNet], findings: &mut Findings) {
    let regions = &facts.allowlist.regions;
    let texts = facts.allowlist.files.iter();
    let texts: Vec<_> = texts
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect();
    let published = texts
        .iter()
        .filter(|text| text.trim_start().starts_with('{'));
    let published = published.filter_map(|text| read_networks(text, regions).ok());
    let published: Vec<IpNet> = published.flatten().collect();
    let today = today();
    let (mut leaving, mut left) = (BTreeSet::new(), BTreeSet::new());
    for Removal { day, networks } in texts.iter().flat_map(|text| read_removals(text, regions)) {
        let is_in_use = |network: &IpNet| in_use.iter().any(|wide| holds(wide, network));
        let is_listed = |network: &IpNet| published.iter().any(|wide| wide.contains(network));
        for network in networks.into_iter().filter(is_in_use) {
            if day > today {
                leaving.insert((day.clone(), network));
            } else if !is_listed(&network) {
                left.insert((day.clone(), network));
            }
        }
    }
    for (day, network) in leaving {
        findings.push(
            &LEAVING,
            "gateway.allowlist",
            format!("`{network}` leaves on {day}"),
            "see that what takes its place is on the list; with `url` and `refresh` that is done for you",
        );
    }
    for (day, network) in left {
        findings.push(
            &LEFT,
            "gateway.allowlist",
            format!("`{network}` left on {day}"),
            "remove it from `networks` and `files`",
        );
    }
}

/// Whether a network is on the list as itself, or among a few; what is wide is found by another check.
fn holds(wide: &IpNet, network: &IpNet) -> bool {
    let narrow = match wide {
        IpNet::V4(_) => NARROW_V4,
        IpNet::V6(_) => NARROW_V6,
    };
    wide.prefix_len() >= narrow && wide.contains(network)
}

/// The day in UTC, as `2026-10-01`.
fn today() -> String {
    let now = OffsetDateTime::from_unix_timestamp(UnixTime::now().seconds());
    now.map_or_else(|_| String::new(), |now| now.date().to_string())
}

fn is_private(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => {
            let address = network.addr();
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpNet::V6(network) => {
            let address = network.addr();
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}
