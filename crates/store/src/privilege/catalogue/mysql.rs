//! The information schema of MySQL and MariaDB. It shows to each role only what that role may use.

use sqlx::{MySqlConnection, Row as _};

use super::{Act, Caution, Column, Relation, Routine};
use crate::error::Error;
use crate::mysql::Mysql;
use crate::privilege::ObjectName;
use crate::server::look_failed;

pub(super) async fn relation(
    connection: &mut MySqlConnection,
    schema: Option<&str>,
    name: &str,
) -> Result<Option<Relation>, Error> {
    let reading = async {
        let rows = sqlx::query(COLUMNS)
            .bind(schema)
            .bind(name)
            .fetch_all(&mut *connection)
            .await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let name = ObjectName {
            schema: first.try_get(0)?,
            name: first.try_get(1)?,
        };
        let mut columns = Vec::new();
        let mut key = None;
        for row in &rows {
            let column: String = row.try_get(2)?;
            if key.is_none() && row.try_get::<&str, _>(3)? == "PRI" {
                key = Some(column.clone());
            }
            columns.push(Column {
                name: column,
                sequence: None,
            });
        }
        let invokers = sqlx::query(INVOKER_VIEW)
            .bind(&name.schema)
            .bind(&name.name)
            .fetch_all(&mut *connection)
            .await?;
        let cautions = invokers.iter().map(|_| Caution {
            on: Act::Any,
            reason: format!(
                "view `{}` reads with this role's rights, and what it needs is not known",
                name.name
            ),
        });
        let cautions = cautions.collect();
        let key = key.or_else(|| columns.first().map(|column| column.name.clone()));
        Ok(Some(Relation {
            name,
            columns,
            key,
            cautions,
        }))
    };
    let read: sqlx::Result<_> = reading.await;
    read.map_err(|error| look_failed::<Mysql>(&error))
}

pub(super) async fn routines(
    connection: &mut MySqlConnection,
    schema: Option<&str>,
    name: &str,
) -> Result<Vec<Routine>, Error> {
    let reading = async {
        let rows = sqlx::query(ROUTINES)
            .bind(schema)
            .bind(name)
            .fetch_all(connection)
            .await?;
        let routine = |row: &sqlx::mysql::MySqlRow| {
            Ok(Routine {
                name: ObjectName {
                    schema: row.try_get(0)?,
                    name: row.try_get(1)?,
                },
                arguments: String::new(),
                is_opaque: row.try_get::<&str, _>(2)? != "DEFINER",
            })
        };
        rows.iter().map(routine).collect()
    };
    let read: sqlx::Result<_> = reading.await;
    read.map_err(|error| look_failed::<Mysql>(&error))
}

const COLUMNS: &str = "
select cast(table_schema as char), cast(table_name as char), cast(column_name as char), cast(column_key as char)
from information_schema.columns
where table_schema = coalesce(?, database()) and table_name = ?
order by ordinal_position";

const INVOKER_VIEW: &str = "
select 1 from information_schema.views
where table_schema = ? and table_name = ? and security_type = 'INVOKER'";

const ROUTINES: &str = "
select cast(routine_schema as char), cast(routine_name as char), cast(security_type as char)
from information_schema.routines
where routine_type = 'FUNCTION' and routine_schema = coalesce(?, database()) and routine_name = ?
limit 20";
