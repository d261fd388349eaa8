//! Real database servers for the tests: on ports and in folders of their own, with TLS from a CA of the run.
//!
//! Tests learn of them by environment variables only. A server ends with this process, however this process ends.

mod certificates;
mod mariadb;
mod openldap;
mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod supervisor;

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use self::supervisor::Supervised;
use crate::command::is_root;

/// The servers of one run of the tests.
pub(crate) struct Servers {
    /// Before the folder, so that they are stopped when it goes.
    running: Vec<Supervised>,
    environment: Vec<(&'static str, String)>,
    _folder: Folder,
}

impl Servers {
    /// Starts each of them twice: one for all tests, and one that tests may kill, which then starts again.
    pub(crate) fn start() -> Result<Self> {
        eprintln!("starting PostgreSQL, PgBouncer, MariaDB and OpenLDAP for the tests");
        let folder = Folder::new()?;
        let certificates = certificates::make(&folder.0)?;
        let started = std::thread::scope(|scope| {
            let postgres = scope.spawn(|| postgres::start(&folder.0, &certificates));
            let openldap = scope.spawn(|| openldap::start(&folder.0, &certificates));
            let mariadb = mariadb::start(&folder.0, &certificates);
            (postgres.join(), mariadb, openldap.join())
        });
        let (Ok(postgres), mariadb, Ok(openldap)) = started else {
            anyhow::bail!("a thread that starts a server panicked");
        };
        let [postgres, mortal_postgres] = postgres?;
        let [mariadb, mortal_mariadb] = mariadb?;
        let pooler = pgbouncer::start(&folder.0, &postgres.url)?;
        let [openldap, mortal_openldap] = openldap?;
        let root = certificates.root.display().to_string();
        let environment = vec![
            ("LYCHGATE_TEST_CA", root),
            ("LYCHGATE_TEST_POSTGRES", postgres.url.clone()),
            ("LYCHGATE_TEST_POSTGRES_MORTAL", mortal_postgres.url.clone()),
            ("LYCHGATE_TEST_POSTGRES_PID", mortal_postgres.pid_file()),
            ("LYCHGATE_TEST_PGBOUNCER", pooler.url.clone()),
            ("LYCHGATE_TEST_MYSQL", mariadb.url.clone()),
            ("LYCHGATE_TEST_MYSQL_MORTAL", mortal_mariadb.url.clone()),
            ("LYCHGATE_TEST_MYSQL_PID", mortal_mariadb.pid_file()),
            ("LYCHGATE_TEST_LDAP", openldap.server.url.clone()),
            ("LYCHGATE_TEST_LDAPS", openldap.tls_url),
            ("LYCHGATE_TEST_LDAP_SOCKET", openldap.socket),
            (
                "LYCHGATE_TEST_LDAP_MORTAL",
                mortal_openldap.server.url.clone(),
            ),
            ("LYCHGATE_TEST_LDAP_PID", mortal_openldap.server.pid_file()),
        ];
        // The pooler first: it is stopped before what it stands in front of.
        let servers = [
            pooler,
            postgres,
            mortal_postgres,
            mariadb,
            mortal_mariadb,
            openldap.server,
            mortal_openldap.server,
        ];
        Ok(Self {
            running: servers.into_iter().map(|server| server.process).collect(),
            environment,
            _folder: folder,
        })
    }

    /// What tests find the servers by.
    pub(crate) fn environment(&self) -> Vec<(&str, &str)> {
        let variables = self.environment.iter();
        variables
            .map(|(name, value)| (*name, value.as_str()))
            .collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.running {
            server.stop();
        }
    }
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) process: Supervised,
    pub(crate) url: String,
    folder: PathBuf,
}

impl Server {
    /// The file with the number of its process in the first line.
    fn pid_file(&self) -> String {
        self.folder.join("server.pid").display().to_string()
    }
}

/// A folder that others may enter, since servers refuse to run as root, and that goes with its owner.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("lychgate-servers-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it lies in the folder for temporary files, where it harms nobody.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The way to run a program as a server's own user, where we are root.
fn as_user(user: &str) -> Vec<String> {
    if !is_root() {
        return Vec::new();
    }
    let arguments = ["setpriv", "--clear-groups"].map(str::to_owned);
    let identity = [format!("--reuid={user}"), format!("--regid={user}")];
    arguments.into_iter().chain(identity).collect()
}

/// Gives a folder, with all that is in it, to a server's own user, where we are root.
fn give(folder: &Path, user: &str) -> Result<()> {
    if is_root() {
        let folder = folder.display().to_string();
        crate::command::quietly("chown", &["-R", &format!("{user}:"), &folder])?;
    }
    Ok(())
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
