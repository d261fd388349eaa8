//! The table of problems: every `type` that an answer can have, with its status. The reference prints it.

use http::StatusCode;

/// What an answer can complain of. A closed set: metric labels, audit outcomes and the reference come from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The network is not on the allowlist.
    AddressNotAllowed,
    /// No access token, or one that is not good.
    InvalidToken,
    /// The request contradicts itself.
    MalformedRequest,
    /// A good token that was issued to somebody else.
    ClientNotAllowed,
    /// A good token without the operation's scope.
    InsufficientScope,
    /// Nothing is at this path.
    UnknownOperation,
    /// Not a `POST`.
    MethodNotAllowed,
    /// The body did not arrive in time.
    TooSlow,
    /// The user is there already.
    UserExists,
    /// The body is too large.
    TooLarge,
    /// The body is not JSON by its own account.
    UnsupportedMediaType,
    /// A field of the body is not as it must be.
    InvalidField,
    /// An `Idempotency-Key` that was sent with another question.
    IdempotencyKeyReused,
    /// The client or its network calls too often.
    RateLimited,
    /// The header fields are too large.
    HeadersTooLarge,
    /// The password of this identifier was guessed too often.
    IdentifierLocked,
    /// Ours.
    Internal,
    /// Too much is waiting.
    Overloaded,
    /// The store cannot be reached.
    StoreUnavailable,
    /// The issuer's keys are not known.
    KeysUnavailable,
    /// A read took too long.
    StoreTimeout,
    /// A write was sent and not answered.
    OutcomeUnknown,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct ProblemType {
    /// Which problem it is.
    pub kind: ProblemKind,
    /// The last part of the `type` member, and the outcome in audit lines and metrics.
    pub name: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// The `title` member: the same for every occurrence (RFC 9457 §3.1.3).
    pub title: &'static str,
    /// When it is answered, for the reference.
    pub when: &'static str,
    /// Seconds for `Retry-After`, where trying again makes sense; the least, where a problem knows better.
    pub retry_after: Option<u16>,
}

/// Every problem, in the order of their statuses.
pub const PROBLEMS: [ProblemType; 22] = [
    MALFORMED_REQUEST,
    INVALID_TOKEN,
    ADDRESS_NOT_ALLOWED,
    CLIENT_NOT_ALLOWED,
    INSUFFICIENT_SCOPE,
    UNKNOWN_OPERATION,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    USER_EXISTS,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    INVALID_FIELD,
    IDEMPOTENCY_KEY_REUSED,
    RATE_LIMITED,
    IDENTIFIER_LOCKED,
    HEADERS_TOO_LARGE,
    INTERNAL,
    OVERLOADED,
    STORE_UNAVAILABLE,
    KEYS_UNAVAILABLE,
    STORE_TIMEOUT,
    OUTCOME_UNKNOWN,
];

impl ProblemKind {
    /// The row of this kind.
    pub const fn describe(self) -> &'static ProblemType {
        match self {
            Self::AddressNotAllowed => &ADDRESS_NOT_ALLOWED,
            Self::InvalidToken => &INVALID_TOKEN,
            Self::MalformedRequest => &MALFORMED_REQUEST,
            Self::ClientNotAllowed => &CLIENT_NOT_ALLOWED,
            Self::InsufficientScope => &INSUFFICIENT_SCOPE,
            Self::UnknownOperation => &UNKNOWN_OPERATION,
            Self::MethodNotAllowed => &METHOD_NOT_ALLOWED,
            Self::TooSlow => &TOO_SLOW,
            Self::UserExists => &USER_EXISTS,
            Self::TooLarge => &TOO_LARGE,
            Self::UnsupportedMediaType => &UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidField => &INVALID_FIELD,
            Self::IdempotencyKeyReused => &IDEMPOTENCY_KEY_REUSED,
            Self::RateLimited => &RATE_LIMITED,
            Self::HeadersTooLarge => &HEADERS_TOO_LARGE,
            Self::IdentifierLocked => &IDENTIFIER_LOCKED,
            Self::Internal => &INTERNAL,
            Self::Overloaded => &OVERLOADED,
            Self::StoreUnavailable => &STORE_UNAVAILABLE,
            Self::KeysUnavailable => &KEYS_UNAVAILABLE,
            Self::StoreTimeout => &STORE_TIMEOUT,
            Self::OutcomeUnknown => &OUTCOME_UNKNOWN,
        }
    }
}

const ADDRESS_NOT_ALLOWED: ProblemType = refusal(
    ProblemKind::AddressNotAllowed,
    StatusCode::FORBIDDEN,
    "address-not-allowed",
    "The network is not allowed",
    "the peer is not on the allowlist; where the peer is the client, the connection is closed instead",
);

const INVALID_TOKEN: ProblemType = refusal(
    ProblemKind::InvalidToken,
    StatusCode::UNAUTHORIZED,
    "invalid-token",
    "The access token is missing or not good",
    "no credentials, or a token that is malformed, expired, wrongly signed, of a wrong issuer or audience, or \
                 bound to a key that was not proven",
);

const MALFORMED_REQUEST: ProblemType = refusal(
    ProblemKind::MalformedRequest,
    StatusCode::BAD_REQUEST,
    "malformed-request",
    "The request is malformed",
    "not JSON, two `Authorization` headers, or a token in the query or the body",
);

const CLIENT_NOT_ALLOWED: ProblemType = refusal(
    ProblemKind::ClientNotAllowed,
    StatusCode::FORBIDDEN,
    "client-not-allowed",
    "The client is not allowed",
    "a valid token, but issued to another client, or to a user, or by another grant than client credentials",
);

const INSUFFICIENT_SCOPE: ProblemType = refusal(
    ProblemKind::InsufficientScope,
    StatusCode::FORBIDDEN,
    "insufficient-scope",
    "The scope does not name this operation",
    "a valid token without the operation's scope",
);

const UNKNOWN_OPERATION: ProblemType = refusal(
    ProblemKind::UnknownOperation,
    StatusCode::NOT_FOUND,
    "unknown-operation",
    "There is no such operation",
    "no operation has this path, or config defines no statement for it",
);

const METHOD_NOT_ALLOWED: ProblemType = refusal(
    ProblemKind::MethodNotAllowed,
    StatusCode::METHOD_NOT_ALLOWED,
    "method-not-allowed",
    "The method is not allowed",
    "any method but POST on an operation's path",
);

const TOO_SLOW: ProblemType = refusal(
    ProblemKind::TooSlow,
    StatusCode::REQUEST_TIMEOUT,
    "too-slow",
    "The body did not arrive in time",
    "the body was not whole when its deadline was over",
);

const USER_EXISTS: ProblemType = refusal(
    ProblemKind::UserExists,
    StatusCode::CONFLICT,
    "user-exists",
    "The user exists already",
    "the store refused a new user because one of that name is there",
);

const IDENTIFIER_LOCKED: ProblemType = ProblemType {
    retry_after: Some(1),
    ..refusal(
        ProblemKind::IdentifierLocked,
        StatusCode::TOO_MANY_REQUESTS,
        "identifier-locked",
        "The identifier failed too often",
        "the password of an identifier, of a user or of nobody, was wrong too often in a row; it may be tried again \
                 after `Retry-After`",
    )
};

const TOO_LARGE: ProblemType = refusal(
    ProblemKind::TooLarge,
    StatusCode::PAYLOAD_TOO_LARGE,
    "too-large",
    "The body is too large",
    "the body is larger than its limit",
);

const UNSUPPORTED_MEDIA_TYPE: ProblemType = refusal(
    ProblemKind::UnsupportedMediaType,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-media-type",
    "The body is not JSON",
    "`Content-Type` is not `application/json`, or names another charset than UTF-8",
);

const INVALID_FIELD: ProblemType = refusal(
    ProblemKind::InvalidField,
    StatusCode::UNPROCESSABLE_ENTITY,
    "invalid-field",
    "A field is not acceptable",
    "an unknown, missing, mistyped or unacceptable field; `detail` names it, never its value",
);

const IDEMPOTENCY_KEY_REUSED: ProblemType = refusal(
    ProblemKind::IdempotencyKeyReused,
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "The idempotency key is another question's",
    "an `Idempotency-Key` that this client sent with another operation or body within the last minute",
);

const RATE_LIMITED: ProblemType = ProblemType {
    retry_after: Some(1),
    ..refusal(
        ProblemKind::RateLimited,
        StatusCode::TOO_MANY_REQUESTS,
        "rate-limited",
        "Too many calls",
        "the client or its network called more often than `[gateway.rates]` allows; there is room again after \
                 `Retry-After`",
    )
};

const HEADERS_TOO_LARGE: ProblemType = refusal(
    ProblemKind::HeadersTooLarge,
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "headers-too-large",
    "The header fields are too large",
    "the header fields and the target are together larger than their limit",
);

const INTERNAL: ProblemType = refusal(
    ProblemKind::Internal,
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal",
    "The gateway failed",
    "a fault of ours, or a row or statement that is not as it must be; nothing from below is told",
);

const OVERLOADED: ProblemType = transient(
    ProblemKind::Overloaded,
    "overloaded",
    "Too much is waiting",
    "a queue is full; nothing was changed",
    1,
);

const STORE_UNAVAILABLE: ProblemType = transient(
    ProblemKind::StoreUnavailable,
    "store-unavailable",
    "The legacy store is not available",
    "the store cannot be reached; nothing was changed",
    5,
);

const KEYS_UNAVAILABLE: ProblemType = transient(
    ProblemKind::KeysUnavailable,
    "keys-unavailable",
    "The issuer's keys are not available",
    "the keys were never fetched, or not refreshed for too long; nothing was changed",
    5,
);

const STORE_TIMEOUT: ProblemType = refusal(
    ProblemKind::StoreTimeout,
    StatusCode::GATEWAY_TIMEOUT,
    "store-timeout",
    "The legacy store took too long",
    "a read was not answered in time",
);

const OUTCOME_UNKNOWN: ProblemType = refusal(
    ProblemKind::OutcomeUnknown,
    StatusCode::GATEWAY_TIMEOUT,
    "outcome-unknown",
    "The outcome is not known",
    "a write was sent and not answered: it may have happened",
);

const fn refusal(
    kind: ProblemKind,
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    when: &'static str,
) -> ProblemType {
    ProblemType {
        kind,
        name,
        status,
        title,
        when,
        retry_after: None,
    }
}

const fn transient(
    kind: ProblemKind,
    name: &'static str,
    title: &'static str,
    when: &'static str,
    seconds: u16,
) -> ProblemType {
    ProblemType {
        kind,
        name,
        status: StatusCode::SERVICE_UNAVAILABLE,
        title,
        when,
        retry_after: Some(seconds),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_one_row_and_rows_are_in_the_order_of_statuses() {
        for problem in &PROBLEMS {
            assert_eq!(problem.kind.describe().name, problem.name);
        }
        let names: BTreeSet<_> = PROBLEMS.iter().map(|problem| problem.name).collect();
        assert_eq!(names.len(), PROBLEMS.len());
        assert!(PROBLEMS.is_sorted_by_key(|problem| problem.status));
    }

    #[test]
    fn every_429_and_503_says_when_to_try_again_and_nothing_else_does() {
        let passing = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
        ];
        for problem in PROBLEMS {
            assert_eq!(
                passing.contains(&problem.status),
                problem.retry_after.is_some(),
                "{}",
                problem.name
            );
        }
    }
}
