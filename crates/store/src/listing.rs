//! The users of a legacy store by their ids, one after the other: what the ledger is held against.
//! A statement of the config's own is run once, on a connection of its own that may only read, and whoever asks gets the
//! ids as the profile has them.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Database, Executor, IntoArguments, SqlStr};
use tokio::time::timeout;

use crate::error::Error;
use crate::ldap;
use crate::mysql::Mysql;
use crate::parameters::Value;
use crate::postgres::Postgres;
use crate::prepare::configured;
use crate::row::Row;
use crate::server::{self, Dialect as _};
use crate::sql::NamedSql;
use crate::statement::StatementName;
use crate::store::Settings;
use crate::url::Location;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// Why the users cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// The statement cannot be used.
    #[error("the statement that lists users {0}")]
    Statement(&'static str),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] Error),
}

/// What is wrong with a statement that lists users, as far as that can be said without its database.
pub fn listing_flaw(sql: &str) -> Option<String> {
    match NamedSql::parse(sql) {
        Err(flaw) => Some(flaw.to_string()),
        Ok(named) if !named.parameters().is_empty() => {
            Some("it takes no parameters; write `select id from users`".to_owned())
        }
        Ok(named) if !matches!(named.verb(), "select" | "with") => {
            Some("it must only read; write `select id from users`".to_owned())
        }
        Ok(_) => None,
    }
}

/// What is wrong with a search filter that lists users, as far as that can be said without its directory.
pub fn listing_filter_flaw(filter: &str) -> Option<String> {
    ldap::listing_flaw(filter)
}

/// Runs a statement, or a search filter, that lists users, and hands each one's id to `each`. A row without an id is an
/// error: somebody would be left out of what is counted.
pub async fn list_users(
    settings: &Settings,
    statement: &str,
    each: impl FnMut(&str) + Send,
) -> Result<(), ListingError> {
    if let Location::Ldap(directory) = &settings.url.0 {
        let listing = ldap::list(directory, settings, (statement, PATIENCE), each);
        return timeout(PATIENCE, listing).await.unwrap_or(Err(TOO_SLOW));
    }
    if listing_flaw(statement).is_some() {
        return Err(ListingError::Statement("is no statement that lists users"));
    }
    let url = settings.url_of_first_user()?;
    let listed = timeout(
        PATIENCE,
        list(&url.0, configured(statement.to_owned()), each),
    )
    .await;
    listed.unwrap_or(Err(TOO_SLOW))
}

async fn list(
    location: &Location,
    sql: SqlStr,
    each: impl FnMut(&str) + Send,
) -> Result<(), ListingError> {
    match location {
        Location::Sqlite(file) => {
            let file = std::path::absolute(file).map_err(|_| UNREACHED)?;
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(false)
                .read_only(true)
                .disable_statement_logging();
            let mut connection = options.connect().await.map_err(|_| UNREACHED)?;
            read::<sqlx::Sqlite>(&mut connection, sql, crate::sqlite::row, each).await
        }
        Location::Postgres(address) => {
            let mut connection = server::connect(&Postgres(address.clone()), PATIENCE).await?;
            read::<sqlx::Postgres>(&mut connection, sql, Postgres::row, each).await
        }
        Location::Mysql(address) => {
            let mut connection = server::connect(&Mysql(address.clone()), PATIENCE).await?;
            read::<sqlx::MySql>(&mut connection, sql, Mysql::row, each).await
        }
        Location::Ldap(_) => Err(ListingError::Statement("is a search filter, and no SQL")),
    }
}

async fn read<'c, D>(
    connection: &'c mut D::Connection,
    sql: SqlStr,
    row: fn(StatementName, &D::Row) -> Result<Row, Error>,
    mut each: impl FnMut(&str) + Send,
) -> Result<(), ListingError>
where
    D: Database,
    D::Arguments: IntoArguments<D>,
    &'c mut D::Connection: Executor<'c, Database = D>,
{
    let mut rows = connection.fetch(sqlx::query(sql));
    while let Some(found) = rows.try_next().await.map_err(|_| REFUSED)? {
        let row = row(StatementName::Lookup, &found).map_err(|_| UNREADABLE)?;
        match row.into_columns().as_slice() {
            [(_, id)] => each_id(id, &mut each)?,
            _ => {
                return Err(ListingError::Statement(
                    "must return one column, the `user_id`",
                ));
            }
        }
    }
    Ok(())
}

/// Hands an id on, if it is one.
pub(crate) fn each_id(id: &Value, each: &mut impl FnMut(&str)) -> Result<(), ListingError> {
    match id {
        Value::Text(id) if !id.is_empty() => each(id),
        Value::Integer(id) => each(&id.to_string()),
        _ => return Err(UNREADABLE),
    }
    Ok(())
}

const TOO_SLOW: ListingError = ListingError::Statement("takes longer than an hour");
const UNREACHED: ListingError = ListingError::Store(Error::Unavailable("it cannot be reached"));
const REFUSED: ListingError = ListingError::Statement(
    "was not run to its end by the database; may the role read what it names?",
);
const UNREADABLE: ListingError =
    ListingError::Statement("returns a row whose id is null, empty or no id");
