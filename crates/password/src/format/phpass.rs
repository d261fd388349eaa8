//! The portable hashes of phpass (Openwall): `$P$` in WordPress and Drupal 6 modules, `$H$` in phpBB; then one
//! character for the binary logarithm of the rounds, 8 of salt, 22 of digest.
//! MD5 of salt and password, then of digest and password, round after round.

use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Cost;
use crate::Password;

/// The alphabet of crypt(3); a character stands for its place in it.
const ITOA64: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Binary logarithms of the rounds that the format knows.
const LOG2_ROUNDS: std::ops::RangeInclusive<u32> = 7..=30;

pub(crate) struct Phpass {
    prefix: &'static str,
    log2_rounds: u32,
    salt: [u8; 8],
    digest: Zeroizing<[u8; 16]>,
}

impl Phpass {
    const PREFIXES: [&str; 2] = ["$P$", "$H$"];

    pub(super) fn identify(text: &str) -> bool {
        Self::PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let prefix = Self::PREFIXES
            .into_iter()
            .find(|prefix| text.starts_with(prefix))?;
        let (rounds, rest) = text.strip_prefix(prefix)?.as_bytes().split_first()?;
        let log2_rounds = value_of(*rounds).filter(|log2| LOG2_ROUNDS.contains(log2))?;
        let (salt, digest) = rest.split_first_chunk()?;
        if !salt.iter().all(|character| ITOA64.contains(character)) {
            return None;
        }
        Some(Self {
            prefix,
            log2_rounds,
            salt: *salt,
            digest: decode(digest)?,
        })
    }

    /// A hash that says nothing; `None` for rounds that the format does not know.
    pub(super) fn blank(log2_rounds: u32) -> Option<Self> {
        LOG2_ROUNDS.contains(&log2_rounds).then(|| Self {
            prefix: "$P$",
            log2_rounds,
            salt: [b'.'; 8],
            digest: Zeroizing::new([0; 16]),
        })
    }

    pub(super) fn cost(&self) -> Cost {
        Cost::Phpass {
            log2_rounds: self.log2_rounds,
        }
    }

    pub(super) fn verify(&self, password: &Password) -> bool {
        let password = password.expose_secret();
        let mut digest = Md5::new()
            .chain_update(self.salt)
            .chain_update(password)
            .finalize();
        for _ in 0..1_u32 << self.log2_rounds {
            digest = Md5::new()
                .chain_update(digest)
                .chain_update(password)
                .finalize();
        }
        digest.ct_eq(self.digest.as_slice()).into()
    }

    pub(super) fn with_bytes(&self, fill: &mut impl FnMut(&mut [u8])) -> Self {
        let mut salt = [0; 8];
        let mut digest = Zeroizing::new([0; 16]);
        fill(&mut salt);
        fill(digest.as_mut_slice());
        let salt = salt.map(|byte| character_of(u32::from(byte)));
        Self {
            prefix: self.prefix,
            log2_rounds: self.log2_rounds,
            salt,
            digest,
        }
    }

    pub(super) fn encode(&self) -> String {
        let mut text = String::from(self.prefix);
        text.push(char::from(character_of(self.log2_rounds)));
        text.extend(self.salt.map(char::from));
        for bytes in self.digest.chunks(3) {
            let group = bytes
                .iter()
                .rev()
                .fold(0, |group, byte| (group << 8) | u32::from(*byte));
            text.extend(
                (0..=bytes.len()).map(|place| char::from(character_of(group >> (6 * place)))),
            );
        }
        text
    }
}

/// 22 characters into 16 bytes: three bytes from four characters, the lowest bits first, and the last from two.
fn decode(characters: &[u8]) -> Option<Zeroizing<[u8; 16]>> {
    if characters.len() != 22 {
        return None;
    }
    let mut digest = Zeroizing::new([0; 16]);
    for (bytes, characters) in digest.chunks_mut(3).zip(characters.chunks(4)) {
        let mut group = 0;
        for character in characters.iter().rev() {
            group = (group << 6) | value_of(*character)?;
        }
        for byte in bytes {
            [*byte, ..] = group.to_le_bytes();
            group >>= 8;
        }
        if group != 0 {
            return None;
        }
    }
    Some(digest)
}

fn value_of(character: u8) -> Option<u32> {
    let place = ITOA64
        .iter()
        .position(|candidate| *candidate == character)?;
    u32::try_from(place).ok()
}

/// The character for the lowest six bits of a number.
fn character_of(number: u32) -> u8 {
    let place = usize::try_from(number & 0x3f).unwrap_or_default();
    ITOA64.get(place).copied().unwrap_or(b'.')
}

#[cfg(test)]
mod tests {
    use super::Phpass;
    use crate::{Password, format::Cost};

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    #[test]
    fn hashes_of_other_implementations_verify_and_are_written_as_they_were_read() {
        for (right, hash) in [
            // phpass 0.3 (Openwall), `test.php`.
            ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
            // John the Ripper 1.7.9, as passlib 1.7.4 quotes it in `tests/test_handlers.py`.
            ("test1", "$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00"),
            ("123456", "$H$9PE8jEklgZhgLmZl5.HYJAzfGCQtzi1"),
            ("thisisalongertestPW", "$P$912345678LIjjb6PhecupozNBmDndU0"),
            ("JohnRipper", "$P$B12345678L6Lpt4BxNotVIMILOa9u81"),
            // passlib 1.7.4, `tests/test_handlers.py`, and two made with it.
            ("compL3X!", "$P$FiS0N5L672xzQx1rt1vgdJQRYKnQM9/"),
            (
                "t\u{e1}\u{411}\u{2113}\u{259}",
                "$P$7SMy8VxnfsIy2Sxm7fJxDSdil.h7TW.",
            ),
            ("pässwörd", "$P$6QwxoXGwGE3HNoThwZBVTXovtPlBd/1"),
            ("correct horse", "$H$6dlEgL8kr.OfUKC2.b3kVfpWMa0MRT/"),
        ] {
            let parsed = Phpass::parse(hash).unwrap();
            assert!(parsed.verify(&password(right)), "{hash}");
            assert!(!parsed.verify(&password("test12346")), "{hash}");
            assert_eq!(parsed.encode(), hash);
        }
    }

    #[test]
    fn the_cost_is_the_logarithm_of_the_rounds() {
        let parsed = Phpass::parse("$P$B12345678L6Lpt4BxNotVIMILOa9u81").unwrap();
        assert_eq!(parsed.cost(), Cost::Phpass { log2_rounds: 13 });
    }

    #[test]
    fn what_no_library_writes_is_malformed() {
        for malformed in [
            "$P$",
            "$P$9",
            "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L",
            "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L00",
            "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r!L0",
            "$P$9IQR!TwmfeRo7ud9Fh4E2PdI0S3r.L0",
            "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.Lü",
            // Rounds below 2⁷ and above 2³⁰, and no character for them at all.
            "$P$4IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
            "$P$TIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
            "$P$!IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
            // Stray bits behind the last byte.
            "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.Lz",
            "$S$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
        ] {
            assert!(Phpass::parse(malformed).is_none(), "{malformed}");
        }
    }
}
