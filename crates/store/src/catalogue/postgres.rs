//! PostgreSQL's catalogue. Columns that younger versions have are asked for as JSON, so that older ones answer, too.

use std::ops::ControlFlow;

use super::{Catalogue, Column, Fields, Index, IndexPart, MOST_PARTS, Relation, gather_index};
use crate::error::Error;
use crate::inspection::Inspection;

pub(super) async fn catalogue(
    inspection: &mut Inspection,
    mut keep: impl FnMut(&Relation) -> bool,
) -> Result<Catalogue, Error> {
    let mut catalogue = Catalogue::default();
    let mut current = Relation::default();
    let walking = inspection.walk(COLUMNS.to_owned(), &[], |row| {
        let row = Fields(row);
        let (schema, name) = (row.text(0), row.text(1).unwrap_or_default());
        if (&schema, &name) != (&current.schema, &current.name) {
            let next = Relation {
                schema,
                name,
                is_view: row.text(2).is_some_and(|kind| kind == "v" || kind == "m"),
                // -1 where nobody has counted yet.
                approximate_rows: row.number(3).and_then(|rows| u64::try_from(rows).ok()),
                columns: Vec::new(),
            };
            catalogue.consider(std::mem::replace(&mut current, next), &mut keep);
        }
        let data_type = row.text(5).unwrap_or_default();
        let is_citext = data_type.rsplit('.').next() == Some("citext");
        current.columns.push(Column {
            name: row.text(4).unwrap_or_default(),
            ignores_case: is_citext || row.text(9).as_deref() == Some("false"),
            data_type,
            is_nullable: row.truth(6),
            default: row.text(7),
            collation: row.text(8),
        });
        ControlFlow::Continue(())
    });
    walking.await?;
    catalogue.consider(current, &mut keep);
    Ok(catalogue)
}

pub(super) async fn indexes(
    inspection: &mut Inspection,
    relation: &Relation,
) -> Result<Vec<Index>, Error> {
    let schema = relation.schema.as_deref().unwrap_or("public");
    let rows = inspection
        .rows(INDEXES, &[schema, &relation.name], MOST_PARTS)
        .await?;
    let mut indexes = Vec::new();
    for row in rows.into_iter().map(Fields) {
        let part = match row.text(4) {
            Some(column) => IndexPart::Column(column),
            None => IndexPart::Expression(row.text(5).unwrap_or_default()),
        };
        let index = Index {
            name: row.text(0).unwrap_or_default(),
            is_unique: row.truth(1),
            is_primary: row.truth(2),
            is_partial: row.truth(3),
            parts: vec![part],
        };
        gather_index(&mut indexes, index);
    }
    Ok(indexes)
}

const COLUMNS: &str = "
select n.nspname::text, c.relname::text, c.relkind::text, c.reltuples::bigint, a.attname::text,
       lower(format_type(a.atttypid, a.atttypmod)), not a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
       o.collname::text, to_jsonb(o) ->> 'collisdeterministic'
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_collation o on o.oid = a.attcollation and o.collname <> 'default'
where c.relkind in ('r', 'p', 'v', 'm', 'f') and coalesce(to_jsonb(c) ->> 'relispartition', 'false') = 'false'
  and n.nspname <> 'information_schema' and left(n.nspname, 3) <> 'pg_'
order by n.nspname, c.relname, a.attnum";

const INDEXES: &str = "
select x.relname::text, i.indisunique, i.indisprimary, i.indpred is not null, a.attname::text,
       pg_get_indexdef(i.indexrelid, k.place, true)
from pg_index i
join pg_class x on x.oid = i.indexrelid
join pg_class c on c.oid = i.indrelid
join pg_namespace n on n.oid = c.relnamespace
cross join lateral
  generate_series(1, coalesce((to_jsonb(i) ->> 'indnkeyatts')::integer, i.indnatts::integer)) as k(place)
left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[k.place - 1] and a.attnum <> 0
where n.nspname = $1 and c.relname = $2 and i.indisvalid
order by x.relname, k.place";
