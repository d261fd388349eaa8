//! What each configured statement needs, column by column: the statement is parsed, and every name in it is looked up
//! in the catalogue as the database would. What cannot be told is named, never guessed: a right that is missing from
//! this list would be found out in production, and one too many would be granted for nothing.

mod resolve;
mod scope;
mod written;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::written::parse;
use super::catalogue::{self, Relation, Routine};
use super::{ObjectName, StoreKind};
use crate::error::Error;
use crate::inspection::Link;
use crate::statement::StatementName;

/// What the statements need.
#[derive(Clone, Default, Debug)]
pub struct Needs {
    /// Of each statement, what it needs of each table and view.
    pub statements: BTreeMap<StatementName, BTreeMap<ObjectName, RelationNeeds>>,
    /// Sequences that an insert draws from.
    pub sequences: BTreeSet<ObjectName>,
    /// Functions that are not the database's own.
    pub routines: BTreeSet<Routine>,
    /// What cannot be told.
    pub unknown: Vec<Unknown>,
}

/// What is needed of one table or view.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct RelationNeeds {
    /// All the columns that there are, in their order.
    pub columns: Vec<String>,
    /// The columns that are read.
    pub select: BTreeSet<String>,
    /// The columns that an insert fills.
    pub insert: BTreeSet<String>,
    /// The columns that an update sets.
    pub update: BTreeSet<String>,
    /// Whether rows are removed.
    pub delete: bool,
}

/// Something in a statement of which nobody can tell what it needs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Unknown {
    /// The statement.
    pub statement: StatementName,
    /// What it is.
    pub reason: String,
}

impl Needs {
    /// What all statements together need of each table and view.
    pub fn relations(&self) -> BTreeMap<&ObjectName, RelationNeeds> {
        let mut all: BTreeMap<&ObjectName, RelationNeeds> = BTreeMap::new();
        for (name, needs) in self.statements.values().flatten() {
            let sum = all.entry(name).or_default();
            sum.columns.clone_from(&needs.columns);
            sum.select.extend(needs.select.iter().cloned());
            sum.insert.extend(needs.insert.iter().cloned());
            sum.update.extend(needs.update.iter().cloned());
            sum.delete |= needs.delete;
        }
        all
    }
}

/// What these statements need.
pub(super) async fn of_statements(
    connection: &mut Link,
    statements: &BTreeMap<StatementName, String>,
) -> Result<Needs, Error> {
    let kind = connection.kind();
    let mut needs = Needs::default();
    for (&name, sql) in statements {
        let found = match written::parse(kind, name, sql) {
            Ok(statement) => {
                let found = Found::of(connection, &statement).await?;
                resolve::resolve(kind, &statement, &found)
            }
            Err(reason) => resolve::StatementNeeds::unknown(reason),
        };
        needs.sequences.extend(found.sequences);
        needs.routines.extend(found.routines);
        needs.statements.insert(name, found.relations);
        let unknown = found.unknown.into_iter().map(|reason| Unknown {
            statement: name,
            reason,
        });
        needs.unknown.extend(unknown);
    }
    Ok(needs)
}

/// What the catalogue says of the names in a statement, by the name as written.
#[derive(Default)]
struct Found {
    relations: BTreeMap<WrittenName, Relation>,
    routines: BTreeMap<WrittenName, Vec<Routine>>,
}

/// A name as a statement has it: perhaps with a schema, folded as the database folds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct WrittenName {
    schema: Option<String>,
    name: String,
}

impl Found {
    async fn of(
        connection: &mut Link,
        statement: &sqlparser::ast::Statement,
    ) -> Result<Self, Error> {
        let names = written::names(connection.kind(), statement);
        let mut found = Self::default();
        for name in names.relations {
            let relation =
                catalogue::relation(connection, name.schema.as_deref(), &name.name).await?;
            if let Some(relation) = relation {
                found.relations.insert(name, relation);
            }
        }
        for name in names.routines {
            let routines =
                catalogue::routines(connection, name.schema.as_deref(), &name.name).await?;
            if !routines.is_empty() {
                found.routines.insert(name, routines);
            }
        }
        Ok(found)
    }
}

/// Whether two names of columns are the same to this kind of database, once each is folded.
fn ignores_case(kind: StoreKind) -> bool {
    match kind {
        StoreKind::Postgres => false,
        StoreKind::Sqlite | StoreKind::Mysql => true,
    }
}
