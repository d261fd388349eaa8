//! The sample store: one user for each format, as a table or a directory looks after some decades.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use lychgate_password::{Format, Password, Pool, Settings, StoredHash};
use lychgate_store::{SAMPLE_UNIT, Sample, SampleUser, StoreUrl};
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

/// Everybody in a table. The old hashes were made by other programs: Django, and Python's passlib for the rest.
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

/// The same people in a directory, which verifies their passwords itself: each in a scheme that OpenLDAP knows without
/// another module. The hashes were made by `slappasswd`, but for the one that stands in the table too.
pub(crate) const PEOPLE_OF_A_DIRECTORY: [Person; 5] = [
    Person {
        email: "ada@example.com",
        nickname: "Ada",
        format: Format::Sha512Crypt,
        hash: Some(
            "$6$bB8Z3An09gy7B.UJ$eVc41R0wxOqQeEOgZyB9s1N0kb6NCRbzUTJQ4qEn4xp0n5aCYXGSHGt7Yd1C305LfjmUAZJMXuZVP6uIFjnkF0",
        ),
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
        format: Format::LdapSmd5,
        hash: Some("{SMD5}kEYG8V8af8ftpzngIUvcrw10UAE="),
    },
    Person {
        email: "edsger@example.com",
        nickname: "Edsger",
        format: Format::LdapSha,
        hash: Some("{SHA}q/eq1kOINtvlJqojGr3i0O73TUI="),
    },
    Person {
        email: "barbara@example.com",
        nickname: "Barbara",
        format: Format::LdapSsha,
        hash: Some("{SSHA}3PPRmzU0C8SOUTPrf4fGIZmuNBeuCrKi"),
    },
];

/// A store that somebody gave by an argument.
pub(crate) struct StoreArgument {
    url: StoreUrl,
    text: Zeroizing<String>,
    account: Option<Account>,
}

/// As whom a directory is written to.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) bind_dn: String,
    pub(crate) bind_password: Zeroizing<String>,
}

/// A store of somebody's own, with the sample in it until it is removed.
pub(crate) struct SomeonesStore {
    text: Zeroizing<String>,
    account: Option<Account>,
    sample: Sample,
}

impl Account {
    /// Reads a name and a password, which is a placeholder: every program on the machine may read arguments.
    pub(crate) fn parse(bind_dn: &str, bind_password: &str) -> Result<Self> {
        ensure!(literal(bind_password).is_empty(), PASSWORD_IN_ARGUMENT);
        let folder = std::env::current_dir().context("cannot tell the current folder")?;
        let bind_password = Zeroizing::new(config::substitute(bind_password, &folder)?);
        ensure!(!bind_dn.is_empty() && !bind_password.is_empty(), NOBODY);
        Ok(Self {
            bind_dn: bind_dn.to_owned(),
            bind_password,
        })
    }
}

impl StoreArgument {
    /// Reads the URL of a store, with `${env:NAME}` and `${file:PATH}` filled in. A password that stands in the argument
    /// itself is refused: every program on the machine may read it there.
    pub(crate) fn parse(argument: &str, account: Option<Account>) -> Result<Self> {
        ensure!(!holds_a_password(argument), PASSWORD_IN_ARGUMENT);
        let folder = std::env::current_dir().context("cannot tell the current folder")?;
        let text = Zeroizing::new(config::substitute(argument, &folder)?);
        let text = Zeroizing::new(absolute(&text, &folder));
        let url: StoreUrl = text.parse()?;
        ensure!(url.is_directory() == account.is_some(), ACCOUNT);
        Ok(Self { url, text, account })
    }

    /// Makes the sample in it, where there are no users yet.
    pub(crate) async fn create(self) -> Result<SomeonesStore> {
        let people = match &self.account {
            Some(_) => &PEOPLE_OF_A_DIRECTORY,
            None => &PEOPLE,
        };
        let users = sample_users(people).await?;
        let account = self.account.clone();
        let account = account.map(|account| (account.bind_dn, account.bind_password));
        let sample = lychgate_store::create_sample_in(&self.url, account, &users).await?;
        let text = match &self.account {
            Some(_) => below(&self.text)?,
            None => self.text,
        };
        Ok(SomeonesStore {
            text,
            account: self.account,
            sample,
        })
    }
}

impl SomeonesStore {
    /// Its URL, which may hold a password.
    pub(crate) fn url(&self) -> &str {
        &self.text
    }

    /// As whom to work there, if it is a directory.
    pub(crate) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Removes what was made, and nothing else.
    pub(crate) async fn remove(self) -> Result<()> {
        Ok(self.sample.remove().await?)
    }
}

fn holds_a_password(argument: &str) -> bool {
    let url = Url::parse(&literal(argument));
    url.is_ok_and(|url| url.password().is_some_and(|password| !password.is_empty()))
}

/// What of an argument stands there in the clear, beside its placeholders.
fn literal(argument: &str) -> String {
    let mut literal = String::new();
    let mut rest = argument;
    while let Some((before, after)) = rest.split_once("${") {
        literal.push_str(before);
        rest = after.split_once('}').map_or("", |(_, following)| following);
    }
    literal.push_str(rest);
    literal
}

/// The URL of a directory, with the entry of the sample as its base.
fn below(text: &str) -> Result<Zeroizing<String>> {
    let mut url = Url::parse(text)?;
    let base = format!("/ou={SAMPLE_UNIT},{}", url.path().trim_start_matches('/'));
    url.set_path(&base);
    Ok(Zeroizing::new(url.into()))
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
    Ok(lychgate_store::create_sample(path, &sample_users(&PEOPLE).await?).await?)
}

async fn sample_users(people: &[Person]) -> Result<Vec<SampleUser>> {
    let pool = Pool::start(Settings::default())?;
    let mut users = Vec::with_capacity(people.len());
    for person in people {
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

const PASSWORD_IN_ARGUMENT: &str =
    "a password must not stand in an argument; write `${env:NAME}` or `${file:PATH}` in its place";

const NOBODY: &str =
    "`--bind-dn` and `--bind-password` must not be empty: a directory would take that for nobody";

const ACCOUNT: &str = "a directory needs `--bind-dn` and `--bind-password` of an account that may write there, and no other store takes them";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_argument_is_refused_and_a_placeholder_is_none() {
        for argument in [
            "postgres://u:hunter2@db/legacy",
            "postgres://u:${env:HOME}hunter2@db/legacy",
        ] {
            let error = StoreArgument::parse(argument, None)
                .err()
                .unwrap()
                .to_string();
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
            assert!(StoreArgument::parse(argument, None).is_ok(), "{argument}");
        }
    }

    #[test]
    fn the_password_of_an_account_is_a_placeholder_and_nothing_else() {
        for password in ["hunter2", "${env:CARGO_PKG_NAME}hunter2"] {
            let error = Account::parse("cn=demo", password).err().unwrap();
            let error = error.to_string();
            assert!(
                error.contains("${env:NAME}") && !error.contains("hunter2"),
                "{error}"
            );
        }
        let account = Account::parse("cn=demo", "${env:CARGO_PKG_NAME}").unwrap();
        assert_eq!(account.bind_password.as_str(), env!("CARGO_PKG_NAME"));
        assert!(Account::parse("", "${env:CARGO_PKG_NAME}").is_err());
        assert!(Account::parse("cn=demo", "").is_err());
    }

    #[test]
    fn an_account_is_for_a_directory_and_a_directory_needs_one() {
        let account = Account::parse("cn=demo", "${env:CARGO_PKG_NAME}").unwrap();
        for (store, account, is_taken) in [
            ("ldaps://dir/dc=example", Some(account.clone()), true),
            ("ldaps://dir/dc=example", None, false),
            ("postgres://u@db/legacy", Some(account), false),
        ] {
            let parsed = StoreArgument::parse(store, account);
            assert_eq!(parsed.is_ok(), is_taken, "{store}");
        }
    }

    #[test]
    fn the_sample_of_a_directory_is_below_its_base() {
        for (text, expected) in [
            (
                "ldaps://dir.internal/ou=My%20People,dc=example?sslrootcert=/ca.pem",
                "ldaps://dir.internal/ou=lychgate-demo,ou=My%20People,dc=example?sslrootcert=/ca.pem",
            ),
            (
                "ldapi://%2Frun%2Fldapi/dc=example",
                "ldapi://%2Frun%2Fldapi/ou=lychgate-demo,dc=example",
            ),
        ] {
            assert_eq!(below(text).unwrap().as_str(), expected);
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
