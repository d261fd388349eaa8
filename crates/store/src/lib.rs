//! Legacy stores: the only crate that talks to one.
//!
//! The operator gives one SQL statement an operation, or for a directory one search filter. [`Store::open`] proves at start that each of them fits its
//! operation; after that, [`Store::read`] and [`Store::write`] run them by name, inside a bounded pool and a deadline.
//! No SQL and no filter is ever built from what a caller sends: values travel as values only.

mod url;

mod identifier;

mod statement;

mod sql;

mod fit;

mod parameters;

mod store;

mod prepare;

mod answer;

mod sqlite;

mod circuit;

mod server;

mod postgres;

mod mysql;

mod ldap;

mod row;

mod sample;

mod error;

pub use error::{Error, StatementFlaw};
pub use identifier::{Identifier, IdentifierCase};
pub use ldap::{LdapEntry, LdapNewPassword, LdapScope, LdapSettings, LdapVerification};
pub use parameters::{Parameters, Value};
pub use row::{Row, Written};
pub use sample::{SampleUser, create as create_sample};
pub use statement::{Statement, StatementName};
pub use store::{Settings, Store};
pub use url::StoreUrl;
