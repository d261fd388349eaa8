//! What the database says of this very session, and of where it listens.

use sqlx::{MySqlConnection, PgConnection, Row as _};

use crate::error::Error;
use crate::inspection::Link;
use crate::mysql::Mysql;
use crate::postgres::Postgres;
use crate::server::look_failed;

/// A session, as the database sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Whether it is encrypted by TLS; `None` for a file.
    pub is_encrypted: Option<bool>,
    /// The addresses that the server listens on, in its own words, where it says.
    pub listens_on: Option<String>,
}

pub(super) async fn session(link: &mut Link) -> Result<Session, Error> {
    match link {
        Link::Sqlite(..) => Ok(Session {
            is_encrypted: None,
            listens_on: None,
        }),
        Link::Postgres(connection) => {
            let asked = postgres(connection).await;
            asked.map_err(|error| look_failed::<Postgres>(&error))
        }
        Link::Mysql(connection) => {
            let asked = mysql(connection).await;
            asked.map_err(|error| look_failed::<Mysql>(&error))
        }
    }
}

async fn postgres(connection: &mut PgConnection) -> sqlx::Result<Session> {
    let row = sqlx::query(POSTGRES).fetch_one(connection).await?;
    Ok(Session {
        is_encrypted: Some(row.try_get(0)?),
        listens_on: row.try_get(1)?,
    })
}

async fn mysql(connection: &mut MySqlConnection) -> sqlx::Result<Session> {
    let cipher = sqlx::query("show session status like 'Ssl_cipher'")
        .fetch_optional(&mut *connection)
        .await?;
    let cipher: Option<String> = cipher.map(|row| row.try_get(1)).transpose()?;
    let address = sqlx::query("select cast(@@bind_address as char)")
        .fetch_optional(connection)
        .await;
    // Some servers do not know the variable.
    let listens_on = match address {
        Ok(Some(row)) => row.try_get::<Option<String>, _>(0)?,
        Ok(None) | Err(_) => None,
    };
    Ok(Session {
        is_encrypted: Some(cipher.is_some_and(|cipher| !cipher.is_empty())),
        listens_on: listens_on.map(|all| if all.is_empty() { "*".to_owned() } else { all }),
    })
}

const POSTGRES: &str = "
select coalesce((select ssl from pg_catalog.pg_stat_ssl where pid = pg_catalog.pg_backend_pid()), false),
       pg_catalog.current_setting('listen_addresses', true)";
