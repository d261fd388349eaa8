//! Why a token is refused.
//!
//! Each reason has a name that stays the same (for logs, metrics and tests) and a sentence for the log. Neither holds
//! anything that the caller sent.

use crate::strict_json::Fault;

/// The reason for which a token is not accepted. To the caller all of them are the same 401 `invalid-token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Longer than any token that is looked at.
    #[error("the token is too long")]
    TooLarge,
    /// Not three parts of canonical base64url (RFC 7515 §7.1).
    #[error("the token is not three parts of canonical base64url")]
    Malformed,
    /// Header or claims are no JSON object.
    #[error("header or claims cannot be read: {0}")]
    NotJson(Fault),
    /// A member of header or claims stands twice.
    #[error("header or claims have a member twice")]
    DuplicateMember,
    /// A header member that this reader must not honour: `crit`, `jku`, `jwk`, `x5u`, `x5c`, `x5t`, `x5t#S256`.
    #[error("the header has `{0}`, which is not accepted")]
    ForbiddenHeader(&'static str),
    /// A header member of the wrong type or out of bounds.
    #[error("header member `{0}` has the wrong type or is too long")]
    MistypedHeader(&'static str),
    /// A header member that must be there.
    #[error("header member `{0}` is missing")]
    MissingHeader(&'static str),
    /// `typ` is none that is accepted.
    #[error("the header's `typ` is not one that is accepted")]
    WrongType,
    /// `alg` is not on the list.
    #[error("the header's `alg` is not one that is accepted")]
    WrongAlgorithm,
    /// A claim that is used has the wrong type.
    #[error("claim `{0}` has the wrong type")]
    MistypedClaim(&'static str),
    /// A claim that must be there.
    #[error("claim `{0}` is missing")]
    MissingClaim(&'static str),
    /// `iss` is none of the issuers.
    #[error("the token is from an issuer that is not accepted")]
    WrongIssuer,
    /// There is no key with this `kid` for this algorithm.
    #[error("the issuer has no such key for this algorithm")]
    UnknownKey,
    /// The key at hand is another one than the token names.
    #[error("the token was signed with another key or algorithm")]
    WrongKey,
    /// The signature does not fit.
    #[error("the signature is wrong")]
    WrongSignature,
    /// The `jwk` of a proof is no public key for its algorithm.
    #[error("the proof's `jwk` is not a public key that its algorithm can use")]
    UnusableKey,
    /// `htm` is another method.
    #[error("the proof was made for another method")]
    WrongMethod,
    /// `htu` is another place.
    #[error("the proof was made for another place")]
    WrongTarget,
    /// `ath` is of another access token.
    #[error("the proof was made for another access token")]
    WrongAccessToken,
    /// `aud` lacks our audience or holds a foreign one.
    #[error("the token is not for this audience alone")]
    WrongAudience,
    /// `sub` or `iss` is not who it must be.
    #[error("the token is about someone else")]
    WrongSubject,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `iat` has not come.
    #[error("the token says it was issued in the future")]
    IssuedInTheFuture,
    /// `exp` is not after `iat`.
    #[error("the token expires before it was issued")]
    NeverValid,
    /// `exp` is further from `iat` than is accepted.
    #[error("the token lives longer than is accepted")]
    LivesTooLong,
}

impl Refusal {
    /// The stable name of the reason.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::NotJson(_) => "not-json",
            Self::DuplicateMember => "duplicate-member",
            Self::ForbiddenHeader(_) => "forbidden-header",
            Self::MistypedHeader(_) => "mistyped-header",
            Self::MissingHeader(_) => "missing-header",
            Self::WrongType => "wrong-type",
            Self::WrongAlgorithm => "wrong-algorithm",
            Self::MistypedClaim(_) => "mistyped-claim",
            Self::MissingClaim(_) => "missing-claim",
            Self::WrongIssuer => "wrong-issuer",
            Self::UnknownKey => "unknown-key",
            Self::WrongKey => "wrong-key",
            Self::WrongSignature => "wrong-signature",
            Self::UnusableKey => "unusable-key",
            Self::WrongMethod => "wrong-method",
            Self::WrongTarget => "wrong-target",
            Self::WrongAccessToken => "wrong-access-token",
            Self::WrongAudience => "wrong-audience",
            Self::WrongSubject => "wrong-subject",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::IssuedInTheFuture => "issued-in-the-future",
            Self::NeverValid => "never-valid",
            Self::LivesTooLong => "lives-too-long",
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::DuplicateMember => Self::DuplicateMember,
            Fault::Syntax | Fault::NotAnObject | Fault::TooDeep => Self::NotJson(fault),
        }
    }
}
