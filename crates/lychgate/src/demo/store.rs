//! The sample store: one user for each format, as a table looks after some decades.

use std::path::Path;

use anyhow::Result;
use lychgate_password::{Format, Password, Pool, Settings, StoredHash};
use lychgate_store::SampleUser;

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

/// Makes the store at `path`.
pub(crate) async fn create(path: &Path) -> Result<()> {
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
    Ok(lychgate_store::create_sample(path, &users).await?)
}
