//! The schema of a SQLite file.

use sqlx::{Row as _, SqliteConnection};

use super::{Column, Relation};
use crate::error::Error;
use crate::privilege::ObjectName;
use crate::sqlite::look_failed;

pub(super) async fn relation(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<Relation>, Error> {
    let reading = async {
        let rows = sqlx::query(COLUMNS)
            .bind(name)
            .fetch_all(connection)
            .await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let name = ObjectName {
            schema: String::new(),
            name: first.try_get(0)?,
        };
        let mut columns = Vec::new();
        let mut key = None;
        for row in &rows {
            let column: String = row.try_get(1)?;
            if row.try_get::<i64, _>(2)? == 1 {
                key = Some(column.clone());
            }
            columns.push(Column {
                name: column,
                sequence: None,
            });
        }
        let key = key.or_else(|| columns.first().map(|column| column.name.clone()));
        Ok(Some(Relation {
            name,
            columns,
            key,
            cautions: Vec::new(),
        }))
    };
    let read: sqlx::Result<_> = reading.await;
    read.map_err(|error| look_failed(&error))
}

const COLUMNS: &str = "
select m.name, c.name, c.pk
from sqlite_schema m, pragma_table_xinfo(m.name) c
where m.type in ('table', 'view') and m.name = ? collate nocase
order by c.cid";
