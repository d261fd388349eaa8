//! JOSE and OAuth token rules.
//!
//! From the text of an `Authorization` header to a fact: this token was issued by one of our issuers, for our audience,
//! and is good now. And the way back: signing tokens, publishing keys, proving which client asks.
//!
//! The crate does no I/O. Time and keys are arguments; the only ambient things are [`UnixTime::now`] and the system's
//! random numbers. Cryptography is that of `aws-lc-rs`; what is ours is the strict reading around it.

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
pub use error::Error;
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use random::{random_bytes, random_token};
pub use refusal::Refusal;
pub use scope::Scope;
pub use signing_key::SigningKey;
pub use token_dialect::TokenDialect;
pub use unix_time::UnixTime;
pub use verification_key::VerificationKey;
pub use verified_token::{UnverifiedToken, VerifiedToken};
