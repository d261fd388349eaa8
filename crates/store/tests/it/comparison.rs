//! How each database compares what the gateway asks with, as `docs/how-to/identifiers.md` tells it: the page claims nothing
//! that is not in a table here.

use lychgate_store::{Identifier, IdentifierRules, StatementName};

use crate::world::World;

/// What stands in the store, as SQL, and what is typed.
type Pair = (&'static str, &'static str);

/// A comparison: the type of the column, the condition, whom it finds and whom it does not.
struct Comparison {
    column: &'static str,
    condition: &'static str,
    finds: &'static [Pair],
    misses: &'static [Pair],
}

const PLAIN: &str = "email = :identifier";
const LOWER: &str = "lower(email) = :identifier";

const CASE: Pair = ("'ZOE'", "zoe");
const MARK: Pair = ("'Zoe\u{308}'", "zoë");
const NO_MARK: Pair = ("'zoë'", "zoe");
const WIDE: Pair = ("'ｚｏｅ'", "zoe");
/// What is typed is put in lower case by Unicode's rules; the Kelvin sign is a plain k then.
const KELVIN: Pair = ("'\u{212a}im'", "\u{212a}im");
const SHARP_S: Pair = ("'STRAẞE'", "straße");
const DOUBLE_S: Pair = ("'strasse'", "straße");
const DOTLESS: Pair = ("'isil'", "ısıl");
/// In lower case by Unicode's rules: an i and the mark of a dot.
const DOTTED: Pair = ("'İnci'", "İnci");
const DOTTED_AS_PLAIN: Pair = ("'İnci'", "inci");
/// By Unicode's rules a sigma has a form of its own at the end of a word.
const SIGMA: Pair = ("'ΑΣ'", "ΑΣ");
const SPACE: Pair = ("'zoe '", "zoe");
const E_ACUTE: Pair = ("'É'", "É");

async fn shows(world: World, comparisons: &[Comparison]) {
    for comparison in comparisons {
        let Comparison {
            column, condition, ..
        } = comparison;
        world.run("drop table if exists people").await;
        let table = format!("create table people (id integer not null, email {column})");
        world.run(&table).await;
        let lookup = format!("select id, email from people where {condition}");
        let store = world.open(&[(StatementName::Lookup, &lookup)]).await;
        let store = store.unwrap();
        let finds = comparison.finds.iter().map(|pair| (pair, true));
        let misses = comparison.misses.iter().map(|pair| (pair, false));
        for ((stored, typed), is_found) in finds.chain(misses) {
            let put = format!("delete from people; insert into people values (1, {stored})");
            world.run(&put).await;
            let Ok(identifier) = Identifier::parse(typed, IdentifierRules::default()) else {
                panic!("{typed:?}")
            };
            let parameters =
                lychgate_store::Parameters::new().with("identifier", identifier.as_str());
            let row = store.read(StatementName::Lookup, &parameters).await;
            let row = row.unwrap();
            assert_eq!(
                row.is_some(),
                is_found,
                "{column} {condition} {stored} {typed}"
            );
        }
    }
}

/// What the page says of PostgreSQL.
const IN_POSTGRESQL: &[Comparison] = &[
    Comparison {
        column: "text",
        condition: PLAIN,
        finds: &[("'zoe'", "ZOE")],
        misses: &[
            CASE,
            MARK,
            NO_MARK,
            WIDE,
            KELVIN,
            SHARP_S,
            DOUBLE_S,
            DOTLESS,
            DOTTED,
            DOTTED_AS_PLAIN,
            SPACE,
        ],
    },
    Comparison {
        column: "text",
        condition: LOWER,
        finds: &[CASE, KELVIN, SHARP_S, E_ACUTE, DOTTED_AS_PLAIN],
        misses: &[MARK, NO_MARK, WIDE, DOUBLE_S, DOTLESS, DOTTED, SIGMA, SPACE],
    },
    Comparison {
        column: "text",
        condition: "lower(email collate \"C\") = :identifier",
        finds: &[CASE],
        misses: &[E_ACUTE, KELVIN, SHARP_S],
    },
    Comparison {
        column: "text",
        condition: "lower(normalize(email, nfc) collate \"und-x-icu\") = :identifier",
        finds: &[CASE, MARK, KELVIN, SHARP_S, E_ACUTE, DOTTED, SIGMA],
        misses: &[NO_MARK, WIDE, DOUBLE_S, DOTLESS, DOTTED_AS_PLAIN, SPACE],
    },
    Comparison {
        column: "citext",
        condition: PLAIN,
        finds: &[CASE, KELVIN, SHARP_S, E_ACUTE, DOTTED_AS_PLAIN],
        misses: &[MARK, NO_MARK, WIDE, DOUBLE_S, DOTLESS, DOTTED, SPACE],
    },
    Comparison {
        column: "text collate any_case",
        condition: PLAIN,
        finds: &[CASE, MARK, WIDE, KELVIN, SHARP_S, DOTTED, SIGMA],
        misses: &[NO_MARK, DOUBLE_S, DOTLESS, DOTTED_AS_PLAIN, SPACE],
    },
    Comparison {
        column: "text collate any_mark",
        condition: PLAIN,
        finds: &[
            CASE,
            MARK,
            NO_MARK,
            WIDE,
            KELVIN,
            SHARP_S,
            DOUBLE_S,
            DOTTED,
            DOTTED_AS_PLAIN,
        ],
        misses: &[DOTLESS, SPACE],
    },
    Comparison {
        column: "char(10)",
        condition: PLAIN,
        finds: &[SPACE],
        misses: &[CASE],
    },
];

#[tokio::test]
async fn postgresql_compares_as_the_page_says() {
    let world = World::postgres().await;
    world
        .run(
            "create extension citext; \
             create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             create collation any_mark (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        )
        .await;
    shows(world, IN_POSTGRESQL).await;
}

/// U+0000 has no weight in the collations that go by Unicode's weights.
const MYSQL_NUL: Pair = ("concat('zo', char(0 using utf8mb4), 'e')", "zoe");

/// What the page says of MySQL and MariaDB.
const IN_MYSQL: &[Comparison] = &[
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_general_ci",
        condition: PLAIN,
        finds: &[CASE, NO_MARK, DOTLESS, DOTTED_AS_PLAIN, SIGMA, SPACE],
        misses: &[MARK, WIDE, KELVIN, SHARP_S, DOUBLE_S, DOTTED, MYSQL_NUL],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_unicode_ci",
        condition: PLAIN,
        finds: &[
            CASE,
            MARK,
            NO_MARK,
            WIDE,
            KELVIN,
            DOUBLE_S,
            DOTTED,
            DOTTED_AS_PLAIN,
            SIGMA,
            SPACE,
            MYSQL_NUL,
        ],
        misses: &[SHARP_S, DOTLESS],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_unicode_520_ci",
        condition: PLAIN,
        finds: &[
            CASE,
            MARK,
            NO_MARK,
            WIDE,
            KELVIN,
            SHARP_S,
            DOUBLE_S,
            DOTTED_AS_PLAIN,
            SPACE,
            MYSQL_NUL,
        ],
        misses: &[DOTLESS],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_unicode_nopad_ci",
        condition: PLAIN,
        finds: &[CASE, MARK, NO_MARK, WIDE, KELVIN, DOUBLE_S, MYSQL_NUL],
        misses: &[SHARP_S, DOTLESS, SPACE],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_turkish_ci",
        condition: PLAIN,
        finds: &[("'ISIL'", "ısıl"), DOTTED_AS_PLAIN],
        misses: &[DOTLESS, ("'ISIL'", "isil")],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_bin",
        condition: PLAIN,
        finds: &[("'zoe'", "ZOE"), SPACE],
        misses: &[
            CASE,
            MARK,
            NO_MARK,
            WIDE,
            KELVIN,
            SHARP_S,
            DOUBLE_S,
            DOTLESS,
            DOTTED_AS_PLAIN,
            MYSQL_NUL,
        ],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_bin",
        condition: LOWER,
        finds: &[CASE, KELVIN, E_ACUTE, DOTTED_AS_PLAIN, SPACE],
        misses: &[
            MARK, NO_MARK, WIDE, SHARP_S, DOUBLE_S, DOTLESS, DOTTED, SIGMA, MYSQL_NUL,
        ],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_nopad_bin",
        condition: PLAIN,
        finds: &[("'zoe'", "ZOE")],
        misses: &[CASE, SPACE],
    },
    Comparison {
        column: "varchar(50) character set utf8mb4 collate utf8mb4_unicode_ci",
        condition: "email = :identifier and cast(lower(email) as binary) = cast(:identifier as binary)",
        finds: &[CASE, KELVIN, E_ACUTE],
        misses: &[MARK, NO_MARK, WIDE, DOUBLE_S, SPACE, MYSQL_NUL],
    },
];

#[tokio::test]
async fn mysql_compares_as_the_page_says() {
    shows(World::mysql().await, IN_MYSQL).await;
}

#[tokio::test]
async fn sqlite_compares_as_the_page_says() {
    const BEYOND: [Pair; 8] = [
        E_ACUTE, MARK, NO_MARK, WIDE, KELVIN, SHARP_S, DOUBLE_S, DOTTED,
    ];
    const NUL: Pair = ("'zoe' || char(0)", "zoe");
    let comparisons = [
        Comparison {
            column: "text",
            condition: PLAIN,
            finds: &[("'zoe'", "ZOE")],
            misses: &[CASE, E_ACUTE, SPACE, NUL],
        },
        Comparison {
            column: "text",
            condition: LOWER,
            finds: &[CASE],
            misses: &[SPACE, NUL, DOTLESS],
        },
        Comparison {
            column: "text collate nocase",
            condition: PLAIN,
            finds: &[CASE],
            misses: &[SPACE, NUL, DOTLESS],
        },
        Comparison {
            column: "text collate rtrim",
            condition: PLAIN,
            finds: &[SPACE],
            misses: &[CASE, E_ACUTE, NUL],
        },
        Comparison {
            column: "text",
            condition: LOWER,
            finds: &[],
            misses: &BEYOND,
        },
        Comparison {
            column: "text collate nocase",
            condition: PLAIN,
            finds: &[],
            misses: &BEYOND,
        },
    ];
    shows(World::sqlite().await, &comparisons).await;
}
