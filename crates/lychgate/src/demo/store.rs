//! The sample store: one user for each format, as a table looks after some decades.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use lychgate_password::{Format, Password, Pool, Settings, StoredHash};
use lychgate_store::{Sample, SampleUser, StoreUrl};
use url::Url;
use zeroize::Zeroizing;

use crate::config;

/// A user of the sample store.
pub(crate) struct Person {
    pub(crate) email: &'static str,
    pub(crate) nickname: &'static str,
    pub(crate) format: Format,
    /// A hash from a program of that time; without one it is computed now.
    hash: Option<&'static str>,
}

/// The password of everybody in it.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Everybody in it. The old hashes were made by other programs: Django, and Python's passlib for the rest.
pub(crate) const PEOPLE: [Person; 5] = [
    Person {
        email: "ada@example.com",
        nickname: "Ada",
        format: Format::Argon2id,
        hash: None,
    },
    Person {
        email: "grace@example.com",
        nickname: "Grace",
        format: Format::Bcrypt,
        hash: Some("$2y$10$bH1UdVMEhj4aFlBekTQc5u5JrdyPZtjV3E5mu9D54GKCHzCZziIa6"),
    },
    Person {
        email: "alan@example.com",
        nickname: "Alan",
        format: Format::Phpass,
        hash: Some("$P$BvIklMBYCrnKCCLTHeN978jkSneT870"),
    },
    Person {
        email: "edsger@example.com",
        nickname: "Edsger",
        format: Format::DjangoPbkdf2,
        hash: Some(
            "pbkdf2_sha256$260000$Zq3vB9xkT1mW7nYs$J5p5nHVna4z+OdPr+wC6CKN20+ircM9Imkc8XRX7wbc=",
        ),
    },
    Person {
        email: "barbara@example.com",
        nickname: "Barbara",
        format: Format::LdapSsha,
        hash: Some("{SSHA}/g2dDsihSbcVqmOARdv2gi/+Xwb9vxei"),
    },
];

/// A store that somebody gave by an argument.
pub(crate) struct StoreArgument {
    url: StoreUrl,
    text: Zeroizing<String>,
}

/// A store of somebody's own, with the sample in it until it is removed.
pub(crate) struct SomeonesStore {
    text: Zeroizing<String>,
    sample: Sample,
}

impl StoreArgument {
    /// Reads the URL of a store, with `${env:NAME}` and `${file:PATH}` filled in. A password that stands in the argument
    /// itself is refused: every program on the machine may read it there.
    pub(crate) fn parse(argument: &str) -> Result<Self> {
        ensure!(
            !holds_a_password(argument),
            "a password must not stand in an argument; write `${{env:NAME}}` or `${{file:PATH}}` in its place"
        );
        let folder = std::env::current_dir().context("cannot tell the current folder")?;
        let text = Zeroizing::new(config::substitute(argument, &folder)?);
        let text = Zeroizing::new(absolute(&text, &folder));
        let url = text.parse()?;
        Ok(Self { url, text })
    }

    /// Makes the sample in it, where there are no users yet.
    pub(crate) async fn create(self) -> Result<SomeonesStore> {
        let sample = lychgate_store::create_sample_in(&self.url, &sample_users().await?).await?;
        Ok(SomeonesStore {
            text: self.text,
            sample,
        })
    }
}

impl SomeonesStore {
    /// Its URL, which may hold a password.
    pub(crate) fn url(&self) -> &str {
        &self.text
    }

    /// Removes what was made, and nothing else.
    pub(crate) async fn remove(self) -> Result<()> {
        Ok(self.sample.remove().await?)
    }
}

fn holds_a_password(argument: &str) -> bool {
    let mut literal = String::new();
    let mut rest = argument;
    while let Some((before, after)) = rest.split_once("${") {
        literal.push_str(before);
        rest = after.split_once('}').map_or("", |(_, following)| following);
    }
    literal.push_str(rest);
    let url = Url::parse(&literal);
    url.is_ok_and(|url| url.password().is_some_and(|password| !password.is_empty()))
}

/// The same URL, with the files in it named from the root: the config that will name it stands in another folder.
fn absolute(text: &str, folder: &Path) -> String {
    if let Some(file) = text.strip_prefix("sqlite:") {
        let file = folder.join(file.strip_prefix("//").unwrap_or(file));
        return format!("sqlite:{}", file.display());
    }
    let Ok(mut url) = Url::parse(text) else {
        return text.to_owned();
    };
    let options: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    if options.iter().any(|(name, _)| name == "sslrootcert") {
        url.query_pairs_mut().clear();
        for (name, value) in options {
            let value = match name.as_str() {
                "sslrootcert" => folder.join(value).display().to_string(),
                _ => value,
            };
            url.query_pairs_mut().append_pair(&name, &value);
        }
    }
    url.into()
}

/// Makes the store at `path`.
pub(crate) async fn create(path: &Path) -> Result<()> {
    Ok(lychgate_store::create_sample(path, &sample_users().await?).await?)
}

async fn sample_users() -> Result<Vec<SampleUser>> {
    let pool = Pool::start(Settings::default())?;
    let mut users = Vec::with_capacity(PEOPLE.len());
    for person in &PEOPLE {
        let hash = match person.hash {
            Some(hash) => StoredHash::new(hash.to_owned())?,
            None => pool.hash(Password::new(PASSWORD.to_owned())?).await?,
        };
        users.push(SampleUser {
            email: person.email.to_owned(),
            email_verified: true,
            nickname: Some(person.nickname.to_owned()),
            blocked: false,
            password_hash: Some(hash),
        });
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_argument_is_refused_and_a_placeholder_is_none() {
        for argument in [
            "postgres://u:hunter2@db/legacy",
            "postgres://u:${env:HOME}hunter2@db/legacy",
        ] {
            let error = StoreArgument::parse(argument).err().unwrap().to_string();
            assert!(
                error.contains("${env:NAME}") && !error.contains("hunter2"),
                "{error}"
            );
        }
        for argument in [
            "postgres://u@db/legacy",
            "postgres://u:${env:CARGO_PKG_NAME}@db/legacy",
            "mysql://${env:CARGO_PKG_NAME}:${env:CARGO_PKG_NAME}@db/legacy",
        ] {
            assert!(StoreArgument::parse(argument).is_ok(), "{argument}");
        }
    }

    #[test]
    fn files_in_the_url_are_named_from_the_root() {
        let folder = Path::new("/work place");
        for (text, expected) in [
            ("sqlite:users.db", "sqlite:/work place/users.db"),
            ("sqlite:///var/users.db", "sqlite:/var/users.db"),
            ("postgres://u@db/d", "postgres://u@db/d"),
            (
                "postgres://u@db/d?sslmode=verify-ca&sslrootcert=ca.pem",
                "postgres://u@db/d?sslmode=verify-ca&sslrootcert=%2Fwork+place%2Fca.pem",
            ),
        ] {
            assert_eq!(absolute(text, folder), expected);
        }
    }
}
