//! The few words in which the databases differ.

use lychgate_store::{StoreKind, quoted};

/// How a store writes SQL.
#[derive(Clone, Copy)]
pub(super) struct Dialect(pub(super) StoreKind);

impl Dialect {
    /// A name of a column.
    pub(super) fn name(self, name: &str) -> String {
        quoted(self.0, name)
    }

    /// Texts, one after the other.
    pub(super) fn concatenated(self, parts: &[String]) -> String {
        match self.0 {
            StoreKind::Mysql => format!("concat({})", parts.join(", ")),
            StoreKind::Sqlite | StoreKind::Postgres => parts.join(" || "),
        }
    }

    /// The moment, as a column of moments has it.
    pub(super) fn now(self) -> &'static str {
        match self.0 {
            StoreKind::Sqlite => "datetime('now')",
            StoreKind::Postgres | StoreKind::Mysql => "now()",
        }
    }

    /// The moment in seconds since 1970.
    pub(super) fn seconds(self) -> &'static str {
        match self.0 {
            StoreKind::Sqlite => "unixepoch()",
            StoreKind::Postgres => "extract(epoch from now())",
            StoreKind::Mysql => "unix_timestamp()",
        }
    }

    /// A truth value, as a column of truth values has it.
    pub(super) fn truth(self, truth: bool) -> &'static str {
        match (self.0, truth) {
            (StoreKind::Postgres, true) => "true",
            (StoreKind::Postgres, false) => "false",
            (_, true) => "1",
            (_, false) => "0",
        }
    }
}
