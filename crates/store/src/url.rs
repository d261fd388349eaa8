//! Where the legacy store is: the `url` of `[store]`, parsed once at start.
//! Such a URL may hold credentials, so no error repeats any of it.

mod address;
mod directory;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use self::address::POSTGRES_PORT;
pub use self::address::ServerAddress;
pub(crate) use self::address::{Address, Endpoint, Trust, Way};
pub(crate) use self::directory::{Directory, Security};
use crate::credentials::Credential;
use crate::error::{Error, StatementFlaw};
use crate::inspection::StoreKind;
use crate::statement::StatementName;

/// The address of a legacy store: `sqlite:FILE`, a file that is there already and is never created, or a server as
/// `postgres://user@host/database` or `mysql://user@host/database`, or a directory as `ldaps://host/BASE`.
#[derive(Clone)]
pub struct StoreUrl(pub(crate) Location);

/// What a URL points at, one variant a kind of store.
#[derive(Clone)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    Postgres(Address),
    Mysql(Address),
    Ldap(Directory),
}

impl StoreUrl {
    /// The store in this SQLite file.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(file.into()))
    }

    /// The same store, with a relative file taken to be below this folder.
    #[must_use]
    pub fn below(self, folder: &Path) -> Self {
        Self(match self.0 {
            Location::Sqlite(file) => Location::Sqlite(folder.join(file)),
            Location::Postgres(address) => Location::Postgres(address.below(folder)),
            Location::Mysql(address) => Location::Mysql(address.below(folder)),
            Location::Ldap(directory) => Location::Ldap(directory.below(folder)),
        })
    }

    /// The kind of database that it leads to; `None` for a directory.
    pub fn kind(&self) -> Option<StoreKind> {
        match &self.0 {
            Location::Sqlite(_) => Some(StoreKind::Sqlite),
            Location::Postgres(_) => Some(StoreKind::Postgres),
            Location::Mysql(_) => Some(StoreKind::Mysql),
            Location::Ldap(_) => None,
        }
    }

    /// The address of a server, for stores that are not files.
    pub fn server(&self) -> Option<ServerAddress<'_>> {
        match &self.0 {
            Location::Sqlite(_) => None,
            Location::Postgres(address) | Location::Mysql(address) => Some(address.server()),
            Location::Ldap(directory) => Some(directory.server()),
        }
    }

    /// The same store, spoken to as this user.
    pub(crate) fn as_user(&self, credential: &Credential) -> Self {
        Self(match &self.0 {
            Location::Postgres(address) => Location::Postgres(address.as_user(credential)),
            Location::Mysql(address) => Location::Mysql(address.as_user(credential)),
            other @ (Location::Sqlite(_) | Location::Ldap(_)) => other.clone(),
        })
    }

    /// The user of a server, and the password, where the URL names one.
    pub fn credential(&self) -> Option<Credential> {
        match &self.0 {
            Location::Sqlite(_) | Location::Ldap(_) => None,
            Location::Postgres(address) | Location::Mysql(address) => {
                Some(address.credential()).filter(|credential| !credential.user.is_empty())
            }
        }
    }

    /// The file that holds the store, for stores that are files.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Location::Sqlite(file) => Some(file),
            Location::Postgres(_) | Location::Mysql(_) | Location::Ldap(_) => None,
        }
    }

    /// Whether it is a directory, whose statements are search filters.
    pub fn is_directory(&self) -> bool {
        matches!(self.0, Location::Ldap(_))
    }

    /// What is wrong with `text` as this statement of such a store, as far as that can be said without it.
    pub fn flaw_in(&self, name: StatementName, text: &str) -> Option<StatementFlaw> {
        match self.0 {
            Location::Ldap(_) => crate::ldap::fitting(name, text).err(),
            Location::Sqlite(_) | Location::Postgres(_) | Location::Mysql(_) => name.flaw_in(text),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    /// Reads `sqlite:FILE`, where FILE is taken to the letter (`sqlite://FILE` means the same), or a server's URL, with
    /// `sslmode`, `sslrootcert`, `socket` and `prepared` as options; for a directory the first two.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once(':').ok_or(Error::Url(NO_SCHEME))?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_file(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" => Ok(Self(Location::Postgres(Address::parse(
                text,
                POSTGRES_PORT,
            )?))),
            "mysql" | "mariadb" => Ok(Self(Location::Mysql(Address::parse(text, 3306)?))),
            "ldap" | "ldaps" | "ldapi" => Ok(Self(Location::Ldap(Directory::parse(text)?))),
            _ => Err(Error::Url(NO_SCHEME)),
        }
    }
}

/// The scheme, the place and the database; never the user, who stands beside the password.
impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(file) => write!(formatter, "sqlite:{}", file.display()),
            Location::Postgres(address) => write!(formatter, "postgres://{}", address.shown()),
            Location::Mysql(address) => write!(formatter, "mysql://{}", address.shown()),
            Location::Ldap(directory) => formatter.write_str(&directory.shown()),
        }
    }
}

fn sqlite_file(file: &str) -> Result<StoreUrl, Error> {
    if file.is_empty() {
        Err(Error::Url("names no file; write `sqlite:FILE`"))
    } else if file.starts_with(':') {
        Err(Error::Url(
            "is an in-memory database, which holds no users; write `sqlite:FILE`",
        ))
    } else if file.contains('?') {
        Err(Error::Url(
            "has parameters after `?`, and a SQLite store takes none; write `sqlite:FILE`",
        ))
    } else {
        Ok(StoreUrl::sqlite(file))
    }
}

const NO_SCHEME: &str = "has no scheme that is known; write `sqlite:FILE`, `postgres://user@host/database`, \
                         `mysql://user@host/database` or `ldaps://host/BASE`";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sqlite_url_names_a_file() {
        for (url, file) in [
            ("sqlite:users.db", "users.db"),
            ("sqlite://users.db", "users.db"),
            ("sqlite:/var/lib/users.db", "/var/lib/users.db"),
            ("sqlite:///var/lib/users.db", "/var/lib/users.db"),
            ("SQLite:my users%20.db", "my users%20.db"),
        ] {
            let parsed = url.parse::<StoreUrl>().unwrap();
            assert_eq!(parsed.file(), Some(Path::new(file)), "{url}");
        }
    }

    #[test]
    fn a_relative_file_is_below_the_folder_of_whoever_named_it() {
        for (file, expected) in [
            ("users.db", "/etc/lychgate/users.db"),
            ("/var/users.db", "/var/users.db"),
        ] {
            let url = StoreUrl::sqlite(file).below(Path::new("/etc/lychgate"));
            assert_eq!(url.file(), Some(Path::new(expected)));
        }
    }

    #[test]
    fn what_is_not_there_is_said_without_repeating_the_url() {
        for url in [
            "hunter2",
            "hunter2://db",
            "sqlite:",
            "sqlite::memory:",
            "sqlite:users.db?key=hunter2",
        ] {
            let message = url.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(
                message.contains("sqlite:FILE") && !message.contains("hunter2"),
                "{message}"
            );
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        for url in [
            "postgres://lychgate:hunter2@db/legacy",
            "mysql://hunter2@db:3307/legacy",
        ] {
            let shown = format!("{:?}", url.parse::<StoreUrl>().unwrap());
            assert!(
                shown.ends_with("/legacy") && !shown.contains("hunter2"),
                "{shown}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(sqlite:|postgres://|mysql://|ldaps?://|ldapi://)?\\PC*") {
            drop(text.parse::<StoreUrl>());
        }
    }
}
