use std::time::Duration;

use lychgate_store::StatementName::{ChangePassword, Lookup, VerifyEmail};
use lychgate_store::{Error, Parameters, Store};

use crate::legacy::{CHANGE_PASSWORD, ENDLESS, LOOKUP, Legacy, hash, refused};

fn email(value: &str) -> Parameters {
    Parameters::new().with("email", value)
}

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

fn endless_read() -> String {
    format!("{ENDLESS} where :identifier is not null")
}

/// Reads users as usual, and for ever for the identifier `endless`.
fn lookup() -> String {
    format!(
        "select id, case when :identifier = 'endless' then ({ENDLESS}) end as x from users where :identifier in (email, 'endless')"
    )
}

/// Verifies an address, and takes for ever for the second user.
fn verify_email() -> String {
    format!(
        "update users set email_verified = case id when 2 then ({ENDLESS}) else 1 end where email = :email"
    )
}

#[tokio::test]
async fn a_read_past_its_deadline_is_stopped_and_its_connection_is_free() {
    let legacy = Legacy::sample().await;
    let store = legacy.open_narrow(&[(Lookup, &lookup())]).await;
    for _ in 0..2 {
        assert!(matches!(
            refused(store.read(Lookup, &identifier("endless")).await),
            Error::Timeout(Lookup)
        ));
        assert!(
            store
                .read(Lookup, &identifier("zoe@example.com"))
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_write_past_its_deadline_is_undone_and_its_connection_is_free() {
    let legacy = Legacy::sample().await;
    let store = legacy.open_narrow(&[(VerifyEmail, &verify_email())]).await;
    let before = legacy.users().await;
    for _ in 0..2 {
        assert!(matches!(
            refused(store.write(VerifyEmail, &email("max@example.com")).await),
            Error::Unavailable(_)
        ));
        assert_eq!(legacy.users().await, before);
        assert_eq!(
            store
                .write(VerifyEmail, &email("zoe@example.com"))
                .await
                .unwrap()
                .matched,
            1
        );
    }
}

/// A store whose one connection would be held for a minute by an endless statement that nobody stops.
async fn patient(legacy: &Legacy, settings: &[(lychgate_store::StatementName, &str)]) -> Store {
    let mut settings = legacy.settings(settings);
    settings.connections = 1;
    settings.wait = Duration::from_secs(20);
    settings.deadline = Duration::from_mins(1);
    Store::open(settings).await.unwrap()
}

#[tokio::test]
async fn a_caller_that_goes_away_stops_its_read() {
    let legacy = Legacy::sample().await;
    let store = patient(&legacy, &[(Lookup, &lookup())]).await;
    let parameters = identifier("endless");
    tokio::time::timeout(Duration::from_millis(100), store.read(Lookup, &parameters))
        .await
        .err()
        .unwrap();
    assert!(
        store
            .read(Lookup, &identifier("zoe@example.com"))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_undoes_its_write() {
    let legacy = Legacy::sample().await;
    let store = patient(&legacy, &[(VerifyEmail, &verify_email())]).await;
    let before = legacy.users().await;
    let parameters = email("max@example.com");
    tokio::time::timeout(
        Duration::from_millis(100),
        store.write(VerifyEmail, &parameters),
    )
    .await
    .err()
    .unwrap();
    assert_eq!(
        store
            .write(VerifyEmail, &email("zoe@example.com"))
            .await
            .unwrap()
            .matched,
        1
    );
    assert_eq!(legacy.users().await, before);
}

#[tokio::test]
async fn who_gets_no_connection_in_time_is_told_of_the_overload() {
    let legacy = Legacy::sample().await;
    let mut settings =
        legacy.settings(&[(Lookup, &endless_read()), (VerifyEmail, &verify_email())]);
    settings.connections = 1;
    settings.wait = Duration::from_millis(50);
    settings.deadline = Duration::from_secs(10);
    let store = Store::open(settings).await.unwrap();
    let (parameters, other) = (identifier("x"), email("zoe@example.com"));
    // The connection goes to whoever is polled first; it is held until that one is dropped.
    tokio::select! {
        biased;
        _ = store.read(Lookup, &parameters) => panic!("an endless statement ended"),
        refusals = async {
            tokio::task::yield_now().await;
            [refused(store.read(Lookup, &parameters).await), refused(store.write(VerifyEmail, &other).await)]
        } => {
            assert!(matches!(refusals, [Error::Overloaded, Error::Overloaded]), "{refusals:?}");
        }
    }
}

#[tokio::test]
async fn a_locked_store_is_unavailable_and_nothing_was_changed() {
    let legacy = Legacy::sample().await;
    let store = legacy
        .open_narrow(&[(Lookup, LOOKUP), (ChangePassword, CHANGE_PASSWORD)])
        .await;
    let before = legacy.users().await;
    let change = || identifier("zoe@example.com").with_password_hash(hash("$2b$04$new"));

    let mut stranger = legacy.stranger().await;
    sqlx::raw_sql("begin exclusive")
        .execute(&mut stranger)
        .await
        .unwrap();
    let locked = "the store is not available: it is locked by another program; nothing was changed";
    assert_eq!(
        refused(store.read(Lookup, &identifier("zoe@example.com")).await).to_string(),
        locked
    );
    assert_eq!(
        refused(store.write(ChangePassword, &change()).await).to_string(),
        locked
    );
    assert_eq!(refused(store.ping().await).to_string(), locked);
    sqlx::raw_sql("rollback")
        .execute(&mut stranger)
        .await
        .unwrap();

    assert_eq!(legacy.users().await, before);
    assert_eq!(
        store
            .write(ChangePassword, &change())
            .await
            .unwrap()
            .matched,
        1
    );
}

#[tokio::test]
async fn a_store_that_cannot_be_committed_to_is_unavailable_and_nothing_was_changed() {
    let legacy = Legacy::sample().await;
    let store = legacy
        .open_narrow(&[(ChangePassword, CHANGE_PASSWORD)])
        .await;
    let before = legacy.users().await;
    // Somebody who reads lets a write begin, but not end.
    let mut stranger = legacy.stranger().await;
    sqlx::raw_sql("begin; select * from users")
        .execute(&mut stranger)
        .await
        .unwrap();
    let change = identifier("zoe@example.com").with_password_hash(hash("$2b$04$new"));
    let error = refused(store.write(ChangePassword, &change).await);
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    sqlx::raw_sql("rollback")
        .execute(&mut stranger)
        .await
        .unwrap();
    assert_eq!(legacy.users().await, before);
    assert_eq!(
        store.write(ChangePassword, &change).await.unwrap().matched,
        1
    );
}
