//! What the statements of the config need in the database, and what the role that runs them may do beyond it.
//! Both come from the live database, asked by that very role, in a session that only reads; a value of a row is never
//! looked at. An attacker who has the role's password wants whatever is in the second list.

mod catalogue;
mod excess;
mod grants;
mod needs;
mod search;
mod session;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

pub use self::catalogue::Routine;
pub use self::excess::{Excess, ExcessKind, Via};
pub use self::grants::{GrantScript, mysql_account, postgres_role};
pub use self::needs::{Needs, RelationNeeds, Unknown};
pub use self::search::Search;
pub use self::session::Session;
use crate::catalogue::quoted;
use crate::error::Error;
use crate::inspection::{Inspection, Link, StoreKind};
use crate::statement::StatementName;

impl Inspection {
    /// What these statements need. What cannot be told of a statement is named in it.
    pub async fn needs(
        &mut self,
        statements: &BTreeMap<StatementName, String>,
    ) -> Result<Needs, Error> {
        in_time(Box::pin(needs::of_statements(&mut self.link, statements))).await
    }

    /// What the role may do beyond these needs.
    pub async fn excesses(&mut self, needs: &Needs) -> Result<Vec<Excess>, Error> {
        let asking = async {
            match &mut self.link {
                Link::Sqlite(connection, _) => excess::sqlite::excesses(connection, needs).await,
                Link::Postgres(connection) => {
                    let role = excess::postgres::role(connection).await?;
                    excess::postgres::excesses(connection, needs, Some(&role)).await
                }
                Link::Mysql(connection) => excess::mysql::excesses(connection, needs).await,
            }
        };
        in_time(Box::pin(asking)).await
    }

    /// What everybody may do in this database beyond these needs, where that can be taken from everybody.
    pub async fn public_excesses(&mut self, needs: &Needs) -> Result<Vec<Excess>, Error> {
        let asking = async {
            match &mut self.link {
                Link::Postgres(connection) => {
                    let all = excess::postgres::excesses(connection, needs, None).await?;
                    // Other databases are somebody else's.
                    let here = all
                        .into_iter()
                        .filter(|excess| excess.kind != ExcessKind::OtherDatabase);
                    Ok(here.collect())
                }
                Link::Sqlite(..) | Link::Mysql(_) => Ok(Vec::new()),
            }
        };
        in_time(Box::pin(asking)).await
    }

    /// What the database says of this session and of itself.
    pub async fn session(&mut self) -> Result<Session, Error> {
        in_time(Box::pin(session::session(&mut self.link))).await
    }
}

/// A catalogue may be large, and its questions are several; a long story, too, so it is on the heap.
async fn in_time<T>(asking: Pin<Box<impl Future<Output = Result<T, Error>>>>) -> Result<T, Error> {
    let asked = tokio::time::timeout(QUESTIONS, asking).await;
    asked.map_err(|_| Error::Unavailable("it does not answer"))?
}

/// How long the answers to one kind of question may take.
const QUESTIONS: Duration = Duration::from_mins(2);

/// What an object of a database is called: in which schema (in MySQL: which database), and how.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectName {
    /// The schema; empty in SQLite.
    pub schema: String,
    /// The name in it.
    pub name: String,
}

impl ObjectName {
    /// As SQL of that kind of database writes it.
    pub fn quoted(&self, kind: StoreKind) -> String {
        if self.schema.is_empty() {
            return quoted(kind, &self.name);
        }
        format!(
            "{}.{}",
            quoted(kind, &self.schema),
            quoted(kind, &self.name)
        )
    }
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.schema.is_empty() {
            write!(formatter, "{}.", self.schema)?;
        }
        formatter.write_str(&self.name)
    }
}
