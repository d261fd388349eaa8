//! What the database itself says of the relations and routines that a statement names, found as the database finds them.
//! Only names leave here.

mod mysql;
mod postgres;
mod sqlite;

use super::ObjectName;
use crate::error::Error;
use crate::inspection::Link;

/// A table or a view.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) name: ObjectName,
    pub(crate) columns: Vec<Column>,
    /// The first column of the primary key, or else the first column.
    pub(crate) key: Option<String>,
    pub(crate) cautions: Vec<Caution>,
}

impl Relation {
    /// The column of this name, in the table's own spelling.
    pub(crate) fn column(&self, name: &str, ignores_case: bool) -> Option<&str> {
        let is_it = |column: &&Column| {
            column.name == name || (ignores_case && column.name.eq_ignore_ascii_case(name))
        };
        self.columns
            .iter()
            .find(is_it)
            .map(|column| column.name.as_str())
    }
}

/// A column, and the sequence that fills it where an insert does not.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sequence: Option<ObjectName>,
}

/// Something about a relation that runs with the role's rights, and needs what nobody can tell.
#[derive(Clone, Debug)]
pub(crate) struct Caution {
    pub(crate) on: Act,
    pub(crate) reason: String,
}

/// When a caution matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    Any,
    Insert,
    Update,
    Delete,
}

/// A function that is not the database's own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Routine {
    /// Its name.
    pub name: ObjectName,
    /// The types of its arguments, as `GRANT` takes them; empty where a name is enough.
    pub arguments: String,
    /// Whether it runs with the caller's rights, in a language of which nobody can tell what it needs.
    pub(crate) is_opaque: bool,
}

/// The relation that a name means to this role. Names are as the database folds them.
pub(crate) async fn relation(
    connection: &mut Link,
    schema: Option<&str>,
    name: &str,
) -> Result<Option<Relation>, Error> {
    match connection {
        Link::Sqlite(connection, _) => sqlite::relation(connection, name).await,
        Link::Postgres(connection) => postgres::relation(connection, schema, name).await,
        Link::Mysql(connection) => mysql::relation(connection, schema, name).await,
    }
}

/// The routines that a name may mean to this role, but for the database's own.
pub(crate) async fn routines(
    connection: &mut Link,
    schema: Option<&str>,
    name: &str,
) -> Result<Vec<Routine>, Error> {
    match connection {
        Link::Sqlite(..) => Ok(Vec::new()),
        Link::Postgres(connection) => postgres::routines(connection, schema, name).await,
        Link::Mysql(connection) => mysql::routines(connection, schema, name).await,
    }
}
