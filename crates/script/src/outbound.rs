//! Which hosts a script may call.
//!
//! In comes what the owner listed; out comes a decision about each URL of each hop, and about each address that a name resolves to.
//! An attacker wants the address behind the name: the loopback listener beside the sandbox, or the cloud's metadata service.

mod client;
mod hop;
mod reach;
mod resolver;

pub(crate) use client::{Client, Request, Response, Trouble};

use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::Error;
use reach::Reach;

/// An entry of `outbound_hosts`: `host`, `host:port` or `*.example.com`.
///
/// Without a port it stands for the scheme's own port. Names reach addresses of the public Internet and, if the name is listed to the
/// letter, private ones too. Loopback and link-local addresses are reached only by listing the address itself, or `localhost`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundHost {
    host: Pattern,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Address(IpAddr),
    Name(String),
    Under(String),
}

impl OutboundHost {
    /// Whether this entry lets a script ask `url`, as far as its text tells.
    fn permits(&self, url: &Url) -> bool {
        let host = match url.host() {
            Some(Host::Domain(name)) => self.covers(name),
            Some(Host::Ipv4(address)) => self.is_address(address.into()),
            Some(Host::Ipv6(address)) => self.is_address(address.into()),
            None => false,
        };
        let port = match self.port {
            Some(port) => url.port_or_known_default() == Some(port),
            None => url.port().is_none(),
        };
        host && port
    }

    /// Whether this entry lets a connection go to `address` for `name`.
    fn opens(&self, name: &str, address: IpAddr) -> bool {
        if !self.covers(name) {
            return false;
        }
        match (&self.host, Reach::of(address)) {
            (Pattern::Name(name), Reach::Loopback) => name == "localhost",
            (Pattern::Name(_), Reach::Private | Reach::Public)
            | (Pattern::Under(_), Reach::Public) => true,
            _ => false,
        }
    }

    fn covers(&self, name: &str) -> bool {
        match &self.host {
            Pattern::Address(_) => false,
            Pattern::Name(listed) => listed == name,
            Pattern::Under(parent) => name
                .strip_suffix(parent.as_str())
                .is_some_and(|label| label.len() > 1 && label.ends_with('.')),
        }
    }

    fn is_address(&self, address: IpAddr) -> bool {
        matches!(self.host, Pattern::Address(listed) if listed.to_canonical() == address.to_canonical())
    }
}

impl FromStr for OutboundHost {
    type Err = Error;

    fn from_str(entry: &str) -> Result<Self, Error> {
        read(entry).map_err(|reason| Error::OutboundHost {
            entry: entry.chars().take(300).collect(),
            reason,
        })
    }
}

fn read(entry: &str) -> Result<OutboundHost, &'static str> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(OutboundHost {
            host: Pattern::Address(address),
            port: None,
        });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(read_port(port)?)),
        _ => (entry, None),
    };
    let host = match host.strip_prefix("*.") {
        Some(parent) => match read_host(parent)? {
            Pattern::Name(name) if name.contains('.') => Pattern::Under(name),
            _ => return Err("a wildcard needs a domain of at least two labels after it"),
        },
        None => read_host(host)?,
    };
    Ok(OutboundHost { host, port })
}

fn read_port(text: &str) -> Result<u16, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port > 0)
        .ok_or("the port is not a number from 1 to 65535")
}

fn read_host(text: &str) -> Result<Pattern, &'static str> {
    if text.contains('*') {
        return Err("a wildcard may only be the first label");
    }
    match Host::parse(text).map_err(|_| "not a host name or address")? {
        Host::Domain(name) if name.len() > 253 => Err("longer than a host name may be"),
        Host::Domain(name) => Ok(Pattern::Name(name)),
        Host::Ipv4(address) => Ok(Pattern::Address(address.into())),
        Host::Ipv6(address) => Ok(Pattern::Address(address.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn permits(entry: &str, url: &str) -> bool {
        entry
            .parse::<OutboundHost>()
            .unwrap()
            .permits(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_entry_without_a_port_stands_for_the_schemes_own_port() {
        assert!(permits("api.example.com", "https://api.example.com/a"));
        assert!(permits("api.example.com", "http://api.example.com/a"));
        assert!(!permits("api.example.com", "https://api.example.com:8443/"));
        assert!(permits(
            "api.example.com:8443",
            "https://api.example.com:8443/"
        ));
        assert!(!permits("api.example.com:8443", "https://api.example.com/"));
        assert!(permits("api.example.com:443", "https://api.example.com/"));
    }

    #[test]
    fn names_are_compared_as_urls_spell_them() {
        assert!(permits("API.Example.com", "https://api.EXAMPLE.com/"));
        assert!(permits("bücher.example", "https://xn--bcher-kva.example/"));
        assert!(!permits("example.com", "https://example.com.evil.test/"));
        assert!(!permits("example.com", "https://evil-example.com/"));
        assert!(!permits("example.com", "https://example.com@evil.test/"));
        assert!(!permits("example.com", "https://example.com./"));
    }

    #[test]
    fn a_wildcard_covers_names_below_it_only() {
        assert!(permits("*.example.com", "https://a.example.com/"));
        assert!(permits("*.example.com", "https://a.b.example.com/"));
        assert!(!permits("*.example.com", "https://example.com/"));
        assert!(!permits("*.example.com", "https://evilexample.com/"));
    }

    #[test]
    fn addresses_are_compared_in_one_spelling() {
        assert!(permits("127.0.0.1:80", "http://0x7f.1/"));
        assert!(permits("127.0.0.1", "http://[::ffff:127.0.0.1]/"));
        assert!(permits("[::1]:8080", "http://[0:0::1]:8080/"));
        assert!(permits("::1", "http://[::1]/"));
        assert!(!permits("localhost", "http://127.0.0.1/"));
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for entry in [
            "",
            "*",
            "*.",
            "*.com",
            "a.*.com",
            "host:",
            "host:0",
            "host:65536",
            "host:+1",
            "https://a.b/",
            "a/b",
            "*.127.0.0.1",
        ] {
            assert!(entry.parse::<OutboundHost>().is_err(), "{entry} was taken");
        }
    }

    #[test]
    fn a_name_reaches_loopback_only_if_it_is_localhost() {
        let opens = |entry: &str, name: &str, address: &str| {
            entry
                .parse::<OutboundHost>()
                .unwrap()
                .opens(name, address.parse().unwrap())
        };
        assert!(opens("localhost", "localhost", "127.0.0.1"));
        assert!(opens("localhost", "localhost", "::1"));
        assert!(!opens("db.example.com", "db.example.com", "127.0.0.1"));
        assert!(!opens(
            "db.example.com",
            "db.example.com",
            "169.254.169.254"
        ));
        assert!(opens("db.example.com", "db.example.com", "10.1.2.3"));
        assert!(!opens("*.example.com", "db.example.com", "10.1.2.3"));
        assert!(opens("*.example.com", "db.example.com", "93.184.216.34"));
        assert!(!opens(
            "db.example.com",
            "other.example.com",
            "93.184.216.34"
        ));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(entry in ".{0,40}") {
            let _read = entry.parse::<OutboundHost>();
        }

        #[test]
        fn a_listed_name_permits_itself(name in "[a-z]{1,10}\\.[a-z]{2,5}") {
            let url = format!("https://{name}/");
            prop_assert!(permits(&name, &url));
        }
    }
}
