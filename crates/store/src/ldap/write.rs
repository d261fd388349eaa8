//! Writing to a directory. First whoever is meant is found, by a search that changes nothing; then one operation is sent,
//! which the directory does as a whole or not at all. It is never sent twice: unanswered, its outcome is unknown.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use ldap3::exop::PasswordModify;
use ldap3::{Ldap, LdapError, LdapResult, Mod, Scope};
use lychgate_password::{Password, StoredHash};
use tokio::time::timeout_at;

use super::LdapStore;
use super::connection::{Lease, Search};
use super::entry::Entry;
use super::failure::{NO_SUCH_OBJECT, failure, lost};
use super::filter::Filter;
use super::name::RelativeName;
use super::operation::{UNICODE_PWD, Work};
use super::settings::LdapNewPassword;
use super::template::{Template, Values};
use crate::error::Error;
use crate::parameters::{PASSWORD_HASH, Parameters};
use crate::row::Written;
use crate::server::{Failure, SHARE_OF_STATEMENT, SILENT, TOO_SLOW};
use crate::statement::StatementName;

/// The attributes of a new entry, and their values.
pub(super) type Attributes = Vec<(Vec<u8>, HashSet<Vec<u8>>)>;

impl LdapStore {
    /// Runs an operation that writes, once.
    pub(crate) async fn write(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Written, Error> {
        let operation = self.operation(name)?;
        let bindings = parameters.in_order(name, &operation.statement)?;
        let values = Values::new(operation.statement.parameters(), &bindings);
        // A directory may keep such a text only up to the NUL.
        if let Some(parameter) = values.with_nul().filter(|held| name.key() != Some(held)) {
            return Err(Error::Value {
                statement: name,
                parameter: Some(parameter.to_owned()),
            });
        }
        let filter = operation.filter.fill(&values);
        self.circuit.admit(Instant::now())?;
        let _permit = self.permit().await?;
        let started = Instant::now();
        let proving = timeout_at((started + self.deadline).into(), self.proved_lease());
        let mut lease = proving.await.map_err(|_| Error::Unavailable(SILENT))??;
        let until_found = started + self.deadline.mul_f64(SHARE_OF_STATEMENT);
        let mut run = Run {
            store: self,
            name,
            lease: &mut lease,
            until_found,
            until: started + self.deadline,
        };
        let found = match &filter {
            Some(filter) => run.find(filter).await,
            None => Ok(None),
        };
        if let Work::Create(rdn, attributes) = &operation.work {
            return match found {
                Ok(None) => run.create(rdn, attributes, &values, parameters).await,
                Ok(Some(_)) | Err(Error::Ambiguous(_)) => Err(Error::UniqueViolation(name)),
                Err(error) => Err(error),
            };
        }
        let Some(entry) = found? else {
            return Ok(NOBODY);
        };
        let is_done = match &operation.work {
            Work::Set(set, taken) => run.set(&entry, set, taken.as_ref(), &values).await?,
            Work::SetPassword => run.set_password(&entry.dn, parameters).await?,
            Work::Delete => {
                run.change(async |ldap| ldap.delete(&entry.dn).await)
                    .await?
            }
            Work::Read | Work::Create(..) => return Err(Error::WrongKind(name)),
        };
        Ok(Written {
            matched: u64::from(is_done),
            row: None,
        })
    }
}

/// One write under way.
struct Run<'a, 'b> {
    store: &'a LdapStore,
    name: StatementName,
    lease: &'b mut Lease<'a>,
    /// Until when nothing has been changed.
    until_found: Instant,
    until: Instant,
}

impl Run<'_, '_> {
    async fn find(&mut self, filter: &str) -> Result<Option<Entry>, Error> {
        let search = self.store.search(self.name, filter, self.lease);
        let found = timeout_at(self.until_found.into(), search).await;
        match found.map_err(|_| Error::Unavailable(TOO_SLOW))? {
            Ok(found) => found.the_entry(self.name),
            Err(Failure::Unfit) => Ok(None),
            Err(failure) => {
                if matches!(failure, Failure::Lost) {
                    self.store.circuit.count_failure(Instant::now());
                }
                Err(failure.into_error(self.name, true))
            }
        }
    }

    /// Sends what changes something. Whether there was anything to change; without an answer nobody knows.
    async fn change(
        &mut self,
        ask: impl AsyncFnOnce(&mut Ldap) -> Result<LdapResult, LdapError>,
    ) -> Result<bool, Error> {
        let connection = self.lease.connection();
        let connection = connection.map_err(|failure| failure.into_error(self.name, true))?;
        let answered = timeout_at(self.until.into(), ask(connection)).await;
        let answer = answered.map_err(|_| Error::OutcomeUnknown(self.name))?;
        let answer = answer.map_err(|error| self.store.error(self.name, lost(&error)))?;
        self.lease.is_sound = true;
        match answer.rc {
            0 => Ok(true),
            NO_SUCH_OBJECT => Ok(false),
            code => Err(self.store.error(self.name, failure(code, &answer.text))),
        }
    }

    async fn set(
        &mut self,
        entry: &Entry,
        set: &[(String, Template)],
        taken: Option<&Filter>,
        values: &Values<'_>,
    ) -> Result<bool, Error> {
        if let Some(filter) = taken.and_then(|taken| taken.fill(values)) {
            match self.find(&filter).await {
                Ok(Some(other)) if other.dn != entry.dn => {
                    return Err(Error::UniqueViolation(self.name));
                }
                Err(Error::Ambiguous(name)) => return Err(Error::UniqueViolation(name)),
                other => drop(other?),
            }
        }
        // What has no value is deleted.
        let changes = set.iter().map(|(attribute, value)| {
            let value = value.fill(values).filter(|value| !value.is_empty());
            Mod::Replace(attribute.clone().into_bytes(), value.into_iter().collect())
        });
        let changes: Vec<_> = changes.collect();
        self.change(async |ldap| ldap.modify(&entry.dn, changes).await)
            .await
    }

    async fn set_password(&mut self, dn: &str, parameters: &Parameters) -> Result<bool, Error> {
        let set = match self.new_password(parameters)? {
            NewPassword::ByDirectory(password) => {
                let request = PasswordModify {
                    user_id: Some(dn),
                    old_pass: None,
                    new_pass: Some(password.expose_secret()),
                };
                self.change(async |ldap| Ok(ldap.extended(request).await?.1))
                    .await
            }
            NewPassword::Attribute(name, value) => {
                let change = Mod::Replace(name.into_bytes(), HashSet::from([value]));
                self.change(async |ldap| ldap.modify(dn, vec![change]).await)
                    .await
            }
        };
        set.map_err(|error| self.refused_password(error))
    }

    /// A policy that does not take a password is the caller's to mend.
    fn refused_password(&self, error: Error) -> Error {
        match error {
            Error::Constraint { .. } | Error::Value { .. } => Error::Value {
                statement: self.name,
                parameter: Some(PASSWORD_HASH.to_owned()),
            },
            other => other,
        }
    }

    /// Adds an entry; its password with it, or, where the directory hashes, right after it.
    async fn create(
        mut self,
        rdn: &RelativeName,
        attributes: &[(String, Vec<Template>)],
        values: &Values<'_>,
        parameters: &Parameters,
    ) -> Result<Written, Error> {
        let unfit = || Error::Value {
            statement: self.name,
            parameter: None,
        };
        let dn = rdn.below(&self.store.base, values).ok_or_else(unfit)?;
        let mut entry: Attributes = Vec::new();
        for (name, templates) in attributes {
            let filled = templates
                .iter()
                .filter_map(|template| template.fill(values));
            let filled: HashSet<_> = filled.filter(|value| !value.is_empty()).collect();
            if !filled.is_empty() {
                entry.push((name.clone().into_bytes(), filled));
            }
        }
        let password = self.new_password(parameters)?;
        let by_directory = match password {
            NewPassword::ByDirectory(_) => true,
            NewPassword::Attribute(name, value) => {
                entry.push((name.into_bytes(), HashSet::from([value])));
                false
            }
        };
        let added = self.change(async |ldap| ldap.add(&dn, entry).await).await;
        if !added? {
            // The entry above it is not there.
            return Err(Error::Failed {
                statement: self.name,
                code: NO_SUCH_OBJECT.to_string(),
            });
        }
        if by_directory && let Err(error) = self.set_password(&dn, parameters).await {
            return Err(self.undo(&dn, error).await);
        }
        let row = match self.read_back(&dn).await {
            Ok(Some(entry)) => Some(self.store.row(self.name, &entry)?),
            _ => None,
        };
        Ok(Written { matched: 1, row })
    }

    /// Removes an entry whose password was refused; what is not known to be removed has an unknown outcome.
    async fn undo(&mut self, dn: &str, error: Error) -> Error {
        if matches!(error, Error::OutcomeUnknown(_)) {
            return error;
        }
        self.until += UNDOING;
        match self.change(async |ldap| ldap.delete(dn).await).await {
            Ok(_) => error,
            Err(_) => Error::OutcomeUnknown(self.name),
        }
    }

    async fn read_back(&mut self, dn: &str) -> Result<Option<Entry>, Failure> {
        let attributes = self.store.columns.read();
        let search = Search {
            base: dn,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes: &attributes,
            limit: self.store.deadline,
            most: 2,
            names_only: false,
        };
        let found = timeout_at(self.until.into(), search.run(self.lease)).await;
        let found = found.map_err(|_| Failure::TooSlow)??;
        Ok(found.entries.into_iter().next())
    }

    fn new_password<'p>(&self, parameters: &'p Parameters) -> Result<NewPassword<'p>, Error> {
        let settings = &self.store.settings;
        let missing = || Error::Parameter {
            statement: self.name,
            parameter: PASSWORD_HASH.to_owned(),
            fault: "without",
        };
        Ok(match settings.new_password {
            LdapNewPassword::PasswordModify => {
                NewPassword::ByDirectory(parameters.password().ok_or_else(missing)?)
            }
            LdapNewPassword::UnicodePwd => {
                let password = parameters.password().ok_or_else(missing)?;
                NewPassword::Attribute(UNICODE_PWD.to_owned(), unicode_pwd(password))
            }
            LdapNewPassword::Replace => {
                let hash = parameters.password_hash().ok_or_else(missing)?;
                NewPassword::Attribute(settings.password_attribute.clone(), user_password(hash))
            }
        })
    }
}

/// A password as it is set.
enum NewPassword<'a> {
    /// By the extended operation.
    ByDirectory(&'a Password),
    /// As the value of an attribute.
    Attribute(String, Vec<u8>),
}

/// As Active Directory takes it ([MS-ADTS] 3.1.1.3.1.5.1): in quotes, in UTF-16, little-endian.
fn unicode_pwd(password: &Password) -> Vec<u8> {
    let quoted = format!("\"{}\"", password.expose_secret());
    quoted.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A hash with the scheme before it by which directories know it (RFC 2307 §5.3, OpenLDAP's module for Argon2).
pub(super) fn user_password(hash: &StoredHash) -> Vec<u8> {
    let hash = hash.expose_secret();
    let scheme = match hash {
        _ if hash.starts_with("$argon2") => "{ARGON2}",
        _ if hash.starts_with('$') => "{CRYPT}",
        _ => "",
    };
    format!("{scheme}{hash}").into_bytes()
}

const NOBODY: Written = Written {
    matched: 0,
    row: None,
};

/// What there is beyond the deadline to take back half of a new user.
const UNDOING: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_for_active_directory_is_quoted_utf_16() {
        // The example of Microsoft's article on `unicodePwd`: "newPassword".
        let password = Password::new("newPassword".to_owned()).unwrap();
        let expected = b"\"\0n\0e\0w\0P\0a\0s\0s\0w\0o\0r\0d\0\"\0";
        assert_eq!(unicode_pwd(&password), expected);
    }

    #[test]
    fn a_hash_has_the_scheme_that_directories_know_it_by() {
        for (hash, stored) in [
            (
                "$argon2id$v=19$m=1,t=1,p=1$a$b",
                "{ARGON2}$argon2id$v=19$m=1,t=1,p=1$a$b",
            ),
            ("$2b$10$abc", "{CRYPT}$2b$10$abc"),
            ("{SSHA}abc", "{SSHA}abc"),
        ] {
            let hash = StoredHash::new(hash.to_owned()).unwrap();
            assert_eq!(user_password(&hash), stored.as_bytes());
        }
    }
}
