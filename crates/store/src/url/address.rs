//! Where a database server is, as whom to speak to it, and how far to trust the way there.
//! An attacker on that way wants the hashes: unless the way is this machine's own, the server proves its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::{Host, Url};
use zeroize::Zeroizing;

use crate::credentials::Credential;
use crate::error::Error;

/// A server, a database on it, and a user of it. It holds a password, so it has no `Debug`.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) way: Way,
    pub(crate) user: String,
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) database: String,
}

/// How to come to a server, and how far to trust that way.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) endpoint: Endpoint,
    pub(crate) trust: Trust,
    /// The certificates that may vouch for the server, instead of the public ones.
    pub(crate) root_certificate: Option<PathBuf>,
    /// Whether statements stay prepared in a session. Behind a pooler that hands a session out for one transaction
    /// they do not.
    pub(crate) prepared: bool,
}

/// The address of a server, and who is expected there; no password.
#[derive(Clone, Copy)]
pub struct ServerAddress<'a> {
    /// Host and port; `None` for a socket of this machine.
    pub host: Option<(&'a str, u16)>,
    /// The user; of a directory, which has its own in config, none.
    pub user: &'a str,
    /// The database; of a directory, the base of its searches.
    pub database: &'a str,
    /// Whether the server has to prove its name by TLS.
    pub is_proved: bool,
    /// Whether the URL holds a password.
    pub has_password: bool,
}

/// What to connect to.
#[derive(Clone)]
pub(crate) enum Endpoint {
    Network { host: String, port: u16 },
    Socket(PathBuf),
}

/// What is asked of TLS: the values of `sslmode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trust {
    /// No TLS.
    Disable,
    /// TLS if the server has it; only on this machine.
    Prefer,
    /// TLS with whoever answers.
    Require,
    /// TLS with a certificate that a trusted CA has signed.
    VerifyCa,
    /// The same, and for the name in the URL.
    VerifyFull,
}

impl Address {
    /// Reads `scheme://user:password@host:port/database?sslmode=…&sslrootcert=…`, or `…?socket=/path` for a socket.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|_| Error::Url("cannot be read as a URL"))?;
        let way = Way::parse(&url, default_port)?;
        let user = decoded(url.username())?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        if database.is_empty() {
            return Err(Error::Url(
                "names no database; write `scheme://user@host/database`",
            ));
        }
        let password = url.password().map(decoded).transpose()?;
        Ok(Self {
            way,
            user,
            password: password.map(Zeroizing::new),
            database,
        })
    }

    /// The user and the password; where there is no user, an empty name.
    pub(crate) fn credential(&self) -> Credential {
        Credential::new(self.user.clone(), self.password.clone())
    }

    /// The same address, as this user.
    pub(crate) fn as_user(&self, credential: &Credential) -> Self {
        let Credential { user, password } = credential.clone();
        Self {
            user,
            password,
            ..self.clone()
        }
    }

    /// The address, to show.
    pub(super) fn server(&self) -> ServerAddress<'_> {
        ServerAddress {
            user: &self.user,
            has_password: self.password.is_some(),
            ..self.way.server(&self.database)
        }
    }

    /// The same address, with a relative certificate file taken to be below this folder.
    pub(super) fn below(mut self, folder: &Path) -> Self {
        self.way = self.way.below(folder);
        self
    }

    /// `host:port/database`, without user and password.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.way.shown(), self.database)
    }
}

impl Way {
    /// Reads host, port and options.
    pub(super) fn parse(url: &Url, default_port: u16) -> Result<Self, Error> {
        let mut options = options(url)?;
        let root_certificate = options.remove("sslrootcert").map(PathBuf::from);
        let endpoint = match (options.remove("socket"), url.host()) {
            (Some(path), None) => Endpoint::Socket(PathBuf::from(path)),
            (Some(path), Some(_)) if is_local(url.host().as_ref()) => {
                Endpoint::Socket(PathBuf::from(path))
            }
            (Some(_), Some(_)) => return Err(Error::Url("names a host and a socket; name one")),
            (None, Some(host)) => Endpoint::Network {
                host: match host {
                    Host::Ipv6(address) => address.to_string(),
                    Host::Ipv4(_) | Host::Domain(_) => decoded(&host.to_string())?,
                },
                port: url.port().unwrap_or(default_port),
            },
            (None, None) => return Err(Error::Url("names no host")),
        };
        let local = matches!(endpoint, Endpoint::Socket(_)) || is_local(url.host().as_ref());
        let trust = match options.remove("sslmode").as_deref() {
            None if local && root_certificate.is_none() => Trust::Prefer,
            None | Some("verify-full") => Trust::VerifyFull,
            Some("verify-ca") => Trust::VerifyCa,
            Some("require") => Trust::Require,
            Some("disable") => Trust::Disable,
            Some(_) => return Err(Error::Url(MODES)),
        };
        let prepared = match options.remove("prepared").as_deref() {
            None | Some("true") => true,
            Some("false") if default_port == POSTGRES_PORT => false,
            Some(_) => return Err(Error::Url(PREPARED)),
        };
        if !options.is_empty() {
            return Err(Error::Url(OPTIONS));
        }
        Ok(Self {
            endpoint,
            trust,
            root_certificate,
            prepared,
        })
    }

    /// The certificates of `sslrootcert`. Read here, so that a file that cannot be read is named.
    pub(crate) fn root_certificate_pem(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some(path) = &self.root_certificate else {
            return Ok(None);
        };
        let pem = std::fs::read(path).map_err(|_| Error::File {
            path: path.clone(),
            fault: "of `sslrootcert` cannot be read",
        })?;
        Ok(Some(pem))
    }

    /// The same address, with a relative certificate file taken to be below this folder.
    pub(super) fn below(mut self, folder: &Path) -> Self {
        self.root_certificate = self.root_certificate.map(|file| folder.join(file));
        self
    }

    /// The address of whom it leads to, to show.
    pub(super) fn server<'a>(&'a self, database: &'a str) -> ServerAddress<'a> {
        ServerAddress {
            host: match &self.endpoint {
                Endpoint::Network { host, port } => Some((host, *port)),
                Endpoint::Socket(_) => None,
            },
            user: "",
            database,
            is_proved: self.trust == Trust::VerifyFull,
            has_password: false,
        }
    }

    /// `host:port`, or the socket.
    pub(super) fn shown(&self) -> String {
        match &self.endpoint {
            Endpoint::Network { host, port } => format!("{host}:{port}"),
            Endpoint::Socket(path) => path.display().to_string(),
        }
    }
}

/// The options after `?`, each at most once.
fn options(url: &Url) -> Result<BTreeMap<String, String>, Error> {
    let mut options = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        if options
            .insert(name.into_owned(), value.into_owned())
            .is_some()
        {
            return Err(Error::Url("has an option twice"));
        }
    }
    Ok(options)
}

/// Whether the way to a host never leaves this machine.
fn is_local(host: Option<&Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost") || is_loopback(name),
        None => true,
    }
}

/// A scheme that is not the web's leaves addresses as names.
fn is_loopback(name: &str) -> bool {
    name.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback())
}

pub(super) fn decoded(text: &str) -> Result<String, Error> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::Url("is not UTF-8 where it is percent-encoded"))
}

const MODES: &str = "has an `sslmode` that is not known; write `verify-full` (which it is by itself for another \
                     machine), `verify-ca`, `require` or `disable`";

const OPTIONS: &str =
    "has an option that is not known; these are: `sslmode`, `sslrootcert`, `socket`, `prepared`";

const PREPARED: &str = "has a `prepared` that is neither `true` nor, for PostgreSQL behind a pooler in transaction \
                        mode, `false`";

/// PostgreSQL's port, by which its addresses are told from others.
pub(super) const POSTGRES_PORT: u16 = 5432;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Address {
        Address::parse(text, 5432).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_parts_are_where_they_belong() {
        let address =
            parsed("postgres://lych%40gate:p%2Fw@db.internal:6543/leg%20acy?sslrootcert=ca.pem");
        assert_eq!(address.shown(), "db.internal:6543/leg acy");
        assert_eq!(address.user, "lych@gate");
        assert_eq!(address.password.as_deref().map(String::as_str), Some("p/w"));
        assert_eq!(
            address.way.root_certificate.as_deref(),
            Some(Path::new("ca.pem"))
        );
    }

    #[test]
    fn another_machine_has_to_prove_its_name() {
        for (host, trust) in [
            ("db.internal", Trust::VerifyFull),
            ("192.0.2.7", Trust::VerifyFull),
            ("[2001:db8::7]", Trust::VerifyFull),
            ("127.0.0.1.example.com", Trust::VerifyFull),
            ("localhost", Trust::Prefer),
            ("127.0.0.1", Trust::Prefer),
            ("[::1]", Trust::Prefer),
        ] {
            assert_eq!(
                parsed(&format!("postgres://u@{host}/d")).way.trust,
                trust,
                "{host}"
            );
        }
        assert_eq!(
            parsed("postgres://u@localhost/d?sslrootcert=ca.pem")
                .way
                .trust,
            Trust::VerifyFull
        );
        assert_eq!(
            parsed("postgres://u@localhost/d?socket=/run/pg").way.trust,
            Trust::Prefer
        );
    }

    #[test]
    fn less_trust_has_to_be_asked_for_by_name() {
        for (mode, trust) in [
            ("disable", Trust::Disable),
            ("require", Trust::Require),
            ("verify-ca", Trust::VerifyCa),
            ("verify-full", Trust::VerifyFull),
        ] {
            assert_eq!(
                parsed(&format!("mysql://u@db/d?sslmode={mode}")).way.trust,
                trust
            );
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_repeated() {
        for text in [
            "postgres://hunter2@db",
            "postgres://u:hunter2@db/d?sslmode=prefer",
            "postgres://u:hunter2@db/d?hunter2=1",
            "postgres://u:hunter2@db/d?prepared=hunter2",
            "postgres://u:hunter2@db/d?sslmode=require&sslmode=disable",
            "postgres://u:hunter2@db/d?socket=/run/pg",
            "postgres://u:hunter2@db:99999/d",
            "postgres://u:hunter2%ff@db/d",
            "postgres:///hunter2",
        ] {
            let error = Address::parse(text, 5432)
                .err()
                .unwrap_or_else(|| panic!("{text}"));
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
