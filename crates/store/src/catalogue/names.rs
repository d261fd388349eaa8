//! Names as SQL writes them: quoted where they would not be read as they are.

use crate::inspection::StoreKind;

/// A name of a table or a column as this database's SQL writes it.
pub fn quoted(kind: StoreKind, name: &str) -> String {
    if is_plain(kind, name) {
        return name.to_owned();
    }
    let quote = match kind {
        StoreKind::Mysql => '`',
        StoreKind::Sqlite | StoreKind::Postgres => '"',
    };
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

/// Whether a name is read as it is. PostgreSQL folds upper case away.
fn is_plain(kind: StoreKind, name: &str) -> bool {
    let folds = kind == StoreKind::Postgres;
    let is_letter =
        |c: char| c == '_' || c.is_ascii_lowercase() || (!folds && c.is_ascii_uppercase());
    name.starts_with(is_letter)
        && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
        && !RESERVED
            .split_whitespace()
            .any(|word| word.eq_ignore_ascii_case(name))
}

/// Words that one of the three databases reserves, or may come to reserve. One too many costs a pair of quotes.
const RESERVED: &str = "
    accessible add after all alter always analyse analyze and any array as asc asensitive asymmetric authorization
    auto before begin between bigint binary blob both by call cascade case cast change char character check collate
    collation column columns concurrently condition connection constraint continue convert create cross cube cume_dist
    current current_catalog current_date current_role current_schema current_time current_timestamp current_user
    cursor database databases dec decimal declare default deferrable deferred delayed delete dense_rank desc describe
    detach deterministic distinct distinctrow div do double drop dual each else elseif empty enclosed end escape
    escaped except exclusive exists exit explain external fail false fetch filter first first_value float following
    for force foreign freeze from full fulltext function general generated get glob grant group grouping groups having
    high_priority host if ignore ilike immediate in index indexed infile initially inner inout insensitive insert
    instead int integer intersect interval into is isnull iterate join json_table key keys kill lag last last_value
    lateral lead leading leave left like limit linear lines load local localtime localtimestamp lock long longblob
    longtext loop low_priority match materialized maxvalue mediumint mediumtext merge mod modifies natural no none not
    nothing notnull nth_value ntile null nulls numeric of off offset on only operator optimize option optionally or
    order others out outer outfile over overlaps overriding parameter partition percent_rank period placing plan
    position pragma preceding precision primary privileges procedure public purge query quick raise range rank read
    reads real recursive references regexp reindex release rename repeat replace require reset resignal restrict
    return returning revoke right rlike rollback row row_number rows savepoint schema schemas select sensitive
    separator session_user set show signal similar slow smallint some spatial specific sql sqlexception sqlstate
    sqlwarning ssl start starting stored straight_join symmetric system system_user table tables tablesample temp
    temporary terminated then ties time timestamp tinyint to trailing transaction trigger true unbounded undo union
    unique unlock unsigned until update usage use user using vacuum values varbinary varchar variadic varying verbose
    view virtual when where while window with within without write xor zerofill";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_it_would_be_read_as_something_else() {
        for (kind, name, expected) in [
            (StoreKind::Postgres, "users", "users"),
            (StoreKind::Postgres, "user", "\"user\""),
            (StoreKind::Postgres, "AspNetUsers", "\"AspNetUsers\""),
            (StoreKind::Sqlite, "AspNetUsers", "AspNetUsers"),
            (StoreKind::Mysql, "ID", "ID"),
            (StoreKind::Mysql, "Group", "`Group`"),
            (StoreKind::Mysql, "a`b", "`a``b`"),
            (StoreKind::Sqlite, "say \"hi\"", "\"say \"\"hi\"\"\""),
            (StoreKind::Sqlite, "", "\"\""),
            (StoreKind::Mysql, "2009_users", "`2009_users`"),
        ] {
            assert_eq!(quoted(kind, name), expected);
        }
    }
}
