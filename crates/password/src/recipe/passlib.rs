//! bcrypt over a digest, as passlib writes it: `$bcrypt-sha256$v=2,t=2b,r=12$salt$digest` over HMAC-SHA-256 under the
//! salt's own characters, and `$bcrypt-sha256$2b,12$salt$digest` (version 1) over SHA-256; either in base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Bcrypt, Parsed, Recipe};
use crate::{
    Error,
    function::{Bytes, Function},
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PasslibBcrypt {
    is_keyed: bool,
    pub(crate) bcrypt: Bcrypt,
}

impl PasslibBcrypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let (parameters, rest) = text.strip_prefix("$bcrypt-sha256$")?.split_once('$')?;
        let (salt, digest) = rest.split_once('$').filter(|(salt, _)| salt.len() == 22)?;
        let keyed = parameters.strip_prefix("v=2,t=");
        let (version, cost) = match keyed {
            Some(parameters) => parameters.split_once(",r=")?,
            None => parameters.split_once(',')?,
        };
        let parsed = Bcrypt::parse(&format!("${version}${cost:0>2}${salt}{digest}"))?;
        let Recipe::Bcrypt(bcrypt) = parsed.recipe else {
            return None;
        };
        Some(Parsed {
            recipe: Recipe::PasslibBcrypt(Self {
                is_keyed: keyed.is_some(),
                bcrypt,
            }),
            ..parsed
        })
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8]) -> Result<Bytes, Error> {
        let digest = if self.is_keyed {
            Function::Sha256.hmac(super::bcrypt::encode(salt).as_bytes(), password)
        } else {
            Function::Sha256.digest(&[password])
        };
        let text = Zeroizing::new(STANDARD.encode(&*digest));
        self.bcrypt.derive(text.as_bytes(), salt)
    }
}
