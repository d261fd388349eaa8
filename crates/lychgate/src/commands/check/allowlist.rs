//! How much of the world may call.

use ipnet::IpNet;

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

pub(super) static CHECKS: [&Check; 3] = [&ANY, &WIDE, &MIXED];

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
    if private > 0 && public > 0 {
        findings.push(
            &MIXED,
            key,
            format!("{private} private network(s) stand beside {public} public one(s)"),
            "remove the private ones, or the public ones, whichever never calls",
        );
    }
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
