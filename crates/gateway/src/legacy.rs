//! The legacy store as an operation sees it: statements that are known to fit, passwords that cost the same whoever is
//! asked about, and profiles instead of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use lychgate_password::{Background, Decoy, DecoyClass, Password, Pool, StoredHash};
use lychgate_store::{Condition, Identifier, Parameters, Row, StatementName, Store, Written};

use crate::audit::Trace;
use crate::error::Error;
use crate::new_password::NewPasswordRules;
use crate::problem::{FieldFault, InvalidField, Problem};
use crate::profile::{Columns, Profile, ProfileField, refuse_unused_renames};
use crate::upgrade::{UpgradeLimits, UpgradeQueue, Upgrades};

/// The fields of a body that hold a password; the statement takes its hash, or the store never sees it.
const PASSWORD_FIELDS: [&str; 2] = ["password", "new_password"];

/// The legacy store: for everybody, or as one request sees it.
pub struct Legacy {
    parts: Arc<Parts>,
    trace: Arc<Trace>,
    /// The request is about a decoy: whatever the store has, there is nobody, and nothing is changed.
    is_canary: bool,
}

/// The store, the pool that hashes, and what turns rows into profiles.
struct Parts {
    store: Store,
    passwords: Pool,
    decoy: Decoy,
    columns: BTreeMap<StatementName, Columns>,
    upgrades: Upgrades,
    new_passwords: NewPasswordRules,
}

/// What decoys are chosen by.
pub(crate) struct Decoys {
    /// The formats and costs of the store's hashes; empty: not known.
    pub(crate) mix: Vec<DecoyClass>,
    /// What makes the choice for an identifier: stable, and nobody else's to foresee.
    pub(crate) key: [u8; 32],
}

impl Legacy {
    /// Opens the store, proves that each statement's columns make a profile, and starts the pool; beside it comes the queue
    /// of upgrades, which wants to be run.
    pub(crate) async fn open(
        store: lychgate_store::Settings,
        renames: &BTreeMap<ProfileField, String>,
        mut passwords: lychgate_password::Settings,
        decoys: Decoys,
        new_passwords: NewPasswordRules,
        upgrades: UpgradeLimits,
    ) -> Result<(Self, UpgradeQueue), Error> {
        let store = Store::open(store).await?;
        let columns = map_columns(&store, renames)?;
        let upgrades_defined = store.statement(StatementName::UpgradePassword).is_some();
        if upgrades_defined {
            passwords = passwords.less_background();
        }
        let decoy = if decoys.mix.is_empty() {
            Decoy::guess(&decoys.key, &passwords)
        } else {
            Decoy::new(&decoys.key, &decoys.mix, &passwords)
        }?;
        let passwords = Pool::start(passwords)?;
        let background = upgrades_defined.then(|| Background::start(&passwords));
        let (upgrades, queue) = Upgrades::new(upgrades, background.transpose()?);
        let parts = Parts {
            store,
            passwords,
            decoy,
            columns,
            upgrades,
            new_passwords,
        };
        let legacy = Self {
            parts: Arc::new(parts),
            trace: Arc::default(),
            is_canary: false,
        };
        Ok((legacy, queue))
    }

    /// The same for one request, which notes what it finds.
    pub(crate) fn of_request(&self, trace: &Arc<Trace>, is_canary: bool) -> Self {
        Self {
            parts: Arc::clone(&self.parts),
            trace: Arc::clone(trace),
            is_canary,
        }
    }

    /// Whether config defines the statement.
    pub(crate) fn defines(&self, statement: StatementName) -> bool {
        self.parts.store.statement(statement).is_some()
    }

    /// Whether the statement has a place for this field of a body.
    pub(crate) fn takes(&self, statement: StatementName, field: &str) -> bool {
        PASSWORD_FIELDS.contains(&field)
            || self
                .parts
                .store
                .statement(statement)
                .is_some_and(|statement| statement.parameters().iter().any(|name| name == field))
    }

    /// Runs a statement that reads one user. It is run for every identifier, also where users have none of its kind.
    pub(crate) async fn read(
        &self,
        statement: StatementName,
        identifier: &Identifier,
    ) -> Result<Option<Row>, Problem> {
        let found = self
            .timed(self.parts.store.read(statement, &named(identifier)))
            .await;
        self.whose(identifier, found)
    }

    /// Runs a statement that changes one user: whether there is one. Nobody is found by an identifier of another kind than
    /// users have.
    pub(crate) async fn change(
        &self,
        statement: StatementName,
        identifier: &Identifier,
        parameters: &Parameters,
    ) -> Result<bool, Problem> {
        if !identifier.is_of_kind() {
            return Ok(false);
        }
        Ok(self.write(statement, parameters).await?.matched > 0)
    }

    /// Runs a statement that writes.
    pub(crate) async fn write(
        &self,
        statement: StatementName,
        parameters: &Parameters,
    ) -> Result<Written, Problem> {
        if self.is_canary {
            return self.write_in_vain(statement).await;
        }
        Ok(self
            .timed(self.parts.store.write(statement, parameters))
            .await?)
    }

    /// Of a decoy nothing is written: the store is asked for nobody instead, so that it is as much work.
    async fn write_in_vain(&self, statement: StatementName) -> Result<Written, Problem> {
        let reads = [StatementName::Lookup, StatementName::Authenticate];
        if let Some(read) = reads.into_iter().find(|read| self.defines(*read)) {
            let nobody = Parameters::new().with("identifier", "\u{fffd}");
            self.timed(self.parts.store.read(read, &nobody)).await?;
        }
        match statement {
            StatementName::Create => Err(Problem::UserExists),
            _ => Ok(Written {
                matched: 0,
                row: None,
            }),
        }
    }

    /// What the store answers; the time it takes is noted.
    async fn timed<T>(&self, asking: impl Future<Output = T>) -> T {
        let asked = Instant::now();
        let answer = asking.await;
        self.trace.store(asked.elapsed());
        answer
    }

    /// The profile of this identifier.
    pub(crate) async fn look_up(
        &self,
        identifier: &Identifier,
    ) -> Result<Option<Profile>, Problem> {
        let row = self.read(StatementName::Lookup, identifier).await?;
        row.map(|row| self.profile(StatementName::Lookup, row))
            .transpose()
    }

    /// The profile that a row of this statement makes.
    pub(crate) fn profile(&self, statement: StatementName, row: Row) -> Result<Profile, Problem> {
        let columns = self
            .parts
            .columns
            .get(&statement)
            .ok_or(Problem::Internal("statement-without-columns"))?;
        columns.read(row).map_err(|unfit| {
            tracing::error!(statement = %unfit.statement, column = unfit.column, "a row does not make a profile");
            Problem::Internal("row-is-no-profile")
        })
    }

    /// Whether this is the password of the stored hash. Where there is no hash that could be verified, a decoy is: one
    /// computation in either case, and the same one whenever the same identifier is asked about.
    pub(crate) async fn password_matches(
        &self,
        password: Arc<Password>,
        stored: Option<&StoredHash>,
        identifier: &Identifier,
    ) -> Result<bool, Problem> {
        let parsed = stored.and_then(|hash| {
            self.parts.decoy.observe(hash);
            self.parts.passwords.parse(hash).ok()
        });
        let hash = parsed.unwrap_or_else(|| self.parts.decoy.hash_for(identifier.as_str()));
        let (user_name, format) = (Some(identifier.as_str()), hash.format().name());
        let verdict = self
            .parts
            .passwords
            .judge(password, user_name, hash)
            .await?;
        let times = (verdict.waited, verdict.took);
        self.trace.hash(format, times, Some(verdict.matches));
        Ok(verdict.matches)
    }

    /// After a right password: its hash is rewritten in the background, where config says how.
    pub(crate) fn offer_upgrade(
        &self,
        identifier: &Identifier,
        password: Arc<Password>,
        stored: StoredHash,
    ) {
        if self.defines(StatementName::UpgradePassword) {
            self.parts
                .upgrades
                .offer(&self.parts.passwords, identifier, password, stored);
        }
    }

    /// Whether the store checks passwords itself, and has no hashes for us.
    pub(crate) fn is_verified_by_store(&self) -> bool {
        self.parts.store.verifies_passwords()
    }

    /// The user, if the store says that this is her password. That an unknown user costs the same is the store's to see
    /// to.
    pub(crate) async fn verified_by_store(
        &self,
        identifier: &Identifier,
        password: &Password,
    ) -> Result<Option<Profile>, Problem> {
        let asked = self
            .timed(self.parts.store.authenticate(&named(identifier), password))
            .await;
        let row = self.whose(identifier, asked)?;
        row.map(|row| self.profile(StatementName::Authenticate, row))
            .transpose()
    }

    /// What a statement is given for a new password: its hash, or, where the store hashes, the password.
    pub(crate) async fn with_new_password(
        &self,
        parameters: Parameters,
        password: Password,
        names: &[&str],
        field: &'static str,
    ) -> Result<Parameters, Problem> {
        self.parts
            .new_passwords
            .check(&password, names, field)
            .await?;
        if self.parts.store.hashes_passwords() {
            return Ok(parameters.with_password(password));
        }
        let hash = self.hash(password, field).await?;
        Ok(parameters.with_password_hash(hash))
    }

    /// A new hash, in the format that config writes. A password that this format cannot take is the field's fault.
    async fn hash(&self, password: Password, field: &'static str) -> Result<StoredHash, Problem> {
        self.parts
            .passwords
            .hash(password)
            .await
            .map_err(|error| match error {
                lychgate_password::Error::PasswordTooLong { .. }
                | lychgate_password::Error::NulInPassword => Problem::InvalidField(InvalidField {
                    field: field.into(),
                    fault: FieldFault::Unacceptable,
                }),
                other => other.into(),
            })
    }

    /// What was found, if users are found by such an identifier and it is no decoy. If not, the store has been asked all the
    /// same, and whatever is the matter with its rows, there is nobody.
    fn whose(
        &self,
        identifier: &Identifier,
        found: Result<Option<Row>, lychgate_store::Error>,
    ) -> Result<Option<Row>, Problem> {
        if let Ok(row) = &found {
            self.trace.row(row.is_some());
        }
        match found {
            Ok(_)
            | Err(lychgate_store::Error::Ambiguous(_) | lychgate_store::Error::Column { .. })
                if self.is_canary || !identifier.is_of_kind() =>
            {
                Ok(None)
            }
            found => Ok(found?),
        }
    }

    /// Where the store is, without credentials.
    pub(crate) fn place(&self) -> &str {
        self.parts.store.place()
    }

    /// How it stands with the connections to the store.
    pub(crate) fn condition(&self) -> Condition {
        self.parts.store.condition()
    }

    /// Asks the store whether it answers.
    pub(crate) async fn ping(&self) -> Result<(), lychgate_store::Error> {
        self.parts.store.ping().await
    }

    /// The pool that hashes, for its metrics.
    pub(crate) fn passwords(&self) -> &Pool {
        &self.parts.passwords
    }

    /// What becomes of hashes after logins, for its metrics.
    pub(crate) fn upgrades(&self) -> &Upgrades {
        &self.parts.upgrades
    }
}

/// What a statement is given to find the user of an identifier.
pub(crate) fn named(identifier: &Identifier) -> Parameters {
    Parameters::new().with("identifier", identifier.as_str())
}

fn map_columns(
    store: &Store,
    renames: &BTreeMap<ProfileField, String>,
) -> Result<BTreeMap<StatementName, Columns>, Error> {
    let returning = [
        StatementName::Authenticate,
        StatementName::Lookup,
        StatementName::Create,
    ];
    let mut columns = BTreeMap::new();
    let mut returned = BTreeSet::new();
    for name in returning {
        if let Some(statement) = store
            .statement(name)
            .filter(|statement| !statement.columns().is_empty())
        {
            columns.insert(name, Columns::map(name, statement.columns(), renames)?);
            returned.extend(statement.columns().iter().map(String::as_str));
        }
    }
    refuse_unused_renames(renames, &returned)?;
    Ok(columns)
}
