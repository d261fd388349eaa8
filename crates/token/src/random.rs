//! Random bytes from the system, for ids, codes and secrets.

use crate::{Error, base64url};

/// `N` random bytes.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// 256 random bits as 43 characters of base64url: an id, a code or a secret that cannot be guessed.
pub fn random_token() -> Result<String, Error> {
    Ok(base64url::encode(&random_bytes::<32>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_256_bits_and_no_two_are_alike() {
        let one = random_token().unwrap();
        let other = random_token().unwrap();
        assert_eq!(base64url::decode(&one).unwrap().len(), 32);
        assert_ne!(one, other);
    }
}
