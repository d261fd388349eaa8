//! How a statement finds its user, taken apart: the table, the condition and what is compared. With it the database can be
//! asked whether an index serves the condition, and whom it would find twice.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, SelectItem, SetExpr, Statement, TableFactor, Value, visit_expressions,
    visit_expressions_mut,
};

use super::needs::parse;
use crate::inspection::StoreKind;
use crate::row::is_password_hash;
use crate::statement::StatementName;

/// A search in one table, as SQL of its database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// The table.
    pub from: String,
    /// The condition, with an identifier that nobody has in the place of the parameter.
    pub condition: String,
    /// What is compared with the identifier: a column, or an expression over one.
    pub keys: Vec<String>,
    /// The column of the hash, if it is read.
    pub hash: Option<String>,
}

impl Search {
    /// The search of a statement that reads one table. Of anything else there is none.
    pub fn of(kind: StoreKind, name: StatementName, sql: &str) -> Option<Self> {
        let Ok(Statement::Query(query)) = parse(kind, name, sql) else {
            return None;
        };
        let SetExpr::Select(select) = *query.body else {
            return None;
        };
        let [table] = select.from.as_slice() else {
            return None;
        };
        let is_table = matches!(table.relation, TableFactor::Table { args: None, .. });
        if query.with.is_some() || !table.joins.is_empty() || !is_table {
            return None;
        }
        let mut condition = select.selection?;
        let mut keys = Vec::new();
        collect_keys(&condition, &mut keys);
        let _: ControlFlow<()> = visit_expressions_mut(&mut condition, |expression| {
            if is_parameter(expression) {
                *expression = Expr::value(Value::SingleQuotedString(NOBODY.to_owned()));
            }
            ControlFlow::Continue(())
        });
        Some(Self {
            from: table.to_string(),
            condition: condition.to_string(),
            keys,
            hash: select.projection.iter().find_map(hash),
        })
    }
}

fn collect_keys(condition: &Expr, keys: &mut Vec<String>) {
    match condition {
        Expr::Nested(inner) => collect_keys(inner, keys),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And | BinaryOperator::Or,
            right,
        } => {
            collect_keys(left, keys);
            collect_keys(right, keys);
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => match (has_parameter(left), has_parameter(right)) {
            (false, true) => keys.push(left.to_string()),
            (true, false) => keys.push(right.to_string()),
            (true, true) | (false, false) => {}
        },
        _ => {}
    }
}

fn has_parameter(expression: &Expr) -> bool {
    let found = visit_expressions(expression, |one| {
        if is_parameter(one) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found.is_break()
}

fn is_parameter(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(value) if matches!(value.value, Value::Placeholder(_)))
}

fn hash(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) if is_password_hash(&ident.value) => {
            Some(ident.to_string())
        }
        SelectItem::UnnamedExpr(expression @ Expr::CompoundIdentifier(idents)) => {
            let last = idents.last()?;
            is_password_hash(&last.value).then(|| expression.to_string())
        }
        SelectItem::ExprWithAlias { expr, alias } if is_password_hash(&alias.value) => {
            Some(expr.to_string())
        }
        _ => None,
    }
}

const NOBODY: &str = "nobody@lychgate.invalid";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::StatementName::{Authenticate, Lookup};

    #[test]
    fn a_search_is_taken_apart() {
        let sql = "select id, u.pw as password_hash from users u where (lower(u.email) = :identifier or name = :identifier) and deleted is null";
        for kind in [StoreKind::Postgres, StoreKind::Mysql, StoreKind::Sqlite] {
            let search = Search::of(kind, Authenticate, sql).unwrap();
            assert!(search.from.starts_with("users"), "{search:?}");
            assert_eq!(search.keys, ["lower(u.email)", "name"]);
            assert_eq!(search.hash.as_deref(), Some("u.pw"));
            assert!(search.condition.contains("= 'nobody@lychgate.invalid'"));
            assert!(!search.condition.contains(['$', '?']));
        }
    }

    #[test]
    fn what_is_no_search_in_one_table_has_none() {
        for sql in [
            "select id from users, others where email = :identifier",
            "with u as (select 1) select id from users where email = :identifier",
            "select id from users u join others o on o.id = u.id where email = :identifier",
        ] {
            assert_eq!(Search::of(StoreKind::Postgres, Lookup, sql), None, "{sql}");
        }
    }
}
