//! The door to the legacy store, whatever kind it is.
//! A store that is open has proved each of its statements; a caller can only choose among them and give values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lychgate_password::Password;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::ldap::{LdapSettings, LdapStore};
use crate::mysql::Mysql;
use crate::parameters::Parameters;
use crate::postgres::{Postgres, PostgresStore};
use crate::privilege::Excess;
use crate::row::{Row, Written};
use crate::server::{Condition, Server};
use crate::sqlite::SqliteStore;
use crate::statement::{Statement, StatementName};
use crate::url::{Location, StoreUrl};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is.
    pub url: StoreUrl,
    /// As whom to speak to a server, instead of the user of `url`; read again while the store is open.
    pub credentials: Option<Credentials>,
    /// The SQL, or the search filter, of each operation that config defines.
    pub statements: BTreeMap<StatementName, String>,
    /// What else a directory needs to be known; for no other store.
    pub ldap: Option<Box<LdapSettings>>,
    /// The most connections at a time, at least 1.
    pub connections: u32,
    /// How long a caller waits for a free connection, at most 60 s.
    pub wait: Duration,
    /// How long a statement may take once it has a connection: 10 ms to 60 s.
    pub deadline: Duration,
}

impl Settings {
    /// A store with the default limits: 8 connections, 2 s of waiting, 5 s a statement.
    pub fn new(url: StoreUrl, statements: BTreeMap<StatementName, String>) -> Self {
        Self {
            url,
            credentials: None,
            statements,
            ldap: None,
            connections: 8,
            wait: Duration::from_secs(2),
            deadline: Duration::from_secs(5),
        }
    }

    /// The URL as the first user of the config, for a tool's own connection.
    pub fn url_of_first_user(&self) -> Result<StoreUrl, Error> {
        let Some(credentials) = &self.credentials else {
            return Ok(self.url.clone());
        };
        let read = credentials.read().map_err(Error::Credentials)?;
        let first = read.first();
        Ok(first.map_or_else(|| self.url.clone(), |first| self.url.as_user(first)))
    }

    fn check_limits(&self) -> Result<(), Error> {
        if self.credentials.is_some() && self.url.file().is_some() {
            Err(Error::Settings("a file has no users; remove `credentials`"))
        } else if self.connections == 0 {
            Err(Error::Settings("`connections` must be at least 1"))
        } else if self.wait > LONGEST {
            Err(Error::Settings("`wait` must be at most 60 s"))
        } else if self.deadline < SHORTEST_DEADLINE || self.deadline > LONGEST {
            Err(Error::Settings("`deadline` must be from 10 ms to 60 s"))
        } else {
            Ok(())
        }
    }
}

/// An open legacy store, whose statements have been found to fit their operations. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    driver: Arc<Driver>,
    place: Arc<str>,
}

/// The kinds of store there are.
enum Driver {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
    Mysql(Server<Mysql>),
    Ldap(Box<LdapStore>),
}

impl Store {
    /// Opens the store and prepares every statement. The error names each statement that does not fit its operation.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        settings.check_limits()?;
        let driver = match &settings.url.0 {
            Location::Sqlite(file) => Driver::Sqlite(SqliteStore::open(file, &settings).await?),
            Location::Postgres(address) => {
                Driver::Postgres(PostgresStore::open(Postgres(address.clone()), &settings).await?)
            }
            Location::Mysql(address) => {
                Driver::Mysql(Server::open(Mysql(address.clone()), &settings).await?)
            }
            Location::Ldap(directory) => {
                // Larger than all others, and asked for once.
                let opening = Box::pin(LdapStore::open(directory, &settings));
                Driver::Ldap(Box::new(opening.await?))
            }
        };
        Ok(Self {
            driver: Arc::new(driver),
            place: format!("{:?}", settings.url).into(),
        })
    }

    /// Where it is, to show to people: kind, server and database, or file; never a user or a password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The statement of an operation, or `None` where config does not define it.
    pub fn statement(&self, name: StatementName) -> Option<&Statement> {
        match &*self.driver {
            Driver::Sqlite(store) => store.statement(name),
            Driver::Postgres(store) => store.statement(name),
            Driver::Mysql(store) => store.statement(name),
            Driver::Ldap(store) => store.statement(name),
        }
    }

    /// Runs `authenticate` or `lookup`: the user, or `None`.
    pub async fn read(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Option<Row>, Error> {
        if !name.is_read() {
            return Err(Error::WrongKind(name));
        }
        match &*self.driver {
            Driver::Sqlite(store) => store.read(name, parameters).await,
            Driver::Postgres(store) => store.read(name, parameters).await,
            Driver::Mysql(store) => store.read(name, parameters).await,
            Driver::Ldap(store) => store.read(name, parameters).await,
        }
    }

    /// Whether the store checks passwords itself: then `authenticate` has no `password_hash`, and
    /// [`Store::authenticate`] is asked.
    pub fn verifies_passwords(&self) -> bool {
        matches!(&*self.driver, Driver::Ldap(store) if store.verifies_passwords())
    }

    /// Whether the store hashes new passwords itself: then it takes [`Parameters::with_password`].
    pub fn hashes_passwords(&self) -> bool {
        matches!(&*self.driver, Driver::Ldap(store) if store.hashes_passwords())
    }

    /// The user, if the store says that this is her password.
    pub async fn authenticate(
        &self,
        parameters: &Parameters,
        password: &Password,
    ) -> Result<Option<Row>, Error> {
        match &*self.driver {
            Driver::Ldap(store) => store.authenticate(parameters, password).await,
            Driver::Sqlite(_) | Driver::Postgres(_) | Driver::Mysql(_) => {
                Err(Error::WrongKind(StatementName::Authenticate))
            }
        }
    }

    /// Runs a statement that writes, as one transaction. Every error but [`Error::OutcomeUnknown`] means that nothing
    /// was changed; two matched rows are [`Error::Ambiguous`].
    pub async fn write(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Written, Error> {
        if name.is_read() {
            return Err(Error::WrongKind(name));
        }
        match &*self.driver {
            Driver::Sqlite(store) => store.write(name, parameters).await,
            Driver::Postgres(store) => store.write(name, parameters).await,
            Driver::Mysql(store) => store.write(name, parameters).await,
            Driver::Ldap(store) => store.write(name, parameters).await,
        }
    }

    /// How it stands with the connections to a database server. A file has none, and those of a directory are not
    /// counted.
    pub fn condition(&self) -> Condition {
        match &*self.driver {
            Driver::Sqlite(_) | Driver::Ldap(_) => Condition::default(),
            Driver::Postgres(store) => store.condition(),
            Driver::Mysql(store) => store.condition(),
        }
    }

    /// What the account of a directory may do beyond the operations, as far as it can be tried without changing anything.
    /// Of a database nothing: [`Inspection`](crate::Inspection) reads its lists of grants.
    pub async fn directory_excesses(&self) -> Result<Vec<Excess>, Error> {
        match &*self.driver {
            Driver::Ldap(store) => store.excesses().await,
            Driver::Sqlite(_) | Driver::Postgres(_) | Driver::Mysql(_) => Ok(Vec::new()),
        }
    }

    /// Asks the store whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match &*self.driver {
            Driver::Sqlite(store) => store.ping().await,
            Driver::Postgres(store) => store.ping().await,
            Driver::Mysql(store) => store.ping().await,
            Driver::Ldap(store) => store.ping().await,
        }
    }
}

const SHORTEST_DEADLINE: Duration = Duration::from_millis(10);

const LONGEST: Duration = Duration::from_mins(1);
