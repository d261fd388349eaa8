//! The legacy store that a command is told of, and as whom to ask it.
//! An argument is seen by every user of the machine, so a password is refused in one: it comes from a file, from the
//! environment, or from a prompt. What comes in here is never shown.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use lychgate_store::{Catalogue, Inspection, Relation, StoreUrl};
use url::Url;
use zeroize::Zeroizing;

use super::Failure;
use crate::config;
use crate::init::{self, Choice};

/// As whom to ask the store, and for which table.
#[derive(Args)]
pub(super) struct StoreArguments {
    /// The file whose first line is the password for `--store`, `-` for standard input. Without it the store is tried
    /// without one, and asks for it on a terminal.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The table of users, where it is not plain which one it is: `users` or `schema.users`.
    #[arg(long, value_name = "NAME")]
    pub(super) table: Option<String>,
}

/// Where the store is. It may hold a password, so it has no `Debug`.
pub(super) struct LegacyStore {
    text: Zeroizing<String>,
    url: StoreUrl,
}

impl LegacyStore {
    /// Reads the URL of an argument: `${env:…}` and `${file:…}` are filled in, a password in the clear is refused.
    pub(super) fn read(argument: &str, arguments: &StoreArguments) -> Result<Self, Failure> {
        if has_password(argument) {
            return Err(Failure::Usage(PASSWORD.to_owned()));
        }
        if argument.starts_with("ldap") {
            return Err(Failure::Usage(LDAP.to_owned()));
        }
        let text = config::substitute(argument, Path::new(""));
        let text = text.map_err(|error| Failure::Usage(format!("`--store`: {error}")))?;
        let text = Zeroizing::new(text);
        let text = match &arguments.password_file {
            Some(file) => with_password(&text, &first_line(file)?)?,
            None => text,
        };
        Self::parse(text)
    }

    fn parse(text: Zeroizing<String>) -> Result<Self, Failure> {
        let url = text
            .parse::<StoreUrl>()
            .map_err(|error| Failure::Usage(format!("`--store`: {error}")))?;
        Ok(Self { text, url })
    }

    /// Where it is, to show to people.
    pub(super) fn place(&self) -> String {
        format!("{:?}", self.url)
    }

    /// Whether it is a file, which has no roles.
    pub(super) fn is_file(&self) -> bool {
        self.url.file().is_some()
    }

    /// Connects, and asks for the password if the store wants one and there is somebody to ask.
    pub(super) async fn connect(self) -> Result<(Self, Inspection), Failure> {
        match Inspection::open(&self.url).await {
            Ok(inspection) => Ok((self, inspection)),
            Err(lychgate_store::Error::Unavailable(reason))
                if reason.contains("password")
                    && !has_password(&self.text)
                    && std::io::stdin().is_terminal() =>
            {
                let asked = rpassword::prompt_password(format!("Password for {}: ", self.place()));
                let password = Zeroizing::new(asked.context("cannot ask for the password")?);
                let store = Self::parse(with_password(&self.text, &password)?)?;
                let inspection = Inspection::open(&store.url).await.map_err(failure)?;
                Ok((store, inspection))
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// The database of a server; `None` of a file.
    pub(super) fn database(&self) -> Option<&str> {
        self.url.server().map(|server| server.database)
    }

    /// The URL under which the same store is reached, by whomever.
    pub(super) fn without_user(&self) -> Result<String, Failure> {
        if let Some(file) = self.url.file() {
            let file = std::path::absolute(file).context("the file of the store has no path")?;
            return Ok(format!("sqlite:{}", file.display()));
        }
        let mut url = Url::parse(&self.text).context("the store's URL cannot be read")?;
        let removed = url.set_username("").and_then(|()| url.set_password(None));
        removed
            .map_err(|()| Failure::Usage("the store's URL has no place for a user".to_owned()))?;
        Ok(url.into())
    }
}

/// The table of users: the one that is named, or the one that is like one.
pub(super) async fn user_table(
    inspection: &mut Inspection,
    named: Option<&str>,
) -> Result<Relation, Failure> {
    let keep = |relation: &Relation| match named {
        Some(name) => init::is_named(relation, name),
        None => init::is_candidate(relation),
    };
    let catalogue = inspection.catalogue(keep).await.map_err(failure)?;
    let Catalogue { seen, is_cut, .. } = catalogue;
    match init::choose(catalogue, named) {
        Choice::One(relation) => Ok(*relation),
        Choice::Several(tables) => {
            let more = if is_cut { ", …" } else { "" };
            Err(Failure::Usage(format!(
                "more than one table could be that of the users; choose with `--table`: {}{more}",
                tables.join(", ")
            )))
        }
        Choice::None => Err(Failure::Finding(match named {
            Some(_) => format!(
                "no table or view has the name that `--table` gives, among {seen}; may this user see it?"
            ),
            None => format!(
                "none of {seen} tables and views looks like one of users, with a hash and an e-mail address or a username; \
                 name it with `--table`, if this user may see it"
            ),
        })),
    }
}

/// A store that does not answer, or does not let itself be looked at, is nobody's wrong usage.
pub(super) fn failure(error: lychgate_store::Error) -> Failure {
    Failure::Other(error.into())
}

/// Whether a password stands in the URL as it is: `user:password@`, but not `user:${file:…}@`.
fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    // An `@` of a placeholder's path may follow; what stands before the first is the user's in any case.
    let Some((user, _)) = rest.split_once('@') else {
        return false;
    };
    user.split_once(':')
        .is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("${"))
}

fn with_password(text: &str, password: &str) -> Result<Zeroizing<String>, Failure> {
    let unusable = || {
        Failure::Usage(
            "`--store` has no place for a password; write `scheme://user@host/database`".to_owned(),
        )
    };
    let mut url = Url::parse(text).map_err(|_| unusable())?;
    url.set_password(Some(password)).map_err(|()| unusable())?;
    Ok(Zeroizing::new(url.into()))
}

pub(super) fn first_line(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if file == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(MOST_BYTES)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", file.display())))?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

/// No password and no token is longer.
const MOST_BYTES: u64 = 16 * 1024;

const PASSWORD: &str = "`--store` has a password in it, which every user of this machine can read while the command runs; \
                        leave it out and give `--password-file FILE`, or write it as `${file:PATH}` or `${env:NAME}`";

const LDAP: &str = "a directory has no tables to look at: its config is a few lines that you write, as \
                    docs/how-to/ldap.md shows";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_clear_is_seen_and_one_that_is_named_is_not() {
        for url in [
            "postgres://app:hunter2@db/x",
            "mysql://a:${x}y@db/x".trim_end_matches('x'),
            "postgres://a:b@h",
        ] {
            assert_eq!(has_password(url), !url.contains("${"), "{url}");
        }
        for url in [
            "postgres://app@db/x",
            "postgres://app:${file:pw}@db/x",
            "sqlite:a:b@c",
            "${env:STORE_URL}",
            "postgres://a:@h/x",
        ] {
            assert!(!has_password(url), "{url}");
        }
    }

    #[test]
    fn nobodys_password_stands_in_the_url_of_the_config() {
        let arguments = StoreArguments {
            password_file: None,
            table: None,
        };
        let store =
            "postgres://app:${env:CARGO_PKG_NAME}@db.internal:5433/legacy?sslmode=verify-full";
        let store = LegacyStore::read(store, &arguments).ok().unwrap();
        assert_eq!(
            store.without_user().ok().unwrap(),
            "postgres://db.internal:5433/legacy?sslmode=verify-full"
        );
        assert_eq!(store.place(), "postgres://db.internal:5433/legacy");
    }
}
