//! JOSE and OAuth token rules.
//!
//! From the text of an `Authorization` header to a fact: this token was issued by one of our issuers, for our audience,
//! and is good now. And the way back: signing tokens, publishing keys, proving which client asks.
//!
//! The crate does no I/O. Time and keys are arguments; the only ambient things are [`UnixTime::now`] and the system's
//! random numbers. Cryptography is that of `aws-lc-rs`; what is ours is the strict reading around it.
//!
//! ```
//! use std::time::Duration;
//!
//! use lychgate_token::access_token::Rules;
//! use lychgate_token::{Algorithm, BearerToken, JwkSet, SigningKey, UnixTime, UnverifiedToken};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = UnixTime::now();
//! let key = SigningKey::generate(Algorithm::Es256)?;
//! let claims = json!({ "iss": "https://tenant.example/", "aud": "urn:api", "iat": now, "exp": now.seconds() + 60 });
//! let token = BearerToken::new(key.sign("at+jwt", &claims)?)?;
//!
//! let rules = Rules {
//!     issuers: vec!["https://tenant.example/".to_owned()],
//!     audience: "urn:api".to_owned(),
//!     algorithms: vec![Algorithm::Es256],
//!     leeway: Duration::from_secs(10),
//!     max_lifetime: Duration::from_hours(1),
//! };
//! let keys = JwkSet::new([key.verification_key().clone()])?;
//!
//! let unverified = UnverifiedToken::parse(&token, &rules)?;
//! let key = keys.key(unverified.key_id(), unverified.algorithm()).ok_or("no such key")?;
//! let verified = unverified.verify(key, &rules, now)?;
//! assert_eq!(verified.issuer(), "https://tenant.example/");
//! # Ok(())
//! # }
//! ```

// The way of an access token.
mod bearer_token;
mod base64url;
pub mod strict_json;
mod algorithm;
pub mod jws;
mod jwk;
mod jwk_set;
mod verification_key;
mod claims;
pub mod access_token;
mod verified_token;
mod scope;
mod confirmation;
pub mod dpop;
mod seen;
mod refusal;

// The way of a token request.
pub mod client_auth;
mod client_auth_method;
mod client_secret;
pub mod pkce;
mod signing_key;
pub mod issue;
mod token_dialect;

mod error;
mod random;
mod unix_time;

pub use algorithm::Algorithm;
pub use bearer_token::BearerToken;
pub use client_auth_method::ClientAuthMethod;
pub use client_secret::ClientSecret;
pub use confirmation::Confirmation;
pub use error::Error;
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use random::{random_bytes, random_token};
pub use refusal::Refusal;
pub use scope::Scope;
pub use seen::{Seen, Use};
pub use signing_key::SigningKey;
pub use token_dialect::TokenDialect;
pub use unix_time::UnixTime;
pub use verification_key::VerificationKey;
pub use verified_token::{UnverifiedToken, VerifiedToken};
