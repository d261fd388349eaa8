//! What a store says of itself: tables and views, their columns, and the indexes of a table.
//! Names and types only, never a row. A database may have more tables than anybody wants to hold: whoever asks says
//! which are worth keeping, and only so many are kept.

mod mysql;
mod names;
mod postgres;
mod sqlite;

pub use self::names::quoted;
use crate::error::Error;
use crate::inspection::{Inspection, Looked, StoreKind};
use crate::parameters::Value;

/// The relations that were worth keeping, and how many there are.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Those that were kept, by name.
    pub relations: Vec<Relation>,
    /// How many tables and views were looked at.
    pub seen: usize,
    /// Whether more were worth keeping than there was room for.
    pub is_cut: bool,
}

/// A table or a view.
#[derive(Clone, Debug, Default)]
pub struct Relation {
    /// Its schema, in PostgreSQL.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// Whether it is a view.
    pub is_view: bool,
    /// How many rows it has, as far as the database knows without counting.
    pub approximate_rows: Option<u64>,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, in the database's words and in lower case: `varchar(255)`, `timestamp with time zone`.
    pub data_type: String,
    /// Whether it may be `NULL`.
    pub is_nullable: bool,
    /// What it is when nothing is given, in the database's words.
    pub default: Option<String>,
    /// How it compares, where the database says so beside the type.
    pub collation: Option<String>,
    /// Whether it compares without regard to case.
    pub ignores_case: bool,
}

/// An index of a table.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Whether no two rows may have the same key.
    pub is_unique: bool,
    /// Whether it is the primary key.
    pub is_primary: bool,
    /// Whether it holds some of the rows only.
    pub is_partial: bool,
    /// What it is over, in its order.
    pub parts: Vec<IndexPart>,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexPart {
    /// A whole column.
    Column(String),
    /// The beginning of a column.
    Prefix(String),
    /// An expression, in the database's words.
    Expression(String),
}

impl Relation {
    /// The column of this name, in any case.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Its name as SQL writes it, with the schema where that is not the one everybody looks in.
    pub fn sql(&self, kind: StoreKind) -> String {
        let name = quoted(kind, &self.name);
        match self.schema.as_deref() {
            None | Some("public") => name,
            Some(schema) => format!("{}.{name}", quoted(kind, schema)),
        }
    }

    /// Its name to show to a person: `schema.name`.
    pub fn shown(&self) -> String {
        match self.schema.as_deref() {
            None | Some("public") => self.name.clone(),
            Some(schema) => format!("{schema}.{}", self.name),
        }
    }
}

impl Index {
    /// Whether it keeps this column from having a value twice.
    pub fn makes_unique(&self, column: &str) -> bool {
        let is_it = |part: &IndexPart| matches!(part, IndexPart::Column(name) if name == column);
        self.is_unique && !self.is_partial && self.parts.len() == 1 && self.parts.iter().all(is_it)
    }
}

impl Inspection {
    /// Reads the tables and views, and keeps those that `keep` says yes to, as many as there is room for.
    pub async fn catalogue(
        &mut self,
        keep: impl FnMut(&Relation) -> bool + Send,
    ) -> Result<Catalogue, Error> {
        match self.kind() {
            StoreKind::Sqlite => sqlite::catalogue(self, keep).await,
            StoreKind::Postgres => postgres::catalogue(self, keep).await,
            StoreKind::Mysql => mysql::catalogue(self, keep).await,
        }
    }

    /// The indexes of a table, by name.
    pub async fn indexes(&mut self, relation: &Relation) -> Result<Vec<Index>, Error> {
        match self.kind() {
            StoreKind::Sqlite => sqlite::indexes(self, relation).await,
            StoreKind::Postgres => postgres::indexes(self, relation).await,
            StoreKind::Mysql => mysql::indexes(self, relation).await,
        }
    }
}

impl Catalogue {
    /// Keeps a relation, if it is wanted and there is room.
    fn consider(&mut self, relation: Relation, keep: &mut impl FnMut(&Relation) -> bool) {
        if relation.columns.is_empty() {
            return;
        }
        self.seen += 1;
        if !keep(&relation) {
        } else if self.relations.len() < MOST_RELATIONS {
            self.relations.push(relation);
        } else {
            self.is_cut = true;
        }
    }
}

/// Puts rows that come in the order of an index's parts together.
fn gather_index(indexes: &mut Vec<Index>, index: Index) {
    match indexes.last_mut() {
        Some(last) if last.name == index.name => last.parts.extend(index.parts),
        _ => indexes.push(index),
    }
}

/// A row of the catalogue, read by place.
struct Fields(Vec<Looked>);

impl Fields {
    fn text(&self, place: usize) -> Option<String> {
        match self.0.get(place)? {
            Ok(Value::Text(text)) => Some(text.clone()),
            Ok(Value::Bytes(bytes)) => String::from_utf8(bytes.clone()).ok(),
            Ok(Value::Integer(number)) => Some(number.to_string()),
            _ => None,
        }
    }

    fn number(&self, place: usize) -> Option<i64> {
        match self.0.get(place)? {
            Ok(Value::Integer(number)) => Some(*number),
            Ok(Value::Boolean(truth)) => Some(i64::from(*truth)),
            Ok(Value::Text(text)) => text.parse().ok(),
            _ => None,
        }
    }

    fn truth(&self, place: usize) -> bool {
        self.number(place).is_some_and(|number| number != 0)
    }
}

/// The most relations that are kept.
const MOST_RELATIONS: usize = 500;

/// The most relations that are looked at, where the database is asked for each.
const MOST_SEEN: usize = 100_000;

/// The most parts of indexes that are read of one table.
const MOST_PARTS: usize = 1_000;
