use lychgate_store::StatementName::{Authenticate, ChangePassword, Create};
use lychgate_store::{Error, Parameters, Settings, Store};
use tokio::task::JoinSet;

use crate::legacy::{AUTHENTICATE, CHANGE_PASSWORD, CREATE, Legacy, hash};

async fn open(legacy: &Legacy) -> Store {
    let mut settings: Settings = legacy.settings(&[
        (Authenticate, AUTHENTICATE),
        (ChangePassword, CHANGE_PASSWORD),
        (Create, CREATE),
    ]);
    settings.wait = std::time::Duration::from_mins(1);
    settings.deadline = std::time::Duration::from_mins(1);
    Store::open(settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reads_and_writes_at_once_all_come_true() {
    many_reads_and_writes_at_once(Legacy::sample().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reads_and_writes_at_once_all_come_true_with_a_write_ahead_log() {
    let legacy = Legacy::sample().await;
    assert_eq!(legacy.text("pragma journal_mode = wal").await, "wal");
    many_reads_and_writes_at_once(legacy).await;
}

async fn many_reads_and_writes_at_once(legacy: Legacy) {
    let store = open(&legacy).await;
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            let email = format!("user{number}@example.com");
            let stored = format!("$2b$04${number}");
            let create = Parameters::new()
                .with("email", email.as_str())
                .with_password_hash(hash("$2b$04$first"));
            store.write(Create, &create).await.unwrap();
            let key = || Parameters::new().with("identifier", email.as_str());
            let changed = store
                .write(ChangePassword, &key().with_password_hash(hash(&stored)))
                .await
                .unwrap();
            assert_eq!(changed.matched, 1);
            for _ in 0..10 {
                let mut row = store.read(Authenticate, &key()).await.unwrap().unwrap();
                assert_eq!(row.take_password_hash().unwrap().expose_secret(), stored);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(
        legacy
            .text("select count(*) || '' from users where email like 'user%'")
            .await,
        "40"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_create_the_same_user_one_does() {
    let legacy = Legacy::sample().await;
    let store = open(&legacy).await;
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        tasks.spawn(async move {
            let create = Parameters::new()
                .with("email", "eve@example.com")
                .with_password_hash(hash("$2b$04$x"));
            match store.write(Create, &create).await {
                Ok(written) => written.matched,
                Err(Error::UniqueViolation(Create)) => 0,
                Err(other) => panic!("{other}"),
            }
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<u64>(), 1);
}
