//! The file as it is met in a year of service: restarts, other programs, other keys, disks that are full or broken.

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

const KEY: &str = "0a1b2c3d";
const ADA: Pseudonym = [1; 16];
const GRACE: Pseudonym = [2; 16];

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    (folder, path)
}

fn login(pseudonym: Pseudonym, at: i64) -> Changes {
    let change = Change {
        login: Some(at),
        hit: Some(at),
        ..Change::default()
    };
    Changes {
        users: HashMap::from([(pseudonym, change)]),
        last_hit: Some(at),
        dropped: 0,
    }
}

async fn opened(path: &Path, now: i64) -> Ledger {
    Ledger::open(path, KEY, now).await.unwrap()
}

async fn refusal(path: &Path) -> LedgerError {
    match Ledger::open(path, KEY, 0).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

/// What another program does to the file.
async fn stranger(path: &Path) -> SqliteConnection {
    file::connect(path, true).await.unwrap()
}

#[tokio::test]
async fn what_is_written_is_read_back_by_another_while_it_is_written() {
    let (_folder, path) = folder();
    let mut ledger = opened(&path, 100).await;
    ledger.write(&login(ADA, 110), 120).await.unwrap();
    ledger.write(&login(ADA, 150), 160).await.unwrap();
    ledger.write(&login(GRACE, 170), 170).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!(
        contents.users[&ADA],
        Seen {
            first_login: Some(110),
            last_hit: 150
        }
    );
    assert_eq!(contents.users.len(), 2);
    let life = contents.life;
    assert_eq!(
        (life.started, life.alive, life.last_hit, life.running),
        (100, 170, Some(170), true)
    );
}

#[tokio::test]
async fn a_user_who_was_only_asked_for_has_not_logged_in_and_one_who_was_removed_is_forgotten() {
    let (_folder, path) = folder();
    let mut ledger = opened(&path, 0).await;
    let asked = Change {
        hit: Some(10),
        ..Change::default()
    };
    let changes = |change| Changes {
        users: HashMap::from([(ADA, change)]),
        ..Changes::default()
    };
    ledger.write(&changes(asked), 10).await.unwrap();
    ledger.write(&login(GRACE, 20), 20).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!(contents.users[&ADA].first_login, None);
    ledger.write(&login(ADA, 30), 30).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!(contents.users[&ADA].first_login, Some(30));
    let removed = Change {
        removed: true,
        ..Change::default()
    };
    ledger.write(&changes(removed), 40).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!(contents.users.keys().collect::<Vec<_>>(), [&GRACE]);
}

#[tokio::test]
async fn its_files_are_for_their_owner_only() {
    let (folder, path) = folder();
    std::fs::write(&path, b"").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut ledger = opened(&path, 0).await;
    ledger.write(&login(ADA, 1), 1).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 4, "database, lock, -wal and -shm");
    for file in files {
        let metadata = file.unwrap().metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_restart_in_good_form_leaves_no_gap_and_a_crash_does() {
    let (_folder, path) = folder();
    let ledger = opened(&path, 0).await;
    ledger.close(&login(ADA, 30), 60).await.unwrap();
    let ledger = opened(&path, 120).await;
    assert_eq!(ledger.life.losses.len(), 0);
    drop(ledger);
    let ledger = opened(&path, 180).await;
    let lost = ledger.life.losses.get(&Loss::Killed).copied();
    let expected = Lost {
        since: 120,
        until: 180,
        times: 1,
    };
    assert_eq!(lost, Some(expected));
    ledger.close(&Changes::default(), 200).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!(contents.life.losses.get(&Loss::Killed), Some(&expected));
    assert!(contents.users.contains_key(&ADA));
}

#[tokio::test]
async fn what_was_dropped_is_a_hole_for_ever() {
    let (_folder, path) = folder();
    let mut ledger = opened(&path, 0).await;
    let dropped = Changes {
        dropped: 3,
        ..Changes::default()
    };
    ledger.write(&dropped, 60).await.unwrap();
    ledger.write(&Changes::default(), 120).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert!(contents.life.losses.contains_key(&Loss::Dropped));
}

#[tokio::test]
async fn another_key_is_refused_with_the_mend() {
    let (_folder, path) = folder();
    opened(&path, 0)
        .await
        .close(&Changes::default(), 1)
        .await
        .unwrap();
    let writing = Ledger::open(&path, "ffffffff", 2).await.err().unwrap();
    let reading = Contents::read(&path, "ffffffff").await.err().unwrap();
    for error in [writing, reading] {
        assert!(!error.may_pass());
        let said = error.to_string();
        assert!(
            said.contains(KEY) && said.contains("put that key back"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn two_processes_do_not_write_one_ledger() {
    let (_folder, path) = folder();
    let ledger = opened(&path, 0).await;
    let error = refusal(&path).await;
    assert!(error.to_string().contains("another process"), "{error}");
    drop(ledger);
    opened(&path, 1).await;
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_left_as_it_is() {
    let (_folder, path) = folder();
    crate::create_sample(&path, &[]).await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert!(!error.may_pass() && error.to_string().contains("something else"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_ledger_of_another_version_is_refused() {
    let (_folder, path) = folder();
    opened(&path, 0)
        .await
        .close(&Changes::default(), 1)
        .await
        .unwrap();
    let mut other = stranger(&path).await;
    sqlx::raw_sql("pragma user_version = 2")
        .execute(&mut other)
        .await
        .unwrap();
    let error = refusal(&path).await;
    assert!(error.to_string().contains("another version"), "{error}");
}

#[tokio::test]
async fn what_is_locked_or_does_not_fit_on_the_disk_is_not_written_and_can_be_tried_again() {
    let (_folder, path) = folder();
    let mut ledger = opened(&path, 0).await;
    let mut other = stranger(&path).await;
    sqlx::raw_sql("begin immediate")
        .execute(&mut other)
        .await
        .unwrap();
    let error = ledger.write(&login(ADA, 10), 10).await.unwrap_err();
    assert!(
        error.may_pass() && error.to_string().contains("locked"),
        "{error}"
    );
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();

    // SQLite's own limit is what a full disk is to it.
    sqlx::raw_sql("pragma max_page_count = 1")
        .execute(&mut ledger.connection)
        .await
        .unwrap();
    let mut many = login(ADA, 20);
    for number in 0..2000_u16 {
        let mut pseudonym = [9; 16];
        pseudonym[..2].copy_from_slice(&number.to_be_bytes());
        many.users.insert(pseudonym, many.users[&ADA]);
    }
    let error = ledger.write(&many, 20).await.unwrap_err();
    assert!(
        error.may_pass() && error.to_string().contains("full"),
        "{error}"
    );
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!((contents.users.len(), contents.life.alive), (0, 0));

    sqlx::raw_sql("pragma max_page_count = 100000")
        .execute(&mut ledger.connection)
        .await
        .unwrap();
    ledger.write(&many, 30).await.unwrap();
    let contents = Contents::read(&path, KEY).await.unwrap();
    assert_eq!((contents.users.len(), contents.life.alive), (2001, 30));
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged_and_may_not_stop_anything_else() {
    let (_folder, path) = folder();
    std::fs::write(&path, [0x5a; 8192]).unwrap();
    let error = refusal(&path).await;
    assert!(
        error.may_pass() && error.to_string().contains("damaged"),
        "{error}"
    );
    let reading = Contents::read(&path, KEY).await.err().unwrap();
    assert!(reading.to_string().contains("damaged"), "{reading}");
}

#[tokio::test]
async fn where_no_ledger_is_the_reader_says_how_one_is_begun() {
    let (_folder, path) = folder();
    let error = Contents::read(&path, KEY).await.err().unwrap();
    assert!(error.to_string().contains("`[ledger]`"), "{error}");
    assert!(!path.exists());
}
