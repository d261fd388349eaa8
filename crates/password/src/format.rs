//! The closed set of hash formats that can be verified, one file a family.
//! A stored hash comes in as text and is identified by its prefix, then parsed strictly into the typed hash of its
//! family; only what is parsed can be verified, and whoever verifies has seen its [`Cost`] before any work.
//! An attacker who can write to the store wants a hash that takes an hour, a gigabyte or a panic.

mod argon2id;
mod bcrypt;
mod django_pbkdf2;
mod ldap_ssha;
mod phpass;

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::GeneralPurpose};
use zeroize::Zeroizing;

use self::{
    argon2id::Argon2id, bcrypt::Bcrypt, django_pbkdf2::DjangoPbkdf2, ldap_ssha::LdapSsha,
    phpass::Phpass,
};
use crate::{Error, Password, StoredHash};

/// A family of password hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Argon2id in PHC form, `$argon2id$v=19$m=…,t=…,p=…$salt$digest` (RFC 9106). The default for new hashes.
    Argon2id,
    /// bcrypt, `$2a$`, `$2b$` or `$2y$`, of which the first 72 bytes of a password are read.
    Bcrypt,
    /// The portable hashes of phpass, `$P$` (WordPress) or `$H$` (phpBB): iterated MD5.
    Phpass,
    /// PBKDF2 as Django writes it, `pbkdf2_sha256$…` or `pbkdf2_sha1$…`.
    DjangoPbkdf2,
    /// Salted SHA-1 of LDAP directories, `{SSHA}…`.
    LdapSsha,
}

impl Format {
    /// Every format, the preferred one first.
    pub const ALL: [Self; 5] = [
        Self::Argon2id,
        Self::Bcrypt,
        Self::Phpass,
        Self::DjangoPbkdf2,
        Self::LdapSsha,
    ];

    /// The name that configuration and commands use, such as `django-pbkdf2`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argon2id => "argon2id",
            Self::Bcrypt => "bcrypt",
            Self::Phpass => "phpass",
            Self::DjangoPbkdf2 => "django-pbkdf2",
            Self::LdapSsha => "ldap-ssha",
        }
    }

    /// The format that a stored hash begins like; the rest of it may still be malformed.
    pub fn identify(hash: &StoredHash) -> Option<Self> {
        let text = hash.expose_secret();
        Self::ALL.into_iter().find(|format| match format {
            Self::Argon2id => Argon2id::identify(text),
            Self::Bcrypt => Bcrypt::identify(text),
            Self::Phpass => Phpass::identify(text),
            Self::DjangoPbkdf2 => DjangoPbkdf2::identify(text),
            Self::LdapSsha => LdapSsha::identify(text),
        })
    }

    /// Whether new hashes can be written in this format.
    pub const fn is_writable(self) -> bool {
        matches!(self, Self::Argon2id | Self::Bcrypt)
    }

    /// What hashes of this format usually cost, in the unit that [`DecoyClass`](crate::DecoyClass) documents.
    pub const fn default_cost(self) -> u32 {
        match self {
            Self::Argon2id => 19_456,
            Self::Bcrypt => 10,
            Self::Phpass => 13,
            Self::DjangoPbkdf2 => 600_000,
            Self::LdapSsha => 0,
        }
    }

    /// Refuses a password of which a new hash in this format would cover only a part.
    pub(crate) fn covers(self, password: &Password) -> Result<(), Error> {
        match self {
            Self::Bcrypt => Bcrypt::covers(password),
            Self::Argon2id | Self::Phpass | Self::DjangoPbkdf2 | Self::LdapSsha => Ok(()),
        }
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
    /// It begins like no format there is; empty hashes and the marks of locked accounts are among these.
    Unknown,
    /// Its format is not among the accepted ones.
    NotAccepted,
    /// It asks for more work than the limits allow.
    TooCostly,
    /// It begins like a format, and goes on in a way that no honest library writes.
    Malformed,
}

/// The work of one verification, as precisely as its duration depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Argon2id {
        memory_kib: u32,
        passes: u32,
        lanes: u32,
    },
    Bcrypt {
        cost: u32,
    },
    Phpass {
        log2_rounds: u32,
    },
    DjangoPbkdf2 {
        digest: &'static str,
        iterations: u32,
    },
    LdapSsha,
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => {
                write!(formatter, "argon2id m={memory_kib},t={passes},p={lanes}")
            }
            Self::Bcrypt { cost } => write!(formatter, "bcrypt {cost}"),
            Self::Phpass { log2_rounds } => write!(formatter, "phpass {log2_rounds}"),
            Self::DjangoPbkdf2 { digest, iterations } => {
                write!(formatter, "django-pbkdf2 {digest},{iterations}")
            }
            Self::LdapSsha => formatter.write_str("ldap-ssha"),
        }
    }
}

/// A stored hash whose every part is legal in its format.
pub(crate) enum ParsedHash {
    Argon2id(Argon2id),
    Bcrypt(Bcrypt),
    Phpass(Phpass),
    DjangoPbkdf2(DjangoPbkdf2),
    LdapSsha(LdapSsha),
}

impl ParsedHash {
    /// Reads a stored hash as the given format; `None` when it is malformed. Does no work that depends on its cost.
    pub(crate) fn parse(format: Format, hash: &StoredHash) -> Option<Self> {
        let text = hash.expose_secret();
        match format {
            Format::Argon2id => Argon2id::parse(text).map(Self::Argon2id),
            Format::Bcrypt => Bcrypt::parse(text).map(Self::Bcrypt),
            Format::Phpass => Phpass::parse(text).map(Self::Phpass),
            Format::DjangoPbkdf2 => DjangoPbkdf2::parse(text).map(Self::DjangoPbkdf2),
            Format::LdapSsha => LdapSsha::parse(text).map(Self::LdapSsha),
        }
    }

    /// A hash that says nothing at a cost in the format's unit; `None` at a cost that the format does not know.
    pub(crate) fn blank(format: Format, cost: u32) -> Option<Self> {
        match format {
            Format::Argon2id => Argon2id::blank(cost).map(Self::Argon2id),
            Format::Bcrypt => Bcrypt::blank(cost).map(Self::Bcrypt),
            Format::Phpass => Phpass::blank(cost).map(Self::Phpass),
            Format::DjangoPbkdf2 => DjangoPbkdf2::blank(cost).map(Self::DjangoPbkdf2),
            Format::LdapSsha => Some(Self::LdapSsha(LdapSsha::blank())),
        }
    }

    /// A new hash of a password, with a salt from the system's random source.
    pub(crate) fn compute(format: Format, password: &Password) -> Result<Self, Error> {
        match format {
            Format::Argon2id => Argon2id::compute(password).map(Self::Argon2id),
            Format::Bcrypt => Bcrypt::compute(password).map(Self::Bcrypt),
            Format::Phpass | Format::DjangoPbkdf2 | Format::LdapSsha => {
                Err(Error::NotWritable(format))
            }
        }
    }

    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Argon2id(_) => Format::Argon2id,
            Self::Bcrypt(_) => Format::Bcrypt,
            Self::Phpass(_) => Format::Phpass,
            Self::DjangoPbkdf2(_) => Format::DjangoPbkdf2,
            Self::LdapSsha(_) => Format::LdapSsha,
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        match self {
            Self::Argon2id(hash) => hash.cost(),
            Self::Bcrypt(hash) => hash.cost(),
            Self::Phpass(hash) => hash.cost(),
            Self::DjangoPbkdf2(hash) => hash.cost(),
            Self::LdapSsha(_) => Cost::LdapSsha,
        }
    }

    /// Whether this is a hash of the password. The work is all done whatever the answer, and compared in constant time.
    pub(crate) fn verify(&self, password: &Password) -> Result<bool, Error> {
        match self {
            Self::Argon2id(hash) => hash.verify(password),
            Self::Bcrypt(hash) => Ok(hash.verify(password)),
            Self::Phpass(hash) => Ok(hash.verify(password)),
            Self::DjangoPbkdf2(hash) => Ok(hash.verify(password)),
            Self::LdapSsha(hash) => Ok(hash.verify(password)),
        }
    }

    /// A hash of the same cost whose salt and digest are bytes of `fill`'s choice.
    pub(crate) fn with_bytes(&self, mut fill: impl FnMut(&mut [u8])) -> Self {
        match self {
            Self::Argon2id(hash) => Self::Argon2id(hash.with_bytes(&mut fill)),
            Self::Bcrypt(hash) => Self::Bcrypt(hash.with_bytes(&mut fill)),
            Self::Phpass(hash) => Self::Phpass(hash.with_bytes(&mut fill)),
            Self::DjangoPbkdf2(hash) => Self::DjangoPbkdf2(hash.with_bytes(&mut fill)),
            Self::LdapSsha(hash) => Self::LdapSsha(hash.with_bytes(&mut fill)),
        }
    }

    /// The text that a store keeps.
    pub(crate) fn encode(&self) -> StoredHash {
        StoredHash::encoded(match self {
            Self::Argon2id(hash) => hash.encode(),
            Self::Bcrypt(hash) => hash.encode(),
            Self::Phpass(hash) => hash.encode(),
            Self::DjangoPbkdf2(hash) => hash.encode(),
            Self::LdapSsha(hash) => hash.encode(),
        })
    }
}

/// A decimal number as every library writes it: no sign, no leading zero.
fn decimal(text: &str) -> Option<u32> {
    let canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// Exactly `N` bytes of base64.
fn decode_array<const N: usize>(engine: &GeneralPurpose, text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let length = engine.decode_slice(text, bytes.as_mut_slice()).ok()?;
    (length == N).then_some(bytes)
}

/// A fresh salt.
fn random_salt<const N: usize>() -> Result<[u8; N], Error> {
    let mut salt = [0; N];
    aws_lc_rs::rand::fill(&mut salt)
        .map_err(|_| Error::Internal("the system has no random bytes for a salt"))?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::{Format, ParsedHash};
    use crate::{Error, Password, StoredHash};

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), format);
            assert_eq!(format.to_string(), format.name());
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "md5".parse::<Format>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no password format has this name; there are `argon2id`, `bcrypt`, `phpass`, `django-pbkdf2`, `ldap-ssha`"
        );
        assert!("Bcrypt".parse::<Format>().is_err());
    }

    #[test]
    fn a_format_is_identified_by_its_prefix_alone() {
        for (text, format) in [
            ("$argon2id$", Some(Format::Argon2id)),
            ("$2a$", Some(Format::Bcrypt)),
            ("$2b$12$", Some(Format::Bcrypt)),
            ("$2y$", Some(Format::Bcrypt)),
            ("$P$", Some(Format::Phpass)),
            ("$H$9", Some(Format::Phpass)),
            ("pbkdf2_sha256$", Some(Format::DjangoPbkdf2)),
            ("pbkdf2_sha1$", Some(Format::DjangoPbkdf2)),
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
            let hash = StoredHash::new(text.to_owned()).unwrap();
            assert_eq!(Format::identify(&hash), format, "{text}");
        }
    }

    #[test]
    fn a_blank_hash_can_be_written_read_and_verified_and_matches_nothing() {
        let password = Password::new("a".to_owned()).unwrap();
        for (format, cost) in [
            (Format::Argon2id, 64),
            (Format::Bcrypt, 4),
            (Format::Phpass, 7),
            (Format::DjangoPbkdf2, 10),
            (Format::LdapSsha, 0),
        ] {
            let blank = ParsedHash::blank(format, cost).unwrap();
            let read = ParsedHash::parse(format, &blank.encode()).unwrap();
            assert_eq!((read.format(), read.cost()), (format, blank.cost()));
            assert!(!read.verify(&password).unwrap());
        }
    }

    #[test]
    fn other_bytes_change_a_hash_and_not_its_cost() {
        for format in Format::ALL {
            let blank = ParsedHash::blank(format, format.default_cost()).unwrap();
            let other = blank.with_bytes(|bytes| bytes.fill(0xb5));
            assert_eq!(other.cost(), blank.cost());
            let (blank, other) = (blank.encode(), other.encode());
            assert_ne!(other.expose_secret(), blank.expose_secret());
            let read = ParsedHash::parse(format, &other).unwrap().encode();
            assert_eq!(read.expose_secret(), other.expose_secret());
        }
    }

    #[test]
    fn a_format_that_is_only_read_writes_nothing() {
        let password = Password::new("a".to_owned()).unwrap();
        for format in Format::ALL
            .into_iter()
            .filter(|format| !format.is_writable())
        {
            let error = ParsedHash::compute(format, &password).err().unwrap();
            assert!(matches!(error, Error::NotWritable(refused) if refused == format));
        }
    }
}
