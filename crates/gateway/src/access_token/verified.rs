//! Tokens that were found good, remembered by their digest, so that a signature is checked once and not at every call.
//!
//! Nothing here outlives what made it true: a token is found only before its `exp`, and only while the very key that
//! signed it is among its issuer's current keys.

use std::sync::Arc;

use lychgate_token::{Algorithm, UnixTime, VerificationKey, VerifiedToken};
use moka::sync::Cache;

/// Which key vouched for a token.
#[derive(Clone)]
pub(crate) struct SignedBy {
    issuer: String,
    key_id: String,
    algorithm: Algorithm,
    thumbprint: String,
}

/// A bounded cache from the digest of a token to the fact that it was good, and because of which key.
pub(crate) struct VerifiedTokens(Cache<[u8; 32], Arc<(VerifiedToken, SignedBy)>>);

impl SignedBy {
    pub(crate) fn key(issuer: &str, key: &VerificationKey) -> Self {
        Self {
            issuer: issuer.to_owned(),
            key_id: key.key_id().to_owned(),
            algorithm: key.algorithm(),
            thumbprint: key.thumbprint().to_owned(),
        }
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this is the key, and not merely one of the same name.
    pub(crate) fn is(&self, key: &VerificationKey) -> bool {
        self.thumbprint == key.thumbprint()
    }
}

impl VerifiedTokens {
    /// At most this many tokens are remembered; the least used go first.
    pub(crate) fn new(capacity: u64) -> Self {
        Self(Cache::new(capacity))
    }

    /// The token of this digest, if it is still before its `exp` and its key `is_current`.
    pub(crate) fn find(
        &self,
        digest: &[u8; 32],
        now: UnixTime,
        is_current: impl Fn(&SignedBy) -> bool,
    ) -> Option<VerifiedToken> {
        let known = self.0.get(digest)?;
        let (token, signed_by) = &*known;
        if now < token.expires_at() && is_current(signed_by) {
            Some(token.clone())
        } else {
            self.0.invalidate(digest);
            None
        }
    }

    pub(crate) fn keep(&self, digest: [u8; 32], token: &VerifiedToken, signed_by: SignedBy) {
        self.0.insert(digest, Arc::new((token.clone(), signed_by)));
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lychgate_token::access_token::Rules;
    use lychgate_token::{BearerToken, SigningKey, UnverifiedToken};
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://issuer.example/";

    fn verified(key: &SigningKey, expires_at: i64) -> VerifiedToken {
        let claims = json!({ "iss": ISSUER, "aud": "urn:us", "iat": 0, "exp": expires_at });
        let rules = Rules {
            issuers: vec![ISSUER.to_owned()],
            audience: "urn:us".to_owned(),
            algorithms: vec![key.algorithm()],
            leeway: Duration::ZERO,
            max_lifetime: Duration::from_hours(1),
        };
        let token = BearerToken::new(key.sign("JWT", &claims).unwrap()).unwrap();
        let unverified = UnverifiedToken::parse(&token, &rules).unwrap();
        unverified
            .verify(key.verification_key(), &rules, UnixTime::from_seconds(0))
            .unwrap()
    }

    fn remembering(key: &SigningKey) -> VerifiedTokens {
        let tokens = VerifiedTokens::new(10);
        let signed_by = SignedBy::key(ISSUER, key.verification_key());
        tokens.keep([7; 32], &verified(key, 60), signed_by);
        tokens
    }

    #[test]
    fn a_token_is_remembered_until_its_exp_and_not_a_second_longer() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let tokens = remembering(&key);
        let found_at = |seconds| {
            tokens
                .find(&[7; 32], UnixTime::from_seconds(seconds), |_| true)
                .is_some()
        };
        assert!(found_at(0) && found_at(59));
        assert!(!found_at(60));
        assert!(!found_at(0), "and it is forgotten");
    }

    #[test]
    fn a_token_is_forgotten_with_the_very_key_that_signed_it() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let other = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let now = UnixTime::from_seconds(0);
        let tokens = remembering(&key);
        assert!(
            tokens
                .find(&[7; 32], now, |signed_by| signed_by
                    .is(key.verification_key()))
                .is_some()
        );
        assert!(
            tokens
                .find(&[7; 32], now, |signed_by| signed_by
                    .is(other.verification_key()))
                .is_none()
        );
    }
}
