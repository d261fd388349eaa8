//! The catalogue of MySQL and MariaDB: what the information schema has of the database in the URL.

use std::collections::BTreeMap;
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
        let name = row.text(0).unwrap_or_default();
        if name != current.name {
            let next = Relation {
                name,
                ..Relation::default()
            };
            catalogue.consider(std::mem::replace(&mut current, next), &mut keep);
        }
        let collation = row.text(5);
        current.columns.push(Column {
            name: row.text(1).unwrap_or_default(),
            data_type: row.text(2).unwrap_or_default().to_lowercase(),
            is_nullable: row.text(3).as_deref() == Some("YES"),
            default: row.text(4),
            ignores_case: collation
                .as_deref()
                .is_some_and(|name| name.ends_with("_ci") || name.contains("_ci_")),
            collation,
        });
        ControlFlow::Continue(())
    });
    walking.await?;
    catalogue.consider(current, &mut keep);
    add_tables(inspection, &mut catalogue).await?;
    Ok(catalogue)
}

/// What is known of each table that was kept. To join the two views is slow where there are many tables.
async fn add_tables(inspection: &mut Inspection, catalogue: &mut Catalogue) -> Result<(), Error> {
    let kept = catalogue.relations.iter_mut();
    let mut kept: BTreeMap<_, _> = kept
        .map(|relation| (relation.name.clone(), relation))
        .collect();
    let walking = inspection.walk(TABLES.to_owned(), &[], |row| {
        let row = Fields(row);
        if let Some(relation) = row.text(0).and_then(|name| kept.get_mut(&name)) {
            relation.is_view = row.text(1).is_some_and(|kind| kind.ends_with("VIEW"));
            relation.approximate_rows = row.number(2).and_then(|rows| u64::try_from(rows).ok());
        }
        ControlFlow::Continue(())
    });
    walking.await
}

pub(super) async fn indexes(
    inspection: &mut Inspection,
    relation: &Relation,
) -> Result<Vec<Index>, Error> {
    let rows = inspection
        .rows(INDEXES, &[&relation.name], MOST_PARTS)
        .await?;
    let mut indexes = Vec::new();
    for row in rows.into_iter().map(Fields) {
        let name = row.text(0).unwrap_or_default();
        let part = match (row.text(2), row.number(3)) {
            (Some(column), None) => IndexPart::Column(column),
            (Some(column), Some(_)) => IndexPart::Prefix(column),
            // MySQL's indexes on expressions; MariaDB has none.
            (None, _) => IndexPart::Expression(String::new()),
        };
        let index = Index {
            is_unique: !row.truth(1),
            is_primary: name == "PRIMARY",
            is_partial: false,
            name,
            parts: vec![part],
        };
        gather_index(&mut indexes, index);
    }
    Ok(indexes)
}

const COLUMNS: &str = "
select table_name, column_name, column_type, is_nullable, column_default, collation_name
from information_schema.columns where table_schema = database() order by table_name, ordinal_position";

const TABLES: &str = "
select table_name, table_type, table_rows from information_schema.tables where table_schema = database()";

const INDEXES: &str = "
select index_name, non_unique, column_name, sub_part
from information_schema.statistics where table_schema = database() and table_name = ?
order by index_name, seq_in_index";
