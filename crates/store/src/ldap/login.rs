//! Is this the user's password? The directory says so, to a bind as the user.
//! An attacker wants an empty password, and to know who is there: whoever is not found is bound as somebody whom no
//! password fits.

use std::time::Instant;

use lychgate_password::Password;
use tokio::time::timeout_at;

use super::LdapStore;
use super::connection::Lease;
use super::control;
use super::failure::{Verdict, lost, verdict};
use super::settings::LdapVerification;
use super::template::Values;
use crate::error::Error;
use crate::parameters::Parameters;
use crate::row::Row;
use crate::server::Failure;
use crate::statement::StatementName;

impl LdapStore {
    /// Finds a user, and binds as her. Whoever is not found is bound as the decoy.
    pub(crate) async fn authenticate(
        &self,
        parameters: &Parameters,
        password: &Password,
    ) -> Result<Option<Row>, Error> {
        let name = StatementName::Authenticate;
        let operation = self.operation(name)?;
        let bindings = parameters.in_order(name, &operation.statement)?;
        let values = Values::new(operation.statement.parameters(), &bindings);
        let filter = operation.filter.fill(&values);
        let LdapVerification::Bind { decoy_dn } = &self.settings.verification else {
            return Err(Error::WrongKind(name));
        };
        self.circuit.admit(Instant::now())?;
        let _permit = self.permit().await?;
        let until = Instant::now() + self.deadline;
        let asking = async {
            let entry = match &filter {
                Some(filter) => self.find(name, filter).await?,
                None => None,
            };
            // A name that is empty would bind as nobody, which succeeds.
            let entry = entry.filter(|entry| !entry.dn.is_empty());
            let decoy = decoy_dn.as_deref().unwrap_or(&self.base);
            let dn = entry.as_ref().map_or(decoy, |entry| &entry.dn);
            let verdict = self.bind(dn, password).await?;
            let (Some(entry), Verdict::Right) = (entry, verdict) else {
                return Ok(None);
            };
            // What the directory noted of failed logins, the good one may have ended.
            let entry = match &filter {
                Some(filter) if self.is_blocked(&entry) => self.find(name, filter).await?,
                _ => Some(entry),
            };
            entry.map(|entry| self.row(name, &entry)).transpose()
        };
        timeout_at(until.into(), asking)
            .await
            .map_err(|_| Error::Timeout(name))?
    }

    /// Binds as a user. On a connection that waited and has broken since, it is tried again, on a new one.
    async fn bind(&self, dn: &str, password: &Password) -> Result<Verdict, Error> {
        if password.expose_secret().is_empty() {
            return Ok(Verdict::Refused);
        }
        let mut lease = self.counted(self.logins.lease().await)?;
        let mut answer = bound(&mut lease, dn, password).await;
        if matches!(answer, Err(Failure::Lost)) && !lease.is_new {
            drop(lease);
            self.logins.forget_idle();
            lease = self.counted(self.logins.new_lease().await)?;
            answer = bound(&mut lease, dn, password).await;
        }
        lease.is_sound = answer.is_ok();
        answer.map_err(|failure| self.error(StatementName::Authenticate, failure))
    }
}

async fn bound(lease: &mut Lease<'_>, dn: &str, password: &Password) -> Result<Verdict, Failure> {
    let connection = lease.connection()?;
    let answer = connection
        .with_controls(control::policy())
        .simple_bind(dn, password.expose_secret())
        .await;
    verdict(&answer.map_err(|error| lost(&error))?)
}
