//! What must hold whatever the database: one set of tests, run on each kind of store.

use std::time::Duration;

use lychgate_store::StatementName::{
    Authenticate, ChangeEmail, ChangePassword, Create, Delete, Lookup, UpgradePassword, VerifyEmail,
};
use lychgate_store::{Error, Parameters, StatementName, Store, Value};
use tokio::task::JoinSet;

use crate::legacy::{
    AUTHENTICATE, CHANGE_EMAIL, CHANGE_PASSWORD, CREATE, DELETE, HASH, LOOKUP, VERIFY_EMAIL, hash,
    refused,
};
use crate::world::World;

/// Makes of each function three tests.
macro_rules! on_every_store {
    ($($behaviour:ident),* $(,)?) => {
        on_every_store!(@of sqlite: $($behaviour),*);
        on_every_store!(@of postgres: $($behaviour),*);
        on_every_store!(@of mysql: $($behaviour),*);
    };
    (@of $store:ident: $($behaviour:ident),*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $behaviour() {
                    super::$behaviour(crate::world::World::$store().await).await;
                }
            )*
        }
    };
}

on_every_store!(
    a_user_is_found_with_the_hash_apart,
    nobody_is_found_for_what_nobody_is_called,
    an_identifier_is_a_value_and_nothing_else,
    a_name_used_twice_is_one_value,
    a_created_user_comes_back_and_is_there,
    a_second_user_of_the_same_address_is_a_unique_violation,
    of_many_who_create_the_same_user_one_does,
    matched_rows_count_whether_or_not_they_change,
    an_id_that_is_none_deletes_nobody,
    a_truth_value_is_written,
    a_password_of_two_users_is_not_changed,
    a_hash_is_rewritten_only_while_it_is_the_old_one_to_the_letter,
    of_many_upgrades_of_one_hash_one_comes_true,
    a_key_of_two_users_is_ambiguous,
    a_constraint_of_the_schema_changes_nothing,
    many_reads_and_writes_at_once_all_come_true,
    what_does_not_fit_its_operation_is_refused_at_start,
    every_flaw_is_named_at_once,
    a_create_that_returns_nothing_needs_a_lookup,
    a_slow_read_is_stopped_and_its_connection_is_free,
    a_slow_write_is_undone_and_its_connection_is_free,
    a_caller_that_goes_away_frees_its_connection,
    who_gets_no_connection_in_time_is_told_of_the_overload,
    a_table_that_is_gone_fails_without_the_values,
    it_answers_a_ping_and_says_where_it_is,
);

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

fn new_user(email: &str) -> Parameters {
    Parameters::new()
        .with("email", email)
        .with_password_hash(hash("$2b$04$new"))
}

async fn matched(store: &Store, name: StatementName, parameters: Parameters) -> u64 {
    store.write(name, &parameters).await.unwrap().matched
}

/// Databases without truth values have 0 and 1.
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Boolean(true) | Value::Integer(1)) => true,
        Some(Value::Boolean(false) | Value::Integer(0)) => false,
        other => panic!("{other:?} is no truth value"),
    }
}

async fn a_user_is_found_with_the_hash_apart(world: World) {
    let store = world.open(&[(Authenticate, AUTHENTICATE)]).await.unwrap();
    let found = store
        .read(Authenticate, &identifier("zoe@example.com"))
        .await;
    let mut row = found.unwrap().unwrap();
    assert_eq!(row.take_password_hash().unwrap().expose_secret(), HASH);
    assert_eq!(row.get("id"), Some(&Value::Integer(1)));
    assert_eq!(row.get("nickname"), Some(&Value::from("Zoë")));
    assert!(is_true(row.get("email_verified")));
    assert!(!is_true(row.get("blocked")));
    assert_eq!(row.into_columns().len(), 5);

    let found = store
        .read(Authenticate, &identifier("max@example.com"))
        .await;
    let mut row = found.unwrap().unwrap();
    assert!(row.take_password_hash().is_none());
    assert_eq!(row.get("nickname"), Some(&Value::Null));
    assert!(is_true(row.get("blocked")));
}

async fn nobody_is_found_for_what_nobody_is_called(world: World) {
    let store = world.open(&[(Lookup, LOOKUP)]).await.unwrap();
    for unknown in ["nobody@example.com", "", "1", "Zoë"] {
        let found = store.read(Lookup, &identifier(unknown)).await.unwrap();
        assert!(found.is_none(), "{unknown:?}");
    }
}

async fn an_identifier_is_a_value_and_nothing_else(world: World) {
    let store = world
        .open(&[(Lookup, LOOKUP), (Create, CREATE)])
        .await
        .unwrap();
    for hostile in [
        "' or ''='",
        "\\' or 1=1 -- ",
        "zoe@example.com\\",
        "x'; drop table users; --",
        ":identifier",
        "$1 ? ?1 @x",
        "%",
        "/*",
        "\u{1f9d9}\u{200d}\u{2642}\u{fe0f}",
    ] {
        assert!(
            store
                .read(Lookup, &identifier(hostile))
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(
            matched(&store, Create, new_user(hostile)).await,
            1,
            "{hostile}"
        );
        let row = store
            .read(Lookup, &identifier(hostile))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.get("email"), Some(&Value::from(hostile)));
    }
}

async fn a_name_used_twice_is_one_value(world: World) {
    let sql = "select id from users where email = :identifier or nickname = :identifier";
    let store = world.open(&[(Lookup, sql)]).await.unwrap();
    for key in ["zoe@example.com", "Zoë"] {
        let row = store.read(Lookup, &identifier(key)).await.unwrap().unwrap();
        assert_eq!(row.get("id"), Some(&Value::Integer(1)));
    }
}

async fn a_created_user_comes_back_and_is_there(world: World) {
    let statements = [(Create, CREATE), (Lookup, LOOKUP)];
    let store = world.open(&statements).await.unwrap();
    let eve = new_user("eve@example.com").with("nickname", "Eve");
    let written = store.write(Create, &eve).await.unwrap();
    assert_eq!(written.matched, 1);
    // MariaDB does not tell which columns a `returning` has.
    let row = match world {
        World::Sqlite(_) | World::Postgres(_) => written.row.unwrap(),
        World::Mysql(_) => {
            assert!(written.row.is_none());
            let found = store.read(Lookup, &identifier("eve@example.com")).await;
            found.unwrap().unwrap()
        }
    };
    assert_eq!(row.get("email"), Some(&Value::from("eve@example.com")));
    assert!(matches!(row.get("id"), Some(Value::Integer(3..))));
    assert!(world.users().await.contains("|eve@example.com|"));
}

async fn a_second_user_of_the_same_address_is_a_unique_violation(world: World) {
    let statements = [
        (Create, CREATE),
        (Lookup, LOOKUP),
        (ChangeEmail, CHANGE_EMAIL),
    ];
    let store = world.open_narrow(&statements).await;
    let before = world.users().await;
    let error = refused(store.write(Create, &new_user("zoe@example.com")).await);
    assert!(matches!(error, Error::UniqueViolation(Create)), "{error}");
    let taken = identifier("max@example.com")
        .with("new_email", "zoe@example.com")
        .with("email_verified", true);
    let error = refused(store.write(ChangeEmail, &taken).await);
    assert!(
        matches!(error, Error::UniqueViolation(ChangeEmail)),
        "{error}"
    );
    assert_eq!(world.users().await, before);
}

async fn of_many_who_create_the_same_user_one_does(world: World) {
    let mut settings = world.settings(&[(Create, CREATE), (Lookup, LOOKUP)]);
    (settings.wait, settings.deadline) = (Duration::from_mins(1), Duration::from_mins(1));
    let store = Store::open(settings).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move {
            match store.write(Create, &new_user("eve@example.com")).await {
                Ok(written) => written.matched,
                Err(Error::UniqueViolation(Create)) => 0,
                Err(other) => panic!("{other}"),
            }
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u64>(), 1);
}

async fn matched_rows_count_whether_or_not_they_change(world: World) {
    let sql = match world {
        World::Sqlite(_) => VERIFY_EMAIL,
        World::Postgres(_) | World::Mysql(_) => {
            "update users set email_verified = true where email = :email"
        }
    };
    let store = world.open(&[(VerifyEmail, sql)]).await.unwrap();
    for (email, expected) in [
        ("zoe@example.com", 1),
        ("max@example.com", 1),
        ("nobody@example.com", 0),
    ] {
        for _ in 0..2 {
            let parameters = Parameters::new().with("email", email);
            assert_eq!(matched(&store, VerifyEmail, parameters).await, expected);
        }
    }
}

async fn an_id_that_is_none_deletes_nobody(world: World) {
    let store = world.open_narrow(&[(Delete, DELETE)]).await;
    let before = world.users().await;
    for id in [
        "1 or 1=1",
        "x",
        "",
        "7",
        "99999999999999999999",
        "9223372036854775808",
    ] {
        let parameters = Parameters::new().with("user_id", id);
        assert_eq!(matched(&store, Delete, parameters).await, 0, "{id}");
        assert_eq!(world.users().await, before, "{id}");
    }
    for expected in [1, 0] {
        let parameters = Parameters::new().with("user_id", "1");
        assert_eq!(matched(&store, Delete, parameters).await, expected);
    }
}

async fn a_truth_value_is_written(world: World) {
    let statements = [(ChangeEmail, CHANGE_EMAIL), (Lookup, LOOKUP)];
    let store = world.open(&statements).await.unwrap();
    for verified in [false, true] {
        let change = identifier("zoe@example.com")
            .with("new_email", "zoe@example.com")
            .with("email_verified", verified);
        assert_eq!(matched(&store, ChangeEmail, change).await, 1);
        let row = store.read(Lookup, &identifier("zoe@example.com")).await;
        assert_eq!(
            is_true(row.unwrap().unwrap().get("email_verified")),
            verified
        );
    }
}

async fn a_password_of_two_users_is_not_changed(world: World) {
    let sql =
        "update users set password_hash = :password_hash where email like concat('%', :identifier)";
    let sql = match world {
        World::Postgres(_) => sql.replace(":identifier", "cast(:identifier as text)"),
        World::Sqlite(_) | World::Mysql(_) => sql.to_owned(),
    };
    let before = world.users().await;
    let store = world.open_narrow(&[(ChangePassword, &sql)]).await;
    let change = identifier("@example.com").with_password_hash(hash("$2b$04$new"));
    let error = refused(store.write(ChangePassword, &change).await);
    assert!(matches!(error, Error::Ambiguous(ChangePassword)), "{error}");
    assert_eq!(world.users().await, before);
    let change = identifier("zoe@example.com").with_password_hash(hash(HASH));
    assert_eq!(matched(&store, ChangePassword, change).await, 1);
}

const UPGRADE_PASSWORD: &str = "update users set password_hash = :password_hash \
                                where email = :identifier and password_hash = :old_hash";

/// MySQL compares text by its collation, which knows no space at the end; bytes it compares as they are.
async fn upgrading(world: &World) -> Store {
    let exact = match world {
        World::Mysql(_) => UPGRADE_PASSWORD.replace(":old_hash", "binary :old_hash"),
        World::Sqlite(_) | World::Postgres(_) => UPGRADE_PASSWORD.to_owned(),
    };
    world.open(&[(UpgradePassword, &exact)]).await.unwrap()
}

fn upgrade(old: &str, new: &str) -> Parameters {
    identifier("zoe@example.com")
        .with_old_hash(hash(old))
        .with_password_hash(hash(new))
}

async fn a_hash_is_rewritten_only_while_it_is_the_old_one_to_the_letter(world: World) {
    let store = upgrading(&world).await;
    for other in [HASH.to_uppercase(), format!("{HASH} "), "new".to_owned()] {
        let written = upgrade(&other, "$argon2id$other");
        assert_eq!(matched(&store, UpgradePassword, written).await, 0);
    }
    let written = upgrade(HASH, "$argon2id$new");
    assert_eq!(matched(&store, UpgradePassword, written).await, 1);
    let again = upgrade(HASH, "$argon2id$late");
    assert_eq!(matched(&store, UpgradePassword, again).await, 0);
    assert!(world.users().await.contains("$argon2id$new"));
}

async fn of_many_upgrades_of_one_hash_one_comes_true(world: World) {
    let store = upgrading(&world).await;
    let mut upgrades = JoinSet::new();
    for number in 0..6 {
        let store = store.clone();
        upgrades.spawn(async move {
            let written = upgrade(HASH, &format!("$argon2id${number}"));
            matched(&store, UpgradePassword, written).await
        });
    }
    let matched = upgrades.join_all().await;
    assert_eq!(matched.iter().sum::<u64>(), 1, "{matched:?}");
}

async fn a_key_of_two_users_is_ambiguous(world: World) {
    let sql = "select id from users where email <> :identifier";
    let store = world.open_narrow(&[(Lookup, sql)]).await;
    for _ in 0..2 {
        let error = refused(store.read(Lookup, &identifier("@example.com")).await);
        assert!(matches!(error, Error::Ambiguous(Lookup)), "{error}");
    }
    let found = store.read(Lookup, &identifier("zoe@example.com")).await;
    assert_eq!(found.unwrap().unwrap().get("id"), Some(&Value::Integer(2)));
}

async fn a_constraint_of_the_schema_changes_nothing(world: World) {
    let store = world
        .open_narrow(&[(Create, CREATE), (Lookup, LOOKUP)])
        .await;
    let before = world.users().await;
    let error = refused(
        store
            .write(Create, &new_user("a").with("email", Value::Null))
            .await,
    );
    let kind = "not null";
    assert!(
        matches!(error, Error::Constraint { constraint, .. } if constraint == kind),
        "{error}"
    );
    assert_eq!(world.users().await, before);
    assert_eq!(matched(&store, Create, new_user("a")).await, 1);
}

async fn many_reads_and_writes_at_once_all_come_true(world: World) {
    let mut settings = world.settings(&[
        (Authenticate, AUTHENTICATE),
        (ChangePassword, CHANGE_PASSWORD),
        (Create, CREATE),
        (Lookup, LOOKUP),
    ]);
    (settings.wait, settings.deadline) = (Duration::from_mins(1), Duration::from_mins(1));
    let store = Store::open(settings).await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let store = store.clone();
        tasks.spawn(async move {
            let email = format!("user{number}@example.com");
            let stored = format!("$2b$04${number}");
            store.write(Create, &new_user(&email)).await.unwrap();
            let change = identifier(&email).with_password_hash(hash(&stored));
            assert_eq!(matched(&store, ChangePassword, change).await, 1);
            for _ in 0..10 {
                let found = store.read(Authenticate, &identifier(&email)).await;
                let hash = found.unwrap().unwrap().take_password_hash().unwrap();
                assert_eq!(hash.expose_secret(), stored);
            }
        });
    }
    tasks.join_all().await;
}

async fn what_does_not_fit_its_operation_is_refused_at_start(world: World) {
    for (name, sql, reason) in [
        (
            Lookup,
            "select id from nowhere where email = :identifier",
            "does not accept it",
        ),
        (
            Lookup,
            "select nothing from users where email = :identifier",
            "does not accept it",
        ),
        (
            Lookup,
            "select id from users where email = :identifier; select 1",
            "more after the `;`",
        ),
        (
            Lookup,
            "select id from users where email = :email",
            "unknown parameter `:email`",
        ),
        (Lookup, "select id from users", "does not use `:identifier`"),
        (
            Lookup,
            "select * from users where email = :identifier",
            "returns `*`",
        ),
        (
            Lookup,
            "update users set blocked = blocked where email = :identifier",
            "must only read",
        ),
        (
            Lookup,
            "select id, id from users where email = :identifier",
            "two columns named `id`",
        ),
        (Lookup, AUTHENTICATE, "which only `authenticate` may"),
        (Authenticate, LOOKUP, "does not return `password_hash`"),
        (
            Delete,
            "select id from users where id = :user_id",
            "must write",
        ),
        (
            Delete,
            "with x as (select id from users where id = :user_id) select id from x",
            "must write",
        ),
    ] {
        let error = refused(world.open(&[(name, sql)]).await).to_string();
        assert!(error.contains(reason), "{sql}: {error}");
    }
}

async fn every_flaw_is_named_at_once(world: World) {
    let statements = [(Lookup, "select"), (Delete, DELETE), (Authenticate, LOOKUP)];
    let error = refused(world.open(&statements).await);
    let Error::Statements(flaws) = error else {
        panic!("{error}")
    };
    let names: Vec<_> = flaws.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [Authenticate, Lookup]);
}

async fn a_create_that_returns_nothing_needs_a_lookup(world: World) {
    let sql = "insert into users (email, password_hash) values (:email, :password_hash)";
    let error = refused(world.open(&[(Create, sql)]).await).to_string();
    assert!(error.contains("no `returning`"), "{error}");
    let store = world
        .open(&[(Create, sql), (Lookup, LOOKUP)])
        .await
        .unwrap();
    let written = store
        .write(Create, &new_user("eve@example.com"))
        .await
        .unwrap();
    assert!(written.row.is_none() && written.matched == 1);
    let found = store.read(Lookup, &identifier("eve@example.com")).await;
    assert!(found.unwrap().is_some());
}

/// Finds users as usual, and takes for ever for the second.
fn slow_lookup(world: &World) -> String {
    format!(
        "select id from users where email = :identifier and (id = 1 or {})",
        world.endless()
    )
}

async fn a_slow_read_is_stopped_and_its_connection_is_free(world: World) {
    let sql = slow_lookup(&world);
    let store = world.open_narrow(&[(Lookup, &sql)]).await;
    for _ in 0..2 {
        let error = refused(store.read(Lookup, &identifier("max@example.com")).await);
        assert!(matches!(error, Error::Timeout(Lookup)), "{error}");
        let found = store.read(Lookup, &identifier("zoe@example.com")).await;
        assert!(found.unwrap().is_some());
    }
}

async fn a_slow_write_is_undone_and_its_connection_is_free(world: World) {
    let sql = format!(
        "update users set nickname = 'slow' where email = :email and (id = 1 or {})",
        world.endless()
    );
    let store = world.open_narrow(&[(VerifyEmail, &sql)]).await;
    let before = world.users().await;
    for _ in 0..2 {
        let slow = Parameters::new().with("email", "max@example.com");
        let error = refused(store.write(VerifyEmail, &slow).await);
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert_eq!(world.users().await, before);
    }
    let quick = Parameters::new().with("email", "zoe@example.com");
    assert_eq!(matched(&store, VerifyEmail, quick).await, 1);
}

async fn a_caller_that_goes_away_frees_its_connection(world: World) {
    let sql = slow_lookup(&world);
    let mut settings = world.settings(&[(Lookup, &sql)]);
    settings.connections = 1;
    (settings.wait, settings.deadline) = (Duration::from_secs(20), Duration::from_mins(1));
    let store = Store::open(settings).await.unwrap();
    let slow = identifier("max@example.com");
    let impatient = tokio::time::timeout(Duration::from_millis(100), store.read(Lookup, &slow));
    assert!(impatient.await.is_err());
    let found = store.read(Lookup, &identifier("zoe@example.com")).await;
    assert!(found.unwrap().is_some());
}

async fn who_gets_no_connection_in_time_is_told_of_the_overload(world: World) {
    let sql = slow_lookup(&world);
    let mut settings = world.settings(&[(Lookup, &sql), (Delete, DELETE)]);
    settings.connections = 1;
    (settings.wait, settings.deadline) = (Duration::from_millis(200), Duration::from_secs(10));
    let store = Store::open(settings).await.unwrap();
    let (slow, delete) = (
        identifier("max@example.com"),
        Parameters::new().with("user_id", "7"),
    );
    // The connection goes to whoever is polled first; it is held until that one is dropped.
    tokio::select! {
        biased;
        _ = store.read(Lookup, &slow) => panic!("an endless statement ended"),
        refusals = async {
            tokio::task::yield_now().await;
            [refused(store.read(Lookup, &slow).await), refused(store.write(Delete, &delete).await)]
        } => {
            assert!(matches!(refusals, [Error::Overloaded, Error::Overloaded]), "{refusals:?}");
        }
    }
}

async fn a_table_that_is_gone_fails_without_the_values(world: World) {
    let store = world.open(&[(Lookup, LOOKUP)]).await.unwrap();
    world.run("drop table users").await;
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

async fn it_answers_a_ping_and_says_where_it_is(world: World) {
    let store = world.open(&[(Lookup, LOOKUP)]).await.unwrap();
    store.ping().await.unwrap();
    let kind = match world {
        World::Sqlite(_) => "sqlite:/",
        World::Postgres(_) => "postgres://localhost:",
        World::Mysql(_) => "mysql://localhost:",
    };
    assert!(store.place().starts_with(kind), "{}", store.place());
}
