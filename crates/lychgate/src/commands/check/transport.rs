//! Whether the way to the store can be listened to, or bent.

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static UNPROVED: Check = Check {
    severity: Severity::High,
    id: "store-not-proved",
    title: "the store does not have to prove its name",
    why: "Whoever stands in the way can play the store, and is sent the role's password and every new hash.",
};

static PLAIN: Check = Check {
    severity: Severity::High,
    id: "store-not-encrypted",
    title: "the connection to the store is not encrypted",
    why: "Hashes and profiles travel in plain sight.",
};

pub(super) static CHECKS: [&Check; 2] = [&UNPROVED, &PLAIN];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(gateway) = &facts.gateway else {
        return;
    };
    let Some(server) = gateway.store.url.server() else {
        return;
    };
    let Some(store) = &facts.store else { return };
    let stays_here = server.host.is_none()
        || (!store.addresses.is_empty()
            && store.addresses.iter().all(std::net::IpAddr::is_loopback));
    if stays_here {
        return;
    }
    if !server.is_proved {
        findings.push(
            &UNPROVED,
            "store.url",
            "`sslmode` is less than `verify-full`, and the store is on another machine",
            "remove `sslmode` from `url`; for a CA of your own add `sslrootcert=FILE`",
        );
    }
    if facts.seen().and_then(|seen| seen.session.is_encrypted) == Some(false) {
        findings.push(
            &PLAIN,
            "store.url",
            "the database says of this very connection that it is not encrypted",
            "turn TLS on in the store's server, and remove `sslmode` from `url`",
        );
    }
}
