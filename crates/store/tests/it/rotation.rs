//! Two users of the store, exchanged under load: prepare, switch, verify, retire, and nobody notices.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lychgate_store::StatementName::{Authenticate, ChangePassword, Lookup};
use lychgate_store::{Credential, Credentials, Parameters, Settings, StatementName, Store};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::legacy::{AUTHENTICATE, CHANGE_PASSWORD, HASH, LOOKUP, hash, refused};
use crate::world::{World, settings};

/// Makes of each function two tests.
macro_rules! on_every_server {
    ($($behaviour:ident),* $(,)?) => {
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $behaviour() {
                    super::$behaviour(super::Rotated::of(crate::world::World::postgres().await).await).await;
                }
            )*
        }
        mod mysql {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $behaviour() {
                    super::$behaviour(super::Rotated::of(crate::world::World::mysql().await).await).await;
                }
            )*
        }
    };
}

on_every_server!(
    two_users_are_rotated_twice_under_load_without_a_failure,
    a_user_that_is_refused_gives_way_to_the_other,
    a_wrong_new_password_keeps_the_old_one_and_says_so,
);

/// A database with two users, whose passwords stand in files.
struct Rotated {
    world: World,
    folder: TempDir,
    users: [String; 2],
}

impl Rotated {
    async fn of(world: World) -> Self {
        let (_, database) = world.url_text().rsplit_once('/').unwrap();
        let users = ["a", "b"].map(|user| format!("{user}_{database}"));
        let rotated = Self {
            folder: tempfile::tempdir().unwrap(),
            users: users.clone(),
            world,
        };
        for (place, user) in users.iter().enumerate() {
            rotated.write(place, "first");
            let made = match &rotated.world {
                World::Postgres(_) => format!(
                    "create role {user} login password 'first'; grant select, update on users to {user}"
                ),
                _ => format!(
                    "create user {user}@'%' identified by 'first'; grant select, update on users to {user}@'%'"
                ),
            };
            rotated.world.run(&made).await;
        }
        rotated
    }

    /// Changes the file of a user's password.
    fn write(&self, place: usize, password: &str) {
        let file = self.folder.path().join(&self.users[place]);
        std::fs::write(file, password).unwrap();
    }

    /// Changes a user's password in the database, and lets the user in.
    async fn prepare(&self, place: usize, password: &str) {
        let user = &self.users[place];
        let sql = match &self.world {
            World::Postgres(_) => format!("alter role {user} login password '{password}'"),
            _ => format!("alter user {user}@'%' identified by '{password}' account unlock"),
        };
        self.world.run(&sql).await;
    }

    /// Keeps a user out.
    async fn retire(&self, place: usize) {
        let user = &self.users[place];
        let sql = match &self.world {
            World::Postgres(_) => format!("alter role {user} nologin"),
            _ => format!("alter user {user}@'%' account lock"),
        };
        self.world.run(&sql).await;
    }

    /// How many connections a user has.
    async fn connections(&self, place: usize) -> u32 {
        let user = &self.users[place];
        let sql = match &self.world {
            World::Postgres(_) => {
                format!("select count(*)::text from pg_stat_activity where usename = '{user}'")
            }
            _ => format!(
                "select cast(count(*) as char) from information_schema.processlist where user = '{user}'"
            ),
        };
        self.world.text(&sql).await.parse().unwrap()
    }

    /// Cuts all of a user's connections.
    async fn cut(&self, place: usize) {
        let user = &self.users[place];
        let sql = match &self.world {
            World::Postgres(_) => format!(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = '{user}'"
            ),
            _ => format!("kill user '{user}'"),
        };
        self.world.run(&sql).await;
    }

    fn settings(&self) -> Settings {
        let statements: [(StatementName, &str); 3] = [
            (Authenticate, AUTHENTICATE),
            (Lookup, LOOKUP),
            (ChangePassword, CHANGE_PASSWORD),
        ];
        let (scheme, rest) = self.world.url_text().split_once("://").unwrap();
        let (_, address) = rest.split_once('@').unwrap();
        let url = format!("{scheme}://{address}");
        let mut settings = settings(url.parse().unwrap(), &statements);
        (settings.wait, settings.deadline) = (Duration::from_secs(20), Duration::from_secs(20));
        let (folder, users) = (self.folder.path().to_owned(), self.users.clone());
        settings.credentials = Some(Credentials::new(move || read(&folder, &users)));
        settings
    }

    /// Waits until something is so, at most half a minute.
    async fn until(&self, what: &str, is_so: impl AsyncFn(&Self) -> bool) {
        let until = Instant::now() + Duration::from_secs(30);
        while !is_so(self).await {
            assert!(Instant::now() < until, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn read(folder: &Path, users: &[String]) -> Result<Vec<Credential>, String> {
    let read = users.iter().map(|user| {
        let password = std::fs::read_to_string(folder.join(user));
        let password = password.map_err(|error| error.to_string())?;
        Ok(Credential::new(user.clone(), Some(password.into())))
    });
    read.collect()
}

fn zoe() -> Parameters {
    Parameters::new().with("identifier", "zoe@example.com")
}

/// Reads and writes without a pause until it is told to stop; how often, when all went well.
struct Load {
    tasks: JoinSet<()>,
    goes_on: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
}

impl Load {
    fn on(store: &Store) -> Self {
        let mut load = Self {
            tasks: JoinSet::new(),
            goes_on: Arc::new(AtomicBool::new(true)),
            done: Arc::default(),
        };
        for task in 0..6 {
            let (store, goes_on) = (store.clone(), Arc::clone(&load.goes_on));
            let done = Arc::clone(&load.done);
            load.tasks.spawn(async move {
                while goes_on.load(Ordering::Relaxed) {
                    let found = store.read(Authenticate, &zoe()).await.unwrap();
                    assert!(found.unwrap().take_password_hash().is_some());
                    if task == 0 {
                        let change = zoe().with_password_hash(hash(HASH));
                        let changed = store.write(ChangePassword, &change).await.unwrap();
                        assert_eq!(changed.matched, 1);
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        load
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    async fn stop(self) {
        self.goes_on.store(false, Ordering::Relaxed);
        self.tasks.join_all().await;
    }
}

async fn two_users_are_rotated_twice_under_load_without_a_failure(rotated: Rotated) {
    let store = Store::open(rotated.settings()).await.unwrap();
    let load = Load::on(&store);
    rotated
        .until("the first user is at work", async |rotated| {
            rotated.connections(0).await > 0 && load.done() > 0
        })
        .await;
    for (old, new, password) in [(0, 1, "second"), (1, 0, "third")] {
        rotated.prepare(new, password).await;
        rotated.write(new, password);
        rotated
            .until("the old user has no connection", async |rotated| {
                rotated.connections(new).await > 0 && rotated.connections(old).await == 0
            })
            .await;
        rotated.retire(old).await;
        let before = load.done();
        rotated
            .until("work goes on", async |_| load.done() > before + 20)
            .await;
    }
    load.stop().await;
    assert_eq!(rotated.connections(1).await, 0);
    assert!(!store.condition().has_faulty_credentials);
}

async fn a_user_that_is_refused_gives_way_to_the_other(rotated: Rotated) {
    let store = Store::open(rotated.settings()).await.unwrap();
    assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
    rotated.retire(0).await;
    rotated.cut(0).await;
    for _ in 0..10 {
        assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
        let change = zoe().with_password_hash(hash(HASH));
        let changed = store.write(ChangePassword, &change).await.unwrap();
        assert_eq!(changed.matched, 1);
    }
    assert!(rotated.connections(1).await > 0);
    // With both gone it is the store's refusal, and no name is said.
    rotated.retire(1).await;
    rotated.cut(1).await;
    let error = refused(store.read(Lookup, &zoe()).await).to_string();
    assert!(error.contains("refuses the user"), "{error}");
    assert!(!error.contains(&rotated.users[1]), "{error}");
}

async fn a_wrong_new_password_keeps_the_old_one_and_says_so(rotated: Rotated) {
    let store = Store::open(rotated.settings()).await.unwrap();
    for wrong in ["mistyped", ""] {
        rotated.write(0, wrong);
        rotated
            .until("the fault is noticed", async |_| {
                store.condition().has_faulty_credentials
            })
            .await;
        rotated.cut(0).await;
        for _ in 0..4 {
            assert!(store.read(Lookup, &zoe()).await.unwrap().is_some());
        }
        assert!(rotated.connections(0).await > 0, "by the old password");
        assert_eq!(rotated.connections(1).await, 0);
    }
    rotated.write(0, "first");
    rotated
        .until("the fault is mended", async |_| {
            !store.condition().has_faulty_credentials
        })
        .await;
}
