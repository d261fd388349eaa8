//! MySQL's own hashes that are no expression: `OLD_PASSWORD()` of before 4.1, and `caching_sha2_password` of 8.0, which
//! is crypt(3) by SHA-256 with a longer salt and rounds in thousands.

use zeroize::Zeroizing;

use super::{Parsed, Recipe, ShaCrypt, crypt};
use crate::{function::Bytes, layout};

/// Bytes of salt, which the server makes of ASCII without NUL and the dollar.
const SALT_BYTES: usize = 20;

/// `OLD_PASSWORD()`: sixteen hexadecimal digits.
pub(crate) fn parse_323(text: &str) -> Option<Parsed> {
    let digest = layout::decode_hex(text).filter(|digest| digest.len() == 8)?;
    Some(Parsed {
        recipe: Recipe::Mysql323,
        salt: Zeroizing::default(),
        digest: Zeroizing::new(digest),
    })
}

/// Two sums of 31 bits; spaces and tabs are passed over.
pub(super) fn old_password(password: &[u8]) -> Bytes {
    let (mut one, mut two, mut sum) = (1_345_345_333_u32, 0x1234_5671_u32, 7_u32);
    for byte in password.iter().filter(|byte| !b" \t".contains(byte)) {
        let byte = u32::from(*byte);
        one ^= (one & 63)
            .wrapping_add(sum)
            .wrapping_mul(byte)
            .wrapping_add(one << 8);
        two = two.wrapping_add((two << 8) ^ one);
        sum = sum.wrapping_add(byte);
    }
    let words = [one, two].map(|word| (word & 0x7fff_ffff).to_be_bytes());
    Zeroizing::new(words.concat())
}

/// `caching_sha2_password`: `$A$005$`, salt, digest, as the server has it; or salt and digest in hexadecimal as
/// `$mysql$A$005*salt*digest`, where the column would not survive the bytes of the salt.
pub(crate) fn parse_sha2(text: &str) -> Option<Parsed> {
    let (thousands, salt, digest) = if let Some(rest) = text.strip_prefix("$mysql$A$") {
        let (thousands, rest) = rest.split_once('*')?;
        let (salt, digest) = rest.split_once('*')?;
        (
            thousands,
            layout::decode_hex(salt)?,
            layout::decode_hex(digest)?,
        )
    } else {
        let (thousands, rest) = text.strip_prefix("$A$")?.split_once('$')?;
        let (salt, digest) = rest.split_at_checked(SALT_BYTES)?;
        let legal = salt.bytes().all(|byte| byte.is_ascii() && byte != b'$');
        legal.then_some(())?;
        (
            thousands,
            salt.as_bytes().to_vec(),
            digest.as_bytes().to_vec(),
        )
    };
    let legal = thousands.len() == 3
        && thousands.bytes().all(|digit| digit.is_ascii_hexdigit())
        && salt.len() == SALT_BYTES
        && digest.len() == 43
        && crypt::is_encoded(&digest);
    let thousands = u32::from_str_radix(thousands, 16).ok();
    let thousands = thousands.filter(|thousands| legal && *thousands > 0)?;
    Some(Parsed {
        recipe: Recipe::ShaCrypt(ShaCrypt::sha256(1_000 * thousands)),
        salt: Zeroizing::new(salt),
        digest: Zeroizing::new(digest),
    })
}
