//! Names to addresses, leaving out those that the name may not stand for.
//!
//! The connection goes to an address that was checked here, so a name that answers differently the second time gains nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::OutboundHost;

pub(super) struct Resolver {
    pub(super) hosts: Arc<[OutboundHost]>,
}

/// The name stands only for addresses that are closed to scripts.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address that is closed to scripts")]
pub(super) struct ClosedAddress;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = Arc::clone(&self.hosts);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<SocketAddr> = found
                .filter(|found| {
                    hosts
                        .iter()
                        .any(|host| host.opens(name.as_str(), found.ip()))
                })
                .collect();
            if open.is_empty() {
                return Err(ClosedAddress.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether real look-ups of `localhost` give an address, under these entries.
    async fn resolves(entries: &[&str]) -> bool {
        let hosts = entries.iter().map(|entry| entry.parse().unwrap()).collect();
        let resolver = Resolver { hosts };
        resolver.resolve("localhost".parse().unwrap()).await.is_ok()
    }

    #[tokio::test]
    async fn a_name_whose_addresses_no_entry_opens_is_refused() {
        assert!(resolves(&["localhost"]).await);
        assert!(!resolves(&["127.0.0.1", "*.example.com"]).await);
        assert!(!resolves(&[]).await);
    }
}
