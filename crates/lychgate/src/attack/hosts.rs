//! Whom may be attacked: this machine, and what its owner has listed.
//!
//! A URL comes in; the addresses that it may be reached at go on, and nothing is looked up again, so that a name cannot
//! come to mean another machine in between.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use ipnet::IpNet;
use reqwest::Url;
use thiserror::Error;

/// The hosts that config lists.
#[derive(Default)]
pub(crate) struct OwnedHosts(Vec<OwnedHost>);

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OwnedHost {
    /// `None`: whatever its name is.
    name: Option<String>,
    /// `None`: wherever it is.
    network: Option<IpNet>,
}

/// Why a target is left alone.
#[derive(Debug, Error)]
#[error(
    "{host}{at} is neither on loopback nor in `[attack] hosts`: list it there if it is yours, and leave it alone if it is not"
)]
pub(crate) struct NotYours {
    host: String,
    at: String,
}

impl OwnedHosts {
    pub(crate) fn new(hosts: Vec<OwnedHost>) -> Self {
        Self(hosts)
    }

    /// One entry: a name, an address, a network, or `NAME=NETWORK`.
    pub(crate) fn parse_one(text: &str) -> Result<OwnedHost, &'static str> {
        let network = |text: &str| {
            let address = text.parse::<IpAddr>().map(IpNet::from);
            address.ok().or_else(|| text.parse::<IpNet>().ok())
        };
        let wrong = "must be a name, an address, a network, or `NAME=NETWORK`, without scheme, port and wildcard";
        let (name, rest) = text.split_once('=').unwrap_or((text, ""));
        if let (false, Some(network)) = (text.contains('='), network(text)) {
            return Ok(OwnedHost {
                name: None,
                network: Some(network),
            });
        }
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        let network = match (text.contains('='), network(rest)) {
            (true, None) => return Err(wrong),
            (_, network) => network,
        };
        if !is_name {
            return Err(wrong);
        }
        Ok(OwnedHost {
            name: Some(name.to_ascii_lowercase()),
            network,
        })
    }

    /// The addresses of a target, each of which is loopback or listed.
    pub(crate) async fn admit(&self, url: &Url) -> Result<Result<Vec<SocketAddr>, NotYours>> {
        let host = url.host_str().context("the target has no host")?;
        let port = url
            .port_or_known_default()
            .context("the target has no port")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.with_context(|| format!("cannot look up {host}"))?;
        let addresses: Vec<SocketAddr> = found.collect();
        let stranger = addresses
            .iter()
            .map(SocketAddr::ip)
            .find(|address| !self.allow(host, *address));
        Ok(match stranger {
            None => Ok(addresses),
            Some(address) => Err(NotYours {
                host: host.to_owned(),
                at: match host.parse::<IpAddr>() {
                    Ok(_) => String::new(),
                    Err(_) => format!(" (which is {address})"),
                },
            }),
        })
    }

    /// Whether this host at this address may be attacked.
    fn allow(&self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback()
            || self.0.iter().any(|owned| {
                let name = owned.name.as_deref();
                let network = owned.network.as_ref();
                // An address alone owns no name that points at it: the name is somebody's, too.
                let named = name.map_or_else(
                    || host.parse::<IpAddr>().is_ok(),
                    |name| name.eq_ignore_ascii_case(host),
                );
                named && network.is_none_or(|network| network.contains(&address))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(entries: &[&str]) -> OwnedHosts {
        let parsed = entries.iter().map(|entry| OwnedHosts::parse_one(entry));
        OwnedHosts::new(parsed.collect::<Result<_, _>>().unwrap())
    }

    fn allows(entries: &[&str], host: &str, address: &str) -> bool {
        hosts(entries).allow(host, address.parse().unwrap())
    }

    #[test]
    fn loopback_needs_no_entry_and_all_else_does() {
        assert!(allows(&[], "localhost", "127.0.0.1"));
        assert!(allows(&[], "::1", "::1"));
        assert!(
            !allows(&[], "localhost", "192.0.2.7"),
            "a name is not an address"
        );
        assert!(!allows(&[], "192.0.2.7", "192.0.2.7"));
    }

    #[test]
    fn a_listed_name_or_address_is_allowed_and_no_other() {
        let listed = &["gateway.example.com", "192.0.2.7", "198.51.100.0/24"];
        assert!(allows(listed, "GATEWAY.example.com", "203.0.113.1"));
        assert!(allows(listed, "192.0.2.7", "192.0.2.7"));
        assert!(allows(listed, "198.51.100.9", "198.51.100.9"));
        assert!(!allows(listed, "example.com", "203.0.113.1"));
        assert!(!allows(listed, "a.gateway.example.com", "203.0.113.1"));
        assert!(!allows(listed, "stranger.example", "192.0.2.7"));
        assert!(!allows(listed, "192.0.2.8", "192.0.2.8"));
    }

    #[test]
    fn a_name_with_a_network_must_resolve_into_it() {
        let listed = &["gateway.example.com=203.0.113.0/24"];
        assert!(allows(listed, "gateway.example.com", "203.0.113.1"));
        assert!(!allows(listed, "gateway.example.com", "198.51.100.1"));
        assert!(!allows(listed, "203.0.113.1", "203.0.113.1"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for entry in [
            "",
            "*.example.com",
            "https://h",
            "h:443",
            "h=",
            "h=x",
            "=10.0.0.0/8",
            "h/p",
        ] {
            assert!(OwnedHosts::parse_one(entry).is_err(), "{entry}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_not_listed_is_refused_with_the_mend() {
        let url = Url::parse("https://192.0.2.7/").unwrap();
        let refused = hosts(&[])
            .admit(&url)
            .await
            .unwrap()
            .unwrap_err()
            .to_string();
        assert!(refused.starts_with("192.0.2.7 is neither on loopback nor in `[attack] hosts`"));
        let admitted = hosts(&["192.0.2.7"]).admit(&url).await.unwrap().unwrap();
        assert_eq!(admitted, ["192.0.2.7:443".parse().unwrap()]);
    }
}
