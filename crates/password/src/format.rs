//! The formats by name: what each is called, what it is made by, how it is recognised and read.
//! A stored hash comes in as text and is parsed strictly into a recipe, a salt and a digest; only what is parsed can
//! be verified, and whoever verifies has seen its cost before any work.
//! An attacker who can write to the store wants a hash that takes an hour, a gigabyte or a panic.

mod declared;
mod definition;
mod example;
mod row;
mod table;

use std::{fmt, str::FromStr};

pub(crate) use self::definition::Definition;
pub use self::{
    declared::{Declaration, DeclaredFormat, DeclaredRecipe},
    table::Format,
};
use crate::{
    Error, Password, StoredHash,
    expression::Variable,
    recipe::{Argon2, Bcrypt, Parsed},
};

impl Format {
    /// Whether hashes of this format, once stolen, are guessed by the billion: one round of a fast function, or nearly.
    /// Such a format is accepted only where config names it.
    pub fn is_weak(self) -> bool {
        self.definition().weak
    }

    /// What it is and who writes it, for a person to choose by.
    pub fn description(self) -> &'static str {
        self.definition().description
    }

    /// Whether it can only be verified with the [`Pepper`](crate::Pepper) of the application.
    pub fn needs_pepper(self) -> bool {
        self.definition().mentions(Variable::Pepper)
    }

    /// Whether it can only be verified with the name of the user.
    pub fn needs_user_name(self) -> bool {
        self.definition().mentions(Variable::User)
    }

    /// Whether a text is a hash of this format, to the last character. Several formats may say so of one text.
    pub fn fits(self, hash: &StoredHash) -> bool {
        self.definition().parse(hash.expose_secret()).is_some()
    }

    /// Whether new hashes can be written in this format.
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Argon2id | Self::Bcrypt)
    }

    /// What hashes of this format usually cost, in the unit that [`DecoyClass`](crate::DecoyClass) documents.
    pub fn default_cost(self) -> u32 {
        self.definition().default_cost()
    }

    /// Refuses a password of which a new hash in this format would cover only a part.
    pub(crate) fn covers(self, password: &Password) -> Result<(), Error> {
        if self == Self::Bcrypt {
            Bcrypt::covers(password)?;
        }
        Ok(())
    }

    /// A new hash of a password, with a salt from the system's random source.
    pub(crate) fn compute(self, password: &Password) -> Result<StoredHash, Error> {
        let bytes = password.expose_secret().as_bytes();
        match self {
            Self::Argon2id => Argon2::compute(bytes),
            Self::Bcrypt => Bcrypt::compute(bytes),
            _ => Err(Error::NotWritable(self)),
        }
    }

    /// The memory of a new hash, in KiB.
    pub(crate) const fn new_memory_kib(self) -> u32 {
        match self {
            Self::Argon2id => crate::recipe::NEW_MEMORY_KIB,
            _ => 0,
        }
    }

    /// A hash that says nothing at a cost in the format's unit; `None` at a cost that the format does not know.
    pub(crate) fn blank(self, cost: u32) -> Option<Parsed> {
        self.definition().parse(&self.definition().example(cost))
    }

    /// All names, for people to choose from.
    pub(crate) fn names() -> String {
        Self::ALL.map(|format| format!("`{format}`")).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    /// Finds a format by its name; declared ones are found by their [`DeclaredFormat`] alone.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or(Error::UnknownFormat)
    }
}

/// Why a stored hash cannot be verified. Nothing was computed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// It is like no format there is; empty hashes and the marks of locked accounts are among these.
    Unknown,
    /// Its format is not among the accepted ones.
    NotAccepted,
    /// It asks for more work than the limits allow.
    TooCostly,
    /// It begins like an accepted format, and goes on in a way that no honest library writes.
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::Format;
    use crate::{Error, Password, recipe::Secrets};

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
            assert_eq!(format.to_string(), format.name());
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "md6".parse::<Format>().unwrap_err().to_string();
        let (told, names) = error.split_once("; there are ").unwrap();
        assert_eq!(told, "no password format has this name");
        let known = Format::ALL.map(|format| format!("`{}`", format.name()));
        assert_eq!(names.split(", ").collect::<Vec<_>>(), known);
        assert!("Bcrypt".parse::<Format>().is_err());
    }

    #[test]
    fn a_format_is_identified_by_its_prefix_alone() {
        let formats = [
            Format::Argon2id,
            Format::Bcrypt,
            Format::Phpass,
            Format::DjangoPbkdf2,
            Format::DjangoPbkdf2Sha1,
            Format::LdapSsha,
        ];
        for (text, expected) in [
            ("$argon2id$", Some(Format::Argon2id)),
            ("$2a$", Some(Format::Bcrypt)),
            ("$2b$12$", Some(Format::Bcrypt)),
            ("$2y$", Some(Format::Bcrypt)),
            ("$P$", Some(Format::Phpass)),
            ("$H$9", Some(Format::Phpass)),
            ("pbkdf2_sha256$", Some(Format::DjangoPbkdf2)),
            ("pbkdf2_sha1$", Some(Format::DjangoPbkdf2Sha1)),
            ("{ssha}", Some(Format::LdapSsha)),
            ("$argon2i$v=19$", None),
            ("$2x$05$", None),
            ("$2$05$", None),
            ("{SSHA512}", None),
            (" $2a$", None),
            ("!$2a$05$", None),
            ("é{SSHA}", None),
            ("", None),
        ] {
            let identified = formats
                .into_iter()
                .filter(|format| format.definition().begins(text));
            assert!(identified.eq(expected), "{text}");
        }
    }

    #[test]
    fn a_blank_hash_can_be_read_and_verified_and_matches_nothing() {
        for (format, cost, parameter) in [
            (Format::Argon2id, 64, 64),
            (Format::Bcrypt, 4, 4),
            (Format::Phpass, 7, 7),
            (Format::DjangoPbkdf2, 10, 10),
            (Format::DjangoPbkdf2Sha1, 10, 10),
            (Format::LdapSsha, 0, 1),
        ] {
            let blank = format.blank(cost).unwrap();
            let [first, ..] = blank.recipe.parameters();
            assert_eq!(first, parameter, "{format}");
            let secrets = Secrets {
                password: b"a",
                user: b"",
                pepper: b"",
            };
            let derived = blank
                .recipe
                .derive(secrets, &blank.salt, blank.digest.len());
            let derived = derived.unwrap().unwrap();
            assert_eq!(derived.len(), blank.digest.len(), "{format}");
            assert_ne!(derived, blank.digest, "{format}");
        }
        for (format, cost) in [
            (Format::Argon2id, 7),
            (Format::Bcrypt, 3),
            (Format::Bcrypt, 32),
            (Format::Phpass, 6),
            (Format::Phpass, 31),
            (Format::DjangoPbkdf2, 0),
        ] {
            assert!(format.blank(cost).is_none(), "{format} at {cost}");
        }
    }

    #[test]
    fn a_format_that_is_only_read_writes_nothing() {
        let password = Password::new("a".to_owned()).unwrap();
        for format in Format::ALL
            .into_iter()
            .filter(|format| !format.is_writable())
        {
            let error = format.compute(&password).err().unwrap();
            assert!(matches!(error, Error::NotWritable(refused) if refused == format));
        }
    }
}
