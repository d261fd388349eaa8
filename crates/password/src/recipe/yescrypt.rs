//! yescrypt (Openwall), the crypt(3) of today's distributions: `$y$`, parameters in characters, salt, 43 of digest; and
//! `$gy$`, which puts the Russian standard hash over it.

use ::yescrypt::Params;
use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use streebog::{Digest as _, Streebog256};
use zeroize::Zeroizing;

use super::{Parsed, Recipe, crypt};
use crate::{Error, function::Bytes};

/// No salt is longer in characters, and none takes more bytes.
const MAX_SALT_CHARACTERS: usize = 86;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Yescrypt {
    params: Params,
}

impl Yescrypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let (parameters, rest) = text.strip_prefix("$y$")?.split_once('$')?;
        let (salt, digest) = rest.split_once('$')?;
        // `j` is the flavour that crypt(3) writes. One character for each number: none that honest libraries write needs
        // two, and more could say numbers that nothing can hold. Of what may follow only lanes are read: crypt(3) writes
        // no number of passes, which would be work without memory.
        let is_short = |character: u8| crypt::value_of(character).is_some_and(|value| value <= 47);
        let legal = parameters.starts_with('j')
            && (parameters.len() == 3
                || parameters.len() == 5 && parameters.as_bytes().get(3) == Some(&b'.'))
            && parameters.bytes().all(is_short)
            && salt.len() <= MAX_SALT_CHARACTERS;
        let params: Params = legal.then(|| parameters.parse().ok())??;
        let digest = decode(digest).filter(|digest| digest.len() == 32)?;
        Some(Parsed {
            recipe: Recipe::Yescrypt(Self { params }),
            salt: decode(salt)?,
            digest,
        })
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8], bytes: usize) -> Result<Bytes, Error> {
        let mut digest = Zeroizing::new(vec![0; bytes]);
        ::yescrypt::yescrypt(password, salt, &self.params, &mut digest)
            .map_err(|_| Error::Internal("yescrypt takes parameters only when parsing them"))?;
        Ok(digest)
    }

    pub(crate) fn memory_kib(self) -> u32 {
        let bytes = self
            .params
            .n()
            .saturating_mul(u64::from(self.params.r()) * 128);
        u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
    }

    /// KiB of memory, lanes.
    pub(crate) fn parameters(self) -> [u32; 3] {
        [self.memory_kib(), self.params.p(), 0]
    }
}

/// yescrypt under the Russian standard hash, `$gy$`: HMAC by Streebog-256, keyed with a digest of the password over the
/// setting, of what yescrypt gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GostYescrypt(pub(crate) Yescrypt);

impl GostYescrypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let inner = text.strip_prefix("$gy$")?;
        let parsed = Yescrypt::parse(&format!("$y${inner}"))?;
        let Recipe::Yescrypt(yescrypt) = parsed.recipe else {
            return None;
        };
        let (setting, _) = text.rsplit_once('$')?;
        Some(Parsed {
            recipe: Recipe::GostYescrypt(Self(yescrypt)),
            salt: Zeroizing::new(setting.as_bytes().to_vec()),
            digest: parsed.digest,
        })
    }

    /// The salt is the whole setting, which is hashed, too.
    pub(super) fn derive(
        self,
        password: &[u8],
        setting: &[u8],
        bytes: usize,
    ) -> Result<Bytes, Error> {
        // Of a decoy nothing is left to decode.
        let text = str::from_utf8(setting).unwrap_or_default();
        let salt = text.rsplit_once('$').and_then(|(_, salt)| decode(salt));
        let inner = self.0.derive(password, &salt.unwrap_or_default(), bytes)?;
        let key = streebog(&Streebog256::digest(password), setting)?;
        streebog(&key, &inner)
    }
}

fn streebog(key: &[u8], message: &[u8]) -> Result<Bytes, Error> {
    let mac = SimpleHmac::<Streebog256>::new_from_slice(key)
        .map_err(|_| Error::Internal("HMAC refuses a key"))?;
    Ok(Zeroizing::new(
        mac.chain_update(message).finalize().into_bytes().to_vec(),
    ))
}

/// Bytes of characters of which the lowest comes first; three bytes to four of them.
pub(super) fn decode(text: &str) -> Option<Bytes> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    for characters in text.as_bytes().chunks(4) {
        let mut group = 0;
        for character in characters.iter().rev() {
            group = (group << 6) | crypt::value_of(*character)?;
        }
        let count = characters.len().checked_sub(1).filter(|count| *count > 0)?;
        let little = group.to_le_bytes();
        let (kept, over) = little.split_at_checked(count)?;
        if over.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(kept);
    }
    Some(bytes)
}
