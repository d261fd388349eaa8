//! How a digest is made of a password and a salt: one variant a family, with every parameter that costs time.
//! A recipe comes out of a parsed hash; two hashes of one recipe take equally long.

mod argon2;
pub(crate) mod aspnet;
mod bcrypt;
mod crypt;
mod pbkdf2;
mod passlib;
mod phpass;
mod scrypt;
mod simple;
mod yescrypt;

pub(crate) use self::{
    argon2::{Argon2, NEW_MEMORY_KIB},
    bcrypt::{Bcrypt, PASSWORD_BYTES as BCRYPT_BYTES},
    crypt::{Md5Crypt, ShaCrypt},
    passlib::PasslibBcrypt,
    pbkdf2::Pbkdf2,
    phpass::Phpass,
    scrypt::{Firebase, Scrypt},
    simple::{Simple, Source, Stretch},
    yescrypt::Yescrypt,
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
    ShaCrypt(ShaCrypt),
    Yescrypt(Yescrypt),
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
            Self::ShaCrypt(recipe) => Some(recipe.derive(password, salt)),
            Self::Yescrypt(recipe) => Some(recipe.derive(password, salt, digest_bytes)?),
            Self::Simple { simple, rounds } => simple.derive(secrets, salt, *rounds, digest_bytes),
        })
    }

    /// The memory that one computation fills, in KiB; none for functions that work in a thread's own few.
    pub(crate) fn memory_kib(&self) -> u32 {
        match self {
            Self::Argon2(recipe) => recipe.memory_kib(),
            Self::Scrypt(recipe) => recipe.memory_kib(),
            Self::Firebase(recipe) => recipe.scrypt.memory_kib(),
            Self::Yescrypt(recipe) => recipe.memory_kib(),
            Self::Bcrypt(_)
            | Self::PasslibBcrypt(_)
            | Self::Pbkdf2(_)
            | Self::Phpass(_)
            | Self::Md5Crypt(_)
            | Self::ShaCrypt(_)
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
            | Self::Yescrypt(_)
            | Self::Simple { .. } => false,
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
            Self::Md5Crypt(_) => [0; 3],
            Self::ShaCrypt(recipe) => [recipe.rounds, 0, 0],
            Self::Yescrypt(recipe) => recipe.parameters(),
            Self::Simple { rounds, .. } => [*rounds, 0, 0],
        }
    }
}
