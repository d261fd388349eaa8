use lychgate_store::StatementName::{
    ChangeEmail, ChangePassword, Create, Delete, Lookup, VerifyEmail,
};
use lychgate_store::{Error, Parameters, StatementName, Store, Value};

use crate::legacy::{self, Legacy, hash, refused};

fn new_user(email: &str) -> Parameters {
    Parameters::new()
        .with("email", email)
        .with_password_hash(hash("$2b$04$new"))
}

async fn matched(store: &Store, name: StatementName, parameters: Parameters) -> u64 {
    store.write(name, &parameters).await.unwrap().matched
}

#[tokio::test]
async fn a_created_user_comes_back_and_is_there() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Create, legacy::CREATE)]).await.unwrap();
    let written = store
        .write(Create, &new_user("eve@example.com").with("nickname", "Eve"))
        .await
        .unwrap();
    assert_eq!(written.matched, 1);
    let columns = written.row.unwrap().into_columns();
    assert_eq!(
        columns,
        [
            ("id".to_owned(), Value::Integer(3)),
            ("email".to_owned(), Value::from("eve@example.com"))
        ]
    );
    assert!(
        legacy
            .users()
            .await
            .ends_with("3|eve@example.com|0|Eve|$2b$04$new")
    );
}

#[tokio::test]
async fn a_second_user_of_the_same_address_is_a_unique_violation() {
    let legacy = Legacy::sample().await;
    let store = legacy
        .open(&[
            (Create, legacy::CREATE),
            (ChangeEmail, legacy::CHANGE_EMAIL),
        ])
        .await
        .unwrap();
    let before = legacy.users().await;
    let error = refused(store.write(Create, &new_user("zoe@example.com")).await);
    assert!(matches!(error, Error::UniqueViolation(Create)));
    assert!(!error.to_string().contains("zoe"));
    let taken = Parameters::new()
        .with("identifier", "max@example.com")
        .with("new_email", "zoe@example.com")
        .with("email_verified", true);
    assert!(matches!(
        refused(store.write(ChangeEmail, &taken).await),
        Error::UniqueViolation(ChangeEmail)
    ));
    assert_eq!(legacy.users().await, before);
}

#[tokio::test]
async fn matched_rows_count_whether_or_not_they_change() {
    let legacy = Legacy::sample().await;
    let store = legacy
        .open(&[(VerifyEmail, legacy::VERIFY_EMAIL)])
        .await
        .unwrap();
    for (email, expected) in [
        ("zoe@example.com", 1),
        ("max@example.com", 1),
        ("nobody@example.com", 0),
    ] {
        for _ in 0..2 {
            assert_eq!(
                matched(&store, VerifyEmail, Parameters::new().with("email", email)).await,
                expected
            );
        }
    }
}

#[tokio::test]
async fn nothing_matched_after_something_matched_is_nothing() {
    let legacy = Legacy::sample().await;
    let store = legacy.open_narrow(&[(Delete, legacy::DELETE)]).await;
    assert_eq!(
        matched(&store, Delete, Parameters::new().with("user_id", "1")).await,
        1
    );
    assert_eq!(
        matched(&store, Delete, Parameters::new().with("user_id", "1")).await,
        0
    );
    assert_eq!(
        matched(
            &store,
            Delete,
            Parameters::new().with("user_id", "1 or 1=1")
        )
        .await,
        0
    );
}

#[tokio::test]
async fn a_truth_value_is_written_as_sqlite_writes_it() {
    let legacy = Legacy::sample().await;
    let store = legacy
        .open(&[(ChangeEmail, legacy::CHANGE_EMAIL)])
        .await
        .unwrap();
    let change = Parameters::new()
        .with("identifier", "zoe@example.com")
        .with("new_email", "zoe@example.org")
        .with("email_verified", false);
    assert_eq!(matched(&store, ChangeEmail, change).await, 1);
    let written = legacy.text("select email || ' ' || typeof(email_verified) || ' ' || email_verified from users where id = 1");
    assert_eq!(written.await, "zoe@example.org integer 0");
}

#[tokio::test]
async fn a_password_of_two_users_is_not_changed() {
    let legacy = Legacy::sample().await;
    let sql = "update users set password_hash = :password_hash where email like '%' || :identifier";
    let returning = "update users set password_hash = :password_hash where email like '%' || :identifier returning id";
    let before = legacy.users().await;
    for sql in [sql, returning] {
        let store = legacy.open_narrow(&[(ChangePassword, sql)]).await;
        let change = Parameters::new()
            .with("identifier", "@example.com")
            .with_password_hash(hash("$2b$04$new"));
        assert!(matches!(
            refused(store.write(ChangePassword, &change).await),
            Error::Ambiguous(ChangePassword)
        ));
        assert_eq!(legacy.users().await, before);
        // The connection that undid it is as good as new.
        let change = Parameters::new()
            .with("identifier", "zoe@example.com")
            .with_password_hash(hash(legacy::HASH));
        assert_eq!(matched(&store, ChangePassword, change).await, 1);
    }
}

#[tokio::test]
async fn a_change_through_a_view_counts() {
    let legacy = Legacy::sample().await;
    legacy
        .run(
            "create view people as select * from users;
             create trigger change instead of update on people begin
                update users set email_verified = new.email_verified where id = old.id;
             end;",
        )
        .await;
    let sql = "update people set email_verified = 1 where email = :email returning id";
    let store = legacy.open(&[(VerifyEmail, sql)]).await.unwrap();
    assert_eq!(
        matched(
            &store,
            VerifyEmail,
            Parameters::new().with("email", "max@example.com")
        )
        .await,
        1
    );
    assert_eq!(
        legacy
            .text("select email_verified || '' from users where id = 2")
            .await,
        "1"
    );
}

#[tokio::test]
async fn a_constraint_of_the_schema_is_named_by_its_kind() {
    let legacy = Legacy::with_schema(
        "create table teams (id integer primary key);
         create table users (email text not null, nickname text check (nickname <> 'root'), name text,
             username integer references teams, password_hash text);
         create trigger no_name before insert on users when new.name is not null begin
             select raise(abort, 'the trigger''s own text');
         end;",
    )
    .await;
    let sql = "insert into users values (:email, :nickname, :name, :username, :password_hash) returning email";
    let store = legacy.open_narrow(&[(Create, sql)]).await;
    for (parameters, kind) in [
        (new_user("a").with("email", Value::Null), "not null"),
        (new_user("a").with("nickname", "root"), "check"),
        (new_user("a").with("name", "A"), "trigger"),
        (new_user("a").with("username", 7), "foreign key"),
    ] {
        let error = refused(store.write(Create, &parameters).await);
        let Error::Constraint {
            statement: Create,
            constraint,
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(constraint, kind);
    }
    assert_eq!(matched(&store, Create, new_user("a")).await, 1);
}

#[tokio::test]
async fn a_constraint_that_is_checked_at_commit_is_answered_too() {
    let legacy = Legacy::with_schema(
        "create table teams (id integer primary key);
         create table users (email text, username integer references teams deferrable initially deferred, password_hash text);",
    )
    .await;
    let sql = "insert into users values (:email, :username, :password_hash) returning email";
    let store = legacy.open_narrow(&[(Create, sql)]).await;
    let error = refused(
        store
            .write(Create, &new_user("a").with("username", 7))
            .await,
    );
    assert!(
        matches!(
            error,
            Error::Constraint {
                statement: Create,
                constraint: "foreign key"
            }
        ),
        "{error}"
    );
    assert_eq!(legacy.text("select count(*) || '' from users").await, "0");
    assert_eq!(matched(&store, Create, new_user("a")).await, 1);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_back_is_not_written() {
    let legacy = Legacy::sample().await;
    let sql = "insert into users (email, password_hash) values (:email, :password_hash) returning cast(x'ff' as text) as id";
    let store = legacy.open(&[(Create, sql)]).await.unwrap();
    let before = legacy.users().await;
    assert!(matches!(
        refused(store.write(Create, &new_user("eve@example.com")).await),
        Error::Column { .. }
    ));
    assert_eq!(legacy.users().await, before);
}

#[tokio::test]
async fn a_read_is_not_run_as_a_write() {
    let legacy = Legacy::sample().await;
    let store = legacy.open(&[(Lookup, legacy::LOOKUP)]).await.unwrap();
    let error = refused(
        store
            .write(
                Lookup,
                &Parameters::new().with("identifier", "zoe@example.com"),
            )
            .await,
    );
    assert!(matches!(error, Error::WrongKind(Lookup)));
}
