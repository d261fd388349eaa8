//! A configured statement as a tree, and the names of relations and routines that stand in it.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FromTable, Ident, ObjectName, ObjectNamePart, Statement, TableFactor, TableObject,
    Visit as _, Visitor,
};
use sqlparser::dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use super::{StoreKind, WrittenName};
use crate::fit;
use crate::statement::StatementName;

/// Reads a statement; or says why it cannot be read. Neither shows what stands in it.
pub(in crate::privilege) fn parse(
    kind: StoreKind,
    name: StatementName,
    sql: &str,
) -> Result<Statement, String> {
    let named = fit::fitting(name, sql).map_err(|flaw| flaw.to_string())?;
    let (dialect, sql): (&dyn Dialect, String) = match kind {
        StoreKind::Postgres => (
            &PostgreSqlDialect {},
            named.with_placeholders(|number| format!("${number}")),
        ),
        StoreKind::Mysql => (
            &MySqlDialect {},
            named.with_placeholders(|_| "?".to_owned()),
        ),
        StoreKind::Sqlite => (
            &SQLiteDialect {},
            named.with_placeholders(|number| format!("?{number}")),
        ),
    };
    let unreadable = || "its SQL is beyond what can be analysed".to_owned();
    let mut parsed = Parser::parse_sql(dialect, &sql).map_err(|_| unreadable())?;
    match (parsed.pop(), parsed.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(unreadable()),
    }
}

/// The names that a statement has to be looked up for.
#[derive(Default)]
pub(super) struct Names {
    pub(super) relations: BTreeSet<WrittenName>,
    pub(super) routines: BTreeSet<WrittenName>,
}

pub(super) fn names(kind: StoreKind, statement: &Statement) -> Names {
    let mut collector = Collector {
        kind,
        names: Names::default(),
    };
    let _: ControlFlow<()> = statement.visit(&mut collector);
    collector.names
}

struct Collector {
    kind: StoreKind,
    names: Names,
}

impl Collector {
    fn relation(&mut self, name: &ObjectName) {
        self.names.relations.extend(written(self.kind, name));
    }

    fn routine(&mut self, name: &ObjectName) {
        self.names.routines.extend(written(self.kind, name));
    }
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table {
                name, args: None, ..
            } => self.relation(name),
            TableFactor::Table { name, .. } | TableFactor::Function { name, .. } => {
                self.routine(name);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => {
                if let TableObject::TableName(name) = &insert.table {
                    self.relation(name);
                }
            }
            Statement::Delete(delete) => {
                for name in &delete.tables {
                    self.relation(name);
                }
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                for table in from {
                    if let TableFactor::Table { name, .. } = &table.relation {
                        self.relation(name);
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expression {
            self.routine(&function.name);
        }
        ControlFlow::Continue(())
    }
}

/// A name in the parts that count: the last, and the one before it.
pub(super) fn written(kind: StoreKind, name: &ObjectName) -> Option<WrittenName> {
    let mut parts = name.0.iter().rev().map(|part| match part {
        ObjectNamePart::Identifier(ident) => Some(folded(kind, ident)),
        ObjectNamePart::Function(_) => None,
    });
    let name = parts.next()??;
    let schema = match parts.next() {
        Some(schema) => Some(schema?),
        None => None,
    };
    Some(WrittenName { schema, name })
}

/// A name as the database takes it: PostgreSQL puts what is not quoted in lower case.
pub(super) fn folded(kind: StoreKind, ident: &Ident) -> String {
    if kind == StoreKind::Postgres && ident.quote_style.is_none() {
        ident.value.to_lowercase()
    } else {
        ident.value.clone()
    }
}
