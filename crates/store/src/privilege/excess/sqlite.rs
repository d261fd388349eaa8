//! SQLite has no roles: whoever opens the file has everything in it. So it is about the file's mode, and about what else
//! stands in it.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::SqliteConnection;

use super::{Excess, ExcessKind, Via};
use crate::error::Error;
use crate::privilege::Needs;
use crate::sqlite::look_failed;

/// What whoever opens the file may do beyond the needs.
pub(in crate::privilege) async fn excesses(
    connection: &mut SqliteConnection,
    needs: &Needs,
) -> Result<Vec<Excess>, Error> {
    let mut found = Vec::new();
    let file: String = sqlx::query_scalar(FILE)
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| look_failed(&error))?;
    if let Ok(metadata) = std::fs::metadata(&file) {
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            found.push(Excess {
                kind: ExcessKind::FileMode,
                subject: file.clone(),
                may: format!(
                    "may be read or written by others on this machine: its mode is {mode:04o}"
                ),
                via: Via::Public,
                mend: format!("chmod 600 '{file}'"),
            });
        }
    }
    let tables: Vec<String> = sqlx::query_scalar(TABLES)
        .fetch_all(connection)
        .await
        .map_err(|error| look_failed(&error))?;
    let relations = needs.relations();
    let is_needed = |table: &&String| {
        relations
            .keys()
            .any(|name| name.name.eq_ignore_ascii_case(table))
    };
    let others: Vec<_> = tables.iter().filter(|table| !is_needed(table)).collect();
    if !others.is_empty() {
        let names: Vec<_> = others.iter().map(|name| name.as_str()).collect();
        found.push(Excess {
            kind: ExcessKind::NoRoles,
            subject: super::listed(names),
            may: "may read and write it as well: SQLite has no roles, and whoever opens the file has all of it".to_owned(),
            via: Via::Public,
            mend: "keep the users in a file of their own".to_owned(),
        });
    }
    Ok(found)
}

const TABLES: &str = "
select name from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\'
order by name limit 1000";

const FILE: &str = "select file from pragma_database_list where name = 'main'";
