//! The portable hashes of phpass (Openwall) and their heirs: `$P$` in WordPress, `$H$` in phpBB, `$S$` in Drupal 7; then
//! one character for the binary logarithm of the rounds, 8 of salt, and the digest.
//! A digest of salt and password, then of digest and password, round after round; by MD5, and in Drupal by SHA-512, of
//! which only 43 characters are kept.

use zeroize::Zeroizing;

use super::{Parsed, Recipe, crypt};
use crate::function::{Bytes, Function};

/// Binary logarithms of the rounds that the format knows.
const LOG2_ROUNDS: std::ops::RangeInclusive<u32> = 7..=30;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phpass {
    function: Function,
    /// The binary logarithm of the rounds.
    pub(crate) log2_rounds: u32,
}

impl Phpass {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let rest = text
            .strip_prefix("$P$")
            .or_else(|| text.strip_prefix("$H$"))?;
        let parsed = parse(Function::Md5, rest, 22)?;
        // Of 128 bits, two are left for the last character.
        let last = crypt::value_of(*parsed.digest.last()?)?;
        (last < 4).then_some(parsed)
    }

    pub(crate) fn parse_drupal(text: &str) -> Option<Parsed> {
        parse(Function::Sha512, text.strip_prefix("$S$")?, 43)
    }

    /// The characters of the digest.
    pub(super) fn derive(self, password: &[u8], salt: &[u8], characters: usize) -> Bytes {
        let mut digest = self.function.digest(&[salt, password]);
        for _ in 0..1_u32 << self.log2_rounds {
            digest = self.function.digest(&[&digest, password]);
        }
        let mut text = Zeroizing::new(Vec::with_capacity(96));
        for group in digest.chunks(3) {
            crypt::push_group(&mut text, group.iter().rev(), group.len() + 1);
        }
        text.truncate(characters);
        text
    }
}

fn parse(function: Function, rest: &str, characters: usize) -> Option<Parsed> {
    let (rounds, rest) = rest.as_bytes().split_first()?;
    let log2_rounds = crypt::value_of(*rounds).filter(|log2| LOG2_ROUNDS.contains(log2))?;
    let (salt, digest) = rest.split_at_checked(8)?;
    if !crypt::is_encoded(salt) || !crypt::is_encoded(digest) || digest.len() != characters {
        return None;
    }
    let recipe = Recipe::Phpass(Phpass {
        function,
        log2_rounds,
    });
    Some(Parsed {
        recipe,
        salt: Zeroizing::new(salt.to_vec()),
        digest: Zeroizing::new(digest.to_vec()),
    })
}
