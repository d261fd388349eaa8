//! What of a typed password a stored hash does not depend on: a right password that was not read whole cannot be hashed
//! anew, for the old scheme would have taken another one in its place.
//! A parsed hash and a password come in; the loss comes out, or the promise that no other password without a loss has
//! this hash, as far as hash functions keep their own promise.

use crate::{
    function::Function,
    recipe::{BCRYPT_BYTES, Recipe, Secrets},
};

/// What of a password does not count in a stored hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// What is beyond the bytes that the format reads, or tells apart from their digest.
    Length,
    /// A NUL, at which the format stops, or which it takes for its own filling.
    Nul,
    /// White space at an end.
    Space,
    /// Whether letters are upper or lower case.
    Case,
    /// The highest bit of a byte, and so what is beyond ASCII.
    Bits,
    /// Where one part of the password ends, as the format has it twice, in parts of any length; or nearly all of it, as
    /// its digest is no more than a sum.
    Ambiguous,
}

impl Loss {
    /// Every loss there is.
    pub const ALL: [Self; 6] = [
        Self::Length,
        Self::Nul,
        Self::Space,
        Self::Case,
        Self::Bits,
        Self::Ambiguous,
    ];

    /// Its name, in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Nul => "nul",
            Self::Space => "space",
            Self::Case => "case",
            Self::Bits => "bits",
            Self::Ambiguous => "ambiguous",
        }
    }
}

impl Recipe {
    /// What this recipe does not read of the bytes that it is given as a password.
    pub(crate) fn loss(&self, secrets: Secrets<'_>, salt: &[u8]) -> Option<Loss> {
        let password = secrets.password;
        match self {
            Self::Bcrypt(_) => of_bcrypt(password),
            // scrypt begins with PBKDF2.
            Self::Scrypt(_) | Self::Firebase(_) => of_hmac_key(Function::Sha256, password),
            Self::Pbkdf2(recipe) => of_hmac_key(recipe.function, password),
            Self::Sha1Crypt(_) => of_hmac_key(Function::Sha1, password),
            Self::DesCrypt(recipe) => of_des_crypt(recipe.password_bytes(), password),
            Self::Mysql323 => Some(Loss::Ambiguous),
            Self::Oracle10 => of_oracle(password),
            Self::Simple { simple, .. } => simple.loss(secrets, salt),
            // The whole password is the message of a hash function; Argon2 hashes its length, too.
            Self::Argon2(_)
            | Self::PasslibBcrypt(_)
            | Self::Phpass(_)
            | Self::Md5Crypt(_)
            | Self::ShaCrypt(_)
            | Self::Yescrypt(_)
            | Self::GostYescrypt(_)
            | Self::Magento(_) => None,
        }
    }

    /// How many bytes of a prepared password are read, if not all.
    pub(crate) fn reads_at_most(&self) -> Option<usize> {
        match self {
            Self::DesCrypt(recipe) => recipe.password_bytes(),
            _ => matches!(self, Self::Bcrypt(_)).then_some(BCRYPT_BYTES),
        }
    }
}

/// bcrypt repeats a password with a NUL behind it until 72 bytes are full, so that a NUL inside looks like an end.
fn of_bcrypt(password: &[u8]) -> Option<Loss> {
    if password.contains(&0) {
        Some(Loss::Nul)
    } else {
        (password.len() > BCRYPT_BYTES).then_some(Loss::Length)
    }
}

/// Seven bits of each byte make a key, which is filled with NUL.
fn of_des_crypt(most: Option<usize>, password: &[u8]) -> Option<Loss> {
    if password.contains(&0) {
        Some(Loss::Nul)
    } else if !password.is_ascii() {
        Some(Loss::Bits)
    } else {
        most.is_some_and(|most| password.len() > most)
            .then_some(Loss::Length)
    }
}

/// In upper case, and filled with NUL.
fn of_oracle(password: &[u8]) -> Option<Loss> {
    let text = str::from_utf8(password).unwrap_or_default();
    if password.contains(&0) {
        Some(Loss::Nul)
    } else {
        (text.to_uppercase() != text).then_some(Loss::Case)
    }
}

/// HMAC fills a key with NUL up to its block, and takes the digest of a longer one in its place (RFC 2104 §3).
pub(crate) fn of_hmac_key(function: Function, key: &[u8]) -> Option<Loss> {
    let block = match function {
        Function::Md4 | Function::Md5 | Function::Sha1 | Function::Sha224 | Function::Sha256 => 64,
        Function::Sha384 | Function::Sha512 => 128,
    };
    if key.last() == Some(&0) {
        Some(Loss::Nul)
    } else {
        (key.len() > block).then_some(Loss::Length)
    }
}

#[cfg(test)]
mod tests;
