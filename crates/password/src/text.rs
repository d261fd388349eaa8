//! What several formats share: numbers as they are written, and fresh salts.

use crate::Error;

/// A decimal number as every library writes it: no sign, no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u32> {
    let canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// A fresh salt.
pub(crate) fn random_salt<const N: usize>() -> Result<[u8; N], Error> {
    let mut salt = [0; N];
    aws_lc_rs::rand::fill(&mut salt)
        .map_err(|_| Error::Internal("the system has no random bytes for a salt"))?;
    Ok(salt)
}
