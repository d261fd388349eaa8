//! yescrypt (Openwall), the crypt(3) of today's distributions: `$y$`, parameters in characters, salt, 43 of digest.

use ::yescrypt::Params;
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
        // two, and more could say numbers that nothing can hold.
        let is_short = |character: u8| crypt::value_of(character).is_some_and(|value| value <= 47);
        let legal = parameters.starts_with('j')
            && (3..=6).contains(&parameters.len())
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

/// Bytes of characters of which the lowest comes first; three bytes to four of them.
fn decode(text: &str) -> Option<Bytes> {
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
