//! The whole chain on one machine: a sample store, a gateway, a tenant, and a tour of logins and attacks.
//!
//! Nothing here is a stand-in. The servers are those of `lychgate serve`, made from a config like anyone's; the tour
//! plays people and attackers over loopback and prints what came back.

mod application;
mod browser;
mod caller;
mod deployment;
mod names;
mod ports;
mod report;
mod servers;
mod store;
mod tour;

pub(crate) use self::application::Application;
pub(crate) use self::ports::Ports;
pub(crate) use self::report::{Report, Step};
pub(crate) use self::servers::Servers;
pub(crate) use self::store::{Account, PASSWORD, PEOPLE, SomeonesStore, StoreArgument};
pub(crate) use self::tour::{STEPS, tour};
