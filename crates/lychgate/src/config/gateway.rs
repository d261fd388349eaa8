//! `[gateway]`, `[store]`, `[passwords]` and `[audit]` into the settings of a gateway.

mod access_token;
mod allowlist;
mod audit;
mod canaries;
mod client_address;
mod credentials;
mod ldap;
mod ledger;
mod native;
mod passwords;
mod store;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;

use lychgate_gateway::{
    AdminEndpoint, BodyLimits, Endpoint, Limits, LockoutLimits, LoopbackAddress, Rate, RateLimits,
    Settings,
};

use lychgate_listener::Demand;

use super::document::Key;
use super::finding::Findings;
use super::raw::{RawConfig, RawGateway, RawGatewayTls, RawLimits, RawLockout, RawRate, RawRates};
use super::{duration, endpoint};

#[cfg(test)]
pub(crate) use self::allowlist::REFRESH;
pub(crate) use self::allowlist::regions;
pub(crate) use self::allowlist::{AllowlistSources, PublishedList, sources as allowlist_sources};
pub(crate) use self::ledger::rules as ledger_rules;

/// The settings of the gateway, if the config has that role and nothing is wrong with it.
pub(crate) fn settings(
    raw: &RawConfig,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Settings> {
    let gateway = raw.gateway.as_ref()?;
    let key = Key::new("gateway");
    // Each of them is read, whatever the others say: all that is wrong is shown at once.
    let listen = listen(gateway, folder, &key, findings);
    let admin_listen = admin_listen(gateway, folder, &key, findings);
    let client_address = client_address::source(gateway, &key, findings);
    let allowlist = allowlist::allowlist(gateway.allowlist.as_ref(), folder, findings);
    let access_token = access_token::settings(gateway, findings);
    let lockout = lockout(&gateway.lockout, &key.member("lockout"), findings);
    let limits = limits(&gateway.limits, &key.member("limits"), findings);
    let store = store::settings(raw.store.as_ref(), folder, findings);
    let passwords = passwords::settings(&raw.passwords, findings);
    let decoys = passwords
        .as_ref()
        .and_then(|settings| passwords::decoys(&raw.passwords, settings, findings));
    let new_passwords = passwords::rules(&raw.passwords.rules, folder, findings);
    let audit = audit::settings(&raw.audit, folder, findings);
    let ledger = ledger::settings(raw, folder, findings);
    let natives = native::settings(&raw.native, folder, findings);
    let (store, identifiers, profile) = store?;
    let canaries = canaries::canaries(&raw.canaries, gateway, identifiers, findings);
    Some(Settings {
        listen: listen?,
        client_address: client_address?,
        admin_listen: admin_listen?,
        admin_socket: gateway
            .admin_socket
            .as_ref()
            .map(|socket| folder.join(socket)),
        allowlist: allowlist?,
        access_token: access_token?,
        store,
        identifiers,
        profile,
        passwords: passwords?,
        decoys: decoys?,
        new_passwords: new_passwords?,
        audit: audit?,
        canaries: canaries?,
        limits: Limits {
            rates: rates(&gateway.rates),
            lockout: lockout?,
            ..limits?
        },
        ledger,
        natives: natives?,
    })
}

fn listen(
    gateway: &RawGateway,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Endpoint> {
    let address = endpoint::address(&gateway.listen, &key.member("listen"), findings);
    match &gateway.tls {
        Some(RawGatewayTls::Here(tls)) => {
            let tls = endpoint::tls(tls, Demand::Required, folder, &key.member("tls"), findings);
            Some(Endpoint::Tls(address?, tls?))
        }
        Some(RawGatewayTls::Before(_)) if gateway.trusted_proxies.is_empty() => {
            let reason = "is plain HTTP from a proxy, and `trusted_proxies` names none; name them, and in \
                          `client_address` how they say who the client is";
            findings.push(&key.member("tls"), reason);
            None
        }
        Some(RawGatewayTls::Before(_)) => Some(Endpoint::TerminatedByTrustedProxy(address?)),
        None => findings
            .keep(&key.member("listen"), LoopbackAddress::new(address?))
            .map(Endpoint::Plain),
    }
}

fn admin_listen(
    gateway: &RawGateway,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<AdminEndpoint> {
    let address_key = key.member("admin_listen");
    let address = match &gateway.admin_listen {
        Some(address) => endpoint::address(address, &address_key, findings),
        None => Some(SocketAddr::from(([127, 0, 0, 1], 9090))),
    };
    if let Some(tls) = &gateway.admin_tls {
        let tls = endpoint::mutual_tls(tls, folder, &key.member("admin_tls"), findings);
        return Some(AdminEndpoint::MutualTls(address?, tls?));
    }
    let reason = "is not a loopback address: elsewhere it needs `admin_tls`, with `client_ca`";
    let loopback = LoopbackAddress::new(address?).map_err(|_| reason);
    findings
        .keep(&address_key, loopback)
        .map(AdminEndpoint::Plain)
}

fn limits(raw: &RawLimits, key: &Key, findings: &mut Findings<'_>) -> Option<Limits> {
    let defaults = Limits::default();
    let listener = defaults.listener;
    let number = |value: Option<NonZeroU32>, default: usize| {
        value.map_or(default, |value| value.get() as usize)
    };
    let listener = lychgate_listener::Limits {
        connections: number(raw.connections, listener.connections),
        header_bytes: number(raw.header_bytes, listener.header_bytes),
        header_read: duration::or(
            raw.header_read.as_ref(),
            listener.header_read,
            &key.member("header_read"),
            findings,
        )?,
        drain: duration::or(
            raw.drain.as_ref(),
            listener.drain,
            &key.member("drain"),
            findings,
        )?,
        ..listener
    };
    let body = BodyLimits {
        bytes: number(raw.body_bytes, defaults.body.bytes),
        read: duration::or(
            raw.body_read.as_ref(),
            defaults.body.read,
            &key.member("body_read"),
            findings,
        )?,
        ..defaults.body
    };
    Some(Limits {
        listener,
        body,
        replay_entries: number(raw.replay_entries, defaults.replay_entries),
        ..Limits::default()
    })
}

fn rates(raw: &RawRates) -> RateLimits {
    let rate = |raw: &RawRate| Rate {
        per_minute: raw.per_minute,
        burst: raw.burst.unwrap_or(raw.per_minute),
    };
    RateLimits {
        client: raw.client.as_ref().map(rate),
        network: raw.network.as_ref().map(rate),
        ..RateLimits::default()
    }
}

fn lockout(raw: &RawLockout, key: &Key, findings: &mut Findings<'_>) -> Option<LockoutLimits> {
    let defaults = LockoutLimits::default();
    let mut duration = |name, value: &Option<_>, default| {
        duration::or(value.as_ref(), default, &key.member(name), findings)
    };
    let limits = LockoutLimits {
        free: raw.failures.map_or(defaults.free, NonZeroU32::get),
        shortest: duration("first_delay", &raw.first_delay, defaults.shortest)?,
        longest: duration("longest_delay", &raw.longest_delay, defaults.longest)?,
        memory: duration("memory", &raw.memory, defaults.memory)?,
        identifiers: raw
            .identifiers
            .map_or(defaults.identifiers, |number| number.get() as usize),
    };
    findings.keep(key, limits.check()).map(|()| limits)
}
