//! What a tool sees of a store: its catalogue, its indexes, its rows, on every kind of store.

use std::ops::ControlFlow;
use std::sync::LazyLock;

use lychgate_store::{Index, IndexPart, Inspection, Relation, Survey, SurveyedHash, Value};

use crate::legacy::HASH;
use crate::world::World;

/// The same on all of them, but for what each can say of a column.
const TABLES: &str = "
create table members (
    \"Id\" integer not null primary key,
    login varchar(80) not null,
    mail varchar(200),
    pass varchar(64) default 'x',
    deleted_at timestamp null
);
create index members_by_login on members (login);
create unique index members_by_mail on members (mail, login);
create view active_members as select login, pass from members where deleted_at is null;
create table notes (body varchar(10))";

async fn worlds() -> [World; 3] {
    [
        World::sqlite().await,
        World::postgres().await,
        World::mysql().await,
    ]
}

async fn add_tables(world: &World) {
    let tables = match world {
        World::Mysql(_) => TABLES.replace('"', "`"),
        World::Sqlite(_) | World::Postgres(_) => TABLES.to_owned(),
    };
    world.run(&tables).await;
}

async fn members(inspection: &mut Inspection) -> Relation {
    let catalogue = inspection.catalogue(|table| table.name == "members");
    let mut catalogue = catalogue.await.unwrap();
    assert_eq!(catalogue.relations.len(), 1);
    catalogue.relations.remove(0)
}

#[tokio::test]
async fn the_catalogue_has_each_table_and_view_with_its_columns() {
    for world in worlds().await {
        add_tables(&world).await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let catalogue = inspection.catalogue(|_| true).await.unwrap();
        let found: Vec<_> = catalogue
            .relations
            .iter()
            .map(|table| (table.name.as_str(), table.is_view))
            .collect();
        assert_eq!(
            found,
            [
                ("active_members", true),
                ("members", false),
                ("notes", false),
                ("users", false)
            ]
        );
        assert_eq!((catalogue.seen, catalogue.is_cut), (4, false));
        let members = &catalogue.relations[1];
        let columns: Vec<_> = members
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.is_nullable))
            .collect();
        assert_eq!(
            columns,
            [
                ("Id", false),
                ("login", false),
                ("mail", true),
                ("pass", true),
                ("deleted_at", true)
            ]
        );
        let login = members.column("LOGIN").unwrap();
        assert!(
            ["varchar(80)", "character varying(80)"].contains(&login.data_type.as_str()),
            "{}",
            login.data_type
        );
        assert!(
            members
                .column("pass")
                .unwrap()
                .default
                .as_ref()
                .unwrap()
                .contains('x')
        );
        inspection.close().await;
    }
}

#[tokio::test]
async fn only_what_is_asked_for_is_kept_and_the_rest_is_counted() {
    for world in worlds().await {
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let catalogue = inspection.catalogue(|_| false).await.unwrap();
        assert_eq!((catalogue.relations.len(), catalogue.seen), (0, 1));
    }
}

#[tokio::test]
async fn indexes_are_read_with_their_columns_in_order() {
    for world in worlds().await {
        add_tables(&world).await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let members = members(&mut inspection).await;
        let indexes = inspection.indexes(&members).await.unwrap();
        let column = |name: &str| IndexPart::Column(name.to_owned());
        let named = |name: &str| indexes.iter().find(|index| index.name == name).unwrap();
        let by_login = named("members_by_login");
        assert_eq!((by_login.is_unique, by_login.is_primary), (false, false));
        assert_eq!(by_login.parts, [column("login")]);
        let by_mail = named("members_by_mail");
        assert_eq!(by_mail.parts, [column("mail"), column("login")]);
        assert!(by_mail.is_unique && !by_mail.makes_unique("mail"));
        let primary: Vec<&Index> = indexes.iter().filter(|index| index.is_primary).collect();
        assert_eq!(primary.len(), 1);
        assert!(primary[0].makes_unique("Id"), "{primary:?}");
    }
}

#[tokio::test]
async fn an_index_on_an_expression_and_one_on_some_rows_are_known_as_such() {
    for world in [World::sqlite().await, World::postgres().await] {
        world
            .run(
                "create index by_lower on users (lower(email)); \
                 create index of_some on users (nickname) where blocked = '0'",
            )
            .await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let catalogue = inspection.catalogue(|_| true).await.unwrap();
        let indexes = inspection.indexes(&catalogue.relations[0]).await.unwrap();
        let named = |name: &str| indexes.iter().find(|index| index.name == name).unwrap();
        assert_eq!(
            named("by_lower").parts,
            [IndexPart::Expression("lower(email)".to_owned())]
        );
        assert!(named("of_some").is_partial);
    }
}

#[tokio::test]
async fn a_column_that_ignores_case_says_so() {
    for (world, schema) in [
        (
            World::sqlite().await,
            "create table people (a text collate nocase, b text)",
        ),
        (
            World::postgres().await,
            "create collation odd (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
             create table people (a text collate odd, b text)",
        ),
        (
            World::mysql().await,
            "create table people (a varchar(9) collate utf8mb4_general_ci, b varchar(9) collate utf8mb4_bin)",
        ),
    ] {
        world.run(schema).await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let catalogue = inspection
            .catalogue(|table| table.name == "people")
            .await
            .unwrap();
        let people = &catalogue.relations[0];
        assert!(people.column("a").unwrap().ignores_case, "{people:?}");
        assert!(!people.column("b").unwrap().ignores_case, "{people:?}");
    }
}

#[tokio::test]
async fn a_database_of_very_many_tables_is_looked_through_and_not_held() {
    let world = World::sqlite().await;
    let many: Vec<_> = (0..3_000)
        .map(|number| format!("create table t{number} (a, b);"))
        .collect();
    world.run(&format!("begin; {} commit", many.concat())).await;
    let mut inspection = Inspection::open(&world.url()).await.unwrap();
    let catalogue = inspection.catalogue(|_| true).await.unwrap();
    assert!(catalogue.is_cut);
    assert!(
        catalogue.relations.len() < 1_000,
        "{}",
        catalogue.relations.len()
    );
    assert_eq!(catalogue.seen, 3_001);
    let users = inspection
        .catalogue(|table| table.name == "users")
        .await
        .unwrap();
    assert!(!users.is_cut);
    assert_eq!(users.relations.len(), 1);
}

static SURVEY: LazyLock<Survey> = LazyLock::new(survey);

fn survey() -> Survey {
    Survey {
        from: "users".to_owned(),
        id: "id".to_owned(),
        identifiers: vec!["email".to_owned()],
        hash: Some("password_hash".to_owned()),
        flags: vec!["blocked".to_owned()],
    }
}

#[tokio::test]
async fn a_survey_passes_every_row_with_its_hash_as_a_secret() {
    for world in worlds().await {
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let mut seen = Vec::new();
        let walk = inspection.survey(&SURVEY, |user| {
            let hash = match user.hash {
                SurveyedHash::Stored(hash) => Some(hash.expose_secret().to_owned()),
                SurveyedHash::Missing => None,
                SurveyedHash::Unfit | SurveyedHash::NotText => panic!("this hash can be read"),
            };
            seen.push((user.identifiers[0].clone().unwrap(), hash));
            ControlFlow::Continue(())
        });
        walk.await.unwrap();
        seen.sort_by_key(|(_, hash)| hash.clone());
        assert!(
            seen == [
                (Value::from("max@example.com"), None),
                (Value::from("zoe@example.com"), Some(HASH.to_owned()))
            ]
        );
    }
}

#[tokio::test]
async fn a_survey_ends_when_it_is_told_to() {
    for world in worlds().await {
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let mut seen = 0;
        let walk = inspection.survey(&SURVEY, |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        walk.await.unwrap();
        assert_eq!(seen, 1);
    }
}

#[tokio::test]
async fn a_sample_has_the_first_and_the_last_rows() {
    for world in worlds().await {
        for number in 0..10 {
            world
                .run(&format!(
                    "insert into users (email) values ('u{number}@example.com')"
                ))
                .await;
        }
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let mut seen = Vec::new();
        let sample = inspection.sample(&SURVEY, 2, |user| seen.push(user.id.unwrap()));
        sample.await.unwrap();
        assert!(seen == [1, 2, 12, 11].map(Value::from), "{}", seen.len());
        let mut all = 0;
        let sample = inspection.sample(&SURVEY, 50, |_| all += 1);
        sample.await.unwrap();
        assert_eq!(all, 12);
        assert_eq!(inspection.rows_up_to("users", 5).await.unwrap(), 5);
        assert_eq!(inspection.rows_up_to("users", 50).await.unwrap(), 12);
    }
}

#[tokio::test]
async fn a_session_that_looks_cannot_write() {
    for world in worlds().await {
        let before = world.users().await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        // What stands in a survey is the operator's, and could be anything.
        for from in [
            "users; delete from users",
            "(delete from users returning id, email, password_hash, blocked) as gone",
        ] {
            let hostile = Survey {
                from: from.to_owned(),
                ..survey()
            };
            let walk = inspection.survey(&hostile, |_| ControlFlow::Continue(()));
            drop(walk.await);
        }
        assert_eq!(world.users().await, before);
    }
}

#[tokio::test]
async fn whether_an_index_serves_a_search_is_the_databases_word() {
    for world in worlds().await {
        world
            .run("insert into users (email) values ('a@example.com'), ('b@example.com')")
            .await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        for (condition, expected) in [
            ("email = 'lychgate'", true),
            ("email = 'a@example.com'", true),
            ("id = 1", true),
            ("nickname = 'lychgate'", false),
            ("lower(email) = 'lychgate'", false),
        ] {
            let served = inspection.is_served_by_index("users", condition).await;
            assert_eq!(
                served.unwrap(),
                expected,
                "{:?} {condition}",
                inspection.kind()
            );
        }
    }
    for world in [World::sqlite().await, World::postgres().await] {
        world
            .run("create index by_lower on users (lower(email))")
            .await;
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let condition = "lower(email) = 'lychgate'";
        assert!(
            inspection
                .is_served_by_index("users", condition)
                .await
                .unwrap()
        );
    }
}

#[tokio::test]
async fn the_states_of_a_column_are_few() {
    for world in worlds().await {
        let mut inspection = Inspection::open(&world.url()).await.unwrap();
        let states = inspection.states("users", "nickname").await.unwrap();
        assert_eq!(states.len(), 2);
        assert!(states.contains(&Value::Null) && states.contains(&Value::from("Zoë")));
        assert!(
            inspection
                .is_any("users", "nickname is null")
                .await
                .unwrap()
        );
        assert!(!inspection.is_any("users", "id > 100").await.unwrap());
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_is_said_without_its_credentials() {
    for url in [
        "postgres://hunter2:hunter3@127.0.0.1:1/legacy",
        "mysql://hunter2:hunter3@127.0.0.1:1/legacy",
        "sqlite:/nowhere/hunter.db",
    ] {
        let opened = Inspection::open(&url.parse().unwrap()).await;
        let message = opened.err().unwrap().to_string();
        assert!(
            !message.contains("hunter2") && !message.contains("hunter3"),
            "{message}"
        );
    }
}
