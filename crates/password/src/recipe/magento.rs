//! Magento 2.3 and later: `hexadecimal:salt:versions`, where the versions say what was done in turn, each to the digest
//! before in hexadecimal: `0` is MD5 and `1` SHA-256 of salt and digest, `2` and `3_32_2_67108864` are Argon2id, the
//! latter with length, passes and bytes of memory.
//! Only chains that end in Argon2id are read here; the others are expressions.

use ::argon2::{Algorithm, Params, Version};
use zeroize::Zeroizing;

use super::{Argon2, Parsed, Recipe};
use crate::{
    Error,
    expression::lower_hex,
    function::{Bytes, Function},
    layout,
    text::decimal,
};

/// What libsodium calls interactive: two passes over 64 MiB.
const VERSION_2: (usize, u32, u32) = (32, 2, 64 * 1024);

/// What Argon2 takes of the salt, which is as long in new hashes and longer in upgraded ones.
const ARGON2_SALT_BYTES: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Magento {
    /// What was hashed before Argon2 came.
    before: Vec<Function>,
    pub(crate) argon2: Argon2,
}

impl Magento {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let (digest, rest) = text.split_once(':')?;
        let (salt, versions) = rest.split_once(':')?;
        let (before, last) = match versions.rsplit_once(':') {
            Some((before, last)) => (before.split(':').collect(), last),
            None => (Vec::new(), versions),
        };
        let before = before.into_iter().map(|version| match version {
            "0" => Some(Function::Md5),
            "1" => Some(Function::Sha256),
            _ => None,
        });
        let before = before.collect::<Option<Vec<_>>>()?;
        let (bytes, passes, memory_kib) = costs(last)?;
        let digest = layout::decode_hex(digest).filter(|digest| digest.len() == bytes)?;
        let legal = before.len() <= 2
            && (ARGON2_SALT_BYTES..=layout::MAX_SALT_BYTES).contains(&salt.len())
            && salt.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let params = Params::new(memory_kib, passes, 1, Some(bytes)).ok()?;
        legal.then(|| Parsed {
            recipe: Recipe::Magento(Self {
                before,
                argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            }),
            salt: Zeroizing::new(salt.as_bytes().to_vec()),
            digest: Zeroizing::new(digest),
        })
    }

    pub(super) fn derive(
        &self,
        password: &[u8],
        salt: &[u8],
        bytes: usize,
    ) -> Result<Bytes, Error> {
        let mut digest = Zeroizing::new(password.to_vec());
        for function in &self.before {
            digest = Zeroizing::new(lower_hex(&function.digest(&[salt, &digest])));
        }
        let salt = salt.get(..ARGON2_SALT_BYTES).unwrap_or(salt);
        self.argon2.derive(&digest, salt, bytes)
    }
}

/// Bytes of the digest, passes, and KiB of memory.
fn costs(version: &str) -> Option<(usize, u32, u32)> {
    if version == "2" {
        return Some(VERSION_2);
    }
    let [bytes, passes, memory] = *version.strip_prefix("3_")?.split('_').collect::<Vec<_>>()
    else {
        return None;
    };
    let bytes = usize::try_from(decimal(bytes)?).ok()?;
    let memory = decimal(memory).filter(|memory| memory.is_multiple_of(1024))?;
    (16..=64)
        .contains(&bytes)
        .then_some((bytes, decimal(passes)?, memory / 1024))
}
