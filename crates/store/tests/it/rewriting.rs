//! SQLite itself as the judge of what is a parameter and what is not.

use lychgate_store::{Parameters, StatementName::Lookup, Value};
use proptest::prelude::*;

use crate::legacy::Legacy;

/// What `:identifier` stands for.
const IDENTIFIER: &str = "zoe's :identifier ?1 -- \"$x$";

/// An expression of SQL, and the text that it must come to.
fn expression() -> impl Strategy<Value = (String, String)> {
    let text = "[^\0]{0,12}|[:a-z'\"\\[\\]`$?;*/-]{0,12}|:identifier|--:identifier|/\\*";
    let literal = text.prop_map(|text| (format!("'{}'", text.replace('\'', "''")), text));
    let parameter = prop::sample::select(vec![
        ":identifier",
        "(:identifier)",
        "cast(:identifier as text)",
        "/* ' :identifier */ :identifier",
        "-- \" :identifier\n:identifier",
        "''||:identifier||''",
        "coalesce(null,:identifier)",
    ]);
    prop_oneof![
        literal,
        parameter.prop_map(|sql| (sql.to_owned(), IDENTIFIER.to_owned()))
    ]
}

/// A name for a column, in each of the ways that SQLite has to quote one.
fn name(number: usize) -> String {
    match number % 4 {
        0 => format!("\":identifier \"\" ' {number}\""),
        1 => format!("`:identifier ' {number}`"),
        2 => format!("[:identifier ' {number}]"),
        _ => format!("column{number}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_statement_means_to_sqlite_what_was_written(expressions in prop::collection::vec(expression(), 1..8)) {
        let columns = expressions.iter().enumerate();
        let columns: Vec<_> = columns.map(|(number, (sql, _))| format!("{sql} as {}", name(number))).collect();
        let sql = format!("select {} from users where email <> :identifier limit 1; -- '", columns.join(", "));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let row = runtime.block_on(async {
            let legacy = Legacy::sample().await;
            let store = legacy.open(&[(Lookup, &sql)]).await.unwrap();
            store.read(Lookup, &Parameters::new().with("identifier", IDENTIFIER)).await.unwrap().unwrap()
        });
        let found: Vec<_> = row.into_columns().into_iter().map(|(_, value)| value).collect();
        let expected: Vec<_> = expressions.into_iter().map(|(_, text)| Value::Text(text)).collect();
        prop_assert_eq!(found, expected);
    }
}
