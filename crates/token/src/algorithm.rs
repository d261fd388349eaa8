//! The signature algorithms that exist here.
//!
//! A closed list: what is not on it cannot be asked for, configured or presented. `none` and the HMAC algorithms are
//! what an attacker would want, so they have refusals of their own that say why.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A JWS algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256 and a salt as long as the digest.
    Ps256,
    /// ECDSA on P-256 with SHA-256, signature of fixed length.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name in the `alg` member of a header or a key.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "HS256" | "HS384" | "HS512" => Err(Error::SymmetricAlgorithm),
            _ if name.eq_ignore_ascii_case("none") => Err(Error::NoAlgorithm),
            _ => Self::ALL
                .into_iter()
                .find(|algorithm| algorithm.name() == name)
                .ok_or(Error::UnknownAlgorithm),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(
                algorithm.to_string().parse::<Algorithm>().unwrap(),
                algorithm
            );
        }
    }

    #[test]
    fn none_and_hmac_are_refused_with_the_reason() {
        for name in ["none", "None", "NONE"] {
            assert!(
                matches!(name.parse::<Algorithm>(), Err(Error::NoAlgorithm)),
                "{name}"
            );
        }
        for name in ["HS256", "HS384", "HS512"] {
            assert!(
                matches!(name.parse::<Algorithm>(), Err(Error::SymmetricAlgorithm)),
                "{name}"
            );
        }
    }

    #[test]
    fn names_are_taken_to_the_letter() {
        for name in ["rs256", "EDDSA", "ES384", "RS256 ", ""] {
            assert!(
                matches!(name.parse::<Algorithm>(), Err(Error::UnknownAlgorithm)),
                "{name:?}"
            );
        }
    }
}
