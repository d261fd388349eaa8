//! What is PostgreSQL's own: its types, its functions, its TLS.

use lychgate_store::StatementName::{Authenticate, ChangeEmail, Create, Delete, Lookup};
use lychgate_store::{Error, Parameters, StatementName, Store, Value};

use crate::legacy::{CREATE, LOOKUP, hash, refused};
use crate::world::{World, settings, variable};

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

async fn found(store: &Store, key: &str) -> Option<i64> {
    let row = store.read(Lookup, &identifier(key)).await.unwrap()?;
    match row.get("id") {
        Some(Value::Integer(id)) => Some(*id),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn columns_come_back_by_their_own_types() {
    let world = World::postgres().await;
    let text = |text: &str| Value::from(text);
    let expected = [
        ("7::int2", Value::Integer(7)),
        ("(-7)::int4", Value::Integer(-7)),
        ("9223372036854775807::int8", Value::Integer(i64::MAX)),
        ("12345::oid", Value::Integer(12345)),
        ("1.5::float4", Value::Real(1.5)),
        ("2.25::float8", Value::Real(2.25)),
        ("42::numeric(20,0)", Value::Integer(42)),
        ("(-10000)::numeric", Value::Integer(-10000)),
        ("0::numeric", Value::Integer(0)),
        ("3.10::numeric", text("3.10")),
        ("(-0.00012)::numeric", text("-0.00012")),
        (
            "123456789012345678901234567890.5::numeric",
            text("123456789012345678901234567890.5"),
        ),
        ("'NaN'::numeric", text("NaN")),
        ("'Infinity'::numeric", text("Infinity")),
        ("true", Value::Boolean(true)),
        ("'abc'::char(8)", text("abc")),
        ("'x'::\"char\"", text("x")),
        ("'a'::name", text("a")),
        ("'Zoë'::varchar(9)", text("Zoë")),
        (
            "'00112233-4455-6677-8899-AABBCCDDEEFF'::uuid",
            text("00112233-4455-6677-8899-aabbccddeeff"),
        ),
        ("'\\xff00'::bytea", Value::Bytes(vec![255, 0])),
        ("'{\"a\": 1}'::json", text("{\"a\": 1}")),
        ("'{\"a\":1}'::jsonb", text("{\"a\": 1}")),
        ("'2009-02-13'::date", text("2009-02-13")),
        ("'infinity'::date", text("infinity")),
        ("'23:31:30'::time", text("23:31:30.0")),
        (
            "'2009-02-13 23:31:30'::timestamp",
            text("2009-02-13T23:31:30"),
        ),
        (
            "'1999-12-31 23:31:30.25+02'::timestamptz",
            text("1999-12-31T21:31:30.25Z"),
        ),
        ("'-infinity'::timestamptz", text("-infinity")),
        ("array['a', null, 'b\"c']", text("[\"a\",null,\"b\\\"c\"]")),
        ("array[1, 2]", text("[1,2]")),
        ("'{}'::text[]", text("[]")),
        ("array['2009-02-13'::date]", text("[\"2009-02-13\"]")),
        ("'red'::colour", text("red")),
        ("'a@b'::address", text("a@b")),
        ("null::numeric", Value::Null),
    ];
    world
        .run("create type colour as enum ('red'); create domain address as text")
        .await;
    let columns = expected.iter().enumerate();
    let columns: Vec<_> = columns
        .map(|(place, (sql, _))| format!("{sql} as c{place}"))
        .collect();
    let sql = format!(
        "select {} from users where email = :identifier",
        columns.join(", ")
    );
    let store = world.open(&[(Lookup, &sql)]).await.unwrap();
    let row = store
        .read(Lookup, &identifier("zoe@example.com"))
        .await
        .unwrap()
        .unwrap();
    for ((_, value), (sql, expected)) in row.into_columns().into_iter().zip(expected) {
        assert!(value == expected, "{sql}: {}", shown(&value));
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_time_beyond_the_calendar_is_an_error_and_no_panic() {
    let world = World::postgres().await;
    for moment in [
        "'294000-01-01'::timestamptz",
        "'4000-01-01 BC'::timestamp",
        "'5000000-01-01'::date",
    ] {
        let sql = format!("select {moment} as at from users where email = :identifier");
        let store = world.open(&[(Lookup, &sql)]).await.unwrap();
        let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await);
        assert!(matches!(error, Error::Column { .. }), "{moment}: {error}");
    }
}

/// A value of each type finds its row, and what is not of the type finds nobody: never an error.
#[tokio::test]
async fn an_identifier_is_brought_into_the_type_it_is_compared_with() {
    let world = World::postgres().await;
    for (kind, stored, finds, finds_nobody) in [
        (
            "int4",
            "7",
            "7",
            &["07", "+7", " 7", "7.0", "x", "2147483648", "7 or 1=1", ""][..],
        ),
        ("int8", "7", "7", &["9223372036854775808"]),
        (
            "numeric(30,0)",
            "700000000000000000007",
            "700000000000000000007",
            &["x", "1e3", "7"],
        ),
        (
            "uuid",
            "'00112233-4455-6677-8899-aabbccddeeff'",
            "00112233-4455-6677-8899-AABBCCDDEEFF",
            &[
                "00112233445566778899aabbccddeeff",
                "x",
                "0011223é-4455-6677-8899-aabbccddeef",
                "",
            ],
        ),
        (
            "timestamptz",
            "'2009-02-13T23:31:30Z'",
            "2009-02-14T00:31:30+01:00",
            &["2009", "x", ""],
        ),
        ("date", "'2009-02-13'", "2009-02-13", &["2009-02-30", "x"]),
        ("bool", "true", "true", &["yes", ""]),
        ("char(10)", "'zoe'", "zoe", &["max"]),
        (
            "varchar(10)",
            "'zoe'",
            "zoe",
            &["max", "zoe' or ''='", "zo\0e"],
        ),
        ("bytea", "'zoe'", "zoe", &["max"]),
        ("jsonb", "'{\"a\":1}'", "{\"a\": 1}", &["{", "\"\\u0000\""]),
        ("float8", "1.5", "1.5", &["x"]),
    ] {
        world.run(&format!("drop table if exists k; create table k (id int, key {kind}); insert into k values (1, {stored})")).await;
        let store = world
            .open(&[(Lookup, "select id from k where key = :identifier")])
            .await
            .unwrap();
        assert_eq!(found(&store, finds).await, Some(1), "{kind}");
        for key in finds_nobody {
            assert_eq!(found(&store, key).await, None, "{kind}: {key}");
        }
    }
}

#[tokio::test]
async fn an_enumeration_and_a_domain_take_what_belongs_to_them() {
    let world = World::postgres().await;
    world.run("create type colour as enum ('red', 'blue'); create domain number as int check (value > 0);
        create table k (id int, colour colour, number number); insert into k values (1, 'red', 7)").await;
    for (column, finds, nobody) in [("colour", "red", "green"), ("number", "7", "x")] {
        let sql = format!("select id from k where {column} = :identifier");
        let store = world.open(&[(Lookup, &sql)]).await.unwrap();
        assert_eq!(found(&store, finds).await, Some(1));
        assert_eq!(found(&store, nobody).await, None);
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_the_fields_fault_and_changes_nothing() {
    let world = World::postgres().await;
    let statements = [(
        Create,
        "insert into users (email, nickname, blocked, password_hash) values (:email, :nickname, :name, :password_hash) returning id",
    )];
    let store = world.open_narrow(&statements).await;
    let before = world.users().await;
    let user = || {
        Parameters::new()
            .with("email", "eve@example.com")
            .with_password_hash(hash("$2b$04$x"))
    };
    let error = refused(store.write(Create, &user().with("name", "perhaps")).await);
    assert!(
        matches!(&error, Error::Value { parameter: Some(name), .. } if name == "name"),
        "{error}"
    );
    let long = user().with("nickname", "x".repeat(21)).with("name", false);
    let error = refused(store.write(Create, &long).await);
    assert!(matches!(error, Error::Value { .. }), "{error}");
    assert_eq!(world.users().await, before);
    let fits = user().with("nickname", "x".repeat(20)).with("name", "f");
    assert_eq!(store.write(Create, &fits).await.unwrap().matched, 1);
}

#[tokio::test]
async fn a_read_cannot_write_whatever_it_calls() {
    let world = World::postgres().await;
    world.run("create function gone(text) returns int volatile language sql as 'delete from users where email = $1 returning id'").await;
    let before = world.users().await;
    let hidden = "with gone as (delete from users where email = :identifier returning id) select id from gone";
    let error = refused(world.open(&[(Lookup, hidden)]).await).to_string();
    assert!(error.contains("it must only read"), "{error}");
    let store = world
        .open(&[(Lookup, "select gone(:identifier) as id")])
        .await
        .unwrap();
    let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await);
    assert!(
        matches!(error, Error::Unavailable("it may only be read")),
        "{error}"
    );
    assert_eq!(world.users().await, before);
}

#[tokio::test]
async fn a_write_inside_a_with_is_a_write() {
    let world = World::postgres().await;
    let sql =
        "with gone as (delete from users where id = :user_id returning id) select id from gone";
    let store = world.open(&[(Delete, sql)]).await.unwrap();
    let written = store
        .write(Delete, &Parameters::new().with("user_id", "2"))
        .await
        .unwrap();
    assert_eq!(written.matched, 1);
    assert!(!world.users().await.contains("max"));
}

#[tokio::test]
async fn types_that_are_not_supported_are_named_at_start_with_the_way_out() {
    let world = World::postgres().await;
    world
        .run("create table k (id int, at inet, spans int4range)")
        .await;
    let error = refused(
        world
            .open(&[(Lookup, "select id from k where at = :identifier")])
            .await,
    )
    .to_string();
    assert!(
        error.contains("write `cast(cast(:identifier as text) as inet)`"),
        "{error}"
    );
    let error = refused(
        world
            .open(&[(Lookup, "select spans from k where id = :identifier")])
            .await,
    )
    .to_string();
    assert!(
        error.contains("write `cast(spans as text) as spans`"),
        "{error}"
    );
    let mended = "select id, cast(spans as text) as spans from k where at = cast(cast(:identifier as text) as inet)";
    let store = world.open(&[(Lookup, mended)]).await.unwrap();
    assert_eq!(found(&store, "192.0.2.1").await, None);
    // The database's own refusal of a value comes to the same.
    assert_eq!(found(&store, "not an address").await, None);
}

#[tokio::test]
async fn a_constraint_is_named_by_its_kind() {
    let world = World::postgres().await;
    let store = world.open_narrow(&[(Create, CREATE)]).await;
    let root = Parameters::new()
        .with("email", "eve@example.com")
        .with("nickname", "root")
        .with_password_hash(hash("$2b$04$x"));
    let error = refused(store.write(Create, &root).await);
    assert!(
        matches!(
            error,
            Error::Constraint {
                constraint: "check",
                ..
            }
        ),
        "{error}"
    );
    world
        .run("alter table users add team int references users deferrable initially deferred")
        .await;
    let sql = "insert into users (email, team, password_hash) values (:email, :name, :password_hash) returning id";
    let store = world.open_narrow(&[(Create, sql)]).await;
    let orphan = Parameters::new()
        .with("email", "eve@example.com")
        .with("name", "99")
        .with_password_hash(hash("$2b$04$x"));
    let error = refused(store.write(Create, &orphan).await);
    assert!(
        matches!(
            error,
            Error::Constraint {
                constraint: "foreign key",
                ..
            }
        ),
        "{error}"
    );
    assert!(!world.users().await.contains("eve"));
}

async fn opened_with(world: &World, options: &str) -> Result<Store, Error> {
    let url = format!("{}?{options}", world.url_text());
    let statements: [(StatementName, &str); 1] = [(Lookup, LOOKUP)];
    Store::open(settings(url.parse().unwrap(), &statements)).await
}

#[tokio::test]
async fn the_server_has_to_prove_that_it_is_the_one_in_the_url() {
    for world in [World::postgres().await, World::mysql().await] {
        let ca = variable("LYCHGATE_TEST_CA");
        for options in [
            format!("sslrootcert={ca}"),
            format!("sslmode=verify-ca&sslrootcert={ca}"),
            "sslmode=require".to_owned(),
            "sslmode=disable".to_owned(),
        ] {
            let store = opened_with(&world, &options).await;
            store.unwrap().ping().await.unwrap();
        }
        // No public CA has signed it, and another name is not its name.
        let other_name = match &world {
            World::Postgres(url) => World::Postgres(url.replace("localhost", "127.0.0.1")),
            World::Mysql(url) => World::Mysql(url.replace("localhost", "127.0.0.1")),
            World::Sqlite(_) => panic!("a file has no name to prove"),
        };
        for (world, options) in [
            (&world, "sslmode=verify-full".to_owned()),
            (&other_name, format!("sslmode=verify-full&sslrootcert={ca}")),
        ] {
            let error = refused(opened_with(world, &options).await).to_string();
            assert!(error.contains("did not prove by TLS"), "{options}: {error}");
        }
        let error = refused(opened_with(&world, "sslrootcert=/nowhere.pem").await).to_string();
        assert!(
            error.contains("/nowhere.pem of `sslrootcert` cannot be read"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_user_that_is_refused_is_said_to_be_and_not_named() {
    let world = World::postgres().await;
    for url in [
        world.url_text().replace("postgres@", "stranger:hunter2@"),
        World::mysql()
            .await
            .url_text()
            .replace("root@", "stranger:hunter2@"),
    ] {
        let error = refused(Store::open(settings(url.parse().unwrap(), &[(Lookup, LOOKUP)])).await);
        let error = error.to_string();
        assert!(error.contains("refuses the user"), "{error}");
        assert!(
            !error.contains("stranger") && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_hash_kept_as_bytes_is_read_and_written() {
    let world = World::postgres().await;
    world
        .run("alter table users alter password_hash type bytea using password_hash::bytea")
        .await;
    let statements = [
        (Authenticate, crate::legacy::AUTHENTICATE),
        (
            StatementName::ChangePassword,
            crate::legacy::CHANGE_PASSWORD,
        ),
        (ChangeEmail, crate::legacy::CHANGE_EMAIL),
    ];
    let store = world.open(&statements).await.unwrap();
    let change = identifier("zoe@example.com").with_password_hash(hash("$2b$04$new"));
    store
        .write(StatementName::ChangePassword, &change)
        .await
        .unwrap();
    let mut row = store
        .read(Authenticate, &identifier("zoe@example.com"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row.take_password_hash().unwrap().expose_secret(),
        "$2b$04$new"
    );
}

/// A database from before UTF-8 speaks UTF-8 with us, and what is not in its alphabet is nobody's name.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_latin1_gives_and_takes_what_it_has() {
    let world = World::postgres().await;
    let (address, name) = world.url_text().rsplit_once('/').unwrap();
    world
        .run(&format!(
            "create database {name}_latin1 encoding 'LATIN1' locale 'C' template template0"
        ))
        .await;
    let old = World::Postgres(format!("{address}/{name}_latin1"));
    old.run("create table users (id int, email text, nickname char(8)); insert into users values (1, 'zoë@example.com', 'Zoë')")
        .await;
    let sql = "select id, email, nickname from users where email = :identifier";
    let store = old.open(&[(Lookup, sql)]).await.unwrap();
    for _ in 0..30 {
        let row = store.read(Lookup, &identifier("zoë@example.com")).await;
        let row = row.unwrap().unwrap();
        assert_eq!(row.get("email"), Some(&Value::from("zoë@example.com")));
        assert_eq!(row.get("nickname"), Some(&Value::from("Zoë")));
        for nobody in ["zoë🧙@example.com", "макс", "zoe@example.com"] {
            assert_eq!(found(&store, nobody).await, None, "{nobody}");
        }
    }
}
