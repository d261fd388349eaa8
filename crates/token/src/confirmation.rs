//! What a token is bound to: its `cnf` claim (RFC 7800).

use serde_json::{Map, Value};

use crate::base64url;

/// The one key that the presenter of a token has to prove. Both are SHA-256 thumbprints in base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// `jkt`: the key that signs proofs of possession (RFC 9449 §6.1).
    Key(String),
    /// `x5t#S256`: the certificate of the TLS client (RFC 8705 §3.1).
    Certificate(String),
}

impl Confirmation {
    /// Reads a `cnf` claim. `None` unless it names one key, in a way that is known here: what is bound to something
    /// else as well is not proven by half of it.
    pub fn read(confirmation: &Map<String, Value>) -> Option<Self> {
        let mut members = confirmation.iter();
        let (Some((name, Value::String(thumbprint))), None) = (members.next(), members.next())
        else {
            return None;
        };
        if base64url::decode(thumbprint)?.len() != 32 {
            return None;
        }
        match name.as_str() {
            "jkt" => Some(Self::Key(thumbprint.clone())),
            "x5t#S256" => Some(Self::Certificate(thumbprint.clone())),
            _ => None,
        }
    }

    /// To this certificate, by the SHA-256 of its DER.
    pub fn of_certificate(digest: &[u8; 32]) -> Self {
        Self::Certificate(base64url::encode(digest))
    }

    /// The `cnf` claim of a token that is bound so.
    pub fn to_json(&self) -> Value {
        let (name, thumbprint) = match self {
            Self::Key(thumbprint) => ("jkt", thumbprint),
            Self::Certificate(thumbprint) => ("x5t#S256", thumbprint),
        };
        Value::Object(Map::from_iter([(
            name.to_owned(),
            Value::from(thumbprint.as_str()),
        )]))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// That of RFC 9449's own examples.
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn read(confirmation: &Value) -> Option<Confirmation> {
        Confirmation::read(confirmation.as_object().unwrap())
    }

    #[test]
    fn one_known_thumbprint_is_read_and_reads_back() {
        for confirmation in [
            json!({ "jkt": THUMBPRINT }),
            json!({ "x5t#S256": THUMBPRINT }),
        ] {
            assert_eq!(read(&confirmation).unwrap().to_json(), confirmation);
        }
    }

    #[test]
    fn a_certificate_is_named_by_its_digest() {
        let confirmation = Confirmation::of_certificate(&[7; 32]);
        let claim = confirmation.to_json();
        assert_eq!(read(&claim), Some(confirmation));
        assert_eq!(claim["x5t#S256"].as_str().map(str::len), Some(43));
    }

    #[test]
    fn anything_else_is_no_confirmation_that_could_be_proven() {
        for confirmation in [
            json!({}),
            json!({ "jkt": 1 }),
            json!({ "jkt": "short" }),
            json!({ "jkt": format!("{THUMBPRINT}=") }),
            json!({ "jwk": {} }),
            json!({ "kid": THUMBPRINT }),
            json!({ "jkt": THUMBPRINT, "x5t#S256": THUMBPRINT }),
            json!({ "jkt": THUMBPRINT, "jku": "https://evil.example/" }),
        ] {
            assert_eq!(read(&confirmation), None, "{confirmation}");
        }
    }
}
