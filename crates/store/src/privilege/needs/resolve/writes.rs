//! What `insert`, `update` and `delete` take beyond what they read.

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, FromTable, Insert, ObjectName,
    OnConflict, OnConflictAction, OnInsert, SelectItem, SetExpr, TableObject, Update,
    UpdateTableFromKind,
};

use super::super::scope::{Origin, Scope, Source};
use super::super::written::{folded, written};
use super::Resolver;
use crate::privilege::StoreKind;
use crate::privilege::catalogue::{Act, Relation};

impl<'a> Resolver<'a> {
    pub(super) fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else {
            self.scopes.stack.push(Scope::default());
            self.unknown("it inserts into something that is no table");
            return;
        };
        let mut target = self.scopes.source(name, None);
        if let (Some(target), Some(alias)) = (&mut target, &insert.table_alias) {
            target.name = folded(self.scopes.kind, &alias.alias);
        }
        let relation = self.begin(target, Vec::new());
        let Some(relation) = relation else { return };
        self.caution(relation, Act::Any);
        self.caution(relation, Act::Insert);
        let columns = self.inserted(insert, relation);
        for column in &relation.columns {
            if !columns.contains(&column.name) {
                self.needs.sequences.extend(column.sequence.clone());
            }
        }
        let needs = self.of(relation);
        needs.insert.extend(columns);
        needs.delete |= insert.replace_into;
        self.set(&insert.assignments, relation, Act::Insert);
        match &insert.on {
            Some(OnInsert::DuplicateKeyUpdate(assignments)) => {
                self.set(assignments, relation, Act::Update);
                // MySQL asks for `update` of what is set; MariaDB for `select` of that, and for `update` of what is inserted.
                let needs = self.of(relation);
                needs.select.extend(needs.update.iter().cloned());
                needs.update.extend(needs.insert.iter().cloned());
            }
            Some(OnInsert::OnConflict(conflict)) => self.conflict(conflict, relation),
            _ => {}
        }
        self.returning(insert.returning.as_ref());
    }

    /// The columns that an insert fills, by its list, or by how much it brings.
    fn inserted(&mut self, insert: &Insert, relation: &Relation) -> Vec<String> {
        if !insert.columns.is_empty() {
            let listed = insert.columns.iter();
            return listed
                .filter_map(|name| self.column(name, relation))
                .collect();
        }
        if !insert.assignments.is_empty() {
            return Vec::new();
        }
        let brought = match insert.source.as_ref().map(|source| &*source.body) {
            Some(SetExpr::Values(values)) => values.rows.first().map(|row| row.content.len()),
            _ => None,
        };
        if brought.is_none() {
            self.unknown("it inserts without a list of columns");
        }
        let all = relation.columns.iter().map(|column| column.name.clone());
        all.take(brought.unwrap_or_default()).collect()
    }

    fn conflict(&mut self, conflict: &OnConflict, relation: &'a Relation) {
        match &conflict.conflict_target {
            Some(ConflictTarget::Columns { columns, .. }) => {
                for column in columns {
                    let column = folded(self.scopes.kind, column);
                    self.read(relation, &column);
                }
            }
            Some(ConflictTarget::OnConstraint(_)) => {
                self.unknown("it names a constraint, whose columns are read");
            }
            None => {}
        }
        if let OnConflictAction::DoUpdate(update) = &conflict.action {
            self.caution(relation, Act::Update);
            self.set(&update.assignments, relation, Act::Update);
            if let Some(scope) = self.scopes.stack.last_mut() {
                scope.sources.push(Source {
                    name: "excluded".to_owned(),
                    origin: Origin::Relation(relation),
                });
            }
        }
    }

    pub(super) fn update(&mut self, update: &Update) {
        let mut others = Scope::default();
        self.scopes.add(&mut others, &update.table);
        if let Some(
            UpdateTableFromKind::AfterSet(tables) | UpdateTableFromKind::BeforeSet(tables),
        ) = &update.from
        {
            for table in tables {
                self.scopes.add(&mut others, table);
            }
        }
        let mut sources = others.sources.drain(..);
        let target = sources.next();
        let rest = sources.collect();
        self.needs
            .unknown
            .append(&mut others.unknown.drain(..).collect());
        for column in others.joined {
            self.unknown(format!("it joins by `using ({column})` in an update"));
        }
        let Some(relation) = self.begin(target, rest) else {
            return;
        };
        self.caution(relation, Act::Any);
        self.caution(relation, Act::Update);
        self.set(&update.assignments, relation, Act::Update);
        self.returning(update.returning.as_ref());
    }

    pub(super) fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let mut scope = Scope::default();
        for table in from.iter().chain(delete.using.iter().flatten()) {
            self.scopes.add(&mut scope, table);
        }
        self.needs
            .unknown
            .append(&mut scope.unknown.drain(..).collect());
        let mut sources = scope.sources;
        if !delete.tables.is_empty() {
            self.unknown("it removes rows of several tables");
        }
        let target = (!sources.is_empty()).then(|| sources.remove(0));
        let Some(relation) = self.begin(target, sources) else {
            return;
        };
        self.caution(relation, Act::Any);
        self.caution(relation, Act::Delete);
        self.of(relation).delete = true;
        self.returning(delete.returning.as_ref());
    }

    /// Enters the scope of a write. Its target is not read by that alone, unlike the other tables.
    fn begin(
        &mut self,
        target: Option<Source<'a>>,
        others: Vec<Source<'a>>,
    ) -> Option<&'a Relation> {
        self.enter(Scope {
            sources: others,
            ..Scope::default()
        });
        let target = target?;
        let relation = match &target.origin {
            Origin::Relation(relation) => Some(*relation),
            Origin::Query(_) | Origin::Missing => {
                let name = &target.name;
                self.unknown(format!(
                    "`{name}` is no table that this role can see, by its search path"
                ));
                None
            }
        };
        if let Some(scope) = self.scopes.stack.last_mut() {
            scope.sources.insert(0, target);
        }
        relation
    }

    fn set(&mut self, assignments: &[Assignment], relation: &'a Relation, act: Act) {
        for assignment in assignments {
            let targets = match &assignment.target {
                AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
                AssignmentTarget::Tuple(names) => names,
            };
            for target in targets {
                let relation = self.assigned(target).unwrap_or(relation);
                if let Some(column) = self.column(target, relation) {
                    let needs = self.of(relation);
                    match act {
                        Act::Insert => needs.insert.insert(column),
                        Act::Any | Act::Update | Act::Delete => needs.update.insert(column),
                    };
                }
            }
        }
    }

    /// The table that an assignment names; only MySQL sets columns of more than one.
    fn assigned(&self, target: &ObjectName) -> Option<&'a Relation> {
        if self.scopes.kind != StoreKind::Mysql {
            return None;
        }
        let table = written(self.scopes.kind, target)?.schema?;
        let sources = self.sources();
        let source = sources
            .iter()
            .find(|source| self.scopes.same(&source.name, &table))?;
        match source.origin {
            Origin::Relation(relation) => Some(relation),
            Origin::Query(_) | Origin::Missing => None,
        }
    }

    /// The column of the target that a name means; in PostgreSQL what follows a column is a field of it.
    fn column(&mut self, name: &ObjectName, relation: &Relation) -> Option<String> {
        let written = written(self.scopes.kind, name)?;
        let name = match (self.scopes.kind, written.schema) {
            (StoreKind::Postgres, Some(first)) => first,
            _ => written.name,
        };
        let ignores_case = super::super::ignores_case(self.scopes.kind);
        let found = relation.column(&name, ignores_case).map(str::to_owned);
        if found.is_none() {
            let table = &relation.name;
            self.unknown(format!(
                "`{name}` is no column of `{table}` that this role can see"
            ));
        }
        found
    }

    fn returning(&mut self, returning: Option<&Vec<SelectItem>>) {
        let sources = self.sources();
        self.returned(returning.map(Vec::as_slice).unwrap_or_default(), &sources);
    }
}
