//! DES (FIPS 46-3) as password hashes use it: crypt(3) with its salt in the expansion, the extended form of BSD/OS,
//! and Oracle's hash before 11g. All are weak, whatever is done here: eight bytes of 7 bits, or upper case, or few rounds.
//! No crate that is kept has the cipher with a salt; this one is checked against libcrypt, and is not constant-time.

use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::{Parsed, Recipe, crypt};
use crate::{function::Bytes, layout};

/// What crypt(3) enciphers a block of zeros, over and over.
const CRYPT_ROUNDS: u32 = 25;

/// The characters of 64 bits.
const DIGEST_CHARACTERS: usize = 11;

/// Oracle's first key, the same everywhere.
const ORACLE_KEY: u64 = 0x0123_4567_89ab_cdef;

#[rustfmt::skip]
mod tables {
    pub(super) const INITIAL: [u8; 64] = [
        58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24,
        16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39,
        31, 23, 15, 7,
    ];
    pub(super) const FINAL: [u8; 64] = [
        40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21,
        61, 29, 36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9,
        49, 17, 57, 25,
    ];
    pub(super) const PERMUTATION: [u8; 32] = [
        16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4,
        25,
    ];
    pub(super) const CHOICE_1: [u8; 56] = [
        57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55,
        47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
    ];
    pub(super) const CHOICE_2: [u8; 48] = [
        14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30,
        40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
    ];
    pub(super) const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
    /// The four rows of each box, sixteen numbers of four bits each.
    pub(super) const BOXES: [[u64; 4]; 8] = [
        [0xe4d1_2fb8_3a6c_5907, 0x0f74_e2d1_a6cb_9538, 0x41e8_d62b_fc97_3a50, 0xfc82_4917_5b3e_a06d],
        [0xf18e_6b34_972d_c05a, 0x3d47_f28e_c01a_69b5, 0x0e7b_a4d1_58c6_932f, 0xd8a1_3f42_b67c_05e9],
        [0xa09e_63f5_1dc7_b428, 0xd709_346a_285e_cbf1, 0xd649_8f30_b12c_5ae7, 0x1ad0_6987_4fe3_b52c],
        [0x7de3_069a_1285_bc4f, 0xd8b5_6f03_472c_1ae9, 0xa690_cb7d_f13e_5284, 0x3f06_a1d8_945b_c72e],
        [0x2c41_7ab6_853f_d0e9, 0xeb2c_47d1_50fa_3986, 0x421b_ad78_f9c5_630e, 0xb8c7_1e2d_6f09_a453],
        [0xc1af_9268_0d34_e75b, 0xaf42_7c95_61de_0b38, 0x9ef5_28c3_704a_1db6, 0x432c_95fa_be17_608d],
        [0x4b2e_f08d_3c97_5a61, 0xd0b7_491a_e35c_2f86, 0x14bd_c37e_af68_0592, 0x6bd8_14a7_950f_e23c],
        [0xd284_6fb1_a93e_50c7, 0x1fd8_a374_c56b_0e92, 0x7b41_9ce2_06ad_f358, 0x21e7_4a8d_fc90_356b],
    ];
}

/// What each box gives for its six bits, permuted already.
static SUBSTITUTED: LazyLock<[[u32; 64]; 8]> = LazyLock::new(|| {
    let mut place = 0;
    tables::BOXES.map(|rows| {
        place += 1;
        std::array::from_fn(|input| {
            let row = (input >> 4) & 2 | input & 1;
            let column = (input >> 1) & 15;
            let row = rows.get(row).copied().unwrap_or_default();
            let value = (row >> (60 - 4 * column)) & 15;
            let permuted = permute(value << (32 - 4 * place), 32, &tables::PERMUTATION);
            u32::try_from(permuted).unwrap_or_default()
        })
    })
});

/// The cipher under a key.
struct Des {
    keys: [u64; 16],
}

impl Des {
    fn new(key: u64) -> Self {
        let chosen = permute(key, 64, &tables::CHOICE_1);
        let (mut left, mut right) = (chosen >> 28, chosen & 0x0fff_ffff);
        let keys = tables::SHIFTS.map(|shift| {
            let rotate = |half: u64| (half << shift | half >> (28 - shift)) & 0x0fff_ffff;
            (left, right) = (rotate(left), rotate(right));
            permute(left << 28 | right, 56, &tables::CHOICE_2)
        });
        Self { keys }
    }

    /// A block enciphered so many times; where a bit of the salt is set, two bits of the expansion change places.
    fn encipher(&self, block: u64, salt: u32, times: u32) -> u64 {
        let block = permute(block, 64, &tables::INITIAL);
        let mut left = u32::try_from(block >> 32).unwrap_or_default();
        let mut right = u32::try_from(block & u64::from(u32::MAX)).unwrap_or_default();
        for _ in 0..times {
            for key in self.keys {
                (left, right) = (right, left ^ scramble(right, key, salt));
            }
            (left, right) = (right, left);
        }
        permute(u64::from(left) << 32 | u64::from(right), 64, &tables::FINAL)
    }

    /// The last block of a message in CBC mode, after a vector of zeros; the message is filled up with zeros.
    fn last_block(&self, message: &[u8]) -> u64 {
        let blocks = message.chunks(8).map(block_of);
        blocks.fold(0, |before, block| self.encipher(before ^ block, 0, 1))
    }
}

fn scramble(right: u32, key: u64, salt: u32) -> u32 {
    let sixth = |place: u32| u64::from(right.rotate_left(5 + 4 * place) & 63);
    let expanded = (0..8).fold(0, |bits, place| bits << 6 | sixth(place));
    let moved = (expanded >> 24 ^ expanded) & u64::from(salt);
    let keyed = expanded ^ (moved << 24 | moved) ^ key;
    let boxes = SUBSTITUTED.iter().zip((0..8).rev());
    let outputs = boxes.map(|(outputs, place)| {
        let input = usize::try_from(keyed >> (6 * place) & 63).unwrap_or_default();
        outputs.get(input).copied().unwrap_or_default()
    });
    outputs.fold(0, |bits, output| bits | output)
}

/// The bits of a value in another order; tables count them from one, the highest first.
fn permute(value: u64, bits: u32, table: &[u8]) -> u64 {
    let bit = |place: &u8| value >> (bits - u32::from(*place)) & 1;
    table
        .iter()
        .fold(0, |permuted, place| permuted << 1 | bit(place))
}

/// Up to eight bytes as a block.
fn block_of(bytes: &[u8]) -> u64 {
    let filled = bytes.iter().chain([0; 8].iter()).take(8);
    filled.fold(0, |block, byte| block << 8 | u64::from(*byte))
}

/// crypt(3) by DES: two characters of salt and eleven of digest; or that of BSD/OS, `_` and four characters each of rounds and
/// salt before them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DesCrypt {
    pub(crate) rounds: u32,
    /// Whether every byte of a password counts, or the first eight.
    is_extended: bool,
}

impl DesCrypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let recipe = Self {
            rounds: CRYPT_ROUNDS,
            is_extended: false,
        };
        recipe.parsed(text.split_at_checked(2)?)
    }

    pub(crate) fn parse_extended(text: &str) -> Option<Parsed> {
        let (rounds, rest) = text.strip_prefix('_')?.split_at_checked(4)?;
        let recipe = Self {
            rounds: number_of(rounds.as_bytes()).filter(|rounds| *rounds > 0)?,
            is_extended: true,
        };
        recipe.parsed(rest.split_at_checked(4)?)
    }

    /// How many bytes of a password count, if not all.
    pub(crate) fn password_bytes(self) -> Option<usize> {
        (!self.is_extended).then_some(8)
    }

    fn parsed(self, (salt, digest): (&str, &str)) -> Option<Parsed> {
        number_of(salt.as_bytes())?;
        // Of eleven characters, the last one has four bits to say.
        let last = crypt::value_of(*digest.as_bytes().last()?)?;
        let legal = digest.len() == DIGEST_CHARACTERS
            && crypt::is_encoded(digest.as_bytes())
            && last % 4 == 0;
        legal.then(|| Parsed {
            recipe: Recipe::DesCrypt(self),
            salt: Zeroizing::new(salt.as_bytes().to_vec()),
            digest: Zeroizing::new(digest.as_bytes().to_vec()),
        })
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8]) -> Bytes {
        // The lowest bit of the salt belongs to the first bit of the expansion. A decoy's salt has no characters.
        let salt = number_of(salt).unwrap_or_default().reverse_bits() >> 8;
        let mut groups = password.chunks(8).map(|group| {
            let shifted = group.iter().map(|byte| byte << 1).collect::<Vec<_>>();
            block_of(&Zeroizing::new(shifted))
        });
        let mut key = groups.next().unwrap_or_default();
        if self.is_extended {
            for group in groups {
                key = Des::new(key).encipher(key, 0, 1) ^ group;
            }
        }
        let block = Des::new(key).encipher(0, salt, self.rounds);
        // The highest bits come first here, and two of eleven characters are left over.
        let value = |place: u32| {
            let bits = u128::from(block) << 2 >> (60 - 6 * place) & 63;
            u64::try_from(bits).ok()
        };
        let characters = (0..11).filter_map(|place| crypt::character_of(value(place)?));
        Zeroizing::new(characters.collect())
    }
}

/// A number in characters of which the lowest comes first.
fn number_of(characters: &[u8]) -> Option<u32> {
    let values = characters.iter().rev();
    values
        .map(|character| crypt::value_of(*character))
        .try_fold(0, |number, value| Some(number << 6 | value?))
}

/// Oracle before 11g: sixteen hexadecimal digits, over the name of the user and the password in upper case.
pub(crate) fn parse_oracle(text: &str) -> Option<Parsed> {
    let digest = layout::decode_hex(text).filter(|digest| digest.len() == 8)?;
    Some(Parsed {
        recipe: Recipe::Oracle10,
        salt: Zeroizing::default(),
        digest: Zeroizing::new(digest),
    })
}

/// `None` for what is no text.
pub(super) fn oracle(user: &[u8], password: &[u8]) -> Option<Bytes> {
    let text =
        Zeroizing::new([str::from_utf8(user).ok()?, str::from_utf8(password).ok()?].concat());
    let upper = Zeroizing::new(text.to_uppercase());
    let message = Zeroizing::new(
        upper
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect::<Vec<_>>(),
    );
    let key = Des::new(ORACLE_KEY).last_block(&message);
    let digest = Des::new(key).last_block(&message);
    Some(Zeroizing::new(digest.to_be_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::Des;

    /// The worked example of J. Orlin Grabbe, "The DES Algorithm Illustrated", and the first of NIST SP 500-20's.
    #[test]
    fn the_cipher_is_the_one_of_the_standard() {
        for (key, block, expected) in [
            (
                0x1334_5779_9bbc_dff1,
                0x0123_4567_89ab_cdef,
                0x85e8_1354_0f0a_b405,
            ),
            (
                0x0101_0101_0101_0101,
                0x95f8_a5e5_dd31_d900,
                0x8000_0000_0000_0000,
            ),
        ] {
            assert_eq!(Des::new(key).encipher(block, 0, 1), expected);
        }
    }
}
