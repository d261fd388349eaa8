//! Stores that have run out of something: of connections, of room on their disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lychgate_store::StatementName::{Create, Lookup};
use lychgate_store::{Error, Parameters, Settings, Store, StoreUrl};
use tokio::task::JoinSet;

use crate::legacy::{LOOKUP, Legacy, hash, refused};
use crate::world::{World, settings};

fn identifier(value: &str) -> Parameters {
    Parameters::new().with("identifier", value)
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_has_no_connection_left_and_those_who_have_one_go_on() {
    let world = World::postgres().await;
    let (_, database) = world.url_text().rsplit_once('/').unwrap();
    let user = format!("few_{database}");
    world
        .run(&format!(
            "create role {user} login password 'few' connection limit 2; grant select on users to {user}"
        ))
        .await;
    let url = world
        .url_text()
        .replace("postgres@", &format!("{user}:few@"));
    let asleep = format!(
        "select count(*)::text from pg_stat_activity where usename = '{user}' and wait_event = 'PgSleep'"
    );
    has_no_connection_left(&world, &url, &asleep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_has_no_connection_left_and_those_who_have_one_go_on() {
    let world = World::mysql().await;
    let (_, database) = world.url_text().rsplit_once('/').unwrap();
    let user = format!("few_{database}");
    world
        .run(&format!(
            "create user {user}@'%' identified by 'few' with max_user_connections 2; grant select on users to {user}@'%'"
        ))
        .await;
    let url = world.url_text().replace("root@", &format!("{user}:few@"));
    let asleep = format!(
        "select cast(count(*) as char) from information_schema.processlist where user = '{user}' and state = 'User sleep'"
    );
    has_no_connection_left(&world, &url, &asleep).await;
}

/// Of three who ask, two are answered as usual. The query tells how many of them are being answered: who comes while
/// another's connection is made is not told from who is one too many, by PostgreSQL.
async fn has_no_connection_left(world: &World, url: &str, asleep: &str) {
    let endless = world.endless();
    let slow = format!(
        "select id from users where email = :identifier and (email <> 'max@example.com' or {endless})"
    );
    let mut settings = settings(url.parse().unwrap(), &[(Lookup, &slow)]);
    settings.connections = 3;
    (settings.wait, settings.deadline) = (Duration::from_secs(20), Duration::from_secs(10));
    let store = Store::open(settings).await.unwrap();
    let mut reads = JoinSet::new();
    for before in 0..3 {
        while world.text(asleep).await != before.to_string() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let store = store.clone();
        reads.spawn(async move { store.read(Lookup, &identifier("max@example.com")).await });
    }
    let (mut late, mut left) = (0, 0);
    for read in reads.join_all().await {
        match refused(read) {
            Error::Timeout(Lookup) => late += 1,
            Error::Unavailable("it has no connection left for us") => left += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((late, left), (2, 1));
    let until = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.read(Lookup, &identifier("zoe@example.com")).await {
        assert!(Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A disk of a few MiB, which only root can have.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Of so many KiB, for this user of the system.
    fn new(name: &str, kibibytes: u32, user: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("lychgate-{name}-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let size = format!("size={kibibytes}k");
        let mount = ["-t", "tmpfs", "-o", &size, "tmpfs", path(&folder)];
        let is_mounted = Command::new("mount").args(mount).status();
        if !is_mounted.is_ok_and(|status| status.success()) {
            std::fs::remove_dir(&folder).unwrap();
            eprintln!("not tested: what a full disk does; only root may mount a small one");
            return None;
        }
        let disk = Self(folder);
        std::fs::create_dir(disk.0.join("data")).unwrap();
        let own = [user, path(&disk.0), &disk.data()].map(str::to_owned);
        assert!(Command::new("chown").args(own).status().unwrap().success());
        Some(disk)
    }

    fn data(&self) -> String {
        self.0.join("data").display().to_string()
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let block = [7; 4096];
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        while std::io::Write::write_all(&mut filler, &block).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = Command::new("umount").args(["-l", path(&self.0)]).status();
        if unmount.is_ok_and(|status| status.success()) {
            drop(std::fs::remove_dir(&self.0));
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A user whose note takes more room than a page that is there already may have.
fn big_user(email: &str) -> Parameters {
    let numbers = (0..60_000u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let numbers: Vec<_> = numbers.map(|number| format!("{number:x}")).collect();
    let note = numbers.concat();
    Parameters::new()
        .with("email", email)
        .with("name", note.get(..400_000).unwrap())
        .with_password_hash(hash("$2b$04$x"))
}

const CREATE: &str =
    "insert into users (email, note, password_hash) values (:email, :name, :password_hash)";

/// A write that finds no room is not done, whatever reads go on; with room it is.
async fn a_full_disk_changes_nothing(disk: &SmallDisk, world: &World) {
    let settings = Settings {
        deadline: Duration::from_secs(30),
        ..world.settings(&[(Create, CREATE), (Lookup, LOOKUP)])
    };
    let store = Store::open(settings).await.unwrap();
    let before = world.users().await;
    disk.fill();
    for _ in 0..2 {
        let error = refused(store.write(Create, &big_user("big@example.com")).await);
        assert!(
            matches!(error, Error::Unavailable("its disk or memory is full")),
            "{error}"
        );
        let found = store.read(Lookup, &identifier("zoe@example.com")).await;
        assert!(found.unwrap().is_some());
    }
    assert_eq!(world.users().await, before);
    disk.empty();
    let written = store.write(Create, &big_user("big@example.com")).await;
    assert_eq!(written.unwrap().matched, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_postgres_is_unavailable_and_nothing_was_changed() {
    let world = World::postgres().await;
    let Some(disk) = SmallDisk::new("postgres", 4096, "postgres") else {
        return;
    };
    let (_, database) = world.url_text().rsplit_once('/').unwrap();
    let place = format!(
        "create tablespace full_{database} location '{}'",
        disk.data()
    );
    world.run(&place).await;
    let moved = format!(
        "alter table users add note text; alter table users alter note set storage external;
         alter table users set tablespace full_{database}"
    );
    world.run(&moved).await;
    a_full_disk_changes_nothing(&disk, &world).await;
    world.run("drop table users").await;
    world.run(&format!("drop tablespace full_{database}")).await;
}

/// Of a disk that is full the server dies, and what it was at is unknown; of a table that may not grow it tells.
#[tokio::test]
async fn a_full_table_of_mariadb_is_unavailable_and_nothing_was_changed() {
    let world = World::mysql().await;
    world
        .run(
            "set max_heap_table_size = 16384; drop table users; create table users (id integer auto_increment primary key, \
             email varchar(100), email_verified boolean, nickname varchar(20), blocked boolean, password_hash varchar(100), \
             note varchar(1000)) engine = memory; insert into users (email) values ('zoe@example.com')",
        )
        .await;
    let store = world.open(&[(Create, CREATE), (Lookup, LOOKUP)]).await;
    let store = store.unwrap();
    let user = |number: usize| {
        Parameters::new()
            .with("email", format!("{number}@example.com"))
            .with_password_hash(hash("$2b$04$x"))
    };
    let (mut before, mut number) = (world.users().await, 0);
    let error = loop {
        match store.write(Create, &user(number)).await {
            Ok(written) => assert_eq!(written.matched, 1),
            Err(error) => break error,
        }
        (before, number) = (world.users().await, number + 1);
        assert!(number < 10_000, "it is never full");
    };
    assert!(
        matches!(error, Error::Unavailable("its disk or memory is full")),
        "{error}"
    );
    assert_eq!(world.users().await, before);
    let found = store.read(Lookup, &identifier("zoe@example.com")).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_a_file_is_unavailable_and_nothing_was_changed() {
    let Some(disk) = SmallDisk::new("sqlite", 2048, "root") else {
        return;
    };
    let legacy = Legacy::sample().await;
    legacy.run("alter table users add note text; vacuum").await;
    let file = disk.0.join("users.db");
    std::fs::copy(&legacy.file, &file).unwrap();
    let url = StoreUrl::sqlite(&file);
    let store = Store::open(settings(url, &[(Create, CREATE), (Lookup, LOOKUP)])).await;
    let store = store.unwrap();
    disk.fill();
    let error = refused(store.write(Create, &big_user("big@example.com")).await);
    assert!(
        matches!(error, Error::Unavailable("its disk failed or is full")),
        "{error}"
    );
    let nobody = store.read(Lookup, &identifier("big@example.com")).await;
    assert!(nobody.unwrap().is_none());
    let found = store.read(Lookup, &identifier("zoe@example.com")).await;
    assert!(found.unwrap().is_some());
    disk.empty();
    let written = store.write(Create, &big_user("big@example.com")).await;
    assert_eq!(written.unwrap().matched, 1);
}
