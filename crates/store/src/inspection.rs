//! A read-only session with a store that no gateway serves yet, for the tools that look at it and propose.
//! It is one connection, made as the gateway's own are, and it can only read: the database says so, not this code. Every
//! look has a deadline, and whoever drops it ends it. What is looked at is named by the catalogue or by the operator.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::{
    Arguments as _, ColumnIndex, Connection as _, Database, Either, Encode, Executor,
    IntoArguments, MySqlConnection, PgConnection, Row as _, SqliteConnection, Type,
};
use tokio::time::timeout;

use crate::error::Error;
use crate::mysql::{self, Mysql};
use crate::parameters::Value;
use crate::postgres::{self, Postgres};
use crate::prepare::configured;
use crate::server::{self, Dialect};
use crate::sqlite;
use crate::url::{Location, StoreUrl};

/// The kinds of store that speak SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A SQLite file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

/// An open session, that can only read.
pub struct Inspection {
    pub(crate) link: Link,
}

/// The connection to one kind of store.
pub(crate) enum Link {
    Sqlite(SqliteConnection, Arc<()>),
    Postgres(PgConnection),
    Mysql(MySqlConnection),
}

impl Link {
    /// What kind of store it leads to.
    pub(crate) fn kind(&self) -> StoreKind {
        match self {
            Self::Sqlite(..) => StoreKind::Sqlite,
            Self::Postgres(_) => StoreKind::Postgres,
            Self::Mysql(_) => StoreKind::Mysql,
        }
    }
}

/// A value that was read, or what is wrong with it.
pub(crate) type Looked = Result<Value, &'static str>;

impl Inspection {
    /// Connects to the store.
    pub async fn open(url: &StoreUrl) -> Result<Self, Error> {
        let link = match &url.0 {
            Location::Sqlite(file) => {
                let (connection, leash) = sqlite::connect_to_look(file, WALK).await?;
                Link::Sqlite(connection, leash)
            }
            Location::Postgres(address) => {
                Link::Postgres(server::connect(&Postgres(address.clone()), LOOK).await?)
            }
            Location::Mysql(address) => {
                Link::Mysql(server::connect(&Mysql(address.clone()), LOOK).await?)
            }
            Location::Ldap(_) => return Err(Error::Url(NO_TABLES)),
        };
        Ok(Self { link })
    }

    /// What kind of store it is.
    pub fn kind(&self) -> StoreKind {
        self.link.kind()
    }

    /// The rows of a look, at most `most`, within the deadline of a look. Parameters are texts.
    pub(crate) async fn rows(
        &mut self,
        sql: impl Into<String>,
        parameters: &[&str],
        most: usize,
    ) -> Result<Vec<Vec<Looked>>, Error> {
        let mut rows = Vec::new();
        let walking = self.walk(sql.into(), parameters, |row| {
            rows.push(row);
            if rows.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        timeout(LOOK, walking)
            .await
            .map_err(|_| Error::Unavailable(TOO_SLOW))??;
        Ok(rows)
    }

    /// Every row, one after the other, as long as `each` goes on. The next row must come within the deadline of a look.
    pub(crate) async fn walk(
        &mut self,
        sql: String,
        parameters: &[&str],
        each: impl FnMut(Vec<Looked>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let sql = configured(sql);
        let walked = match &mut self.link {
            Link::Sqlite(connection, _) => {
                let arguments = texts::<sqlx::Sqlite>(parameters)?;
                walk_rows::<sqlx::Sqlite>(connection, sql, arguments, sqlite::value, each)
                    .await
                    .map_err(|error| sqlite::look_failed(&error))
            }
            Link::Postgres(connection) => {
                let arguments = texts::<sqlx::Postgres>(parameters)?;
                walk_rows::<sqlx::Postgres>(connection, sql, arguments, postgres::value, each)
                    .await
                    .map_err(|error| server::look_failed::<Postgres>(&error))
            }
            Link::Mysql(connection) => {
                let arguments = texts::<sqlx::MySql>(parameters)?;
                walk_rows::<sqlx::MySql>(connection, sql, arguments, mysql::value, each)
                    .await
                    .map_err(|error| server::look_failed::<Mysql>(&error))
            }
        };
        walked?.ok_or(Error::Unavailable(TOO_SLOW))
    }

    /// Lets the next statement take as long as a walk over a large table does, where the server counts the time.
    pub(crate) async fn allow_a_walk(&mut self) -> Result<(), Error> {
        match &mut self.link {
            Link::Sqlite(..) => Ok(()),
            Link::Postgres(connection) => {
                let limit = format!("set statement_timeout = {}", WALK.as_millis());
                let set = connection.execute(configured(limit)).await;
                set.map(drop)
                    .map_err(|error| server::look_failed::<Postgres>(&error))
            }
            Link::Mysql(connection) => Mysql::ready(connection, WALK)
                .await
                .map_err(|error| server::look_failed::<Mysql>(&error)),
        }
    }

    /// Says goodbye to the store.
    pub async fn close(self) {
        let closing = async {
            match self.link {
                Link::Sqlite(connection, _leash) => connection.close().await,
                Link::Postgres(connection) => connection.close().await,
                Link::Mysql(connection) => connection.close().await,
            }
        };
        // A store that does not answer a goodbye has been left all the same.
        drop(timeout(Duration::from_secs(2), closing).await);
    }
}

/// Walks over the rows; `None` if the next one did not come in time.
async fn walk_rows<'c, D>(
    connection: &'c mut D::Connection,
    sql: sqlx::SqlStr,
    arguments: D::Arguments,
    value: impl Fn(D::ValueRef<'_>) -> Looked,
    mut each: impl FnMut(Vec<Looked>) -> ControlFlow<()>,
) -> sqlx::Result<Option<()>>
where
    D: Database,
    D::Arguments: IntoArguments<D>,
    &'c mut D::Connection: Executor<'c, Database = D>,
    usize: ColumnIndex<D::Row>,
{
    let query = sqlx::query_with(sql, arguments);
    let mut parts = connection.fetch_many(query);
    let mut is_complete = false;
    loop {
        let Ok(part) = timeout(LOOK, parts.try_next()).await else {
            return Ok(None);
        };
        match part? {
            Some(Either::Right(row)) => {
                let values = (0..row.len())
                    .map(|place| match row.try_get_raw(place) {
                        Ok(raw) => value(raw),
                        Err(_) => Err("is not there"),
                    })
                    .collect();
                if each(values).is_break() {
                    return Ok(Some(()));
                }
            }
            Some(Either::Left(_)) => is_complete = true,
            None if is_complete => return Ok(Some(())),
            // A driver that broke off just ends the stream.
            None => return Err(sqlx::Error::WorkerCrashed),
        }
    }
}

fn texts<D: Database>(parameters: &[&str]) -> Result<D::Arguments, Error>
where
    for<'t> String: Encode<'t, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    for parameter in parameters {
        arguments
            .add((*parameter).to_owned())
            .map_err(|_| Error::Look("parameter".to_owned()))?;
    }
    Ok(arguments)
}

/// How long a look may take, and how long a walk may wait for its next row.
const LOOK: Duration = Duration::from_mins(1);

/// How long a walk over a whole table may take.
const WALK: Duration = Duration::from_hours(6);

const TOO_SLOW: &str = "a look at it took longer than a minute";

const NO_TABLES: &str =
    "is a directory, and only tables can be looked at; the page on directories says what to write";
