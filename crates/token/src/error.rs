//! What goes wrong outside the reading of a single token, by whose fault it is.

use crate::{Algorithm, Refusal, strict_json};

/// An error of this crate. None of its messages holds a secret or what a caller sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The caller.
    /// The text after `Bearer` is no token at all.
    #[error("the bearer token is empty, too long or has characters that no token has")]
    BearerToken,
    /// A scope that is not RFC 6749 §3.3's.
    #[error(
        "the scope is not a list of scope tokens with single spaces between them (RFC 6749 §3.3)"
    )]
    Scope,
    /// A client that authenticates in two ways at once (RFC 6749 §2.3): `invalid_request`.
    #[error("the client uses more than one way to authenticate; use one (RFC 6749 §2.3)")]
    TwoClientAuthMethods,
    /// A parameter that may stand once stands twice (RFC 6749 §3.2): `invalid_request`.
    #[error("parameter `{0}` is there more than once; send it once")]
    RepeatedParameter(&'static str),
    /// Credentials that cannot be read: `invalid_client`.
    #[error("the client's credentials cannot be read: {0}")]
    ClientCredentials(&'static str),
    /// A client assertion that is not good (RFC 7523 §3): `invalid_client`.
    #[error("the client's assertion is refused")]
    Assertion(#[source] Refusal),
    /// A PKCE value that is not RFC 7636's, or a method other than `S256`: `invalid_request`.
    #[error("{0} (RFC 7636)")]
    Pkce(&'static str),

    // The issuer.
    /// A key set that is not JSON, or not an object without duplicate members.
    #[error("the key set cannot be read")]
    KeySetJson(#[source] strict_json::Fault),
    /// A key set that is JSON but no key set.
    #[error("the key set is not usable: {0}")]
    KeySet(&'static str),

    // The configuration.
    /// `none`.
    #[error(
        "algorithm `none` is no signature: anyone could write such a token; use RS256, PS256, ES256 or EdDSA"
    )]
    NoAlgorithm,
    /// `HS256` and its kin.
    #[error(
        "an HMAC algorithm would give whoever can check a token the power to write one; use RS256, PS256, ES256 or EdDSA"
    )]
    SymmetricAlgorithm,
    /// An algorithm that is not here.
    #[error("the algorithm is not known; use RS256, PS256, ES256 or EdDSA")]
    UnknownAlgorithm,
    /// A token dialect that is not here.
    #[error("the token dialect is not known; use `access_token` or `rfc9068_profile`")]
    UnknownDialect,
    /// A client authentication method that is not here.
    #[error(
        "the client authentication method is not known; use `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`"
    )]
    UnknownClientAuthMethod,
    /// A signing key that cannot be read or does not fit its algorithm.
    #[error("the signing key is not a PKCS#8 key for {0}")]
    SigningKey(Algorithm),
    /// A client secret out of bounds.
    #[error(
        "the client secret is empty, longer than 1024 bytes or has characters outside printable ASCII"
    )]
    ClientSecret,

    // Us.
    /// An extra claim that would stand in for one that the issuer sets.
    #[error("claim `{0}` is set by the issuer and cannot be an extra claim")]
    ReservedClaim(String),
    /// An access token for no audience.
    #[error("an access token needs an audience")]
    NoAudience,
    /// Claims that are no JSON object.
    #[error("the claims of a token must be a JSON object")]
    Claims,
    /// The random number generator of the system failed.
    #[error("the system gives no random numbers")]
    Random,
    /// The cryptographic library failed where it should not.
    #[error("internal error: {0}")]
    Internal(&'static str),
}
