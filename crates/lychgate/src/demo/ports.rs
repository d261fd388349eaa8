//! Where the servers of the demo listen.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result};
use lychgate_token::random_bytes;
use serde::Serialize;

/// The lowest and the number of the ports that are tried. Systems take the ports of outgoing connections from above
/// (RFC 6335 §6 begins them at 49152, Linux at 32768), so none of those can take one of ours before we listen.
const LOWEST: u16 = 20_000;
const NUMBER: u16 = 10_000;
/// Ports that are tried for one that is free.
const TRIES: usize = 100;

/// Ports of loopback that were free a moment ago. An issuer's port is part of its name, so it has to be known before
/// anything listens on it.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Ports {
    pub(crate) tenant: u16,
    /// A tenant that the gateway does not know.
    pub(crate) stranger: u16,
    pub(crate) gateway: u16,
    /// The admin listener of that gateway.
    pub(crate) admin: u16,
    /// A gateway that lets in only networks where nobody is.
    pub(crate) elsewhere: u16,
    pub(crate) application: u16,
}

impl Ports {
    /// Free ports, but for the tenant's if that one is asked for.
    pub(crate) fn free(tenant: Option<u16>) -> Result<Self> {
        // All are held until all are known, so that no two are the same.
        let held = [free()?, free()?, free()?, free()?, free()?, free()?];
        let [
            free_for_tenant,
            stranger,
            gateway,
            admin,
            elsewhere,
            application,
        ] = held.each_ref().map(|(port, _)| *port);
        Ok(Self {
            tenant: tenant.unwrap_or(free_for_tenant),
            stranger,
            gateway,
            admin,
            elsewhere,
            application,
        })
    }
}

/// A port that nobody listens on, and the socket that keeps it so.
fn free() -> Result<(u16, TcpListener)> {
    for _ in 0..TRIES {
        let port = LOWEST + u16::from_be_bytes(random_bytes()?) % NUMBER;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            return Ok((port, listener));
        }
    }
    None.context("no port of loopback is free")
}
