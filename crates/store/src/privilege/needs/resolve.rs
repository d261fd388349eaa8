//! A statement's tree against the catalogue: each name to the column that it is, each act to the right that it takes.
//! Rules of PostgreSQL: <https://www.postgresql.org/docs/current/sql-grant.html> and the pages of each statement.

mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, Visit as _,
    Visitor,
};

use super::scope::{Origin, Scope, Scopes, Source};
use super::written::{folded, written};
use super::{Found, RelationNeeds, StoreKind};
use crate::privilege::ObjectName;
use crate::privilege::catalogue::{Act, Relation, Routine};

/// What one statement needs.
#[derive(Default)]
pub(super) struct StatementNeeds {
    pub(super) relations: BTreeMap<ObjectName, RelationNeeds>,
    pub(super) sequences: BTreeSet<ObjectName>,
    pub(super) routines: BTreeSet<Routine>,
    pub(super) unknown: BTreeSet<String>,
}

impl StatementNeeds {
    /// A statement of which nothing can be told, and why.
    pub(super) fn unknown(reason: String) -> Self {
        Self {
            unknown: BTreeSet::from([reason]),
            ..Self::default()
        }
    }
}

/// What a statement needs.
pub(super) fn resolve(kind: StoreKind, statement: &Statement, found: &Found) -> StatementNeeds {
    let mut resolver = Resolver {
        scopes: Scopes {
            kind,
            found,
            stack: Vec::new(),
        },
        needs: StatementNeeds::default(),
        touched: BTreeMap::new(),
    };
    let _: ControlFlow<()> = statement.visit(&mut resolver);
    resolver.finish()
}

struct Resolver<'a> {
    scopes: Scopes<'a>,
    needs: StatementNeeds,
    /// Tables that rows are read from: `count(*)` takes the right to read some column.
    touched: BTreeMap<ObjectName, &'a Relation>,
}

impl<'a> Resolver<'a> {
    fn kind(&self) -> StoreKind {
        self.scopes.kind
    }

    fn finish(mut self) -> StatementNeeds {
        for (name, relation) in std::mem::take(&mut self.touched) {
            let needs = self.of(relation);
            if needs.select.is_empty() {
                needs.select.extend(relation.key.clone());
            }
            self.caution(relation, Act::Any);
            drop(name);
        }
        self.needs
    }

    fn of(&mut self, relation: &Relation) -> &mut RelationNeeds {
        let needs = self.needs.relations.entry(relation.name.clone());
        needs.or_insert_with(|| RelationNeeds {
            columns: relation
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect(),
            ..RelationNeeds::default()
        })
    }

    fn caution(&mut self, relation: &Relation, act: Act) {
        let cautions = relation.cautions.iter().filter(|caution| caution.on == act);
        let reasons = cautions.map(|caution| caution.reason.clone());
        self.needs.unknown.extend(reasons);
    }

    fn unknown(&mut self, reason: impl Into<String>) {
        self.needs.unknown.insert(reason.into());
    }

    /// Goes into a scope, and counts what being there takes.
    fn enter(&mut self, mut scope: Scope<'a>) {
        self.needs
            .unknown
            .append(&mut scope.unknown.drain(..).collect());
        for source in &scope.sources {
            match &source.origin {
                Origin::Relation(relation) => {
                    self.touched.insert(relation.name.clone(), relation);
                }
                Origin::Missing => {
                    let name = &source.name;
                    self.unknown(format!(
                        "`{name}` is no table that this role can see, by its search path"
                    ));
                }
                Origin::Query(_) => {}
            }
        }
        let joined = scope.joined.clone();
        let sources = scope.sources.clone();
        self.scopes.stack.push(scope);
        for column in joined {
            for source in &sources {
                if let Origin::Relation(relation) = source.origin {
                    self.read(relation, &column);
                }
            }
        }
    }

    fn leave(&mut self) {
        self.scopes.stack.pop();
    }

    /// Counts a column as read, if the relation has it.
    fn read(&mut self, relation: &Relation, column: &str) -> bool {
        let ignores_case = super::ignores_case(self.kind());
        let Some(column) = relation.column(column, ignores_case).map(str::to_owned) else {
            return false;
        };
        self.of(relation).select.insert(column);
        true
    }

    fn read_all(&mut self, source: &Source<'_>) {
        if let Origin::Relation(relation) = source.origin {
            let columns: Vec<_> = relation.columns.iter().map(|c| c.name.clone()).collect();
            self.of(relation).select.extend(columns);
        }
    }

    fn sources(&self) -> Vec<Source<'a>> {
        let scopes = self.scopes.stack.iter().rev();
        scopes.flat_map(|scope| scope.sources.clone()).collect()
    }

    /// A name without a table before it.
    fn plain(&mut self, ident: &Ident) {
        let name = folded(self.kind(), ident);
        for source in self.sources() {
            match &source.origin {
                Origin::Relation(relation) if self.read(relation, &name) => return,
                Origin::Query(Some(columns))
                    if columns.iter().any(|column| self.scopes.same(column, &name)) =>
                {
                    return;
                }
                Origin::Relation(_) | Origin::Query(_) | Origin::Missing => {}
            }
        }
        let scopes = &self.scopes;
        let is_alias = scopes.stack.iter().any(|scope| {
            let mut aliases = scope.aliases.iter();
            aliases.any(|alias| scopes.same(alias, &name))
        });
        if is_alias || (ident.quote_style.is_none() && is_keyword(&name)) {
            return;
        }
        // The name of a table alone is a row of it.
        let sources = self.sources();
        let whole = sources
            .iter()
            .find(|source| self.scopes.same(&source.name, &name));
        match whole {
            Some(source) => self.read_all(source),
            None => self.unknown(format!(
                "`{name}` is a column of none of its tables that this role can see"
            )),
        }
    }

    /// `table.column`, perhaps with a schema before it.
    fn compound(&mut self, idents: &[Ident]) {
        let parts: Vec<_> = idents
            .iter()
            .map(|ident| folded(self.kind(), ident))
            .collect();
        let sources = self.sources();
        // What follows a column is a field of it, so the first two parts that fit decide.
        for pair in parts.windows(2) {
            let [table, column] = pair else { continue };
            let named = sources
                .iter()
                .find(|source| self.scopes.same(&source.name, table));
            match named.map(|source| &source.origin) {
                Some(Origin::Relation(relation)) if self.read(relation, column) => return,
                Some(Origin::Query(_)) => return,
                Some(Origin::Relation(_) | Origin::Missing) | None => {}
            }
        }
        self.unknown(format!(
            "`{}` is no column that this role can see",
            parts.join(".")
        ));
    }

    fn function(&mut self, function: &Function) {
        if let Some(name) = written(self.kind(), &function.name) {
            self.routine(&name);
        }
        let FunctionArguments::List(list) = &function.args else {
            return;
        };
        for argument in &list.args {
            let (FunctionArg::Unnamed(argument)
            | FunctionArg::Named { arg: argument, .. }
            | FunctionArg::ExprNamed { arg: argument, .. }) = argument;
            if let FunctionArgExpr::QualifiedWildcard(name) = argument
                && let Some(name) = written(self.kind(), name)
            {
                self.read_all_of(&name.name);
            }
        }
    }

    fn routine(&mut self, name: &super::WrittenName) {
        let found = self.scopes.found;
        let routines = found.routines.get(name).map(Vec::as_slice);
        let routines = routines.unwrap_or_default();
        if routines.len() > 1 {
            self.unknown(format!(
                "there are {} functions `{}`, and which of them is called is not known",
                routines.len(),
                name.name
            ));
        }
        for routine in routines.iter().filter(|routine| routine.is_opaque) {
            self.unknown(format!(
                "function `{}` runs with this role's rights, and what it needs is not known",
                routine.name
            ));
        }
        if let [routine] = routines {
            self.needs.routines.insert(routine.clone());
        }
    }

    fn read_all_of(&mut self, table: &str) {
        let sources = self.sources();
        let source = sources
            .iter()
            .find(|source| self.scopes.same(&source.name, table));
        match source {
            Some(source) => self.read_all(source),
            None => self.unknown(format!("`{table}.*` is of no table that this role can see")),
        }
    }

    /// What is returned: `*` is all there is.
    fn returned(&mut self, items: &[SelectItem], sources: &[Source<'a>]) {
        for item in items {
            match item {
                SelectItem::Wildcard(_) => {
                    for source in sources {
                        self.read_all(source);
                    }
                }
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    if let Some(name) = written(self.kind(), name) {
                        self.read_all_of(&name.name);
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {
                    self.unknown("it unfolds a value into columns");
                }
                SelectItem::UnnamedExpr(_)
                | SelectItem::ExprWithAlias { .. }
                | SelectItem::ExprWithAliases { .. } => {}
            }
        }
    }
}

impl Visitor for Resolver<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let scope = self.scopes.of_query(query);
        // What it reads from is counted where its `select` is.
        self.scopes.stack.push(scope);
        if !query.locks.is_empty() {
            self.unknown("it locks rows, which takes more than reading them");
        }
        match &*query.body {
            SetExpr::Table(_) => self.unknown("it reads a table as a whole"),
            SetExpr::Merge(_) => self.unknown("`merge` is beyond what can be analysed"),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let scope = self.scopes.of_select(select);
        let sources = scope.sources.clone();
        self.enter(scope);
        self.returned(&select.projection, &sources);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _select: &Select) -> ControlFlow<()> {
        self.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Query(_) => self.scopes.stack.push(Scope::default()),
            _ => {
                self.scopes.stack.push(Scope::default());
                self.unknown("it is of a kind that cannot be analysed");
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, _statement: &Statement) -> ControlFlow<()> {
        self.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let (TableFactor::Function { name, .. }
        | TableFactor::Table {
            name,
            args: Some(_),
            ..
        }) = factor
        else {
            return ControlFlow::Continue(());
        };
        if let Some(name) = written(self.kind(), name) {
            self.routine(&name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Identifier(ident) => self.plain(ident),
            Expr::CompoundIdentifier(idents) => self.compound(idents),
            Expr::Function(function) => self.function(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Words that stand where a column could, and are none.
fn is_keyword(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "default",
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
    ];
    WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}
