//! SQLite's catalogue: its schema, table by table, since a view that is broken must not hide the others.
//! How a column compares stands in the text of its table alone.

use super::{
    Catalogue, Column, Fields, Index, IndexPart, MOST_PARTS, MOST_SEEN, Relation, gather_index,
};
use crate::error::Error;
use crate::inspection::Inspection;

pub(super) async fn catalogue(
    inspection: &mut Inspection,
    mut keep: impl FnMut(&Relation) -> bool,
) -> Result<Catalogue, Error> {
    let mut catalogue = Catalogue::default();
    for row in inspection.rows(TABLES, &[], MOST_SEEN).await? {
        let row = Fields(row);
        let name = row.text(0).unwrap_or_default();
        let is_view = row.text(1).as_deref() == Some("view");
        let text = row.text(2).unwrap_or_default();
        let columns = match inspection.rows(COLUMNS, &[&name], MOST_COLUMNS).await {
            Ok(columns) => columns,
            Err(_) if is_view => continue,
            Err(error) => return Err(error),
        };
        let columns = columns.into_iter().map(Fields);
        let relation = Relation {
            schema: None,
            name,
            is_view,
            approximate_rows: None,
            columns: columns.map(|row| column(&row, &text)).collect(),
        };
        catalogue.consider(relation, &mut keep);
    }
    Ok(catalogue)
}

fn column(row: &Fields, text: &str) -> Column {
    let name = row.text(0).unwrap_or_default();
    let collation = collation(text, &name);
    let data_type = row.text(1).unwrap_or_default().to_lowercase();
    let is_integer = data_type == "integer";
    Column {
        data_type,
        // In SQLite even a primary key may be null, but for one of whole numbers.
        is_nullable: !(row.truth(2) || is_integer && row.truth(4)),
        default: row.text(3),
        ignores_case: collation.as_deref() == Some("nocase"),
        collation,
        name,
    }
}

pub(super) async fn indexes(
    inspection: &mut Inspection,
    relation: &Relation,
) -> Result<Vec<Index>, Error> {
    let mut indexes = Vec::new();
    let rows = inspection
        .rows(INDEXES, &[&relation.name], MOST_PARTS)
        .await?;
    for row in rows.into_iter().map(Fields) {
        let part = match row.text(4) {
            Some(column) => IndexPart::Column(column),
            None => IndexPart::Expression(expression(&row.text(5).unwrap_or_default())),
        };
        let index = Index {
            name: row.text(0).unwrap_or_default(),
            is_unique: row.truth(1),
            is_primary: row.text(2).as_deref() == Some("pk"),
            is_partial: row.truth(3),
            parts: vec![part],
        };
        gather_index(&mut indexes, index);
    }
    // The key of a table that is a whole number has no index of its own: it is the table.
    let key = inspection.rows(KEY, &[&relation.name], 2).await?;
    let has_key = indexes.iter().any(|index| index.is_primary);
    if key.len() == 1
        && !has_key
        && let Some(column) = key.into_iter().find_map(|row| Fields(row).text(0))
    {
        indexes.push(Index {
            name: "rowid".to_owned(),
            is_unique: true,
            is_primary: true,
            is_partial: false,
            parts: vec![IndexPart::Column(column)],
        });
    }
    Ok(indexes)
}

/// What an index is over, by its text: what stands between the first parenthesis and the last.
fn expression(text: &str) -> String {
    let inside = text.split_once('(').map_or("", |(_, inside)| inside);
    let inside = inside.rsplit_once(')').map_or(inside, |(inside, _)| inside);
    inside.trim().to_lowercase()
}

/// The collation that the text of a table gives a column, in lower case.
fn collation(text: &str, column: &str) -> Option<String> {
    let (_, inside) = text.split_once('(')?;
    let mut depth = 0_i32;
    // Commas inside of parentheses separate no columns.
    let definitions = inside.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    for definition in definitions {
        let mut words = definition.split_whitespace();
        let name = words.next()?.trim_matches(['"', '`', '[', ']', '\'']);
        if name.eq_ignore_ascii_case(column) {
            let mut words = words.skip_while(|word| !word.eq_ignore_ascii_case("collate"));
            let collation = words.nth(1)?.trim_end_matches([')', ',']);
            return Some(collation.trim_matches('"').to_lowercase());
        }
    }
    None
}

/// The most columns that SQLite can be built for.
const MOST_COLUMNS: usize = 32_767;

const TABLES: &str = "
select name, type, sql from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\'
order by name";

const COLUMNS: &str = "
select name, type, \"notnull\", dflt_value, pk from pragma_table_xinfo(?) where hidden in (0, 2, 3) order by cid";

const KEY: &str = "select name from pragma_table_info(?) where pk > 0";

const INDEXES: &str = "
select l.name, l.\"unique\", l.origin, l.partial, x.name, s.sql
from pragma_index_list(?) l
join pragma_index_xinfo(l.name) x on x.key = 1
left join sqlite_schema s on s.type = 'index' and s.name = l.name
order by l.name, x.seqno";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collation_of_a_column_stands_in_the_text_of_its_table() {
        let text = "create table users (\n id integer primary key, score numeric(4, 2) default (max(1, 2)),\n \
                    \"email\" text not null COLLATE NOCASE unique, name text collate rtrim)";
        for (column, expected) in [
            ("id", None),
            ("score", None),
            ("Email", Some("nocase")),
            ("name", Some("rtrim")),
            ("other", None),
        ] {
            assert_eq!(collation(text, column).as_deref(), expected, "{column}");
        }
        assert_eq!(collation("create view v as select 1", "x"), None);
    }

    #[test]
    fn the_expression_of_an_index_stands_between_its_parentheses() {
        assert_eq!(
            expression("CREATE UNIQUE INDEX i ON users (lower(Email))"),
            "lower(email)"
        );
        assert_eq!(expression(""), "");
    }
}
