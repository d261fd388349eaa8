//! From a legacy store to a proposal: which table holds the users, what its columns mean, and what a gateway may do.
//!
//! A schema comes in, and a sample of rows; what leaves is SQL that the operator reads before anything runs. Least
//! privilege comes first: what nobody asked for is proposed as a comment. No value of a row is ever kept or shown.

mod columns;
mod comparison;
mod dialect;
mod document;
mod flags;
mod hashes;
mod operations;
mod products;
mod tables;
mod user_table;

use lychgate_store::{Inspection, Relation, StatementName};

pub(crate) use self::comparison::Comparison;
pub(crate) use self::document::{Deployment, config};
pub(crate) use self::hashes::Hashes;
pub(crate) use self::operations::Operation;
pub(crate) use self::tables::{Choice, choose, is_candidate, is_named};
pub(crate) use self::user_table::UserTable;
use crate::commands::Failure;

/// What users log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum IdentifierKind {
    /// The e-mail address.
    Email,
    /// The username.
    Username,
    /// Either; two users whose names cross then cannot log in.
    Either,
}

/// What was found in a store, and what is proposed for it.
pub(crate) struct Proposal {
    pub(crate) table: UserTable,
    pub(crate) rows: u64,
    pub(crate) comparison: Comparison,
    pub(crate) hashes: Hashes,
    pub(crate) operations: Vec<Operation>,
    /// What somebody should look at.
    pub(crate) remarks: Vec<String>,
}

/// Looks at the table of users and proposes.
pub(crate) async fn propose(
    inspection: &mut Inspection,
    relation: Relation,
    identifier: Option<IdentifierKind>,
    wanted: &[StatementName],
) -> Result<Proposal, Failure> {
    let mut remarks = Vec::new();
    let table = user_table::read(inspection, relation, &mut remarks).await?;
    let rows = rows(inspection, &table).await?;
    let comparison = comparison::compare(inspection, &table, identifier, &mut remarks).await?;
    let hashes = hashes::sample(inspection, &table, &mut remarks).await?;
    let operations = operations::propose(&table, &comparison, &hashes, wanted, &mut remarks);
    Ok(Proposal {
        table,
        rows,
        comparison,
        hashes,
        operations,
        remarks,
    })
}

/// What a table of users is made of, and about how many there are, for a tool that only counts.
pub(crate) async fn user_table(
    inspection: &mut Inspection,
    relation: Relation,
) -> Result<(UserTable, u64), Failure> {
    let table = user_table::read(inspection, relation, &mut Vec::new()).await?;
    let rows = rows(inspection, &table).await?;
    Ok((table, rows))
}

async fn rows(inspection: &mut Inspection, table: &UserTable) -> Result<u64, Failure> {
    match table.relation.approximate_rows {
        Some(rows) if rows > 0 => Ok(rows),
        _ => look(inspection.rows_up_to(&table.from, MOST_COUNTED).await),
    }
}

/// What a look at the store gave; a store that does not let itself be looked at is nobody's wrong config.
fn look<T>(looked: Result<T, lychgate_store::Error>) -> Result<T, Failure> {
    looked.map_err(|error| Failure::Other(error.into()))
}

/// Rows beyond which nobody counts, where the database does not know.
const MOST_COUNTED: u64 = 1_000_000;
