//! Public keys, parsed once and ready to verify.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::ParsedPublicKey;

use crate::{Algorithm, Jwk, Refusal};

/// A public key that verifies signatures of exactly one algorithm. Cheap to clone.
#[derive(Clone)]
pub struct VerificationKey(Arc<Parsed>);

struct Parsed {
    jwk: Jwk,
    thumbprint: String,
    key: ParsedPublicKey,
}

impl VerificationKey {
    /// `None` if the numbers are no key, such as a point that is not on its curve.
    pub(crate) fn new(jwk: Jwk) -> Option<Self> {
        let key = jwk.parse_key()?;
        Some(Self(Arc::new(Parsed {
            thumbprint: jwk.thumbprint(),
            jwk,
            key,
        })))
    }

    /// The key's id, `kid`.
    pub fn key_id(&self) -> &str {
        self.0.jwk.key_id()
    }

    /// The one algorithm it is for.
    pub fn algorithm(&self) -> Algorithm {
        self.0.jwk.algorithm()
    }

    /// The thumbprint of the key itself, whatever its id (RFC 7638, with SHA-256), as base64url.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// The key as JSON Web Key.
    pub fn jwk(&self) -> &Jwk {
        &self.0.jwk
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        self.0
            .key
            .verify_sig(message, signature)
            .map_err(|_| Refusal::WrongSignature)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("VerificationKey")
            .field(&self.0.jwk)
            .finish()
    }
}

#[cfg(test)]
mod tests;
