//! Where a name in a statement may come from: the tables, subqueries and `with` queries around it, the innermost first.

use sqlparser::ast::{
    Expr, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem, SetExpr, Statement,
    TableAlias, TableFactor, TableWithJoins,
};

use super::written::{folded, written};
use super::{Found, StoreKind};
use crate::privilege::catalogue::Relation;

/// One thing that rows come from.
#[derive(Clone)]
pub(super) struct Source<'a> {
    /// What it is called in the statement.
    pub(super) name: String,
    pub(super) origin: Origin<'a>,
}

/// What a source is.
#[derive(Clone)]
pub(super) enum Origin<'a> {
    /// A table or view of the catalogue.
    Relation(&'a Relation),
    /// A query within the statement, whose own reads are counted where it stands, with the names of its columns, as far
    /// as they can be told.
    Query(Option<Vec<String>>),
    /// A name that the catalogue does not have.
    Missing,
}

/// What is around a name on one level.
#[derive(Clone, Default)]
pub(super) struct Scope<'a> {
    pub(super) sources: Vec<Source<'a>>,
    /// What columns of the result are called, for `order by` and its like.
    pub(super) aliases: Vec<String>,
    /// Queries of a `with`, by name.
    pub(super) with: Vec<Source<'a>>,
    /// Columns named by `using`, which are read in every source that has them.
    pub(super) joined: Vec<String>,
    /// What cannot be told here.
    pub(super) unknown: Vec<String>,
}

/// Makes scopes, with the scopes around them at hand.
pub(super) struct Scopes<'a> {
    pub(super) kind: StoreKind,
    pub(super) found: &'a Found,
    pub(super) stack: Vec<Scope<'a>>,
}

impl<'a> Scopes<'a> {
    /// What a `with` before a query names, and what the query itself has for its `order by`.
    pub(super) fn of_query(&mut self, query: &Query) -> Scope<'a> {
        let mut scope = Scope::default();
        // Each query of a `with` sees those before it, and if it is recursive, itself.
        self.stack.push(scope.clone());
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let columns =
                declared(self.kind, &table.alias).or_else(|| self.columns_of_query(&table.query));
            scope.with.push(Source {
                name: folded(self.kind, &table.alias.name),
                origin: Origin::Query(columns),
            });
            if let Some(top) = self.stack.last_mut() {
                top.clone_from(&scope);
            }
        }
        if let SetExpr::Select(select) = &*query.body {
            let body = self.of_select(select);
            scope.sources = body.sources;
            scope.aliases = body.aliases;
        } else {
            scope.aliases = self.columns_of_query(query).unwrap_or_default();
        }
        self.stack.pop();
        scope
    }

    /// What a `select` reads from.
    pub(super) fn of_select(&self, select: &Select) -> Scope<'a> {
        let mut scope = Scope::default();
        for table in &select.from {
            self.add(&mut scope, table);
        }
        let aliases = select.projection.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(self.kind, alias)),
            _ => None,
        });
        scope.aliases = aliases.collect();
        if select.into.is_some() {
            scope.unknown.push("`select into` makes a table".to_owned());
        }
        scope
    }

    /// Adds a table and what is joined to it.
    pub(super) fn add(&self, scope: &mut Scope<'a>, table: &TableWithJoins) {
        self.add_factor(scope, &table.relation);
        for join in &table.joins {
            self.add_factor(scope, &join.relation);
            match constraint(&join.join_operator) {
                Some(JoinConstraint::Using(columns)) => {
                    let names = columns.iter().filter_map(|name| written(self.kind, name));
                    scope.joined.extend(names.map(|name| name.name));
                }
                Some(JoinConstraint::On(_) | JoinConstraint::None) => {}
                Some(JoinConstraint::Natural | JoinConstraint::UsingAlias(..)) => {
                    let reason =
                        "a natural join compares whatever columns happen to be named alike";
                    scope.unknown.push(reason.to_owned());
                }
                None => scope
                    .unknown
                    .push("its join is of an unusual kind".to_owned()),
            }
        }
    }

    fn add_factor(&self, scope: &mut Scope<'a>, factor: &TableFactor) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => scope.sources.extend(self.source(name, alias.as_ref())),
            TableFactor::Derived {
                subquery,
                alias: Some(alias),
                ..
            } => {
                let columns =
                    declared(self.kind, alias).or_else(|| self.columns_of_query(subquery));
                scope.sources.push(Source {
                    name: folded(self.kind, &alias.name),
                    origin: Origin::Query(columns),
                });
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.add(scope, table_with_joins),
            // A function's or an unnested array's columns are nobody's in the catalogue.
            TableFactor::Table { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::JsonTable { alias, .. }
            | TableFactor::Derived { alias, .. } => scope.sources.push(Source {
                name: alias
                    .as_ref()
                    .map(|alias| folded(self.kind, &alias.name))
                    .unwrap_or_default(),
                origin: Origin::Query(alias.as_ref().and_then(|alias| declared(self.kind, alias))),
            }),
            _ => scope
                .unknown
                .push("it reads from something that is no table".to_owned()),
        }
    }

    /// What a name after `from` means: a query of a `with`, or a table.
    pub(super) fn source(
        &self,
        name: &ObjectName,
        alias: Option<&TableAlias>,
    ) -> Option<Source<'a>> {
        let written = written(self.kind, name)?;
        let called = alias.map_or_else(
            || written.name.clone(),
            |alias| folded(self.kind, &alias.name),
        );
        let with = self.stack.iter().rev().flat_map(|scope| &scope.with);
        let with = with
            .filter(|_| written.schema.is_none())
            .find(|source| self.same(&source.name, &written.name));
        let origin = match (with, self.found.relations.get(&written)) {
            (Some(with), _) => with.origin.clone(),
            (None, Some(relation)) => Origin::Relation(relation),
            (None, None) => Origin::Missing,
        };
        Some(Source {
            name: called,
            origin,
        })
    }

    /// Whether two names are the same to this database.
    pub(super) fn same(&self, one: &str, other: &str) -> bool {
        one == other || (super::ignores_case(self.kind) && one.eq_ignore_ascii_case(other))
    }

    /// The names of a query's columns, if all can be told.
    fn columns_of_query(&self, query: &Query) -> Option<Vec<String>> {
        self.columns_of_body(&query.body)
    }

    fn columns_of_body(&self, body: &SetExpr) -> Option<Vec<String>> {
        match body {
            SetExpr::Select(select) => select
                .projection
                .iter()
                .map(|item| self.name_of(item))
                .collect(),
            SetExpr::Query(query) => self.columns_of_query(query),
            SetExpr::SetOperation { left, .. } => self.columns_of_body(left),
            SetExpr::Insert(Statement::Insert(insert)) => self.returned(insert.returning.as_ref()),
            SetExpr::Update(Statement::Update(update)) => self.returned(update.returning.as_ref()),
            SetExpr::Delete(Statement::Delete(delete)) => self.returned(delete.returning.as_ref()),
            _ => None,
        }
    }

    fn returned(&self, returning: Option<&Vec<SelectItem>>) -> Option<Vec<String>> {
        let items = returning.map(Vec::as_slice).unwrap_or_default();
        items.iter().map(|item| self.name_of(item)).collect()
    }

    fn name_of(&self, item: &SelectItem) -> Option<String> {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(self.kind, alias)),
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(folded(self.kind, ident)),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(idents)) => {
                idents.last().map(|ident| folded(self.kind, ident))
            }
            SelectItem::UnnamedExpr(Expr::Function(function)) => {
                written(self.kind, &function.name).map(|name| name.name)
            }
            _ => None,
        }
    }
}

/// The names of columns that an alias gives.
fn declared(kind: StoreKind, alias: &TableAlias) -> Option<Vec<String>> {
    if alias.columns.is_empty() {
        return None;
    }
    let names = alias
        .columns
        .iter()
        .map(|column| folded(kind, &column.name));
    Some(names.collect())
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::StraightJoin(constraint) => Some(constraint),
        _ => None,
    }
}
