//! The way to a database server for sessions that are somebody else's: bytes without a driver, over a way that is trusted
//! as the store's own is.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::Error;
use crate::inspection::StoreKind;
use crate::postgres::tls;
use crate::url::{Address, Endpoint, Location, StoreUrl, Trust};

/// A database server that sessions are passed on to.
pub struct Upstream {
    kind: StoreKind,
    host: String,
    port: u16,
    database: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// A connection with the server that has proven its name, as far as the URL asks for it.
pub type Secured = TlsStream<TcpStream>;

impl Upstream {
    /// The server of a `postgres://host/database` or `mysql://host/database`, with `sslmode` and `sslrootcert` as for a
    /// store. The clients bring users and passwords of their own, so there are none in the URL. MySQL's protocol counts
    /// its messages, so TLS on one side needs TLS on the other.
    pub fn new(url: &StoreUrl) -> Result<Self, Error> {
        let (kind, address): (_, &Address) = match &url.0 {
            Location::Postgres(address) => (StoreKind::Postgres, address),
            Location::Mysql(address) => (StoreKind::Mysql, address),
            Location::Sqlite(_) | Location::Ldap(_) => {
                return Err(Error::Url("leads to no server of PostgreSQL or MySQL"));
            }
        };
        if !address.user.is_empty() || address.password.is_some() {
            return Err(Error::Url("names a user; those who call bring their own"));
        }
        let Endpoint::Network { host, port } = &address.way.endpoint else {
            return Err(Error::Url("names a socket; name a host"));
        };
        let is_encrypted = match (kind, address.way.trust) {
            (StoreKind::Mysql, Trust::Disable) => {
                return Err(Error::Url(
                    "has `sslmode=disable`, which MySQL cannot have here",
                ));
            }
            (StoreKind::Mysql, _) => true,
            // On this machine the way is trusted anyway.
            (_, trust) => !matches!(trust, Trust::Disable | Trust::Prefer),
        };
        let tls = if is_encrypted {
            let config = Arc::new(tls::config(address)?);
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Error::Url("has a host that no certificate can name"))?;
            Some((TlsConnector::from(config), name))
        } else {
            None
        };
        Ok(Self {
            kind,
            host: host.clone(),
            port: *port,
            database: address.database.clone(),
            tls,
        })
    }

    /// Whose protocol is spoken.
    pub fn kind(&self) -> StoreKind {
        self.kind
    }

    /// The database of the URL.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Whether TLS is to be spoken with the server, once its protocol has come so far.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// A connection on which nothing was said yet.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The handshake, where TLS is to be spoken.
    pub async fn secure(&self, stream: TcpStream) -> io::Result<Secured> {
        match &self.tls {
            Some((connector, name)) => connector.connect(name.clone(), stream).await,
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(url: &str) -> Result<Upstream, Error> {
        Upstream::new(&url.parse().unwrap())
    }

    #[test]
    fn elsewhere_the_server_proves_its_name_and_on_this_machine_it_need_not() {
        assert!(
            upstream("postgres://db.internal/legacy")
                .unwrap()
                .is_encrypted()
        );
        assert!(
            upstream("mysql://db.internal/legacy")
                .unwrap()
                .is_encrypted()
        );
        assert!(
            !upstream("postgres://127.0.0.1/legacy")
                .unwrap()
                .is_encrypted()
        );
        assert!(upstream("mysql://127.0.0.1/legacy").unwrap().is_encrypted());
        assert_eq!(
            upstream("postgres://db.internal/legacy")
                .unwrap()
                .database(),
            "legacy"
        );
    }

    #[test]
    fn a_user_a_socket_a_file_and_mysql_without_tls_are_refused() {
        for url in [
            "postgres://zoe@db.internal/legacy",
            "postgres:///legacy?socket=/run/postgresql",
            "sqlite:legacy.db",
            "ldaps://db.internal/dc=example",
            "mysql://db.internal/legacy?sslmode=disable",
        ] {
            assert!(upstream(url).is_err(), "{url}");
        }
    }
}
