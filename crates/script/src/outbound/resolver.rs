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
