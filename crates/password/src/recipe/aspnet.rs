//! ASP.NET Identity: base64 of one byte of version and the rest. Version 0 (Identity 2, `SimpleMembership`,
//! `Crypto.HashPassword`) is PBKDF2 at a fixed cost; version 1 (Identity 3 and Core) says its parameters.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Parsed, Pbkdf2, Recipe};
use crate::function::Function;

/// Lengths that the format's own reader asks for, and no more than anyone sets.
const BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// Version 0.
pub(crate) fn parse_v2(text: &str) -> Option<Parsed> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let (salt, digest) = bytes.strip_prefix(&[0])?.split_at_checked(16)?;
    (digest.len() == 32).then(|| parsed(Function::Sha1, 1_000, salt, digest))
}

/// Version 1: the number of the hash function, iterations, and the length of the salt, four bytes each.
pub(crate) fn parse_v3(text: &str) -> Option<Parsed> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let (function, rest) = number(bytes.strip_prefix(&[1])?)?;
    let (iterations, rest) = number(rest)?;
    let (salt_bytes, rest) = number(rest)?;
    let (salt, digest) = rest.split_at_checked(usize::try_from(salt_bytes).ok()?)?;
    let function = match function {
        0 => Function::Sha1,
        1 => Function::Sha256,
        2 => Function::Sha512,
        _ => return None,
    };
    let legal = BYTES.contains(&salt.len()) && BYTES.contains(&digest.len()) && iterations > 0;
    legal.then(|| parsed(function, iterations, salt, digest))
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

fn parsed(function: Function, iterations: u32, salt: &[u8], digest: &[u8]) -> Parsed {
    Parsed {
        recipe: Recipe::Pbkdf2(Pbkdf2 {
            function,
            iterations,
        }),
        salt: Zeroizing::new(salt.to_vec()),
        digest: Zeroizing::new(digest.to_vec()),
    }
}
