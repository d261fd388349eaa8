//! What the directory lets the account do beyond the operations, as far as it can be tried without changing anything.
//! Attributes are asked for by their names alone, so no value of a user is sent. A write is tried as the deletion of a
//! value that nobody has, which fails in one way where it is allowed, and in another where it is not.

mod needs;

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use ldap3::{Mod, Scope};
use tokio::time::timeout;

use self::needs::HASHES;
use super::LdapStore;
use super::connection::{Lease, Search};
use super::entry::Entry;
use super::failure::lost;
use super::name::{above, is_same};
use super::schema::Kind;
use crate::error::Error;
use crate::privilege::{Excess, ExcessKind, Via};
use crate::server::{Failure, SILENT};
use crate::statement::StatementName;

impl LdapStore {
    /// Tries what there is to try, and changes nothing.
    pub(crate) async fn excesses(&self) -> Result<Vec<Excess>, Error> {
        let _permit = self.permit().await?;
        let tried = timeout(PATIENCE, self.tried()).await;
        tried.map_err(|_| Error::Unavailable(SILENT))?
    }

    async fn tried(&self) -> Result<Vec<Excess>, Error> {
        let mut found = Vec::new();
        let users = self.some_users().await?;
        if let Some(user) = users.first() {
            // Not everybody has every attribute.
            let read = users.iter().flat_map(Entry::names).collect();
            self.read_beyond(&read, &mut found);
            self.written_beyond(&user.dn, &read, &mut found).await?;
        }
        self.entries_beyond(&mut found).await?;
        self.read_by_anybody(&mut found).await?;
        Ok(found)
    }

    /// Users whom an operation would find, with the names of all the attributes that the account reads of them.
    async fn some_users(&self) -> Result<Vec<Entry>, Error> {
        let mut operations = self.operations.iter();
        let found = operations.find(|(name, _)| **name != StatementName::Create);
        let Some((_, operation)) = found else {
            return Ok(Vec::new());
        };
        let filter = operation.filter.anybody();
        let password = self.settings.password_attribute.as_str();
        let mut attributes = vec!["*", "+", password];
        attributes.extend(
            HASHES
                .iter()
                .filter(|name| !password.eq_ignore_ascii_case(name)),
        );
        let search = self.look(&self.base, self.scope(), &filter, &attributes);
        self.seen(&search).await
    }

    fn read_beyond(&self, read: &BTreeSet<String>, found: &mut Vec<Excess>) {
        let needed = self.needed();
        let beyond = read.iter().filter(|name| !needed.contains(*name));
        let (hashes, others): (Vec<_>, Vec<_>) = beyond
            .map(String::as_str)
            .partition(|name| self.is_hash(name));
        for (kind, names) in [
            (ExcessKind::DirectoryPassword, hashes),
            (ExcessKind::DirectoryAttribute, others),
        ] {
            if !names.is_empty() {
                let names = names.join(",");
                // Where it is set, it must stay so.
                let may_set = kind == ExcessKind::DirectoryPassword && self.sets_password();
                let right = if may_set { "=w" } else { "none" };
                found.push(self.excess(kind, "reads", &names, right));
            }
        }
    }

    async fn written_beyond(
        &self,
        dn: &str,
        read: &BTreeSet<String>,
        found: &mut Vec<Excess>,
    ) -> Result<(), Error> {
        let may_set = self.set_by_operations();
        let columns = self.columns.read().into_iter().map(str::to_ascii_lowercase);
        let candidates = read.iter().cloned().chain(columns);
        let candidates = candidates.chain(TEMPTING.map(str::to_ascii_lowercase));
        let candidates = candidates.filter(|name| !may_set.contains(name));
        let candidates: BTreeSet<_> = candidates
            .filter(|name| !self.counts_as_a_login(name))
            .collect();
        let mut written = Vec::new();
        for name in candidates {
            let kind = self.schema.attribute(&name).map(|known| known.kind);
            let Some(value) = kind.and_then(nobodys_value) else {
                continue;
            };
            if self.may_write(dn, &name, value).await? {
                written.push(name);
            }
        }
        let needed = self.needed();
        let (needed, others): (Vec<_>, Vec<_>) =
            written.into_iter().partition(|name| needed.contains(name));
        for (names, right) in [(needed, "read"), (others, "none")] {
            if !names.is_empty() {
                let names = names.join(",");
                found.push(self.excess(ExcessKind::DirectoryWrite, "changes", &names, right));
            }
        }
        Ok(())
    }

    /// Whether the account could delete values of an attribute. This one it cannot: nobody has it.
    async fn may_write(&self, dn: &str, attribute: &str, value: Vec<u8>) -> Result<bool, Error> {
        let mut lease = self.lease().await?;
        let deletion = Mod::Delete(attribute.as_bytes().to_vec(), HashSet::from([value]));
        let asking = async {
            let connection = lease.connection()?;
            let answer = connection.modify(dn, vec![deletion]).await;
            answer.map_err(|error| lost(&error))
        };
        let answered = timeout(self.deadline, asking).await;
        let answer = answered.map_err(|_| Error::Unavailable(SILENT))?;
        let answer = answer.map_err(|failure| failure.into_error(StatementName::Lookup, true))?;
        lease.is_sound = true;
        Ok(answer.rc == NO_SUCH_ATTRIBUTE)
    }

    /// Entries that are no users: beside the base, in other trees, and in those of the server itself.
    async fn entries_beyond(&self, found: &mut Vec<Excess>) -> Result<(), Error> {
        let root = self.look_for_values("", &["namingContexts"]);
        let root = self.seen(&root).await?;
        let contexts = root.iter().flat_map(|root| root.values("namingContexts"));
        let contexts = contexts.filter_map(|name| std::str::from_utf8(name).ok());
        let mut trees: Vec<_> = contexts.take(MOST_TREES).collect();
        trees.extend(OWN_TREES);
        let mut path = vec![self.base.as_str()];
        while let Some(parent) = path.last().and_then(|name| above(name)) {
            path.push(parent);
        }
        for tree in trees {
            if path.iter().any(|name| is_same(name, tree)) {
                continue;
            }
            let search = self.look(tree, Scope::Base, ANYTHING, &["1.1"]);
            if !self.seen(&search).await?.is_empty() {
                let kind = if OWN_TREES.contains(&tree) {
                    ExcessKind::DirectoryServer
                } else {
                    ExcessKind::DirectoryEntries
                };
                found.push(self.tree(kind, tree, "reads it"));
            }
        }
        for parent in path.iter().skip(1) {
            let search = self.look(parent, Scope::OneLevel, ANYTHING, &["1.1"]);
            let entries = self.seen(&search).await?;
            let is_beside = |entry: &&Entry| {
                let is_known = path.iter().any(|name| is_same(name, &entry.dn));
                !is_known && !is_same(&self.settings.bind_dn, &entry.dn)
            };
            if entries.iter().any(|entry| is_beside(&entry)) {
                let may = "lists entries below it that hold no users";
                found.push(self.tree(ExcessKind::DirectoryEntries, parent, may));
            }
        }
        Ok(())
    }

    /// Whether users are shown to whoever asks, without a bind.
    async fn read_by_anybody(&self, found: &mut Vec<Excess>) -> Result<(), Error> {
        let lease = self.logins.new_lease().await;
        let mut lease = lease.map_err(|failure| failure.into_error(StatementName::Lookup, true))?;
        let search = self.look(&self.base, self.scope(), ANYTHING, &["*"]);
        let entries = seen(&search, &mut lease).await?;
        if entries.iter().any(|entry| !is_same(&entry.dn, &self.base)) {
            found.push(Excess {
                kind: ExcessKind::DirectoryAnonymous,
                subject: self.base.clone(),
                may: "lists the users".to_owned(),
                via: Via::Public,
                mend: format!(
                    "in `olcAccess`, before the rules that are there: to dn.subtree=\"{}\" by anonymous auth by * break",
                    self.base
                ),
            });
        }
        Ok(())
    }

    /// What the account finds, on a connection of which nothing is left over.
    async fn seen(&self, search: &Search<'_>) -> Result<Vec<Entry>, Error> {
        let mut lease = self.lease().await?;
        seen(search, &mut lease).await
    }

    /// A search for names of attributes.
    fn look<'a>(
        &self,
        base: &'a str,
        scope: Scope,
        filter: &'a str,
        attributes: &'a [&'a str],
    ) -> Search<'a> {
        Search {
            base,
            scope,
            filter,
            attributes,
            limit: self.deadline,
            most: MOST_SEEN,
            names_only: true,
        }
    }

    fn look_for_values<'a>(&self, base: &'a str, attributes: &'a [&'a str]) -> Search<'a> {
        Search {
            names_only: false,
            ..self.look(base, Scope::Base, ANYTHING, attributes)
        }
    }

    /// An excess that is about attributes of the users.
    fn excess(&self, kind: ExcessKind, verb: &str, names: &str, right: &str) -> Excess {
        Excess {
            kind,
            subject: self.base.clone(),
            may: format!("{verb} `{names}` of a user"),
            via: Via::Itself,
            mend: format!(
                "in `olcAccess`, before the rules that are there: to dn.subtree=\"{}\" attrs={names} by dn.exact=\"{}\" \
                 {right} by * break",
                self.base, self.settings.bind_dn
            ),
        }
    }

    /// An excess that is about another part of the directory.
    fn tree(&self, kind: ExcessKind, name: &str, may: &str) -> Excess {
        Excess {
            kind,
            subject: name.to_owned(),
            may: may.to_owned(),
            via: Via::Itself,
            mend: format!(
                "in `olcAccess`, after the rules for the users and before the others: to dn.subtree=\"{name}\" by \
                 dn.exact=\"{}\" none by * break",
                self.settings.bind_dn
            ),
        }
    }
}

/// What is found; what the directory refuses is not there.
async fn seen(search: &Search<'_>, lease: &mut Lease<'_>) -> Result<Vec<Entry>, Error> {
    match search.run(lease).await {
        Ok(found) => Ok(found.entries),
        Err(failure @ (Failure::Lost | Failure::TooSlow)) => {
            Err(failure.into_error(StatementName::Lookup, true))
        }
        Err(_) => Ok(Vec::new()),
    }
}

/// A value that fits the attribute and that nobody has; `None` where there are too few to be sure of that.
fn nobodys_value(kind: Kind) -> Option<Vec<u8>> {
    let random = || RandomState::new().build_hasher().finish();
    let value = match kind {
        // A text, and a name of an entry, too.
        Kind::Text => format!("cn={:016x}{:016x}", random(), random()),
        Kind::Integer => format!("-{}", random()),
        Kind::Time => format!("16010203040506.{}Z", random()),
        Kind::Boolean | Kind::Identity(_) => return None,
    };
    Some(value.into_bytes())
}

/// Whatever there is.
const ANYTHING: &str = "(objectClass=*)";

/// Attributes that an attacker would change, whether or not they can be read.
const TEMPTING: [&str; 17] = [
    "userPassword",
    "mail",
    "uid",
    "cn",
    "sn",
    "displayName",
    "description",
    "title",
    "employeeType",
    "manager",
    "member",
    "memberOf",
    "sAMAccountName",
    "userPrincipalName",
    "pwdPolicySubentry",
    "pwdAccountLockedTime",
    "authzTo",
];

/// Where servers keep their own.
const OWN_TREES: [&str; 3] = ["cn=config", "cn=monitor", "cn=accesslog"];

/// How many trees of others are looked for.
const MOST_TREES: usize = 64;

/// More than there can be of the account and what leads to the users, so that what is beside them is seen; and enough
/// users to see which attributes they have.
const MOST_SEEN: usize = 8;

/// There is no such attribute, or it has no such value.
const NO_SUCH_ATTRIBUTE: u32 = 16;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_mins(2);
