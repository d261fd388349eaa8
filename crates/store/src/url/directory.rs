//! Where a directory is: `ldaps://host/BASE`, `ldap://host/BASE`, `ldapi://SOCKET/BASE`.
//! Credentials have no place in it, so that it can be shown.

use std::path::{Path, PathBuf};

use url::Url;

use super::address::{Endpoint, ServerAddress, Trust, Way, decoded};
use crate::error::Error;

/// A directory, and the entry below which its users are.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) way: Way,
    pub(crate) security: Security,
    pub(crate) base: String,
}

/// What stands between us and whoever listens on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Security {
    /// Nothing: the way does not leave this machine, or config says so.
    Plain,
    /// TLS, after asking for it.
    StartTls,
    /// TLS from the first byte on.
    Tls,
}

impl Directory {
    /// Reads the URL, with `sslmode` and `sslrootcert` as options.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut url = Url::parse(text).map_err(|_| Error::Url("cannot be read as a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Url(CREDENTIALS));
        }
        let base = decoded(url.path().trim_start_matches('/'))?;
        if !base.contains('=') {
            return Err(Error::Url(NO_BASE));
        }
        let is_tls = url.scheme() == "ldaps";
        let way = if url.scheme() == "ldapi" {
            let socket = decoded(url.host_str().unwrap_or_default())?;
            if url.query().is_some() || !socket.starts_with('/') {
                return Err(Error::Url(SOCKET));
            }
            Way {
                endpoint: Endpoint::Socket(PathBuf::from(socket)),
                trust: Trust::Disable,
                root_certificate: None,
                prepared: true,
            }
        } else {
            if url.query().is_some_and(|query| query.contains("socket=")) {
                return Err(Error::Url(SOCKET));
            }
            url.set_path("");
            Way::parse(&url, if is_tls { 636 } else { 389 })?
        };
        let security = match (is_tls, way.trust) {
            (true, Trust::Disable) => return Err(Error::Url(TLS_WITHOUT_TLS)),
            (true, _) => Security::Tls,
            (false, Trust::Disable | Trust::Prefer) => Security::Plain,
            (false, Trust::Require | Trust::VerifyCa | Trust::VerifyFull) => Security::StartTls,
        };
        let is_ipv6 = matches!(&way.endpoint, Endpoint::Network { host, .. } if host.contains(':'));
        if is_ipv6 && security != Security::Plain {
            return Err(Error::Url(IPV6));
        }
        Ok(Self {
            way,
            security,
            base,
        })
    }

    /// The address, to show.
    pub(super) fn server(&self) -> ServerAddress<'_> {
        self.way.server(&self.base)
    }

    /// The same directory, with a relative certificate file taken to be below this folder.
    pub(super) fn below(mut self, folder: &Path) -> Self {
        self.way = self.way.below(folder);
        self
    }

    /// The whole of it but the options.
    pub(super) fn shown(&self) -> String {
        let scheme = match (&self.way.endpoint, self.security) {
            (Endpoint::Socket(_), _) => "ldapi",
            (_, Security::Tls) => "ldaps",
            _ => "ldap",
        };
        format!("{scheme}://{}/{}", self.way.shown(), self.base)
    }
}

const CREDENTIALS: &str =
    "holds a user or a password; write them as `bind_dn` and `bind_password` under `[store.ldap]`";

const NO_BASE: &str = "names no base; write the entry below which the users are, such as \
                       `ldaps://host/ou=people,dc=example,dc=com`";

const SOCKET: &str =
    "names a socket, which is written `ldapi://%2Frun%2Fslapd%2Fldapi/BASE`, without options";

const TLS_WITHOUT_TLS: &str =
    "asks for TLS and for none; write `ldap://` with `sslmode=disable`, or leave that out";

const IPV6: &str =
    "names the server by an IPv6 address, to which no certificate can be compared; write its name";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Directory {
        Directory::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn another_machine_is_spoken_to_by_tls_and_proves_its_name() {
        for (url, security, trust) in [
            (
                "ldap://dir.internal/dc=x",
                Security::StartTls,
                Trust::VerifyFull,
            ),
            (
                "ldaps://dir.internal/dc=x",
                Security::Tls,
                Trust::VerifyFull,
            ),
            (
                "ldaps://dir.internal/dc=x?sslmode=verify-ca",
                Security::Tls,
                Trust::VerifyCa,
            ),
            (
                "ldap://dir.internal/dc=x?sslmode=disable",
                Security::Plain,
                Trust::Disable,
            ),
            ("ldap://localhost/dc=x", Security::Plain, Trust::Prefer),
            (
                "ldap://127.0.0.1/dc=x?sslrootcert=ca.pem",
                Security::StartTls,
                Trust::VerifyFull,
            ),
            ("ldaps://localhost/dc=x", Security::Tls, Trust::Prefer),
            (
                "ldapi://%2Frun%2Fldapi/dc=x",
                Security::Plain,
                Trust::Disable,
            ),
            ("ldap://[::1]/dc=x", Security::Plain, Trust::Prefer),
        ] {
            let directory = parsed(url);
            assert_eq!(
                (directory.security, directory.way.trust),
                (security, trust),
                "{url}"
            );
        }
    }

    #[test]
    fn a_directory_is_shown_without_its_options() {
        for (url, shown) in [
            (
                "ldap://dir.internal/ou=My%20People,dc=x?sslmode=verify-ca",
                "ldap://dir.internal:389/ou=My People,dc=x",
            ),
            (
                "ldaps://dir.internal:6636/dc=x",
                "ldaps://dir.internal:6636/dc=x",
            ),
            ("ldapi://%2Frun%2Fldapi/dc=x", "ldapi:///run/ldapi/dc=x"),
        ] {
            assert_eq!(parsed(url).shown(), shown);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_repeated() {
        for text in [
            "ldaps://cn%3Dadmin:hunter2@dir/dc=x",
            "ldaps://dir/",
            "ldaps://dir/hunter2",
            "ldaps:///dc=x",
            "ldaps://dir/dc=x?sslmode=disable",
            "ldap://dir/dc=x?mail?sub?(uid=hunter2)",
            "ldap://localhost/dc=x?socket=/run/ldapi",
            "ldapi://run/dc=x",
            "ldapi://%2Frun%2Fldapi/dc=x?sslmode=disable",
            "ldaps://[::1]/dc=x",
        ] {
            let error = Directory::parse(text).err();
            let error = error.unwrap_or_else(|| panic!("{text}")).to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
