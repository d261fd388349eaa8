//! The names that decide who is who: parsed once, compared to the letter ever after.

use std::fmt;

use lychgate_token::dpop::Target;
use url::{Host, Url};

use crate::error::Error;

/// Characters of any of these names; what is longer is a mistake.
const NAME_BYTES: usize = 512;

/// The name of an issuer (RFC 8414 §2): an https URL without query or fragment, or a loopback one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    name: String,
    url: Url,
}

/// The audience that is us: any name but a wildcard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(String);

/// The id of a client: any name but a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

/// Where a key set is: an https URL, or a loopback one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLocation(Url);

/// The URL by which clients reach this gateway: an https one, or a loopback one, without what a path could not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl Issuer {
    /// Parses it; the text is kept to the letter.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let refused = Error::Issuer;
        let url = Url::parse(name).map_err(|_| refused("is not a URL"))?;
        if !is_https_or_loopback(&url) {
            return Err(refused("is neither https nor on loopback"));
        }
        if has_more_than_a_path(&url) {
            return Err(refused("has a query, a fragment or credentials"));
        }
        if name.len() > NAME_BYTES || name.contains('*') {
            return Err(refused("is too long or has a wildcard"));
        }
        Ok(Self {
            name: name.to_owned(),
            url,
        })
    }

    /// The name, to the letter.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// `ISSUER.well-known/openid-configuration`, with the slash between them that the name may lack.
    pub(crate) fn discovery_url(&self) -> Url {
        let mut url = self.url.clone();
        let path = format!(
            "{}/.well-known/openid-configuration",
            url.path().trim_end_matches('/')
        );
        url.set_path(&path);
        url
    }
}

impl KeyLocation {
    /// Parses it.
    pub fn parse(location: &str) -> Result<Self, Error> {
        Url::parse(location)
            .ok()
            .filter(is_https_or_loopback)
            .map(Self)
            .ok_or(Error::KeyLocation)
    }

    pub(crate) fn into_url(self) -> Url {
        self.0
    }
}

impl PublicUrl {
    /// Parses it; a slash at its end makes no difference.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = Error::PublicUrl;
        let url = Url::parse(text).map_err(|_| refused("is not a URL"))?;
        if !is_https_or_loopback(&url) {
            return Err(refused("is neither https nor on loopback"));
        }
        if has_more_than_a_path(&url) || text.len() > NAME_BYTES {
            return Err(refused(
                "is too long or has a query, a fragment or credentials",
            ));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is at this path, as a proof has to name it.
    pub(crate) fn target(&self, path: &str) -> Option<Target> {
        Target::parse(&format!("{}{path}", self.0))
    }
}

impl Audience {
    /// Takes a name that is not empty and no wildcard.
    pub fn parse(name: &str) -> Result<Self, Error> {
        exact_name(name).map(Self).ok_or(Error::Audience)
    }

    /// The name, to the letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ClientId {
    /// Takes a name that is not empty and no wildcard.
    pub fn parse(name: &str) -> Result<Self, Error> {
        exact_name(name).map(Self).ok_or(Error::Client)
    }

    /// The name, to the letter.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for ClientId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn exact_name(name: &str) -> Option<String> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'*');
    (plain && (1..=NAME_BYTES).contains(&name.len())).then(|| name.to_owned())
}

fn has_more_than_a_path(url: &Url) -> bool {
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    has_credentials || url.query().is_some() || url.fragment().is_some()
}

fn is_https_or_loopback(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_issuer_is_https_or_loopback_and_kept_to_the_letter() {
        for name in [
            "https://example.eu.auth0.com/",
            "https://example.com",
            "http://127.0.0.1:8080/",
            "http://localhost:1/",
            "http://[::1]:1/",
        ] {
            assert_eq!(Issuer::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "http://example.com/",
            "example.com",
            "",
            "https://a.example/?x",
            "https://u:p@a.example/",
            "http://localhost.evil.example/",
            "https://*.example.com/",
        ] {
            assert!(
                matches!(Issuer::parse(name), Err(Error::Issuer(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn the_discovery_document_is_beside_the_issuer() {
        for (issuer, url) in [
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
            ),
            (
                "https://a.example/t/",
                "https://a.example/t/.well-known/openid-configuration",
            ),
            (
                "https://a.example/t",
                "https://a.example/t/.well-known/openid-configuration",
            ),
        ] {
            assert_eq!(Issuer::parse(issuer).unwrap().discovery_url().as_str(), url);
        }
    }

    #[test]
    fn an_audience_or_client_is_neither_empty_nor_a_wildcard() {
        for name in ["", "*", "urn:*", "a b", "a\n"] {
            assert!(
                Audience::parse(name).is_err() && ClientId::parse(name).is_err(),
                "{name:?}"
            );
        }
        assert_eq!(
            Audience::parse("urn:legacy-identity").unwrap().as_str(),
            "urn:legacy-identity"
        );
    }

    #[test]
    fn keys_are_fetched_over_https_or_on_loopback() {
        assert!(KeyLocation::parse("https://a.example/jwks.json").is_ok());
        assert!(KeyLocation::parse("http://127.0.0.1:1/jwks.json").is_ok());
        for location in [
            "http://a.example/jwks.json",
            "file:///etc/passwd",
            "jwks.json",
            "",
        ] {
            assert!(KeyLocation::parse(location).is_err(), "{location}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_kept_to_the_letter(text in "\\PC{0,40}", host in "[a-z*@:/?#.]{0,20}") {
            for name in [text.clone(), format!("https://{host}{text}")] {
                if let Ok(issuer) = Issuer::parse(&name) {
                    prop_assert_eq!(issuer.as_str(), &name);
                    prop_assert!(issuer.discovery_url().path().ends_with("/.well-known/openid-configuration"));
                }
                if let Ok(client) = ClientId::parse(&name) {
                    prop_assert_eq!(client.as_str(), &name);
                }
            }
        }
    }
}
