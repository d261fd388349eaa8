//! `client_address` and `trusted_proxies`: who says what the address of a client is.

use lychgate_gateway::ClientAddress;
use lychgate_listener::allowlist::parse_network;
use lychgate_listener::{ForwardedField, TrustedProxies};

use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::{RawClientAddress, RawGateway};

/// The one source that is read.
pub(crate) fn source(
    gateway: &RawGateway,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<ClientAddress> {
    let key = key.member("trusted_proxies");
    let mut proxies = || {
        let networks = findings.keep_each(&key, &gateway.trusted_proxies, parse_network);
        findings.keep(&key, TrustedProxies::new(networks?))
    };
    Some(match gateway.client_address {
        RawClientAddress::Peer => {
            // A list of proxies that nothing reads would look like a control that is there.
            if !gateway.trusted_proxies.is_empty() {
                let reason =
                    "with `client_address = \"peer\"` no proxy's word is taken; remove the list";
                findings.push(&key, reason);
                return None;
            }
            ClientAddress::Peer
        }
        RawClientAddress::ProxyProtocol => ClientAddress::ProxyProtocol(proxies()?),
        RawClientAddress::Forwarded => ClientAddress::Field(ForwardedField::Forwarded, proxies()?),
        RawClientAddress::XForwardedFor => {
            ClientAddress::Field(ForwardedField::XForwardedFor, proxies()?)
        }
    })
}
