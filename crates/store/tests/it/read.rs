use lychgate_store::StatementName::{Authenticate, Delete, Lookup};
use lychgate_store::{Error, Parameters, Value};

use crate::legacy::{AUTHENTICATE, DELETE, HASH, LOOKUP, Legacy, refused};

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

#[tokio::test]
async fn a_user_is_found_with_the_hash_apart_from_the_columns() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Authenticate, AUTHENTICATE)]).await.unwrap();
    let mut row = store
        .read(Authenticate, &identifier("zoe@example.com"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.take_password_hash().unwrap().expose_secret(), HASH);
    assert_eq!(row.get("nickname"), Some(&Value::from("Zoë")));
    assert_eq!(
        row.into_columns(),
        [
            ("id".to_owned(), Value::Integer(1)),
            ("email".to_owned(), Value::from("zoe@example.com")),
            ("email_verified".to_owned(), Value::Integer(1)),
            ("nickname".to_owned(), Value::from("Zoë")),
            ("blocked".to_owned(), Value::Integer(0)),
        ]
    );
}

#[tokio::test]
async fn nobody_is_no_row() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, LOOKUP)]).await.unwrap();
    assert!(
        store
            .read(Lookup, &identifier("nobody@example.com"))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_value_is_never_read_as_sql() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, LOOKUP)]).await.unwrap();
    for injection in [
        "' or 1=1 --",
        "x'; drop table users; --",
        ":identifier",
        "?1",
        "zoe@example.com' --",
    ] {
        assert!(
            store
                .read(Lookup, &identifier(injection))
                .await
                .unwrap()
                .is_none(),
            "{injection}"
        );
    }
    assert!(
        store
            .read(Lookup, &identifier("zoe@example.com"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_user_without_a_hash_has_none() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Authenticate, AUTHENTICATE)]).await.unwrap();
    let mut row = store
        .read(Authenticate, &identifier("max@example.com"))
        .await
        .unwrap()
        .unwrap();
    assert!(row.take_password_hash().is_none());
    assert_eq!(row.get("nickname"), Some(&Value::Null));
}

#[tokio::test]
async fn a_hash_too_long_to_be_one_is_none() {
    let legacy = Legacy::sample().await;
    legacy
        .run("update users set password_hash = hex(zeroblob(4000))")
        .await;
    let store = legacy.open(&[(Authenticate, AUTHENTICATE)]).await.unwrap();
    let mut row = store
        .read(Authenticate, &identifier("zoe@example.com"))
        .await
        .unwrap()
        .unwrap();
    assert!(row.take_password_hash().is_none());
    assert!(row.get("password_hash").is_none());
}

#[tokio::test]
async fn a_value_is_what_it_is_and_not_what_its_column_says() {
    let legacy = Legacy::with_schema(
        "create table t (k text, whole integer, truth boolean, real_number real, text_value text, bytes blob, day date);
         insert into t values ('a', 'not a number', 1, 1.5, 'x', x'00ff', '2026-11-23');
         insert into t values ('b', 9223372036854775807, 'yes', 'NaN', x'41', 'text', 20.25);",
    )
    .await;
    let sql = "select whole, truth, real_number, text_value, bytes, day, 1 + 1 as sum, null as no_value \
               from t where k = :identifier";
    let store = legacy.open(&[(Lookup, sql)]).await.unwrap();
    let values = async |key: &str| -> Vec<Value> {
        let row = store.read(Lookup, &identifier(key)).await.unwrap().unwrap();
        row.into_columns()
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    };
    let (sum, nothing) = (Value::Integer(2), Value::Null);
    assert_eq!(
        values("a").await,
        [
            Value::from("not a number"),
            Value::Integer(1),
            Value::Real(1.5),
            Value::from("x"),
            Value::Bytes(vec![0, 255]),
            Value::from("2026-11-23"),
            sum.clone(),
            nothing.clone(),
        ]
    );
    assert_eq!(
        values("b").await,
        [
            Value::Integer(i64::MAX),
            Value::from("yes"),
            Value::from("NaN"),
            Value::Bytes(vec![0x41]),
            Value::from("text"),
            Value::Real(20.25),
            sum,
            nothing,
        ]
    );
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_an_error_that_names_the_column() {
    let legacy = Legacy::sample().await;
    legacy
        .run("update users set nickname = cast(x'5aff' as text)")
        .await;
    let store = legacy.open(&[(Lookup, LOOKUP)]).await.unwrap();
    assert_eq!(
        refused(store.read(Lookup, &identifier("zoe@example.com")).await).to_string(),
        "statement `lookup` returned a value in column `nickname` that is text, but not UTF-8"
    );
}

#[tokio::test]
async fn a_value_without_bounds_is_an_error_that_names_the_column() {
    let legacy = Legacy::sample().await;
    legacy
        .run("update users set nickname = hex(zeroblob(1000000))")
        .await;
    let store = legacy.open(&[(Lookup, LOOKUP)]).await.unwrap();
    let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await).to_string();
    assert!(
        error.ends_with("column `nickname` that is longer than 1 MiB"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_of_two_users_is_ambiguous() {
    let sql = "select id from users where email like '%' || :identifier";
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, sql)]).await.unwrap();
    let error = refused(store.read(Lookup, &identifier("@example.com")).await);
    assert!(matches!(error, Error::Ambiguous(Lookup)));
}

#[tokio::test]
async fn a_name_used_twice_is_one_value() {
    let sql = "select id from users where email = :identifier or nickname = :identifier";
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, sql)]).await.unwrap();
    for key in ["zoe@example.com", "Zoë"] {
        let row = store.read(Lookup, &identifier(key)).await.unwrap().unwrap();
        assert_eq!(row.get("id"), Some(&Value::Integer(1)));
    }
}

#[tokio::test]
async fn a_write_is_not_run_as_a_read() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Delete, DELETE)]).await.unwrap();
    let error = refused(
        store
            .read(Delete, &Parameters::new().with("user_id", "1"))
            .await,
    );
    assert!(matches!(error, Error::WrongKind(Delete)));
}

#[tokio::test]
async fn a_store_that_lost_its_file_says_so() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, LOOKUP)]).await.unwrap();
    std::fs::remove_file(&legacy.file).unwrap();
    assert!(matches!(refused(store.ping().await), Error::Unavailable(_)));
    assert!(!legacy.file.exists());
}

#[tokio::test]
async fn a_table_that_is_gone_fails_without_the_values() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, LOOKUP)]).await.unwrap();
    legacy.run("drop table users").await;
    let error = refused(store.read(Lookup, &identifier("zoe@example.com")).await);
    assert!(
        matches!(
            error,
            Error::Failed {
                statement: Lookup,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.to_string().contains("zoe"));
}

#[tokio::test]
async fn a_table_that_is_rebuilt_is_still_read_by_name() {
    let legacy = Legacy::sample().await;
    let store = legacy.open_narrow(&[(Authenticate, AUTHENTICATE)]).await;
    let key = identifier("zoe@example.com");
    let before = store
        .read(Authenticate, &key)
        .await
        .unwrap()
        .unwrap()
        .into_columns();
    legacy
        .run(
            "create table rebuilt (password_hash text, nickname, extra, email, email_verified, blocked, id);
             insert into rebuilt select password_hash, nickname, 'x', email, email_verified, blocked, id from users;
             drop table users;
             alter table rebuilt rename to users;",
        )
        .await;
    let mut row = store.read(Authenticate, &key).await.unwrap().unwrap();
    assert_eq!(row.take_password_hash().unwrap().expose_secret(), HASH);
    assert_eq!(row.into_columns(), before);
}
