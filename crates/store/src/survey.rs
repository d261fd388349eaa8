//! A walk over the user table: who is in it, what they log in with, what their hashes look like.
//! Rows pass one by one and none is kept, so ten million cost no more memory than ten. Nothing leaves but what is asked
//! for, and a hash is a secret from the driver on: what can be said of it, whoever walks along has to say.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use lychgate_password::StoredHash;

use crate::error::Error;
use crate::inspection::{Inspection, Looked, StoreKind};
use crate::parameters::Value;

/// What to read of each user: SQL expressions over one table, or over what `from` joins.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The table, or the join, as SQL writes it.
    pub from: String,
    /// The key of the user.
    pub id: String,
    /// What users are found by: the e-mail address, the username.
    pub identifiers: Vec<String>,
    /// The hash of the password.
    pub hash: Option<String>,
    /// Whatever else is asked for.
    pub flags: Vec<String>,
}

/// One user. Personal data, so it has no `Debug`.
pub struct Surveyed {
    /// The key; an error says why it cannot be read.
    pub id: Result<Value, &'static str>,
    /// The identifiers, in the order of the survey.
    pub identifiers: Vec<Result<Value, &'static str>>,
    /// The hash.
    pub hash: SurveyedHash,
    /// The rest, in the order of the survey.
    pub flags: Vec<Result<Value, &'static str>>,
}

/// What stands in the column of hashes.
pub enum SurveyedHash {
    /// `NULL`, or no such column in the survey.
    Missing,
    /// A text, of whatever format; it may be empty.
    Stored(StoredHash),
    /// More than a hash may have, or a NUL in it.
    Unfit,
    /// Something that is not text.
    NotText,
}

/// Which rows to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    All,
    First(u32),
    Last(u32),
}

impl Inspection {
    /// Walks over all rows, until the end or until `each` breaks off; to drop the walk ends it, too.
    pub async fn survey(
        &mut self,
        survey: &Survey,
        mut each: impl FnMut(Surveyed) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.allow_a_walk().await?;
        let sql = survey.sql(Rows::All);
        self.walk(sql, &[], |row| each(survey.surveyed(row))).await
    }

    /// Reads the first and the last rows by the key, at most `most` each: what came first, and what was added last.
    /// A table of fewer rows is read once.
    pub async fn sample(
        &mut self,
        survey: &Survey,
        most: u32,
        mut each: impl FnMut(Surveyed),
    ) -> Result<(), Error> {
        for rows in [Rows::First(most), Rows::Last(most)] {
            let most = most.try_into().unwrap_or(usize::MAX);
            let rows = self.rows(survey.sql(rows), &[], most).await?;
            let is_all = rows.len() < most;
            for row in rows {
                each(survey.surveyed(row));
            }
            if is_all {
                break;
            }
        }
        Ok(())
    }

    /// How many rows there are; from `most` on nobody counts.
    pub async fn rows_up_to(&mut self, from: &str, most: u64) -> Result<u64, Error> {
        let sql =
            format!("select count(*) from (select 1 as one from {from} limit {most}) as counted");
        Ok(self.number(sql).await?.unwrap_or_default())
    }

    /// Whether any row fulfils a condition.
    pub async fn is_any(&mut self, from: &str, condition: &str) -> Result<bool, Error> {
        let sql = format!("select 1 from {from} where {condition} limit 1");
        Ok(!self.rows(sql, &[], 1).await?.is_empty())
    }

    /// The values that a column has in the first rows, at most 20; for columns of flags and states.
    pub async fn states(&mut self, from: &str, column: &str) -> Result<Vec<Value>, Error> {
        let sql = format!(
            "select distinct state from (select {column} as state from {from} limit {MOST_STATES}) as states limit 20"
        );
        let rows = self.rows(sql, &[], 20).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Whether an index serves a search in this table, by the database's own plan. A small table is planned for as if
    /// it were a large one.
    pub async fn is_served_by_index(&mut self, from: &str, condition: &str) -> Result<bool, Error> {
        let search = format!("select 1 from {from} where {condition}");
        let served = |plan: &str, signs: &[&str]| signs.iter().any(|sign| plan.contains(sign));
        match self.kind() {
            StoreKind::Sqlite => {
                let plan = self.plan(format!("explain query plan {search}")).await?;
                Ok(served(&plan, &["SEARCH"]) && !served(&plan, &["SCAN"]))
            }
            StoreKind::Postgres => {
                self.rows("select set_config('enable_seqscan', 'off', false)", &[], 1)
                    .await?;
                let plan = self.plan(format!("explain (costs off) {search}")).await;
                self.rows("select set_config('enable_seqscan', 'on', false)", &[], 1)
                    .await?;
                let plan = plan?;
                // An index that is read from end to end has no condition.
                Ok(served(&plan, &["Index Cond:"]) && !served(&plan, &["Seq Scan"]))
            }
            StoreKind::Mysql => {
                let rows = self.rows(format!("explain {search}"), &[], 20).await?;
                // id, select_type, table, type, possible_keys, …: a search by a unique key that nobody has is done
                // before there is a plan, and says so at the end of the row.
                Ok(rows.iter().all(|row| {
                    let text = |place: usize| text_of(row.get(place));
                    let extra = text_of(row.last());
                    extra.contains("const table")
                        || ["const", "ref", "eq_ref", "ref_or_null", "index_merge"]
                            .contains(&text(3).as_str())
                        || (row.len() > 11 && ["const", "ref"].contains(&text(4).as_str()))
                        || (!text(4).is_empty() && text(3) != "ALL" && text(3) != "index")
                }))
            }
        }
    }

    async fn plan(&mut self, sql: String) -> Result<String, Error> {
        let mut plan = String::new();
        for row in self.rows(sql, &[], 100).await? {
            let _ = writeln!(plan, "{}", text_of(row.last()));
        }
        Ok(plan)
    }

    async fn number(&mut self, sql: String) -> Result<Option<u64>, Error> {
        let rows = self.rows(sql, &[], 1).await?;
        Ok(rows.into_iter().flatten().find_map(|value| match value {
            Ok(Value::Integer(number)) => u64::try_from(number).ok(),
            _ => None,
        }))
    }
}

impl Survey {
    fn sql(&self, rows: Rows) -> String {
        let mut columns = vec![self.id.as_str()];
        columns.extend(self.identifiers.iter().map(String::as_str));
        columns.push(self.hash.as_deref().unwrap_or("null"));
        columns.extend(self.flags.iter().map(String::as_str));
        let columns = columns.join(", ");
        let Self { from, id, .. } = self;
        let select = format!("select {columns} from {from}");
        match rows {
            Rows::All => select,
            Rows::First(most) => format!("{select} order by {id} limit {most}"),
            Rows::Last(most) => format!("{select} order by {id} desc limit {most}"),
        }
    }

    fn surveyed(&self, row: Vec<Looked>) -> Surveyed {
        let mut values = row.into_iter();
        let mut next = || values.next().unwrap_or(Err("is not there"));
        Surveyed {
            id: next(),
            identifiers: self.identifiers.iter().map(|_| next()).collect(),
            hash: surveyed_hash(next()),
            flags: self.flags.iter().map(|_| next()).collect(),
        }
    }
}

fn surveyed_hash(value: Looked) -> SurveyedHash {
    let text = match value {
        Ok(Value::Null) => return SurveyedHash::Missing,
        Ok(Value::Text(text)) => Some(text),
        Ok(Value::Bytes(bytes)) => String::from_utf8(bytes).ok(),
        Ok(Value::Boolean(_) | Value::Integer(_) | Value::Real(_)) | Err(_) => None,
    };
    match text.map(StoredHash::new) {
        Some(Ok(hash)) => SurveyedHash::Stored(hash),
        Some(Err(_)) => SurveyedHash::Unfit,
        None => SurveyedHash::NotText,
    }
}

fn text_of(value: Option<&Looked>) -> String {
    match value {
        Some(Ok(Value::Text(text))) => text.clone(),
        Some(Ok(Value::Bytes(bytes))) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// The rows in which the values of a state are looked for.
const MOST_STATES: u32 = 20_000;
