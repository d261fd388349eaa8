//! Where the servers of the demo listen.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result};
use serde::Serialize;

/// Ports of loopback that were free a moment ago. An issuer's port is part of its name, so it has to be known before
/// anything listens on it.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Ports {
    pub(crate) tenant: u16,
    /// A tenant that the gateway does not know.
    pub(crate) stranger: u16,
    pub(crate) gateway: u16,
    /// A gateway that lets in only networks where nobody is.
    pub(crate) elsewhere: u16,
    pub(crate) application: u16,
}

impl Ports {
    /// Free ports, but for the tenant's if that one is asked for.
    pub(crate) fn free(tenant: Option<u16>) -> Result<Self> {
        // All are held until all are known, so that no two are the same.
        let held: Vec<TcpListener> = (0..5)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<Result<_, _>>()?;
        let mut ports = held
            .iter()
            .map(|listener| listener.local_addr().map(|address| address.port()));
        let mut next = || {
            ports
                .next()
                .context("as many ports as listeners")?
                .context("a listener has a port")
        };
        Ok(Self {
            tenant: next().map(|free| tenant.unwrap_or(free))?,
            stranger: next()?,
            gateway: next()?,
            elsewhere: next()?,
            application: next()?,
        })
    }
}
