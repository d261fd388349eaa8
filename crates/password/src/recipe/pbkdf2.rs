//! PBKDF2 by HMAC (RFC 8018), beneath all formats that use it.

use std::num::NonZeroU32;

use ::aws_lc_rs::pbkdf2;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Parsed, Recipe};
use crate::{
    function::{Bytes, Function},
    layout,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pbkdf2 {
    pub(crate) function: Function,
    pub(crate) iterations: u32,
}

impl Pbkdf2 {
    /// Whether there is PBKDF2 by this function.
    pub(crate) fn knows(function: Function) -> bool {
        algorithm(function).is_some()
    }

    /// 389 Directory Server: `{PBKDF2_SHA256}` and base64 of iterations, 64 bytes of salt and 256 of digest, of which 32
    /// are as good as all.
    pub(crate) fn parse_389(text: &str) -> Option<Parsed> {
        let bytes = STANDARD
            .decode(layout::strip(text, "{PBKDF2_SHA256}")?)
            .ok()?;
        let bytes = Zeroizing::new(bytes);
        let (iterations, rest) = bytes.split_first_chunk()?;
        let (salt, digest) = rest.split_at_checked(64)?;
        let iterations = u32::from_be_bytes(*iterations);
        let legal = iterations > 0 && digest.len() == 256;
        let digest = digest.get(..32).filter(|_| legal)?;
        Some(Parsed {
            recipe: Recipe::Pbkdf2(Self {
                function: Function::Sha256,
                iterations,
            }),
            salt: Zeroizing::new(salt.to_vec()),
            digest: Zeroizing::new(digest.to_vec()),
        })
    }

    /// `None` for no iterations, or a function that is not known here.
    pub(super) fn derive(self, password: &[u8], salt: &[u8], bytes: usize) -> Option<Bytes> {
        let mut digest = Zeroizing::new(vec![0; bytes]);
        let iterations = NonZeroU32::new(self.iterations)?;
        pbkdf2::derive(
            algorithm(self.function)?,
            iterations,
            salt,
            password,
            &mut digest,
        );
        Some(digest)
    }
}

fn algorithm(function: Function) -> Option<pbkdf2::Algorithm> {
    match function {
        Function::Sha1 => Some(pbkdf2::PBKDF2_HMAC_SHA1),
        Function::Sha256 => Some(pbkdf2::PBKDF2_HMAC_SHA256),
        Function::Sha384 => Some(pbkdf2::PBKDF2_HMAC_SHA384),
        Function::Sha512 => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        Function::Md4 | Function::Md5 | Function::Sha224 => None,
    }
}
