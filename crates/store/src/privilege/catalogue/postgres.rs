//! PostgreSQL's catalogue, <https://www.postgresql.org/docs/current/catalogs.html>. Every role may read it.

use sqlx::{PgConnection, Row as _};

use super::{Act, Caution, Column, Relation, Routine};
use crate::error::Error;
use crate::postgres::Postgres;
use crate::privilege::ObjectName;
use crate::server::look_failed;

pub(super) async fn relation(
    connection: &mut PgConnection,
    schema: Option<&str>,
    name: &str,
) -> Result<Option<Relation>, Error> {
    let reading = async {
        let found = sqlx::query(RELATION)
            .bind(schema)
            .bind(name)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let oid: i64 = found.try_get(0)?;
        let name = ObjectName {
            schema: found.try_get(1)?,
            name: found.try_get(2)?,
        };
        let rows = sqlx::query(COLUMNS)
            .bind(oid)
            .fetch_all(&mut *connection)
            .await?;
        let mut columns = Vec::new();
        let mut key = None;
        for row in rows {
            let column: String = row.try_get(0)?;
            if row.try_get(3)? {
                key = Some(column.clone());
            }
            let sequence: Option<String> = row.try_get(1)?;
            let schema: Option<String> = row.try_get(2)?;
            columns.push(Column {
                name: column,
                sequence: sequence
                    .zip(schema)
                    .map(|(name, schema)| ObjectName { schema, name }),
            });
        }
        let rows = sqlx::query(CAUTIONS)
            .bind(oid)
            .fetch_all(&mut *connection)
            .await?;
        let mut cautions = Vec::new();
        for row in rows {
            let on = match row.try_get::<&str, _>(0)? {
                "insert" => Act::Insert,
                "update" => Act::Update,
                "delete" => Act::Delete,
                _ => Act::Any,
            };
            let reason = row.try_get(1)?;
            cautions.push(Caution { on, reason });
        }
        let key = key.or_else(|| columns.first().map(|column| column.name.clone()));
        Ok(Some(Relation {
            name,
            columns,
            key,
            cautions,
        }))
    };
    let read: sqlx::Result<_> = reading.await;
    read.map_err(|error| look_failed::<Postgres>(&error))
}

pub(super) async fn routines(
    connection: &mut PgConnection,
    schema: Option<&str>,
    name: &str,
) -> Result<Vec<Routine>, Error> {
    let reading = async {
        let rows = sqlx::query(ROUTINES)
            .bind(schema)
            .bind(name)
            .fetch_all(connection)
            .await?;
        let routine = |row: &sqlx::postgres::PgRow| {
            Ok(Routine {
                name: ObjectName {
                    schema: row.try_get(0)?,
                    name: row.try_get(1)?,
                },
                arguments: row.try_get(2)?,
                is_opaque: row.try_get(3)?,
            })
        };
        rows.iter().map(routine).collect()
    };
    let read: sqlx::Result<_> = reading.await;
    read.map_err(|error| look_failed::<Postgres>(&error))
}

/// A relation by its name, as the search path finds it.
const RELATION: &str = "
select c.oid::int8, n.nspname::text, c.relname::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and case when $1::text is null then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = $1 end";

/// Columns in their order, the sequence that each draws from by its default, and whether it begins the primary key. An
/// identity column has a sequence, too, and needs no right to it.
const COLUMNS: &str = "
select a.attname::text, s.relname::text, sn.nspname::text,
       coalesce((select i.indkey[0] = a.attnum from pg_catalog.pg_index i
                 where i.indrelid = a.attrelid and i.indisprimary), false)
from pg_catalog.pg_attribute a
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join lateral (
    select c.relname, c.relnamespace from pg_catalog.pg_depend p join pg_catalog.pg_class c on c.oid = p.refobjid
    where p.classid = 'pg_catalog.pg_attrdef'::regclass and p.objid = d.oid
      and p.refclassid = 'pg_catalog.pg_class'::regclass and c.relkind = 'S' limit 1) s on true
left join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
where a.attrelid = $1::int8::oid and a.attnum > 0 and not a.attisdropped
order by a.attnum";

/// What runs with the rights of whoever uses the relation: functions of triggers, views that say so, policies that look
/// elsewhere.
const CAUTIONS: &str = "
select act.name, format('trigger `%s` of `%s` runs with this role''s rights, and what it needs is not known', t.tgname, c.relname)
from pg_catalog.pg_trigger t
join pg_catalog.pg_class c on c.oid = t.tgrelid
join pg_catalog.pg_proc f on f.oid = t.tgfoid
join pg_catalog.pg_language l on l.oid = f.prolang
join (values ('insert', 4), ('delete', 8), ('update', 16)) act (name, bit) on t.tgtype & act.bit <> 0
where t.tgrelid = $1::int8::oid and not t.tgisinternal and t.tgenabled <> 'D' and not f.prosecdef
  and l.lanname not in ('internal', 'c')
union all
select 'any', format('view `%s` reads with this role''s rights, and what it needs is not known', c.relname)
from pg_catalog.pg_class c
where c.oid = $1::int8::oid and c.relkind = 'v'
  and exists (select from unnest(c.reloptions) o where lower(o) in ('security_invoker=true', 'security_invoker=on', 'security_invoker=1', 'security_invoker=yes'))
union all
select 'any', format('policy `%s` of `%s` looks elsewhere with this role''s rights, and what it needs is not known', p.polname, c.relname)
from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
where c.oid = $1::int8::oid and c.relrowsecurity
  and concat(pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)) ~* 'select'";

/// Functions by their name, as the search path finds them; those in a compiled language need nothing in the database.
const ROUTINES: &str = "
select n.nspname::text, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid),
       not p.prosecdef and l.lanname not in ('internal', 'c')
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where p.proname = $2 and n.nspname not in ('pg_catalog', 'information_schema')
  and case when $1::text is null then pg_catalog.pg_function_is_visible(p.oid) else n.nspname = $1 end
order by 1, 2, 3 limit 20";
