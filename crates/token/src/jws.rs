//! JSON Web Signatures in compact form (RFC 7515 §7.1).
//!
//! In comes text; out comes a header whose few used members have their right types, and a payload that
//! nobody should believe before [`Jws::verify`]. An attacker would want the header to choose the key or
//! to switch the check off: whatever could do that is refused before anything else is looked at.

use serde_json::{Map, Value};

use crate::{Algorithm, BearerToken, Refusal, VerificationKey, base64url, strict_json};

/// A signature with what it signs, taken apart but not yet believed.
pub struct Jws<'t> {
    signing_input: &'t str,
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The three parts of a compact serialization, of which nothing is known but that they are canonical base64url.
pub(crate) struct Parts<'t> {
    pub(crate) signing_input: &'t str,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// The members of a JOSE header that are used; others mean nothing here (RFC 7515 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`, 1 to 256 bytes.
    pub key_id: Option<String>,
    /// `typ`.
    pub token_type: Option<String>,
}

impl<'t> Jws<'t> {
    /// Takes a compact serialization apart: three parts of canonical base64url, at most
    /// [`BearerToken::MOST_BYTES`] together, the first a JSON object.
    pub fn parse(text: &'t str) -> Result<Self, Refusal> {
        if text.len() > BearerToken::MOST_BYTES {
            return Err(Refusal::TooLarge);
        }
        let parts = Parts::split(text)?;
        Ok(Self {
            signing_input: parts.signing_input,
            header: Header::read(&parts.header)?,
            payload: parts.payload,
            signature: parts.signature,
        })
    }

    /// The header, which anyone may have written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload, which anyone may have written.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, once the signature is found to be this key's. The key must be the very one that the
    /// header names.
    pub fn verify(&self, key: &VerificationKey) -> Result<&[u8], Refusal> {
        let named = self
            .header
            .key_id
            .as_deref()
            .is_none_or(|key_id| key_id == key.key_id());
        if !named || self.header.algorithm != key.algorithm() {
            return Err(Refusal::WrongKey);
        }
        key.verify(self.signing_input.as_bytes(), &self.signature)?;
        Ok(&self.payload)
    }
}

impl<'t> Parts<'t> {
    pub(crate) fn split(text: &'t str) -> Result<Self, Refusal> {
        let (signing_input, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        // A fourth part would leave a dot in one of these, and base64url has no dot.
        let (header, payload) = signing_input.split_once('.').ok_or(Refusal::Malformed)?;
        let decode = |part| base64url::decode(part).ok_or(Refusal::Malformed);
        Ok(Self {
            signing_input,
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

impl Header {
    /// The longest `kid`, in bytes.
    pub const MOST_KEY_ID_BYTES: usize = 256;

    /// `jku`, `jwk`, `x5u` and `x5c` bring the key along, so that anyone's signature would be right.
    /// `x5t` and `x5t#S256` name it a second time: two readers could take two keys, and ours looks for
    /// `kid` only. `crit` demands what is not implemented (RFC 7515 §4.1.11), and `b64` changes what is
    /// signed (RFC 7797).
    const FORBIDDEN: [&str; 8] = ["crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64"];

    fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let members = strict_json::parse_object(bytes)?;
        if let Some(name) = Self::forbidden_in(&members, &[]) {
            return Err(Refusal::ForbiddenHeader(name));
        }
        let algorithm = text_member(&members, "alg")?.ok_or(Refusal::MissingHeader("alg"))?;
        let key_id = text_member(&members, "kid")?;
        if key_id.is_some_and(|id| id.is_empty() || id.len() > Self::MOST_KEY_ID_BYTES) {
            return Err(Refusal::MistypedHeader("kid"));
        }
        Ok(Self {
            algorithm: algorithm.parse().map_err(|_| Refusal::WrongAlgorithm)?,
            key_id: key_id.map(str::to_owned),
            token_type: text_member(&members, "typ")?.map(str::to_owned),
        })
    }

    /// A member that must not be honoured, unless it is one of `allowed`.
    pub(crate) fn forbidden_in(
        members: &Map<String, Value>,
        allowed: &[&str],
    ) -> Option<&'static str> {
        Self::FORBIDDEN
            .into_iter()
            .find(|name| members.contains_key(*name) && !allowed.contains(name))
    }
}

/// A member of a header that is a string.
pub(crate) fn text_member<'m>(
    members: &'m Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'m str>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::MistypedHeader(name)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SigningKey;

    fn refusal(header: &str) -> Refusal {
        let text = format!(
            "{}.{}.",
            base64url::encode(header.as_bytes()),
            base64url::encode(b"{}")
        );
        Jws::parse(&text)
            .err()
            .unwrap_or_else(|| panic!("accepted {header}"))
    }

    #[test]
    fn other_than_three_parts_is_malformed() {
        let header = base64url::encode(br#"{"alg":"ES256"}"#);
        for text in [
            String::new(),
            header.clone(),
            format!("{header}.e30"),
            format!("{header}.e30.e30.e30"),
        ] {
            assert_eq!(Jws::parse(&text).err(), Some(Refusal::Malformed), "{text}");
        }
        assert!(Jws::parse(&format!("{header}.e30.AA")).is_ok());
    }

    #[test]
    fn parts_that_are_not_canonical_base64url_are_malformed() {
        let header = base64url::encode(br#"{"alg":"ES256"}"#);
        for tail in [
            "e30=.AA", "e30.AB", "e30.A", "e30. AA", "e3+.AA", "e30.AA\n",
        ] {
            assert_eq!(
                Jws::parse(&format!("{header}.{tail}")).err(),
                Some(Refusal::Malformed),
                "{tail}"
            );
        }
    }

    #[test]
    fn a_header_that_could_choose_the_key_is_refused() {
        for name in Header::FORBIDDEN {
            let header = format!(r#"{{"alg":"RS256","kid":"a","{name}":null}}"#);
            assert_eq!(refusal(&header), Refusal::ForbiddenHeader(name));
        }
    }

    #[test]
    fn an_algorithm_that_is_not_here_is_refused() {
        for name in ["none", "None", "HS256", "ES384", "RS512", "rs256", ""] {
            assert_eq!(
                refusal(&format!(r#"{{"alg":"{name}"}}"#)),
                Refusal::WrongAlgorithm,
                "{name}"
            );
        }
        assert_eq!(refusal("{}"), Refusal::MissingHeader("alg"));
    }

    #[test]
    fn a_header_member_of_the_wrong_type_is_never_absent() {
        assert_eq!(refusal(r#"{"alg":null}"#), Refusal::MistypedHeader("alg"));
        assert_eq!(
            refusal(r#"{"alg":["RS256"]}"#),
            Refusal::MistypedHeader("alg")
        );
        assert_eq!(
            refusal(r#"{"alg":"RS256","kid":1}"#),
            Refusal::MistypedHeader("kid")
        );
        assert_eq!(
            refusal(r#"{"alg":"RS256","kid":""}"#),
            Refusal::MistypedHeader("kid")
        );
        assert_eq!(
            refusal(r#"{"alg":"RS256","typ":null}"#),
            Refusal::MistypedHeader("typ")
        );
        let long = "k".repeat(Header::MOST_KEY_ID_BYTES + 1);
        assert_eq!(
            refusal(&format!(r#"{{"alg":"RS256","kid":"{long}"}}"#)),
            Refusal::MistypedHeader("kid")
        );
    }

    #[test]
    fn a_header_with_a_member_twice_is_refused() {
        assert_eq!(
            refusal(r#"{"alg":"none","alg":"RS256"}"#),
            Refusal::DuplicateMember
        );
    }

    #[test]
    fn more_than_the_longest_token_is_too_large() {
        let text = "a".repeat(BearerToken::MOST_BYTES + 1);
        assert_eq!(Jws::parse(&text).err(), Some(Refusal::TooLarge));
    }

    #[test]
    fn only_the_named_key_verifies() {
        let (key, other) = (
            SigningKey::generate(Algorithm::Es256),
            SigningKey::generate(Algorithm::Es256),
        );
        let (key, other) = (key.unwrap(), other.unwrap());
        let token = key.sign("JWT", &serde_json::json!({"a": 1})).unwrap();
        let jws = Jws::parse(&token).unwrap();
        assert_eq!(jws.verify(key.verification_key()).unwrap(), br#"{"a":1}"#);
        assert_eq!(jws.verify(other.verification_key()), Err(Refusal::WrongKey));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(header: Vec<u8>, payload: Vec<u8>, tail in ".{0,20}") {
            let text = format!("{}.{}.{tail}", base64url::encode(&header), base64url::encode(&payload));
            if let Ok(jws) = Jws::parse(&text) {
                prop_assert_eq!(jws.unverified_payload(), payload);
            }
        }
    }
}
