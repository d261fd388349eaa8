//! Asking an issuer for its keys: OpenID Connect Discovery 1.0 §4, then the JWK set it points at.
//!
//! Of the document only `issuer` and `jwks_uri` are read. What comes back is bounded, no redirect is followed, and
//! nothing is taken from an issuer that calls itself by another name.

use std::time::Duration;

use lychgate_token::{JwkSet, strict_json};
use reqwest::redirect::Policy;
use serde_json::Value;
use url::Url;

use crate::settings::{Issuer, IssuerSettings, KeyLocation};

/// The one outgoing client of the gateway.
pub(crate) struct Discovery {
    client: reqwest::Client,
    answer_bytes: usize,
}

/// Why there is no key set. The text is for the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{url} cannot be reached: {cause}")]
    Unreachable { url: Url, cause: String },
    #[error("{url} answered with status {status}")]
    Status { url: Url, status: u16 },
    #[error("{url} answered with more than {limit} bytes")]
    TooLarge { url: Url, limit: usize },
    #[error("{url} is not a discovery document: {missing}")]
    NotDiscovery { url: Url, missing: &'static str },
    #[error("the issuer calls itself {found:?}{hint}; config must name it to the letter")]
    OtherIssuer { found: String, hint: &'static str },
    #[error("the issuer's jwks_uri is neither https nor on loopback")]
    KeyLocation,
    #[error("{url} is not a usable key set: {fault}")]
    NotKeys {
        url: Url,
        fault: lychgate_token::Error,
    },
}

impl Discovery {
    /// A client that follows no redirect, uses no proxy and waits no longer than `timeout`.
    pub(crate) fn new(timeout: Duration, answer_bytes: usize) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("lychgate/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            answer_bytes,
        })
    }

    /// The key set of an issuer.
    pub(crate) async fn key_set(&self, issuer: &IssuerSettings) -> Result<JwkSet, Fault> {
        let location = match &issuer.jwks_uri {
            Some(configured) => configured.clone(),
            None => self.discover(&issuer.issuer).await?,
        };
        let url = location.into_url();
        let bytes = self.fetch(url.clone()).await?;
        JwkSet::parse(&bytes).map_err(|fault| Fault::NotKeys { url, fault })
    }

    async fn discover(&self, issuer: &Issuer) -> Result<KeyLocation, Fault> {
        let url = issuer.discovery_url();
        let bytes = self.fetch(url.clone()).await?;
        let not_discovery = |missing| Fault::NotDiscovery {
            url: url.clone(),
            missing,
        };
        let document =
            strict_json::parse_object(&bytes).map_err(|_| not_discovery("not a JSON object"))?;
        let found = document
            .get("issuer")
            .and_then(Value::as_str)
            .ok_or_else(|| not_discovery("no `issuer`"))?;
        if found != issuer.as_str() {
            return Err(other_issuer(issuer.as_str(), found));
        }
        let location = document
            .get("jwks_uri")
            .and_then(Value::as_str)
            .ok_or_else(|| not_discovery("no `jwks_uri`"))?;
        KeyLocation::parse(location).map_err(|_| Fault::KeyLocation)
    }

    async fn fetch(&self, url: Url) -> Result<Vec<u8>, Fault> {
        let unreachable = |error: reqwest::Error| Fault::Unreachable {
            url: url.clone(),
            cause: error.without_url().to_string(),
        };
        let mut response = self
            .client
            .get(url.clone())
            .send()
            .await
            .map_err(unreachable)?;
        if response.status() != http::StatusCode::OK {
            return Err(Fault::Status {
                status: response.status().as_u16(),
                url,
            });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > self.answer_bytes {
                return Err(Fault::TooLarge {
                    url,
                    limit: self.answer_bytes,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

fn other_issuer(configured: &str, found: &str) -> Fault {
    let by_slash_only = configured.trim_end_matches('/') == found.trim_end_matches('/');
    let hint = if by_slash_only {
        ", which differs by the trailing slash only: did you mean that?"
    } else {
        ""
    };
    Fault::OtherIssuer {
        found: found.chars().take(256).collect(),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_that_differs_by_its_slash_is_named_as_what_was_meant() {
        let message = other_issuer("https://example.com", "https://example.com/").to_string();
        assert!(message.contains("did you mean"), "{message}");
        let message = other_issuer("https://example.com/", "https://attacker.example/").to_string();
        assert!(!message.contains("did you mean"), "{message}");
    }
}
