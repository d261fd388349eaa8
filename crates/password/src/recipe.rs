//! How a digest is made of a password and a salt: one variant a family, with every parameter that costs time.
//! A recipe comes out of a parsed hash; two hashes of one recipe take equally long.

mod argon2;
pub(crate) mod aspnet;
mod bcrypt;
mod crypt;
pub(crate) mod des;
mod magento;
pub(crate) mod mysql;
mod pbkdf2;
mod passlib;
mod phpass;
mod scrypt;
mod simple;
mod yescrypt;

pub(crate) use self::{
    argon2::{Argon2, NEW_MEMORY_KIB, give_back_memory},
    bcrypt::{Bcrypt, PASSWORD_BYTES as BCRYPT_BYTES},
    crypt::{Md5Crypt, Sha1Crypt, ShaCrypt},
    des::DesCrypt,
    magento::Magento,
    passlib::PasslibBcrypt,
    pbkdf2::Pbkdf2,
    phpass::Phpass,
    scrypt::{Firebase, Scrypt},
    simple::{Simple, Source, Stretch},
    yescrypt::{GostYescrypt, Yescrypt},
};
use crate::{Error, function::Bytes};

/// What a digest is made of, beside the salt.
#[derive(Clone, Copy)]
pub(crate) struct Secrets<'a> {
    /// The password, as its format prepares it.
    pub(crate) password: &'a [u8],
    /// The name of the user; empty where no format asks.
    pub(crate) user: &'a [u8],
    /// The application's own secret; empty where no format asks.
    pub(crate) pepper: &'a [u8],
}

/// A way to make a digest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Recipe {
    Argon2(Argon2),
    Bcrypt(Bcrypt),
    PasslibBcrypt(PasslibBcrypt),
    Scrypt(Scrypt),
    Firebase(Firebase),
    Pbkdf2(Pbkdf2),
    Phpass(Phpass),
    Md5Crypt(Md5Crypt),
    Sha1Crypt(Sha1Crypt),
    ShaCrypt(ShaCrypt),
    DesCrypt(DesCrypt),
    Yescrypt(Yescrypt),
    GostYescrypt(GostYescrypt),
    Magento(Magento),
    Mysql323,
    Oracle10,
    Simple {
        simple: &'static Simple,
        rounds: u32,
    },
}

/// What a hash text says: how, with which salt, and what came of it.
pub(crate) struct Parsed {
    pub(crate) recipe: Recipe,
    pub(crate) salt: Bytes,
    pub(crate) digest: Bytes,
}

impl Recipe {
    /// The digest of a password; `None` for one that the format has no bytes for, which matches nothing.
    pub(crate) fn derive(
        &self,
        secrets: Secrets<'_>,
        salt: &[u8],
        digest_bytes: usize,
    ) -> Result<Option<Bytes>, Error> {
        let password = secrets.password;
        Ok(match self {
            Self::Argon2(recipe) => Some(recipe.derive(password, salt, digest_bytes)?),
            Self::Bcrypt(recipe) => Some(recipe.derive(password, salt)?),
            Self::PasslibBcrypt(recipe) => Some(recipe.derive(password, salt)?),
            Self::Scrypt(recipe) => Some(recipe.derive(password, salt, digest_bytes)?),
            Self::Firebase(recipe) => Some(recipe.derive(secrets, salt)?),
            Self::Pbkdf2(recipe) => recipe.derive(password, salt, digest_bytes),
            Self::Phpass(recipe) => Some(recipe.derive(password, salt, digest_bytes)),
            Self::Md5Crypt(recipe) => Some(recipe.derive(password, salt)),
            Self::Sha1Crypt(recipe) => Some(recipe.derive(password, salt)),
            Self::ShaCrypt(recipe) => Some(recipe.derive(password, salt)),
            Self::DesCrypt(recipe) => Some(recipe.derive(password, salt)),
            Self::Yescrypt(recipe) => Some(recipe.derive(password, salt, digest_bytes)?),
            Self::GostYescrypt(recipe) => Some(recipe.derive(password, salt, digest_bytes)?),
            Self::Magento(recipe) => Some(recipe.derive(password, salt, digest_bytes)?),
            Self::Mysql323 => Some(mysql::old_password(password)),
            Self::Oracle10 => des::oracle(secrets.user, password),
            Self::Simple { simple, rounds } => simple.derive(secrets, salt, *rounds, digest_bytes),
        })
    }

    /// The memory that one computation fills, in KiB; none for functions that work in a thread's own few.
    pub(crate) fn memory_kib(&self) -> u32 {
        match self {
            Self::Argon2(recipe) => recipe.memory_kib(),
            Self::Scrypt(recipe) => recipe.memory_kib(),
            Self::Firebase(recipe) => recipe.scrypt.memory_kib(),
            Self::Yescrypt(recipe) | Self::GostYescrypt(GostYescrypt(recipe)) => {
                recipe.memory_kib()
            }
            Self::Magento(recipe) => recipe.argon2.memory_kib(),
            Self::Bcrypt(_)
            | Self::PasslibBcrypt(_)
            | Self::Pbkdf2(_)
            | Self::Phpass(_)
            | Self::Md5Crypt(_)
            | Self::Sha1Crypt(_)
            | Self::ShaCrypt(_)
            | Self::DesCrypt(_)
            | Self::Mysql323
            | Self::Oracle10
            | Self::Simple { .. } => 0,
        }
    }

    /// Whether it costs what a new hash of its family does, or more; never for families that are only read.
    pub(crate) fn is_as_dear_as_new(&self) -> bool {
        match self {
            Self::Argon2(recipe) => recipe.is_as_dear_as_new(),
            Self::Bcrypt(recipe) => recipe.is_as_dear_as_new(),
            Self::PasslibBcrypt(_)
            | Self::Scrypt(_)
            | Self::Firebase(_)
            | Self::Pbkdf2(_)
            | Self::Phpass(_)
            | Self::Md5Crypt(_)
            | Self::ShaCrypt(_)
            | Self::Sha1Crypt(_)
            | Self::DesCrypt(_)
            | Self::Yescrypt(_)
            | Self::GostYescrypt(_)
            | Self::Magento(_)
            | Self::Mysql323
            | Self::Oracle10
            | Self::Simple { .. } => false,
        }
    }

    /// What the parameters are called, as far as there are any.
    pub(crate) fn parameter_names(&self) -> &'static [&'static str] {
        match self {
            Self::Argon2(_) | Self::Magento(_) => &["memory_kib", "passes", "lanes"],
            Self::Bcrypt(_) | Self::PasslibBcrypt(_) | Self::Phpass(_) => &["log2_rounds"],
            Self::Scrypt(_) | Self::Firebase(_) => &["log2_n", "block_size", "lanes"],
            Self::Pbkdf2(_) => &["iterations"],
            Self::Sha1Crypt(_) | Self::ShaCrypt(_) | Self::DesCrypt(_) => &["rounds"],
            Self::Yescrypt(_) | Self::GostYescrypt(_) => &["memory_kib", "lanes"],
            Self::Simple { simple, .. } if simple.is_pbkdf2() => &["iterations"],
            Self::Simple { simple, .. } if simple.repeats() => &["rounds"],
            Self::Md5Crypt(_) | Self::Mysql323 | Self::Oracle10 | Self::Simple { .. } => &[],
        }
    }

    /// The parameters in the hash that its cost depends on, in the order that the format has them.
    pub(crate) fn parameters(&self) -> [u32; 3] {
        match self {
            Self::Argon2(recipe) => recipe.parameters(),
            Self::Bcrypt(recipe) => [recipe.cost, 0, 0],
            Self::PasslibBcrypt(recipe) => [recipe.bcrypt.cost, 0, 0],
            Self::Scrypt(recipe) => recipe.parameters(),
            Self::Firebase(recipe) => recipe.scrypt.parameters(),
            Self::Pbkdf2(recipe) => [recipe.iterations, 0, 0],
            Self::Phpass(recipe) => [recipe.log2_rounds, 0, 0],
            Self::Md5Crypt(_) | Self::Mysql323 | Self::Oracle10 => [0; 3],
            Self::Sha1Crypt(recipe) => [recipe.rounds, 0, 0],
            Self::ShaCrypt(recipe) => [recipe.rounds, 0, 0],
            Self::DesCrypt(recipe) => [recipe.rounds, 0, 0],
            Self::Yescrypt(recipe) | Self::GostYescrypt(GostYescrypt(recipe)) => {
                recipe.parameters()
            }
            Self::Magento(recipe) => recipe.argon2.parameters(),
            Self::Simple { rounds, .. } => [*rounds, 0, 0],
        }
    }
}
