//! The tenant's own name, from which every URL of it is made.

use std::str::FromStr;

use url::{Host, Url};

use crate::Error;

/// The issuer (RFC 8414 §2): `https://…/`, or plain HTTP on loopback; always with the trailing slash, as the platform's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    url: String,
    authority: String,
    tenant: String,
    https: bool,
}

impl Issuer {
    /// The issuer to the letter, as it stands in `iss`.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The URL of an endpoint; `path` has no leading slash.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The audience of tokens for `/userinfo`.
    pub fn userinfo(&self) -> String {
        self.endpoint("userinfo")
    }

    /// The audience of the management API.
    pub fn management_audience(&self) -> String {
        self.endpoint("api/v2/")
    }

    /// What `Host` must say: the host, and the port where it is not the scheme's own.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether browsers reach it over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// The name of the tenant, for scripts: the first label of the host, or the address.
    pub(crate) fn tenant_name(&self) -> &str {
        &self.tenant
    }
}

impl FromStr for Issuer {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = |reason| Error::Setting {
            what: "issuer",
            value: text.to_owned(),
            reason,
        };
        let url = Url::parse(text)
            .map_err(|_| wrong("is not a URL: write https://login.example.com/"))?;
        let https = match (url.scheme(), url.host()) {
            ("https", Some(_)) => true,
            ("http", Some(host)) if is_loopback(&host) => false,
            _ => return Err(wrong("must be https, or http on a loopback address")),
        };
        if url.as_str() != text
            || url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(wrong(
                "must be scheme, host and port in their plain form, with a slash at the end and nothing more",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not hold credentials"));
        }
        let host = url.host_str().unwrap_or_default();
        let authority = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let tenant = match url.host() {
            Some(Host::Domain(name)) => name.split('.').next().unwrap_or_default(),
            _ => host,
        };
        Ok(Self {
            url: text.to_owned(),
            authority,
            tenant: tenant.to_owned(),
            https,
        })
    }
}

/// Whether a host is this machine by its very name, without asking anybody.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_taken_to_the_letter() {
        let issuer: Issuer = "https://login.example.com/".parse().unwrap();
        assert_eq!(
            issuer.endpoint("oauth/token"),
            "https://login.example.com/oauth/token"
        );
        assert_eq!(issuer.authority(), "login.example.com");
        assert_eq!(issuer.tenant_name(), "login");
        let issuer: Issuer = "http://127.0.0.1:3000/".parse().unwrap();
        assert_eq!(issuer.authority(), "127.0.0.1:3000");
        assert_eq!(issuer.tenant_name(), "127.0.0.1");
        assert!(!issuer.is_https());
    }

    proptest::proptest! {
        #[test]
        fn an_issuer_says_what_was_written(text in "https?://[a-z0-9.:@\\[\\]-]{0,20}/?") {
            if let Ok(issuer) = text.parse::<Issuer>() {
                proptest::prop_assert_eq!(issuer.as_str(), &text);
                let end = ["//", issuer.authority(), "/"].concat();
                proptest::prop_assert!(text.ends_with(&end));
            }
        }
    }

    #[test]
    fn what_is_no_issuer_is_refused() {
        for text in [
            "https://login.example.com",
            "https://login.example.com/tenant/",
            "https://login.example.com:443/",
            "https://LOGIN.example.com/",
            "https://user@login.example.com/",
            "https://login.example.com/?a=b",
            "http://login.example.com/",
            "login.example.com",
        ] {
            assert!(text.parse::<Issuer>().is_err(), "{text}");
        }
    }
}
