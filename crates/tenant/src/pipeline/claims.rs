//! Claims that scripts add to tokens.

use serde_json::{Map, Value};

/// Claims that say what only the tenant may say: who issued a token, for whom, about whom, how it was had and until when.
const RESERVED: [&str; 29] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "client_id",
    "gty",
    "scope",
    "permissions",
    "cnf",
    "act",
    "may_act",
    "sid",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "at_hash",
    "c_hash",
    "s_hash",
    "org_id",
    "org_name",
    "authorization_details",
    "sub_profile",
    "client_profile",
    "typ",
];
/// Custom claims of one token.
const CLAIMS: usize = 100;
/// Bytes of a claim's name.
const NAME_BYTES: usize = 256;
/// Bytes of a claim's value, as JSON.
const VALUE_BYTES: usize = 4096;

/// Claims beside those of the tenant's own; none of them can stand in for one.
#[derive(Default)]
pub(crate) struct CustomClaims(Map<String, Value>);

impl CustomClaims {
    /// Sets a claim; one that is reserved, too many or too large is left out, as on the platform, and the log says so.
    pub(crate) fn set(&mut self, name: String, value: Value) {
        let too_large =
            name.is_empty() || name.len() > NAME_BYTES || value.to_string().len() > VALUE_BYTES;
        if RESERVED.contains(&name.as_str()) || too_large || self.0.len() >= CLAIMS {
            tracing::warn!("a script set a claim that is reserved or too large; it was left out");
        } else if value.is_null() {
            self.0.remove(&name);
        } else {
            self.0.insert(name, value);
        }
    }

    /// The claims.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_script_says_what_the_tenant_says() {
        let mut claims = CustomClaims::default();
        for name in RESERVED {
            claims.set(name.to_owned(), json!("forged"));
        }
        claims.set("https://example.com/role".to_owned(), json!("clerk"));
        assert_eq!(
            Value::Object(claims.into_map()),
            json!({ "https://example.com/role": "clerk" })
        );
    }

    #[test]
    fn a_claim_has_a_bound() {
        let mut claims = CustomClaims::default();
        claims.set("a".to_owned(), json!("x".repeat(VALUE_BYTES)));
        for n in 0..200 {
            claims.set(format!("c{n}"), json!(1));
        }
        let claims = claims.into_map();
        assert!(!claims.contains_key("a"));
        assert_eq!(claims.len(), CLAIMS);
    }
}
