//! What is behind a problem, where its kind alone does not say it: each with a word for the audit line, and with what
//! the caller may read.

use std::borrow::Cow;

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidToken {
    /// No credentials at all: the challenge says only what would be needed.
    Absent,
    /// Credentials that were refused; the reason is for the audit line.
    Refused(&'static str),
    /// A good token whose proof of possession was refused; the reason is for the audit line.
    BadProof(&'static str),
    /// A proof that was made without a nonce, or with an old one.
    NonceWanted,
}

/// What contradicts itself in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// More than one `Authorization` header.
    SeveralCredentials,
    /// An access token in the query (RFC 6750 §2.3, which nobody should use).
    TokenInQuery,
    /// An access token in the body (RFC 6750 §2.2).
    TokenInBody,
    /// `Idempotency-Key` is there twice, or is no key.
    IdempotencyKey,
    /// The body is not one JSON object without duplicate members.
    NotJson,
    /// The connection ended before the body did.
    Incomplete,
}

/// A field that was refused. It holds the field's name, never its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidField {
    /// The name, as the caller wrote it.
    pub field: Cow<'static, str>,
    /// What is wrong with it.
    pub fault: FieldFault,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFault {
    /// The operation has no such field.
    Unknown,
    /// The operation has it, the statement in config does not take it.
    NotTaken,
    /// It must be there and is not.
    Missing,
    /// It has another JSON type.
    Mistyped,
    /// The right type, but empty, too long or not of the grammar.
    Unacceptable,
    /// A new password of fewer characters than these.
    TooShort(u32),
    /// A new password of more characters than these.
    TooLong(u32),
    /// A new password that is known to others.
    Breached,
    /// A new password that is a name of the user or of the service.
    ContextWord,
}

impl Malformed {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SeveralCredentials => "several-credentials",
            Self::TokenInQuery => "token-in-query",
            Self::TokenInBody => "token-in-body",
            Self::IdempotencyKey => "idempotency-key",
            Self::NotJson => "not-json",
            Self::Incomplete => "incomplete-body",
        }
    }

    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::SeveralCredentials => "a request carries one `Authorization` header",
            Self::TokenInQuery => {
                "an access token belongs in the `Authorization` header, not in the query"
            }
            Self::TokenInBody => {
                "an access token belongs in the `Authorization` header, not in the body"
            }
            Self::IdempotencyKey => {
                "a request carries at most one `Idempotency-Key`, of 1 to 128 graphic ASCII characters"
            }
            Self::NotJson => "the body must be one JSON object without duplicate members",
            Self::Incomplete => "the body ended before it was whole",
        }
    }
}

impl InvalidField {
    pub(super) fn detail(&self) -> String {
        let field = &self.field;
        match self.fault {
            FieldFault::Unknown => format!("the operation has no field `{field}`"),
            FieldFault::NotTaken => format!("this deployment does not take the field `{field}`"),
            FieldFault::Missing => format!("the field `{field}` is missing"),
            FieldFault::Mistyped => format!("the field `{field}` has the wrong type"),
            FieldFault::Unacceptable => {
                format!("the value of the field `{field}` is not acceptable")
            }
            FieldFault::TooShort(least) => {
                format!("the field `{field}` must have at least {least} characters")
            }
            FieldFault::TooLong(most) => {
                format!("the field `{field}` must have at most {most} characters")
            }
            FieldFault::Breached => {
                format!("the field `{field}` holds a password that is known from a breach")
            }
            FieldFault::ContextWord => format!(
                "the field `{field}` holds a password that is a name of the user or of the service"
            ),
        }
    }
}

impl FieldFault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown-field",
            Self::NotTaken => "field-not-taken",
            Self::Missing => "missing-field",
            Self::Mistyped => "mistyped-field",
            Self::Unacceptable => "unacceptable-field",
            Self::TooShort(_) => "password-too-short",
            Self::TooLong(_) => "password-too-long",
            Self::Breached => "password-breached",
            Self::ContextWord => "password-is-a-name",
        }
    }
}
