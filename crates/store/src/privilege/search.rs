//! How a statement finds its user, taken apart: the table, the condition and what is compared. With it the database can be
//! asked whether an index serves the condition, and whom it would find twice.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FromTable, Ident, SelectItem, SetExpr, Statement, TableFactor,
    TableWithJoins, Value, visit_expressions, visit_expressions_mut,
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
    written: Expr,
}

impl Search {
    /// The search of a statement that reads, changes or deletes in one table. Of anything else there is none.
    pub fn of(kind: StoreKind, name: StatementName, sql: &str) -> Option<Self> {
        let (tables, written, projection) = match parse(kind, name, sql).ok()? {
            Statement::Query(query) if query.with.is_none() => match *query.body {
                SetExpr::Select(select) => (select.from, select.selection?, select.projection),
                _ => return None,
            },
            Statement::Update(update) if update.from.is_none() => {
                (vec![update.table], update.selection?, Vec::new())
            }
            Statement::Delete(delete) if delete.using.is_none() => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) =
                    delete.from;
                (tables, delete.selection?, Vec::new())
            }
            _ => return None,
        };
        let mut keys = Vec::new();
        collect_keys(&written, &mut keys);
        let nobody = Expr::value(Value::SingleQuotedString(NOBODY.to_owned()));
        Some(Self {
            from: the_table(&tables)?.to_string(),
            condition: with_parameter(&written, &nobody),
            keys,
            hash: projection.iter().find_map(hash),
            written,
        })
    }

    /// The condition with this expression, as SQL of its database, in the place of the parameter.
    pub fn condition_for(&self, expression: &str) -> String {
        with_parameter(&self.written, &Expr::Identifier(Ident::new(expression)))
    }
}

fn the_table(tables: &[TableWithJoins]) -> Option<&TableWithJoins> {
    let [table] = tables else { return None };
    let is_table = matches!(table.relation, TableFactor::Table { args: None, .. });
    (is_table && table.joins.is_empty()).then_some(table)
}

fn with_parameter(condition: &Expr, value: &Expr) -> String {
    let mut condition = condition.clone();
    let _: ControlFlow<()> = visit_expressions_mut(&mut condition, |expression| {
        if is_parameter(expression) {
            *expression = value.clone();
        }
        ControlFlow::Continue(())
    });
    condition.to_string()
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
    fn a_condition_is_asked_for_whatever_is_in_the_place_of_the_parameter() {
        for (name, sql) in [
            (
                Lookup,
                "select id from users where lower(email) = lower(:identifier) and not blocked",
            ),
            (
                StatementName::Delete,
                "delete from users where lower(email) = lower(:user_id) and not blocked",
            ),
            (
                StatementName::VerifyEmail,
                "update users set gone = 1 where lower(email) = lower(:email) and not blocked",
            ),
        ] {
            let search = Search::of(StoreKind::Mysql, name, sql).unwrap();
            assert_eq!(
                (search.from.as_str(), search.keys.as_slice()),
                ("users", &["lower(email)".to_owned()][..])
            );
            assert_eq!(
                search.condition_for("upper(lower(email))"),
                "lower(email) = lower(upper(lower(email))) AND NOT blocked"
            );
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
