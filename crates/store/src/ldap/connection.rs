//! Connections to a directory: a bounded number of them, each used by one request at a time.
//! A connection that comes back from anything but a whole answer is dropped, and with it whatever was going on there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::ClientConfig;
use url::Url;
use zeroize::Zeroizing;

use super::control;
use super::entry::Entry;
use super::failure::{checked, failure, lost};
use super::tls;
use crate::error::Error;
use crate::server::{Failure, UNREACHED, UNTRUSTED};
use crate::statement::StatementName;
use crate::url::{Directory, Endpoint, Security};

/// The way to a directory, and the connections that wait to be used again.
pub(super) struct Connections {
    url: Url,
    security: Security,
    tls: Option<Arc<ClientConfig>>,
    /// Whom a new connection is bound as; nobody, where others are bound on it.
    account: Option<(String, Zeroizing<String>)>,
    idle: Mutex<Vec<Ldap>>,
}

/// A connection on loan. Unless it is sound when it comes back, it is dropped.
pub(super) struct Lease<'a> {
    home: &'a Connections,
    connection: Option<Ldap>,
    pub(super) is_sound: bool,
    pub(super) is_new: bool,
}

impl Connections {
    pub(super) fn new(
        directory: &Directory,
        account: Option<(String, Zeroizing<String>)>,
    ) -> Result<Self, Error> {
        let tls = match directory.security {
            Security::Plain => None,
            Security::StartTls | Security::Tls => Some(tls::config(&directory.way)?),
        };
        let scheme = match (&directory.way.endpoint, directory.security) {
            (Endpoint::Socket(_), _) => "ldapi",
            (_, Security::Tls) => "ldaps",
            (_, Security::Plain | Security::StartTls) => "ldap",
        };
        let authority = match &directory.way.endpoint {
            Endpoint::Network { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Endpoint::Network { host, port } => format!("{host}:{port}"),
            Endpoint::Socket(path) => {
                utf8_percent_encode(&path.to_string_lossy(), NON_ALPHANUMERIC).to_string()
            }
        };
        let url = Url::parse(&format!("{scheme}://{authority}"))
            .map_err(|_| Error::Url("cannot be read as a URL"))?;
        Ok(Self {
            url,
            security: directory.security,
            tls,
            account,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// A connection that waits, which may have broken since, or a new one.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, Failure> {
        let waiting = self.idle().pop();
        match waiting {
            Some(connection) => Ok(self.lent(connection, false)),
            None => self.new_lease().await,
        }
    }

    /// A new connection.
    pub(super) async fn new_lease(&self) -> Result<Lease<'_>, Failure> {
        let connection = self.connect().await?;
        Ok(self.lent(connection, true))
    }

    /// Forgets the connections that wait: one of them was found broken, and the others are as old.
    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    fn lent(&self, connection: Ldap, is_new: bool) -> Lease<'_> {
        Lease {
            home: self,
            connection: Some(connection),
            is_sound: false,
            is_new,
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Ldap>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Ldap, Failure> {
        let mut settings = LdapConnSettings::new();
        if let Some(tls) = &self.tls {
            settings = settings
                .set_config(Arc::clone(tls))
                .set_starttls(self.security == Security::StartTls);
        }
        let (connection, mut ldap) = LdapConnAsync::from_url_with_settings(settings, &self.url)
            .await
            .map_err(|error| Failure::Unavailable(unreached(&error)))?;
        // It ends with the last handle; why it ended, whoever waits for an answer is told.
        tokio::spawn(async move { drop(connection.drive().await) });
        if let Some((dn, password)) = &self.account {
            checked(ldap.simple_bind(dn, password).await)?;
        }
        Ok(ldap)
    }
}

impl Lease<'_> {
    /// The connection, for one question; it is not sound until that is answered.
    pub(super) fn connection(&mut self) -> Result<&mut Ldap, Failure> {
        self.is_sound = false;
        self.connection.as_mut().ok_or(Failure::Lost)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.is_sound
        {
            self.home.idle().push(connection);
        }
    }
}

/// What is looked for.
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [&'a str],
    /// How long the server may look.
    pub(super) limit: Duration,
    /// How many entries are enough.
    pub(super) most: usize,
    /// Whether attributes come without their values.
    pub(super) names_only: bool,
}

/// What was found: never more entries than are enough; of users two, to know that there are too many.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Whether there are more, which the server did not send.
    has_more: bool,
    /// Whether the answer was read to its end.
    is_complete: bool,
}

impl Found {
    /// The one entry, if there is one.
    pub(super) fn the_entry(mut self, name: StatementName) -> Result<Option<Entry>, Error> {
        if self.has_more || self.entries.len() > 1 {
            return Err(Error::Ambiguous(name));
        }
        Ok(self.entries.pop())
    }
}

impl Search<'_> {
    /// Asks, on a connection of which the answer says whether it can be used again.
    pub(super) async fn run(&self, lease: &mut Lease<'_>) -> Result<Found, Failure> {
        let found = self.ask(lease.connection()?).await;
        lease.is_sound = match &found {
            Ok(found) => found.is_complete,
            Err(failure) => failure.is_answer(),
        };
        found
    }

    /// Hands everything that is found to `each`, a page after the other (RFC 2696), so that however much it is, little of
    /// it is here at a time. What the server does not send to its end is a failure.
    pub(super) async fn run_through(
        &self,
        lease: &mut Lease<'_>,
        mut each: impl FnMut(Entry),
    ) -> Result<(), Failure> {
        let mut cookie = Vec::new();
        loop {
            let mut stream = lease
                .connection()?
                .with_search_options(self.options())
                .with_controls(control::page(cookie))
                .streaming_search(self.base, self.scope, self.filter, self.attributes)
                .await
                .map_err(|error| lost(&error))?;
            while let Some(result) = stream.next().await.map_err(|error| lost(&error))? {
                if !result.is_ref() && !result.is_intermediate() {
                    each(Entry::read(result).ok_or(Failure::Lost)?);
                }
            }
            let answer = stream.finish().await;
            lease.is_sound = true;
            // A server that has come to its limit may send a cookie all the same.
            if answer.rc != 0 {
                return Err(failure(answer.rc, &answer.text));
            }
            match control::next_page(&answer.ctrls) {
                Some(next) => cookie = next,
                None => return Ok(()),
            }
        }
    }

    fn options(&self) -> SearchOptions {
        let seconds = i32::try_from(self.limit.as_secs().max(1)).unwrap_or(i32::MAX);
        SearchOptions::new()
            .timelimit(seconds)
            .typesonly(self.names_only)
    }

    async fn ask(&self, connection: &mut Ldap) -> Result<Found, Failure> {
        let most = i32::try_from(self.most).unwrap_or(i32::MAX);
        let options = self.options().sizelimit(most);
        let mut stream = connection
            .with_search_options(options)
            .streaming_search(self.base, self.scope, self.filter, self.attributes)
            .await
            .map_err(|error| lost(&error))?;
        let mut entries = Vec::new();
        while entries.len() < self.most {
            match stream.next().await.map_err(|error| lost(&error))? {
                // Where else one could ask: nobody does.
                Some(result) if result.is_ref() || result.is_intermediate() => {}
                Some(result) => entries.push(Entry::read(result).ok_or(Failure::Lost)?),
                None => {
                    let answer = stream.finish().await;
                    return match answer.rc {
                        0 | SIZE_LIMIT => Ok(Found {
                            entries,
                            has_more: answer.rc == SIZE_LIMIT,
                            is_complete: true,
                        }),
                        code => Err(failure(code, &answer.text)),
                    };
                }
            }
        }
        Ok(Found {
            entries,
            has_more: false,
            is_complete: false,
        })
    }
}

/// More entries than were asked for, or than the account may see at once.
const SIZE_LIMIT: u32 = 4;

fn unreached(error: &LdapError) -> &'static str {
    match error {
        LdapError::LdapResult { .. } => "it refuses StartTLS; is it an address of `ldaps://`?",
        LdapError::Io { source } if source.kind() == std::io::ErrorKind::InvalidData => UNTRUSTED,
        LdapError::Rustls { .. } | LdapError::DNSName { .. } => UNTRUSTED,
        _ => UNREACHED,
    }
}
