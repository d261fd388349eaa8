//! Legacy stores: the only crate that talks to one.
//!
//! The operator gives one SQL statement an operation; each of them is proved at start to fit it.
//! No SQL is ever built from what a caller sends: values travel as parameters only.

mod url;

mod identifier;

mod statement;

mod sql;

mod fit;

mod parameters;

mod row;

mod error;

pub use error::{Error, StatementFlaw};
pub use identifier::{Identifier, IdentifierCase};
pub use parameters::{Parameters, Value};
pub use row::{Row, Written};
pub use statement::{Statement, StatementName};
pub use url::StoreUrl;
