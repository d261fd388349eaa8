//! Proof Key for Code Exchange (RFC 7636), method `S256` only.
//!
//! In comes the challenge with the authorization request and the verifier with the token request; out
//! comes whether the same client sent both. An attacker who has a code would want `plain`, where the
//! challenge itself is the verifier: it does not exist here.

use aws_lc_rs::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{Error, base64url};

/// A code challenge (RFC 7636 §4.2): the SHA-256 of a verifier, as 43 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// The one `code_challenge_method`.
    pub const METHOD: &'static str = "S256";

    /// Reads `code_challenge` with its `code_challenge_method`; without a method it would be `plain`
    /// (RFC 7636 §4.3), which is an error.
    pub fn new(challenge: &str, method: Option<&str>) -> Result<Self, Error> {
        if method != Some(Self::METHOD) {
            return Err(Error::Pkce("`code_challenge_method` must be `S256`"));
        }
        match base64url::decode(challenge) {
            Some(digest) if digest.len() == 32 => Ok(Self(challenge.to_owned())),
            _ => Err(Error::Pkce(
                "`code_challenge` must be the SHA-256 of the verifier as 43 characters of base64url",
            )),
        }
    }

    /// The challenge as it is sent, and kept with the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the challenge was made from this verifier, compared in constant time.
    pub fn matches(&self, verifier: &CodeVerifier) -> bool {
        let made = verifier.challenge();
        made.0.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

/// A code verifier (RFC 7636 §4.1): 43 to 128 characters, unreserved in URLs.
///
/// It is zeroed on drop and has no `Debug`, `Clone` or `==`.
pub struct CodeVerifier(Zeroizing<String>);

impl CodeVerifier {
    /// Takes a verifier by its grammar.
    pub fn new(verifier: String) -> Result<Self, Error> {
        let verifier = Zeroizing::new(verifier);
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(Error::Pkce(
                "`code_verifier` must be 43 to 128 characters of A-Z, a-z, 0-9, `-`, `.`, `_`, `~`",
            ));
        }
        Ok(Self(verifier))
    }

    /// What a client sends ahead of it.
    pub fn challenge(&self) -> CodeChallenge {
        CodeChallenge(base64url::encode(
            digest(&SHA256, self.0.as_bytes()).as_ref(),
        ))
    }

    /// The verifier itself.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn verifier(text: &str) -> CodeVerifier {
        CodeVerifier::new(text.to_owned()).unwrap()
    }

    #[test]
    fn the_example_of_rfc_7636_matches() {
        let challenge = CodeChallenge::new(CHALLENGE, Some("S256")).unwrap();
        assert!(challenge.matches(&verifier(VERIFIER)));
        assert!(!challenge.matches(&verifier(CHALLENGE)));
        assert!(!challenge.matches(&verifier(&VERIFIER.to_lowercase())));
    }

    #[test]
    fn no_method_but_s256_exists() {
        for method in [None, Some("plain"), Some("s256"), Some("")] {
            assert!(CodeChallenge::new(CHALLENGE, method).is_err(), "{method:?}");
        }
    }

    #[test]
    fn a_challenge_is_canonical_base64url_of_32_bytes() {
        for text in [
            "",
            "E9Mel",
            &format!("{CHALLENGE}="),
            &CHALLENGE.replace("cM", "cN"),
            &format!("{CHALLENGE}AA"),
        ] {
            assert!(CodeChallenge::new(text, Some("S256")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for (length, good) in [(42, false), (43, true), (128, true), (129, false)] {
            assert_eq!(
                CodeVerifier::new("~".repeat(length)).is_ok(),
                good,
                "{length}"
            );
        }
        assert!(CodeVerifier::new(format!("{VERIFIER}+")).is_err());
        assert!(CodeVerifier::new(format!("{VERIFIER}é")).is_err());
    }

    proptest! {
        #[test]
        fn a_verifier_matches_its_own_challenge_only(one in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
            let digest = digest(&SHA256, one.as_bytes());
            let challenge = CodeChallenge::new(&base64url::encode(digest.as_ref()), Some("S256")).unwrap();
            prop_assert!(challenge.matches(&verifier(&one)));
            prop_assert_eq!(challenge.matches(&verifier(&other)), one == other);
        }
    }
}
