//! The sample in a directory: an entry of its own below the base, and the users below that.
//! Adding that entry is what finds out whether it is there already, so nothing of anybody's is ever written to or removed.

use std::collections::HashSet;

use ldap3::Scope;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::connection::{Connections, Search};
use super::failure::checked;
use super::template::escaped;
use super::write::{Attributes, user_password};
use crate::sample::{PATIENCE, SAMPLE_UNIT, SampleError, SampleUser};
use crate::server::{Failure, unavailable};
use crate::url::Directory;

/// The entry, and the way to it.
pub(crate) struct SampleTree {
    connections: Connections,
    dn: String,
}

impl SampleTree {
    /// Makes the entry, which must not be there, and a user for each of these.
    pub(crate) async fn create(
        directory: &Directory,
        account: (String, Zeroizing<String>),
        users: &[SampleUser],
    ) -> Result<Self, SampleError> {
        let tree = Self {
            connections: Connections::new(directory, Some(account))?,
            dn: format!("ou={SAMPLE_UNIT},{}", directory.base),
        };
        tree.begin().await?;
        if matches!(timeout(PATIENCE, tree.fill(users)).await, Ok(Ok(()))) {
            return Ok(tree);
        }
        tree.remove().await?;
        Err(SampleError::TreeNotMade)
    }

    async fn begin(&self) -> Result<(), SampleError> {
        let root = entry(&[("objectClass", "organizationalUnit"), ("ou", SAMPLE_UNIT)]);
        let adding = async {
            let mut lease = self
                .connections
                .new_lease()
                .await
                .map_err(|failure| unavailable(&failure))?;
            let connection = lease
                .connection()
                .map_err(|failure| unavailable(&failure))?;
            match checked(connection.add(&self.dn, root).await) {
                Ok(()) => Ok(()),
                Err(Failure::Unique) => Err(SampleError::TreeInUse),
                Err(_) => Err(SampleError::TreeNotMade),
            }
        };
        let added = timeout(PATIENCE, adding).await;
        added.unwrap_or(Err(SampleError::TreeNotMade))
    }

    async fn fill(&self, users: &[SampleUser]) -> Result<(), Failure> {
        let mut lease = self.connections.new_lease().await?;
        for user in users {
            let dn = format!("uid={},{}", escaped(user.email.as_bytes()), self.dn);
            checked(lease.connection()?.add(&dn, person(user)).await)?;
        }
        Ok(())
    }

    /// Removes the entry, and whoever was made below it since.
    pub(crate) async fn remove(&self) -> Result<(), SampleError> {
        match timeout(PATIENCE, self.remove_all()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(SampleError::TreeNotRemoved),
        }
    }

    async fn remove_all(&self) -> Result<(), Failure> {
        let mut lease = self.connections.new_lease().await?;
        let below = Search {
            base: &self.dn,
            scope: Scope::OneLevel,
            filter: "(objectClass=*)",
            attributes: &["1.1"],
            limit: PATIENCE,
            most: usize::MAX,
            names_only: false,
        };
        let mut names = Vec::new();
        below
            .run_through(&mut lease, |entry| names.push(entry.dn))
            .await?;
        names.push(self.dn.clone());
        for name in names {
            let deleted = lease.connection()?.delete(&name).await;
            checked(deleted)?;
        }
        Ok(())
    }
}

/// A user in the words of the schemas that every OpenLDAP has. They have no attribute for a verified address: it is
/// told by `employeeType`, which nothing else uses here.
fn person(user: &SampleUser) -> Attributes {
    let verified = if user.email_verified { "TRUE" } else { "FALSE" };
    let mut person = entry(&[
        ("objectClass", "inetOrgPerson"),
        ("uid", &user.email),
        ("cn", &user.email),
        ("sn", &user.email),
        ("mail", &user.email),
        ("employeeType", verified),
    ]);
    if let Some(nickname) = &user.nickname {
        person.extend(entry(&[("displayName", nickname)]));
    }
    if let Some(hash) = user.password_hash.as_ref().filter(|_| !user.blocked) {
        person.push((
            b"userPassword".to_vec(),
            HashSet::from([user_password(hash)]),
        ));
    }
    person
}

fn entry(attributes: &[(&str, &str)]) -> Attributes {
    let one = |(name, value): &(&str, &str)| {
        let value = HashSet::from([value.as_bytes().to_vec()]);
        (name.as_bytes().to_vec(), value)
    };
    attributes.iter().map(one).collect()
}
