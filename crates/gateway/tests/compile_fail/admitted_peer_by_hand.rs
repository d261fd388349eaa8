//! Nobody but the allowlist can admit a peer.

use std::net::IpAddr;

use lychgate_listener::AdmittedPeer;

fn by_hand(address: IpAddr) -> AdmittedPeer {
    AdmittedPeer { address }
}

fn main() {}
