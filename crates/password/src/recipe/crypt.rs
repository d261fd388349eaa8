//! The crypt(3) formats of MD5 (`$1$`, by Poul-Henning Kamp, and Apache's `$apr1$`), SHA-1 (`$sha1$`, of NetBSD) and SHA-2
//! (`$5$` and `$6$`, by Ulrich Drepper), and the 64 characters that they are written in.
//! A digest stays in its characters: what is derived is written likewise and compared.

use zeroize::Zeroizing;

use super::{Parsed, Recipe};
use crate::{
    function::{Bytes, Function},
    text::decimal,
};

/// The alphabet of crypt(3); a character stands for its place in it.
const ITOA64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Rounds of SHA-2 that the format knows, and those of a hash that names none.
const SHA_ROUNDS: std::ops::RangeInclusive<u32> = 1_000..=999_999_999;
const DEFAULT_SHA_ROUNDS: u32 = 5_000;

/// In which order the digests are written, three bytes to four characters.
const MD5_ORDER: [u8; 16] = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11];
/// The first byte comes once more, so that the last group is full.
const SHA1_ORDER: [u8; 21] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0,
];
const SHA256_ORDER: [u8; 32] = [
    0, 10, 20, 21, 1, 11, 12, 22, 2, 3, 13, 23, 24, 4, 14, 15, 25, 5, 6, 16, 26, 27, 7, 17, 18, 28,
    8, 9, 19, 29, 31, 30,
];
const SHA512_ORDER: [u8; 64] = [
    0, 21, 42, 22, 43, 1, 44, 2, 23, 3, 24, 45, 25, 46, 4, 47, 5, 26, 6, 27, 48, 28, 49, 7, 50, 8,
    29, 9, 30, 51, 31, 52, 10, 53, 11, 32, 12, 33, 54, 34, 55, 13, 56, 14, 35, 15, 36, 57, 37, 58,
    16, 59, 17, 38, 18, 39, 60, 40, 61, 19, 62, 20, 41, 63,
];

/// MD5 with one of the two prefixes, which is hashed, too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Md5Crypt {
    prefix: &'static str,
}

impl Md5Crypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        Self::parse_after("$1$", text)
    }

    pub(crate) fn parse_apache(text: &str) -> Option<Parsed> {
        Self::parse_after("$apr1$", text)
    }

    fn parse_after(prefix: &'static str, text: &str) -> Option<Parsed> {
        let (salt, digest) = text.strip_prefix(prefix)?.split_once('$')?;
        parsed(Recipe::Md5Crypt(Self { prefix }), salt, 0..=8, digest, 22)
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8]) -> Bytes {
        let inner = Function::Md5.digest(&[password, salt, password]);
        let mut parts = vec![password, self.prefix.as_bytes(), salt];
        parts.extend(covering(&inner, password.len()));
        // The author meant bytes of the inner digest, and took the first one of the password.
        let initial = password.get(..1).unwrap_or_default();
        parts.extend(bits(password.len()).map(|bit| if bit { [0].as_slice() } else { initial }));
        let first = Function::Md5.digest(&parts);
        let last = strengthen(Function::Md5, first, 1_000, password, salt);
        written(&last, &MD5_ORDER)
    }
}

/// SHA-256 or SHA-512.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShaCrypt {
    function: Function,
    pub(crate) rounds: u32,
}

impl ShaCrypt {
    pub(super) fn sha256(rounds: u32) -> Self {
        Self {
            function: Function::Sha256,
            rounds,
        }
    }

    pub(crate) fn parse_sha256(text: &str) -> Option<Parsed> {
        Self::parse(Function::Sha256, text.strip_prefix("$5$")?, 43)
    }

    pub(crate) fn parse_sha512(text: &str) -> Option<Parsed> {
        Self::parse(Function::Sha512, text.strip_prefix("$6$")?, 86)
    }

    fn parse(function: Function, rest: &str, characters: usize) -> Option<Parsed> {
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$')?;
                (decimal(rounds)?, rest)
            }
            None => (DEFAULT_SHA_ROUNDS, rest),
        };
        let (salt, digest) = rest.split_once('$')?;
        let recipe = SHA_ROUNDS
            .contains(&rounds)
            .then_some(Recipe::ShaCrypt(Self { function, rounds }))?;
        parsed(recipe, salt, 0..=16, digest, characters)
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8]) -> Bytes {
        let function = self.function;
        let inner = function.digest(&[password, salt, password]);
        let mut parts = vec![password, salt];
        parts.extend(covering(&inner, password.len()));
        parts.extend(bits(password.len()).map(|bit| if bit { &inner } else { password }));
        let first = function.digest(&parts);

        let of_password = function.digest(&vec![password; password.len()]);
        let times = 16 + usize::from(first.first().copied().unwrap_or_default());
        let of_salt = function.digest(&vec![salt; times]);
        let password = Zeroizing::new(covering(&of_password, password.len()).concat());
        let salt = Zeroizing::new(covering(&of_salt, salt.len()).concat());
        let last = strengthen(function, first, self.rounds, &password, &salt);
        if function == Function::Sha256 {
            written(&last, &SHA256_ORDER)
        } else {
            written(&last, &SHA512_ORDER)
        }
    }
}

/// HMAC-SHA-1 round after round, of NetBSD: `$sha1$rounds$salt$digest`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sha1Crypt {
    pub(crate) rounds: u32,
}

impl Sha1Crypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let (rounds, rest) = text.strip_prefix("$sha1$")?.split_once('$')?;
        let (salt, digest) = rest.split_once('$')?;
        let rounds = decimal(rounds).filter(|rounds| *rounds > 0)?;
        parsed(Recipe::Sha1Crypt(Self { rounds }), salt, 0..=64, digest, 28)
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8]) -> Bytes {
        let rounds = self.rounds.to_string();
        let first = [salt, b"$sha1$", rounds.as_bytes()].concat();
        let mut digest = Function::Sha1.hmac(password, &first);
        for _ in 1..self.rounds {
            digest = Function::Sha1.hmac(password, &digest);
        }
        written(&digest, &SHA1_ORDER)
    }
}

/// The rounds, in which the parts change their order so that no two in a row are alike.
fn strengthen(
    function: Function,
    first: Bytes,
    rounds: u32,
    password: &[u8],
    salt: &[u8],
) -> Bytes {
    let mut digest = first;
    for round in 0..rounds {
        let (before, after) = if round % 2 == 0 {
            (digest.as_slice(), password)
        } else {
            (password, digest.as_slice())
        };
        let salt = if round % 3 == 0 { &[] } else { salt };
        let again = if round % 7 == 0 { &[] } else { password };
        digest = function.digest(&[before, salt, again, after]);
    }
    digest
}

/// A digest over and over until it covers so many bytes.
fn covering(digest: &[u8], bytes: usize) -> Vec<&[u8]> {
    let whole = bytes.checked_div(digest.len()).unwrap_or_default();
    let mut parts = vec![digest; whole];
    parts.extend(digest.get(..bytes - whole * digest.len()));
    parts
}

/// The bits of a number, the lowest first, as far as it has any.
fn bits(number: usize) -> impl Iterator<Item = bool> {
    std::iter::successors(Some(number), |number| Some(number >> 1))
        .take_while(|number| *number > 0)
        .map(|number| number % 2 == 1)
}

fn parsed(
    recipe: Recipe,
    salt: &str,
    salt_characters: std::ops::RangeInclusive<usize>,
    digest: &str,
    characters: usize,
) -> Option<Parsed> {
    let legal = salt_characters.contains(&salt.len())
        && salt.bytes().all(|byte| byte.is_ascii_graphic())
        && digest.len() == characters
        && is_encoded(digest.as_bytes());
    legal.then(|| Parsed {
        recipe,
        salt: Zeroizing::new(salt.as_bytes().to_vec()),
        digest: Zeroizing::new(digest.as_bytes().to_vec()),
    })
}

/// A digest in characters, its bytes in the given order.
fn written(digest: &[u8], order: &[u8]) -> Bytes {
    let mut text = Zeroizing::new(Vec::with_capacity(96));
    for group in order.chunks(3) {
        let bytes = group
            .iter()
            .filter_map(|place| digest.get(usize::from(*place)));
        push_group(&mut text, bytes, group.len() + 1);
    }
    text
}

/// Writes up to three bytes, the highest first, as characters of which the lowest comes first.
pub(super) fn push_group<'a>(
    text: &mut Vec<u8>,
    bytes: impl Iterator<Item = &'a u8>,
    characters: usize,
) {
    let group = bytes.fold(0, |group, byte| (group << 8) | usize::from(*byte));
    text.extend((0..characters).filter_map(|place| ITOA64.get((group >> (6 * place)) & 0x3f)));
}

/// Whether all characters are of the alphabet.
pub(super) fn is_encoded(text: &[u8]) -> bool {
    text.iter().all(|character| ITOA64.contains(character))
}

/// The character that stands for a value.
pub(super) fn character_of(value: u64) -> Option<u8> {
    let place = usize::try_from(value).ok()?;
    ITOA64.get(place).copied()
}

/// What a character stands for.
pub(super) fn value_of(character: u8) -> Option<u32> {
    let place = ITOA64
        .iter()
        .position(|candidate| *candidate == character)?;
    u32::try_from(place).ok()
}
