//! What the tests of the binary stand on: an issuer, a store and a running `lychgate serve`, all real.

mod database;
pub(crate) mod generated;
mod issuer;
mod port;
mod process;
mod server;
mod store;

pub(crate) use database::{Database, Kind};
pub(crate) use issuer::Issuer;
pub(crate) use port::free_port;
pub(crate) use process::{Serve, lychgate};
pub(crate) use server::{ROLE_PASSWORD, Server};
pub(crate) use store::{PASSWORD, sample_store};

/// The audience of the gateway under test.
pub(crate) const AUDIENCE: &str = "urn:legacy-identity";
/// The one client whose tokens are good.
pub(crate) const SCRIPT_CLIENT: &str = "script-client";
