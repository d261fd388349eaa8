//! Legacy stores: the only crate that talks to one.
//!
//! The operator gives one SQL statement an operation, or for a directory one search filter. [`Store::open`] proves at start that each of them fits its
//! operation; after that, [`Store::read`] and [`Store::write`] run them by name, inside a bounded pool and a deadline.
//! No SQL and no filter is ever built from what a caller sends: values travel as values only.

mod url;

mod credentials;

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

mod inspection;

mod catalogue;

mod survey;

mod sample;

mod privilege;
pub mod ledger;

mod listing;

mod upstream;

mod error;

pub use catalogue::{Catalogue, Column, Index, IndexPart, Relation, quoted};
pub use credentials::{Credential, Credentials};
pub use error::{Error, StatementFlaw};
pub use identifier::{
    Identifier, IdentifierCase, IdentifierKind, IdentifierNormalization, IdentifierRules,
};
pub use inspection::{Inspection, StoreKind};
pub use ldap::{LdapEntry, LdapNewPassword, LdapScope, LdapSettings, LdapVerification};
pub use ledger::{Ledger, LedgerError};
pub use listing::{ListingError, list_users, listing_filter_flaw, listing_flaw};
pub use parameters::{Parameters, Value};
pub use privilege::{
    Excess, ExcessKind, GrantScript, Needs, ObjectName, RelationNeeds, Routine, Search, Session,
    Unknown, Via, mysql_account, postgres_role,
};
pub use row::{Row, Written};
pub use sample::{
    SAMPLE_UNIT, Sample, SampleError, SampleUser, create as create_sample,
    create_in as create_sample_in,
};
pub use server::Condition;
pub use statement::{Statement, StatementName};
pub use store::{Settings, Store};
pub use survey::{Survey, Surveyed, SurveyedHash};
pub use upstream::{Secured, Upstream};
pub use url::{ServerAddress, StoreUrl};
