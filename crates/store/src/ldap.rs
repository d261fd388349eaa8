//! A legacy store in a directory: users are found by a search filter, and checked by binding as them.
//! Nothing but binds is sent where users are bound, and nobody but the configured account is bound where anything else is
//! sent. An attacker wants an empty password, which a directory takes for a bind as nobody that succeeds.

mod blocked;
mod connection;
mod control;
mod entry;
mod excess;
mod failure;
mod filter;
mod identity;
mod listing;
mod login;
mod name;
mod operation;
mod sample;
mod schema;
mod settings;
mod template;
mod tls;
mod values;
mod write;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ldap3::Scope;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{timeout, timeout_at};

pub(crate) use self::listing::{list, listing_flaw};
pub(crate) use self::operation::fitting;
pub(crate) use self::sample::SampleTree;
pub use self::settings::{LdapEntry, LdapNewPassword, LdapScope, LdapSettings, LdapVerification};

use self::connection::{Connections, Found, Lease, Search};
use self::entry::Entry;
use self::operation::{BLOCKED, Columns, Operation};
use self::schema::Schema;
use self::template::Values;
use crate::answer::within_limit;
use crate::circuit::Circuit;
use crate::error::Error;
use crate::parameters::{PASSWORD_HASH, Parameters, Value};
use crate::row::Row;
use crate::server::{Failure, SILENT, UNREACHED, unavailable};
use crate::statement::{Statement, StatementName};
use crate::store::Settings;
use crate::url::Directory;

/// An open directory and its operations.
pub(crate) struct LdapStore {
    base: String,
    settings: LdapSettings,
    /// Bound as the configured account.
    service: Connections,
    /// Where users are bound, and nothing else is done.
    logins: Connections,
    /// One for each request that may be under way.
    permits: Semaphore,
    operations: BTreeMap<StatementName, Operation>,
    columns: Columns,
    schema: Schema,
    circuit: Circuit,
    wait: Duration,
    deadline: Duration,
}

impl LdapStore {
    /// Connects, reads the schema, and holds every operation against it.
    pub(crate) async fn open(directory: &Directory, settings: &Settings) -> Result<Self, Error> {
        let ldap = settings.ldap.as_deref().cloned();
        let ldap = ldap.ok_or(Error::Settings(NO_SETTINGS))?;
        if ldap.bind_dn.is_empty() || ldap.bind_password.is_empty() {
            return Err(Error::Settings(NO_ACCOUNT));
        }
        let account = Some((ldap.bind_dn.clone(), ldap.bind_password.clone()));
        let permits = usize::try_from(settings.connections).unwrap_or(usize::MAX);
        let mut store = Self {
            base: directory.base.clone(),
            service: Connections::new(directory, account)?,
            logins: Connections::new(directory, None)?,
            permits: Semaphore::new(permits),
            operations: BTreeMap::new(),
            columns: Columns {
                attributes: Vec::new(),
                objects: BTreeMap::new(),
                signs: Vec::new(),
            },
            schema: Schema::default(),
            circuit: Circuit::default(),
            wait: settings.wait,
            deadline: settings.deadline,
            settings: ldap,
        };
        let opened = timeout(settings.wait + settings.deadline, store.look_around()).await;
        store.schema = opened.map_err(|_| Error::Unavailable(SILENT))??;
        let first = settings.statements.keys().next().copied();
        let columns = Columns::new(&store.settings, &store.schema);
        store.columns = columns.map_err(|flaw| {
            let name = first.unwrap_or(StatementName::Lookup);
            Error::Statements(vec![(name, flaw)])
        })?;
        store.operations = operation::all(
            &settings.statements,
            &store.settings,
            &store.columns,
            &store.schema,
        )?;
        Ok(store)
    }

    /// Sees that the base is there, and reads the schema, if the account may.
    async fn look_around(&self) -> Result<Schema, Error> {
        let mut lease = self.lease().await?;
        let mut look = async |base: &str, attribute: &str| {
            let search = Search {
                base,
                scope: Scope::Base,
                filter: "(objectClass=*)",
                attributes: &[attribute],
                limit: self.deadline,
                most: 2,
                names_only: false,
            };
            let found = search.run(&mut lease).await?;
            Ok::<_, Failure>(found.entries.into_iter().next())
        };
        let base = look(&self.base, "1.1").await;
        if !matches!(base, Ok(Some(_))) {
            return Err(Error::Url(NO_BASE));
        }
        let root = look("", "subschemaSubentry").await.ok().flatten();
        let place = root
            .as_ref()
            .and_then(|root| root.values("subschemaSubentry").first())
            .and_then(|name| std::str::from_utf8(name).ok());
        let schema = match place {
            Some(place) => look(place, "attributeTypes").await.ok().flatten(),
            None => None,
        };
        let schema = schema.map(|entry| Schema::parse(entry.values("attributeTypes")));
        let schema = schema.unwrap_or_default();
        if schema.is_empty() {
            tracing::warn!(
                "the directory does not show its schema to the account of `bind_dn`: attributes are not checked, and are all read as text"
            );
        }
        Ok(schema)
    }

    /// The statement of an operation, if config defines it.
    pub(crate) fn statement(&self, name: StatementName) -> Option<&Statement> {
        let operation = self.operations.get(&name);
        operation.map(|operation| &operation.statement)
    }

    /// Whether passwords are checked by the directory.
    pub(crate) fn verifies_passwords(&self) -> bool {
        matches!(self.settings.verification, LdapVerification::Bind { .. })
    }

    /// Whether new passwords are given to the directory, and not their hashes.
    pub(crate) fn hashes_passwords(&self) -> bool {
        self.settings.new_password != LdapNewPassword::Replace
    }

    /// Finds a user.
    pub(crate) async fn read(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Option<Row>, Error> {
        let operation = self.operation(name)?;
        let bindings = parameters.in_order(name, &operation.statement)?;
        let values = Values::new(operation.statement.parameters(), &bindings);
        let Some(filter) = operation.filter.fill(&values) else {
            return Ok(None);
        };
        self.circuit.admit(Instant::now())?;
        let _permit = self.permit().await?;
        let until = Instant::now() + self.deadline;
        let found = timeout_at(until.into(), self.find(name, &filter)).await;
        let entry = found.map_err(|_| Error::Timeout(name))??;
        entry.map(|entry| self.row(name, &entry)).transpose()
    }

    /// Asks the directory whether it answers, whatever the circuit says, and closes the circuit if it does.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let _permit = self.permit().await?;
        let asking = timeout(self.deadline, self.proved_lease()).await;
        asking.map_err(|_| Error::Unavailable(SILENT))?.map(drop)
    }

    fn operation(&self, name: StatementName) -> Result<&Operation, Error> {
        self.operations.get(&name).ok_or(Error::NotDefined(name))
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        let permit = timeout(self.wait, self.permits.acquire()).await;
        permit
            .map_err(|_| Error::Overloaded)?
            .map_err(|_| Error::Unavailable("it was closed"))
    }

    async fn lease(&self) -> Result<Lease<'_>, Error> {
        self.counted(self.service.lease().await)
    }

    /// A connection that answers now. If one that waited does not, those that waited with it are forgotten.
    async fn proved_lease(&self) -> Result<Lease<'_>, Error> {
        let mut lease = self.lease().await?;
        if self.prove(&mut lease).await.is_err() {
            self.service.forget_idle();
            lease = self.counted(self.service.new_lease().await)?;
            if self.prove(&mut lease).await.is_err() {
                self.circuit.count_failure(Instant::now());
                return Err(Error::Unavailable(UNREACHED));
            }
        }
        self.circuit.count_success();
        Ok(lease)
    }

    /// Asks for the entry that every directory has at its root; any answer will do.
    async fn prove(&self, lease: &mut Lease<'_>) -> Result<(), Failure> {
        let search = Search {
            base: "",
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: &["1.1"],
            limit: self.deadline,
            most: 2,
            names_only: false,
        };
        match search.run(lease).await {
            Err(failure @ (Failure::Lost | Failure::Unavailable(_))) => Err(failure),
            _ => Ok(()),
        }
    }

    fn counted<'a>(&self, lease: Result<Lease<'a>, Failure>) -> Result<Lease<'a>, Error> {
        lease.map_err(|failure| {
            self.circuit.count_failure(Instant::now());
            unavailable(&failure)
        })
    }

    /// The one entry that a filter finds. If the connection breaks, it is asked for once more, on one that is proved.
    async fn find(&self, name: StatementName, filter: &str) -> Result<Option<Entry>, Error> {
        let mut lease = self.lease().await?;
        let mut found = self.search(name, filter, &mut lease).await;
        if matches!(found, Err(Failure::Lost)) {
            drop(lease);
            let mut lease = self.proved_lease().await?;
            found = self.search(name, filter, &mut lease).await;
        }
        match found {
            Ok(found) => {
                self.circuit.count_success();
                found.the_entry(name)
            }
            // A value that cannot be one of its attribute names nobody.
            Err(Failure::Unfit) => Ok(None),
            Err(failure) => Err(self.error(name, failure)),
        }
    }

    async fn search(
        &self,
        name: StatementName,
        filter: &str,
        lease: &mut Lease<'_>,
    ) -> Result<Found, Failure> {
        let mut attributes = Vec::new();
        if name.is_read() {
            attributes = self.columns.read();
        }
        if name == StatementName::Authenticate && !self.verifies_passwords() {
            attributes.push(&self.settings.password_attribute);
        }
        if attributes.is_empty() {
            attributes.push("1.1");
        }
        let search = Search {
            base: &self.base,
            scope: self.scope(),
            filter,
            attributes: &attributes,
            limit: self.deadline,
            most: 2,
            names_only: false,
        };
        search.run(lease).await
    }

    fn scope(&self) -> Scope {
        match self.settings.scope {
            LdapScope::Subtree => Scope::Subtree,
            LdapScope::One => Scope::OneLevel,
        }
    }

    fn is_blocked(&self, entry: &Entry) -> bool {
        self.columns.signs.iter().any(|sign| sign.is_on(entry))
    }

    /// The columns of an entry.
    fn row(&self, name: StatementName, entry: &Entry) -> Result<Row, Error> {
        let fault = |column: &str, fault| Error::Column {
            statement: name,
            column: column.to_owned(),
            fault,
        };
        let mut columns = Vec::new();
        for (attribute, kind) in &self.columns.attributes {
            let must_be_one = self.settings.user_id.as_ref() == Some(attribute);
            let value = values::column(entry, attribute, *kind, must_be_one);
            let value = value.and_then(within_limit);
            columns.push((
                attribute.clone(),
                value.map_err(|why| fault(attribute, why))?,
            ));
        }
        for (column, names) in &self.columns.objects {
            let value = values::object(entry, names, &self.schema).and_then(within_limit);
            columns.push((column.clone(), value.map_err(|why| fault(column, why))?));
        }
        if !self.columns.signs.is_empty() {
            columns.push((BLOCKED.to_owned(), self.is_blocked(entry).into()));
        }
        if name == StatementName::Authenticate && !self.verifies_passwords() {
            let hash = entry.values(&self.settings.password_attribute).first();
            let hash = hash.map_or(Value::Null, |hash| Value::Bytes(hash.clone()));
            columns.push((PASSWORD_HASH.to_owned(), hash));
        }
        Ok(Row::new(columns))
    }

    fn error(&self, name: StatementName, failure: Failure) -> Error {
        if matches!(failure, Failure::Lost) {
            self.circuit.count_failure(Instant::now());
        }
        failure.into_error(name, name.is_read())
    }
}

const NO_SETTINGS: &str = "a directory needs `[store.ldap]`, with `bind_dn` and `bind_password`";

const NO_ACCOUNT: &str =
    "`bind_dn` and `bind_password` must not be empty: a directory would take that for nobody";

const NO_BASE: &str =
    "names a base that the directory does not have, or does not show to the account of `bind_dn`";
