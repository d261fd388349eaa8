//! Where the legacy store is: the `url` of `[store]`, parsed once at start.
//! Such a URL may hold credentials, so no error repeats any of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::Error;

/// The address of a legacy store. Today: `sqlite:FILE`, a file that is there already and is never created.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(pub(crate) Location);

/// What a URL points at, one variant a kind of store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Sqlite(PathBuf),
}

impl StoreUrl {
    /// The store in this SQLite file.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(file.into()))
    }

    /// The same store, with a relative file taken to be below this folder.
    #[must_use]
    pub fn below(self, folder: &Path) -> Self {
        match self.0 {
            Location::Sqlite(file) => Self::sqlite(folder.join(file)),
        }
    }

    /// The file that holds the store, for stores that are files.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Location::Sqlite(file) => Some(file),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    /// Reads `sqlite:FILE`, where FILE is taken to the letter; `sqlite://FILE` means the same.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (scheme, rest) = text.split_once(':').ok_or(Error::Url(NO_SCHEME))?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_file(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" | "mysql" | "mariadb" | "ldap" | "ldaps" => {
                Err(Error::Url(NOT_YET))
            }
            _ => Err(Error::Url(NO_SCHEME)),
        }
    }
}

/// The scheme and the file; a scheme with credentials will have to leave them out.
impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(file) => write!(formatter, "sqlite:{}", file.display()),
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

const NO_SCHEME: &str = "has no scheme that is known; write `sqlite:FILE`";
const NOT_YET: &str = "has a scheme that this version has no driver for; it has `sqlite:FILE`";

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
            "postgres://lychgate:hunter2@db/legacy",
            "mysql://lychgate:hunter2@db/legacy",
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

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(sqlite:)?\\PC*") {
            drop(text.parse::<StoreUrl>());
        }
    }
}
