//! What is MySQL's and MariaDB's own: their types, their collations, the way they compare.

use lychgate_store::StatementName::{Create, Lookup, UpgradePassword};
use lychgate_store::{Error, Parameters, Value};

use crate::legacy::{HASH, LOOKUP, hash, refused};
use crate::world::World;

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

/// Type, stored value, and what is read.
fn types() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("tinyint(1)", "1", Value::Boolean(true)),
        ("tinyint(1)", "2", Value::Integer(2)),
        ("tinyint(4)", "-7", Value::Integer(-7)),
        ("smallint unsigned", "65535", Value::Integer(65535)),
        ("mediumint", "-8388608", Value::Integer(-8_388_608)),
        ("int unsigned", "4294967295", Value::Integer(4_294_967_295)),
        ("bigint", "-9223372036854775808", Value::Integer(i64::MIN)),
        ("bigint unsigned", "7", Value::Integer(7)),
        (
            "bigint unsigned",
            "18446744073709551615",
            Value::from("18446744073709551615"),
        ),
        ("decimal(20,0)", "42", Value::Integer(42)),
        ("decimal(20,2)", "3.10", Value::from("3.10")),
        ("float", "1.5", Value::Real(1.5)),
        ("double", "2.25", Value::Real(2.25)),
        ("bit(1)", "b'1'", Value::Integer(1)),
        ("year", "2009", Value::Integer(2009)),
        ("date", "'2009-02-13'", Value::from("2009-02-13")),
        ("date", "'0000-00-00'", Value::Null),
        ("date", "'2009-00-00'", Value::from("2009-00-00")),
        (
            "datetime",
            "'2009-02-13 23:31:30'",
            Value::from("2009-02-13T23:31:30"),
        ),
        (
            "datetime",
            "'2009-02-13'",
            Value::from("2009-02-13T00:00:00"),
        ),
        (
            "datetime(6)",
            "'2009-02-13 23:31:30.25'",
            Value::from("2009-02-13T23:31:30.250000"),
        ),
        ("datetime", "'0000-00-00 00:00:00'", Value::Null),
        (
            "timestamp null",
            "'2009-02-13 23:31:30'",
            Value::from("2009-02-13T23:31:30Z"),
        ),
        ("time", "'-30:01:02'", Value::from("-30:01:02")),
        ("char(8)", "'abc'", Value::from("abc")),
        (
            "varchar(9) character set latin1",
            "'Zoë'",
            Value::from("Zoë"),
        ),
        (
            "varchar(9) character set utf8mb4",
            "'Zoë🧙'",
            Value::from("Zoë🧙"),
        ),
        ("text character set latin1", "'Zoë'", Value::from("Zoë")),
        ("varbinary(9)", "'abc'", Value::from("abc")),
        ("varbinary(9)", "x'ff00'", Value::Bytes(vec![255, 0])),
        ("json", "'{\"a\": 1}'", Value::from("{\"a\": 1}")),
        ("enum('red', 'blue')", "'blue'", Value::from("blue")),
        ("set('a', 'b')", "'a,b'", Value::from("a,b")),
        (
            "uuid",
            "'00112233-4455-6677-8899-aabbccddeeff'",
            Value::from("00112233-4455-6677-8899-aabbccddeeff"),
        ),
        ("int", "null", Value::Null),
    ]
}

#[tokio::test]
async fn columns_come_back_by_their_own_types() {
    let world = World::mysql().await;
    let expected = types();
    let columns = || expected.iter().enumerate();
    let defined: Vec<_> = columns()
        .map(|(place, (kind, _, _))| format!("c{place} {kind}"))
        .collect();
    let values: Vec<_> = columns()
        .map(|(_, (_, value, _))| (*value).to_owned())
        .collect();
    let names: Vec<_> = columns().map(|(place, _)| format!("c{place}")).collect();
    world
        .run(&format!(
            "set sql_mode = ''; set names utf8mb4; set time_zone = '+00:00';
         create table k (name varchar(20), {}); insert into k values ('zoe', {})",
            defined.join(", "),
            values.join(", ")
        ))
        .await;
    let sql = format!(
        "select {} from k where name = :identifier",
        names.join(", ")
    );
    let store = world.open(&[(Lookup, &sql)]).await.unwrap();
    let row = store
        .read(Lookup, &identifier("zoe"))
        .await
        .unwrap()
        .unwrap();
    for ((_, value), (kind, sql, expected)) in row.into_columns().into_iter().zip(expected) {
        let shown = match &value {
            Value::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        assert!(value == expected, "{kind} {sql}: {shown}");
    }
}

#[tokio::test]
async fn a_text_is_not_taken_for_the_number_that_it_begins_with() {
    let world = World::mysql().await;
    let store = world
        .open_narrow(&[(Lookup, "select id from users where id = :identifier")])
        .await;
    for text in ["1x", "1 or 1=1", "1zoe@example.com", "1e0x"] {
        let found = store.read(Lookup, &identifier(text)).await.unwrap();
        assert!(found.is_none(), "{text}");
    }
    assert!(
        store
            .read(Lookup, &identifier("1"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_the_fields_fault_and_changes_nothing() {
    let world = World::mysql().await;
    let sql = "insert into users (email, nickname, password_hash) values (:email, :nickname, :password_hash)";
    let store = world.open_narrow(&[(Create, sql), (Lookup, LOOKUP)]).await;
    let before = world.users().await;
    let user = |nickname: String| {
        let user = Parameters::new().with("email", "eve@example.com");
        user.with("nickname", nickname)
            .with_password_hash(hash("$2b$04$x"))
    };
    let error = refused(store.write(Create, &user("x".repeat(21))).await);
    assert!(matches!(error, Error::Value { .. }), "{error}");
    let error = refused(store.write(Create, &user("root".to_owned())).await);
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
    assert_eq!(world.users().await, before);
    assert_eq!(
        store
            .write(Create, &user("x".repeat(20)))
            .await
            .unwrap()
            .matched,
        1
    );
}

#[tokio::test]
async fn a_read_cannot_write_whatever_it_calls() {
    let world = World::mysql().await;
    world.run("create function gone(e varchar(255)) returns int modifies sql data begin delete from users where email = e; return 1; end").await;
    let before = world.users().await;
    let sql = "select gone(:identifier) as id";
    let error = match world.open(&[(Lookup, sql)]).await {
        Ok(store) => refused(store.read(Lookup, &identifier("zoe@example.com")).await),
        Err(error) => error,
    };
    assert!(
        matches!(
            error,
            Error::Unavailable("it may only be read") | Error::Statements(_)
        ),
        "{error}"
    );
    let outfile =
        "select id into outfile '/tmp/lychgate-users' from users where email = :identifier";
    let error = refused(world.open(&[(Lookup, outfile)]).await).to_string();
    assert!(error.contains("it must only read"), "{error}");
    assert_eq!(world.users().await, before);
}

#[tokio::test]
async fn a_backslash_in_a_statement_is_a_backslash() {
    let world = World::mysql().await;
    let sql = "select '\\' as slash, id from users where email = :identifier and '\\' <> ''";
    let store = world.open(&[(Lookup, sql)]).await.unwrap();
    let row = store
        .read(Lookup, &identifier("zoe@example.com"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.get("slash"), Some(&Value::from("\\")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_is_compared_to_the_letter_only_as_bytes() {
    let world = World::mysql().await;
    world
        .run("alter table users modify password_hash varchar(255) character set utf8mb4 collate utf8mb4_general_ci")
        .await;
    let sql = |old: &str| {
        format!(
            "update users set password_hash = :password_hash where email = :identifier and password_hash = {old}"
        )
    };
    let in_another_case = || {
        Parameters::new()
            .with("identifier", "zoe@example.com")
            .with_old_hash(hash(&HASH.to_uppercase()))
            .with_password_hash(hash("$argon2id$new"))
    };
    for (old, matched) in [("binary :old_hash", 0), (":old_hash", 1)] {
        let store = world.open(&[(UpgradePassword, &sql(old))]).await.unwrap();
        let written = store.write(UpgradePassword, &in_another_case()).await;
        let written = written.unwrap();
        assert_eq!(written.matched, matched, "{old}");
    }
}

/// A table from before UTF-8: what is not in its alphabet is nobody's name, and no error.
#[tokio::test]
async fn a_column_in_latin1_is_compared_with_any_identifier() {
    let world = World::mysql().await;
    world
        .run(
            "set names utf8mb4; create table k (id int, name varchar(40) unique) \
             character set latin1 collate latin1_swedish_ci; insert into k values (1, 'Zoë'), (2, 'max')",
        )
        .await;
    let store = world
        .open(&[(Lookup, "select id, name from k where name = :identifier")])
        .await
        .unwrap();
    let row = store.read(Lookup, &identifier("zoë")).await.unwrap();
    assert_eq!(row.unwrap().get("name"), Some(&Value::from("Zoë")));
    for nobody in ["max🧙", "макс", "\u{212a}", "zo\u{65}\u{308}x", "日本"] {
        let found = store.read(Lookup, &identifier(nobody)).await.unwrap();
        assert!(found.is_none(), "{nobody}");
    }
}

/// Dates of zeros in every type that has them, read under any mode of the server.
#[tokio::test]
async fn dates_of_zeros_are_none_in_every_type_that_has_them() {
    let world = World::mysql().await;
    world
        .run(
            "set sql_mode = ''; create table k (name varchar(9), a date, b datetime, c datetime(6), d timestamp null, e time);
             insert into k values ('zoe', '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00.000000', \
             '0000-00-00 00:00:00', '00:00:00')",
        )
        .await;
    let sql = "select a, b, c, d, e from k where name = :identifier";
    let store = world.open(&[(Lookup, sql)]).await.unwrap();
    let row = store.read(Lookup, &identifier("zoe")).await.unwrap();
    let row = row.unwrap();
    for column in ["a", "b", "c", "d"] {
        assert_eq!(row.get(column), Some(&Value::Null), "{column}");
    }
    assert_eq!(row.get("e"), Some(&Value::from("00:00:00")));
}
