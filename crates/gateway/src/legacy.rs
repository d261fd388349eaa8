//! The legacy store as an operation sees it: statements that are known to fit, passwords that cost the same whoever is
//! asked about, and profiles instead of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lychgate_password::{Background, Decoy, DecoyClass, Password, Pool, StoredHash};
use lychgate_store::{Condition, Identifier, Parameters, Row, StatementName, Store, Written};

use crate::error::Error;
use crate::new_password::NewPasswordRules;
use crate::problem::{FieldFault, InvalidField, Problem};
use crate::profile::{Columns, Profile, ProfileField, refuse_unused_renames};
use crate::upgrade::{UpgradeLimits, UpgradeQueue, Upgrades};

/// The fields of a body that hold a password; the statement takes its hash, or the store never sees it.
const PASSWORD_FIELDS: [&str; 2] = ["password", "new_password"];

/// The store, the pool that hashes, and what turns rows into profiles.
pub struct Legacy {
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
        let legacy = Self {
            store,
            passwords,
            decoy,
            columns,
            upgrades,
            new_passwords,
        };
        Ok((legacy, queue))
    }

    /// Whether config defines the statement.
    pub(crate) fn defines(&self, statement: StatementName) -> bool {
        self.store.statement(statement).is_some()
    }

    /// Whether the statement has a place for this field of a body.
    pub(crate) fn takes(&self, statement: StatementName, field: &str) -> bool {
        PASSWORD_FIELDS.contains(&field)
            || self
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
        let found = self.store.read(statement, &named(identifier)).await;
        whose(identifier, found)
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
        Ok(self.store.write(statement, parameters).await?)
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
            self.decoy.observe(hash);
            self.passwords.parse(hash).ok()
        });
        let hash = parsed.unwrap_or_else(|| self.decoy.hash_for(identifier.as_str()));
        let user_name = Some(identifier.as_str());
        Ok(self.passwords.verify(password, user_name, hash).await?)
    }

    /// After a right password: its hash is rewritten in the background, where config says how.
    pub(crate) fn offer_upgrade(
        &self,
        identifier: &Identifier,
        password: Arc<Password>,
        stored: StoredHash,
    ) {
        if self.defines(StatementName::UpgradePassword) {
            self.upgrades
                .offer(&self.passwords, identifier, password, stored);
        }
    }

    /// Whether the store checks passwords itself, and has no hashes for us.
    pub(crate) fn is_verified_by_store(&self) -> bool {
        self.store.verifies_passwords()
    }

    /// The user, if the store says that this is her password. That an unknown user costs the same is the store's to see
    /// to.
    pub(crate) async fn verified_by_store(
        &self,
        identifier: &Identifier,
        password: &Password,
    ) -> Result<Option<Profile>, Problem> {
        let asked = self.store.authenticate(&named(identifier), password).await;
        let row = whose(identifier, asked)?;
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
        self.new_passwords.check(&password, names, field).await?;
        if self.store.hashes_passwords() {
            return Ok(parameters.with_password(password));
        }
        let hash = self.hash(password, field).await?;
        Ok(parameters.with_password_hash(hash))
    }

    /// A new hash, in the format that config writes. A password that this format cannot take is the field's fault.
    async fn hash(&self, password: Password, field: &'static str) -> Result<StoredHash, Problem> {
        self.passwords
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

    /// Where the store is, without credentials.
    pub(crate) fn place(&self) -> &str {
        self.store.place()
    }

    /// How it stands with the connections to the store.
    pub(crate) fn condition(&self) -> Condition {
        self.store.condition()
    }

    /// Asks the store whether it answers.
    pub(crate) async fn ping(&self) -> Result<(), lychgate_store::Error> {
        self.store.ping().await
    }

    /// The pool that hashes, for its metrics.
    pub(crate) fn passwords(&self) -> &Pool {
        &self.passwords
    }

    /// What becomes of hashes after logins, for its metrics.
    pub(crate) fn upgrades(&self) -> &Upgrades {
        &self.upgrades
    }
}

/// What a statement is given to find the user of an identifier.
pub(crate) fn named(identifier: &Identifier) -> Parameters {
    Parameters::new().with("identifier", identifier.as_str())
}

/// What was found, if users are found by such an identifier. If they are not, the store has been asked all the same, and
/// whatever is the matter with its rows, there is nobody.
fn whose(
    identifier: &Identifier,
    found: Result<Option<Row>, lychgate_store::Error>,
) -> Result<Option<Row>, Problem> {
    match found {
        Ok(_) | Err(lychgate_store::Error::Ambiguous(_) | lychgate_store::Error::Column { .. })
            if !identifier.is_of_kind() =>
        {
            Ok(None)
        }
        found => Ok(found?),
    }
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
