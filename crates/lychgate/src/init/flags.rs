//! Columns that say yes or no in one of the many ways in which columns do: as SQL that is true or false, never null.

use lychgate_store::{Column, Inspection, StoreKind, Value};

use super::columns::{self, Kind};
use super::dialect::Dialect;
use super::look;
use crate::commands::Failure;

/// A column that says yes or no.
pub(super) struct Flag {
    dialect: Dialect,
    sql: String,
    kind: Kind,
    is_nullable: bool,
    /// The words that mean yes, where it holds words.
    yes: Vec<String>,
    no: Vec<String>,
}

impl Flag {
    /// Looks at which values the column has, where its type does not tell; `None` if they mean nothing known.
    pub(super) async fn read(
        inspection: &mut Inspection,
        from: &str,
        column: &Column,
    ) -> Result<Option<Self>, Failure> {
        let dialect = Dialect(inspection.kind());
        let mut flag = Self {
            dialect,
            sql: dialect.name(&column.name),
            kind: columns::kind(column),
            is_nullable: column.is_nullable,
            yes: Vec::new(),
            no: Vec::new(),
        };
        if flag.kind != Kind::Text {
            return Ok(Some(flag));
        }
        for state in look(inspection.states(from, &flag.sql).await)? {
            match state {
                Value::Null => {}
                Value::Text(word) if YES.contains(&word.trim().to_lowercase().as_str()) => {
                    flag.yes.push(word);
                }
                Value::Text(word) if NO.contains(&word.trim().to_lowercase().as_str()) => {
                    flag.no.push(word);
                }
                // SQLite keeps whatever it is given.
                Value::Integer(_) | Value::Boolean(_) => flag.kind = Kind::Number,
                _ => return Ok(None),
            }
        }
        let is_known = flag.kind == Kind::Number || !flag.yes.is_empty() || !flag.no.is_empty();
        Ok(is_known.then_some(flag))
    }

    /// Whether it says yes.
    pub(super) fn is_set(&self) -> String {
        let Self { dialect, sql, .. } = self;
        match (self.kind, dialect.0) {
            (Kind::Truth, StoreKind::Postgres) => format!("{sql} is true"),
            (Kind::Moment, StoreKind::Mysql) if !self.is_nullable => {
                format!("{sql} > '1000-01-01'")
            }
            (Kind::Moment, _) => format!("{sql} is not null"),
            (Kind::Text, _) if self.yes.is_empty() => format!(
                "coalesce({sql}, {no}) not in ({no})",
                no = self.words(false)
            ),
            (Kind::Text, _) => format!("coalesce({sql}, '') in ({})", self.words(true)),
            _ if self.is_nullable => format!("coalesce({sql}, 0) <> 0"),
            _ => format!("{sql} <> 0"),
        }
    }

    /// Whether it does not say yes.
    pub(super) fn is_unset(&self) -> String {
        let Self { dialect, sql, .. } = self;
        match (self.kind, dialect.0) {
            (Kind::Truth, StoreKind::Postgres) => format!("{sql} is not true"),
            (Kind::Moment, StoreKind::Mysql) if !self.is_nullable => {
                format!("{sql} < '1000-01-01'")
            }
            (Kind::Moment, _) => format!("{sql} is null"),
            (Kind::Text, _) => format!("not ({})", self.is_set()),
            _ if self.is_nullable => format!("coalesce({sql}, 0) = 0"),
            _ => format!("{sql} = 0"),
        }
    }

    /// The value that says yes.
    pub(super) fn yes(&self) -> Option<String> {
        self.value(true)
    }

    /// The value that says what a parameter says.
    pub(super) fn by(&self, parameter: &str) -> Option<String> {
        if self.kind == Kind::Truth {
            return Some(parameter.to_owned());
        }
        let (yes, no) = (self.value(true)?, self.value(false)?);
        Some(format!("case when {parameter} then {yes} else {no} end"))
    }

    fn value(&self, truth: bool) -> Option<String> {
        match self.kind {
            Kind::Truth => Some(self.dialect.truth(truth).to_owned()),
            Kind::Number => Some(if truth { "1" } else { "0" }.to_owned()),
            Kind::Moment if truth => Some(self.dialect.now().to_owned()),
            Kind::Moment => self.is_nullable.then(|| "null".to_owned()),
            _ => {
                let words = if truth { &self.yes } else { &self.no };
                words.first().map(|word| literal(word))
            }
        }
    }

    fn words(&self, truth: bool) -> String {
        let words = if truth { &self.yes } else { &self.no };
        let words: Vec<_> = words.iter().map(|word| literal(word)).collect();
        words.join(", ")
    }

    /// The column.
    pub(super) fn column(&self) -> &str {
        &self.sql
    }
}

/// Whether an account is closed until a moment that is still to come.
pub(super) fn is_until(dialect: Dialect, column: &Column) -> String {
    let now = match columns::kind(column) {
        Kind::Number => dialect.seconds(),
        _ => dialect.now(),
    };
    let (sql, no) = (dialect.name(&column.name), dialect.truth(false));
    format!("coalesce({sql} > {now}, {no})")
}

/// Whether the word for how an account stands is one of a closed account; and the words that nobody knows.
pub(super) async fn is_closed_state(
    inspection: &mut Inspection,
    from: &str,
    column: &Column,
) -> Result<(Option<String>, bool), Failure> {
    let sql = Dialect(inspection.kind()).name(&column.name);
    let mut closed = Vec::new();
    let mut has_unknown = false;
    for state in look(inspection.states(from, &sql).await)? {
        let Value::Text(word) = state else { continue };
        let lower = word.trim().to_lowercase();
        if CLOSED.contains(&lower.as_str()) {
            closed.push(literal(&word));
        } else if !OPEN.contains(&lower.as_str()) {
            has_unknown = true;
        }
    }
    closed.sort();
    let is_closed =
        (!closed.is_empty()).then(|| format!("coalesce({sql}, '') in ({})", closed.join(", ")));
    Ok((is_closed, has_unknown))
}

fn literal(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}

const YES: [&str; 10] = ["y", "yes", "t", "true", "1", "on", "j", "ja", "x", "s"];

const NO: [&str; 9] = ["n", "no", "f", "false", "0", "off", "nein", "", "-"];

const CLOSED: [&str; 14] = [
    "banned",
    "blocked",
    "disabled",
    "suspended",
    "deleted",
    "inactive",
    "locked",
    "closed",
    "terminated",
    "archived",
    "removed",
    "deactivated",
    "rejected",
    "expired",
];

const OPEN: [&str; 9] = [
    "active",
    "enabled",
    "ok",
    "normal",
    "confirmed",
    "verified",
    "registered",
    "open",
    "approved",
];
