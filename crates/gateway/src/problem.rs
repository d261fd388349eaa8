//! Where an error becomes an answer: the only place that turns one into a status, a type and headers.
//!
//! A [`Problem`] says what went wrong and carries the reason that the audit line keeps; what the caller may read is
//! derived from it here, by exhaustive matches, so that a new variant cannot leave without somebody deciding what it
//! tells the world. An attacker wants the difference between two refusals that should look the same, or a message from
//! below in a 5xx; neither leaves this file.

mod below;
mod cause;
mod challenge;
mod kind;

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::Full;
use serde_json::json;

pub use cause::{FieldFault, InvalidField, InvalidToken, Malformed};
pub use challenge::Scheme;
pub use kind::{PROBLEMS, ProblemKind, ProblemType};

/// The header that names a request in every answer; the same value stands in the audit line.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is in front of the last part of every problem's `type` (RFC 9457 §3.1.1). It is a name, not a place: nobody
/// has to own a domain for it to stay true.
pub const TYPE_PREFIX: &str = "urn:lychgate:problem:";

/// Why a request was not answered as asked.
#[derive(Debug, Clone)]
pub enum Problem {
    /// A client, named by a trusted proxy, whose network is not on the allowlist; the reason is for the audit line.
    AddressNotAllowed(&'static str),
    /// The header fields are more than this gateway reads.
    HeadersTooLarge,
    /// The request contradicts itself, or its body is not what it claims to be.
    MalformedRequest(Malformed),
    /// No access token, or one that is not good (RFC 6750 §3.1).
    InvalidToken(InvalidToken),
    /// The keys of the token's issuer are not known, or too old to be trusted.
    KeysUnavailable,
    /// A good token that was issued to somebody else; the reason is for the audit line.
    ClientNotAllowed(&'static str),
    /// Nothing is at this path, or config defines no statement for it.
    UnknownOperation,
    /// Every operation is a `POST`.
    MethodNotAllowed,
    /// A good token without the scope of this operation (RFC 6750 §3.1).
    InsufficientScope {
        /// The scope that would have been enough.
        scope: &'static str,
    },
    /// The body is not `application/json`.
    UnsupportedMediaType,
    /// The body is larger than the limit.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// A field of the body is unknown, missing, mistyped or unacceptable.
    InvalidField(InvalidField),
    /// The `Idempotency-Key` stood before another question of this client.
    IdempotencyKeyReused,
    /// The client, or its network, called more often than it may.
    RateLimited {
        /// Whose rate it is, for the audit line.
        whose: &'static str,
        /// Until there is room for a call.
        retry_after: Duration,
    },
    /// The store already has a user of this name.
    UserExists,
    /// The password of this identifier was wrong too often in a row; it may be tried again after this.
    IdentifierLocked {
        /// Until the delay is over.
        retry_after: Duration,
    },
    /// Ours; the reason is for the audit line.
    Internal(&'static str),
    /// A queue is full, or the wait in it was over.
    Overloaded,
    /// The store cannot be reached.
    StoreUnavailable,
    /// A read took longer than its deadline.
    StoreTimeout,
    /// A write was sent and not answered: it may have happened.
    OutcomeUnknown,
}

impl Problem {
    /// Which row of [`PROBLEMS`] this is.
    pub fn kind(&self) -> ProblemKind {
        match self {
            Self::AddressNotAllowed(_) => ProblemKind::AddressNotAllowed,
            Self::HeadersTooLarge => ProblemKind::HeadersTooLarge,
            Self::MalformedRequest(_) => ProblemKind::MalformedRequest,
            Self::InvalidToken(_) => ProblemKind::InvalidToken,
            Self::KeysUnavailable => ProblemKind::KeysUnavailable,
            Self::ClientNotAllowed(_) => ProblemKind::ClientNotAllowed,
            Self::UnknownOperation => ProblemKind::UnknownOperation,
            Self::MethodNotAllowed => ProblemKind::MethodNotAllowed,
            Self::InsufficientScope { .. } => ProblemKind::InsufficientScope,
            Self::UnsupportedMediaType => ProblemKind::UnsupportedMediaType,
            Self::TooLarge => ProblemKind::TooLarge,
            Self::TooSlow => ProblemKind::TooSlow,
            Self::InvalidField(_) => ProblemKind::InvalidField,
            Self::IdempotencyKeyReused => ProblemKind::IdempotencyKeyReused,
            Self::RateLimited { .. } => ProblemKind::RateLimited,
            Self::UserExists => ProblemKind::UserExists,
            Self::IdentifierLocked { .. } => ProblemKind::IdentifierLocked,
            Self::Internal(_) => ProblemKind::Internal,
            Self::Overloaded => ProblemKind::Overloaded,
            Self::StoreUnavailable => ProblemKind::StoreUnavailable,
            Self::StoreTimeout => ProblemKind::StoreTimeout,
            Self::OutcomeUnknown => ProblemKind::OutcomeUnknown,
        }
    }

    /// What the audit line says beyond the kind: a stable word, never anything the caller sent.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::MalformedRequest(malformed) => Some(malformed.name()),
            Self::InvalidToken(InvalidToken::Absent) => Some("no-credentials"),
            Self::InvalidToken(InvalidToken::NonceWanted) => Some("nonce-wanted"),
            Self::InvalidToken(InvalidToken::Refused(reason) | InvalidToken::BadProof(reason))
            | Self::AddressNotAllowed(reason)
            | Self::ClientNotAllowed(reason)
            | Self::Internal(reason) => Some(reason),
            Self::InvalidField(invalid) => Some(invalid.fault.name()),
            Self::RateLimited { whose, .. } => Some(whose),
            Self::HeadersTooLarge
            | Self::KeysUnavailable
            | Self::UnknownOperation
            | Self::MethodNotAllowed
            | Self::InsufficientScope { .. }
            | Self::UnsupportedMediaType
            | Self::TooLarge
            | Self::TooSlow
            | Self::IdempotencyKeyReused
            | Self::UserExists
            | Self::IdentifierLocked { .. }
            | Self::Overloaded
            | Self::StoreUnavailable
            | Self::StoreTimeout
            | Self::OutcomeUnknown => None,
        }
    }

    /// The answer to it: RFC 9457 `application/problem+json`, never cached. A challenge is for tokens in `scheme`.
    pub fn answer(&self, request_id: &str, scheme: Scheme) -> Response<Full<Bytes>> {
        let problem = self.kind().describe();
        let body = json!({
            "type": format!("{TYPE_PREFIX}{}", problem.name),
            "title": problem.title,
            "status": problem.status.as_u16(),
            "detail": self.detail(),
            "request_id": request_id,
        });
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
        *response.status_mut() = problem.status;
        let headers = response.headers_mut();
        common_headers(headers, request_id, "application/problem+json");
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge(scheme) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if matches!(self, Self::MethodNotAllowed) {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }

    /// What the caller may read.
    fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::HeadersTooLarge => "the header fields are larger than this gateway reads".into(),
            Self::MalformedRequest(malformed) => malformed.detail().into(),
            Self::InvalidToken(InvalidToken::Absent) => "an access token is required".into(),
            Self::InvalidToken(InvalidToken::Refused(_)) => {
                "the access token was refused; the reason is in the audit log".into()
            }
            Self::InvalidToken(InvalidToken::BadProof(_)) => {
                "the proof of possession was refused; the reason is in the audit log".into()
            }
            Self::InvalidToken(InvalidToken::NonceWanted) => {
                "make the proof of possession again, with the nonce of this answer".into()
            }
            Self::KeysUnavailable => "the issuer's keys are not available".into(),
            Self::AddressNotAllowed(_) => "calls from this network are not allowed".into(),
            Self::ClientNotAllowed(_) => {
                "the token was not issued to an allowed client by the client credentials grant"
                    .into()
            }
            Self::UnknownOperation => "there is no such operation".into(),
            Self::MethodNotAllowed => "operations are called with POST".into(),
            Self::InsufficientScope { scope } => {
                format!("the operation needs the scope `{scope}`").into()
            }
            Self::UnsupportedMediaType => "the body must be `application/json` in UTF-8".into(),
            Self::TooLarge => "the body is larger than this gateway reads".into(),
            Self::TooSlow => "the body did not arrive in time".into(),
            Self::InvalidField(invalid) => invalid.detail().into(),
            Self::IdempotencyKeyReused => {
                "this `Idempotency-Key` was sent with another question; each takes a key of its own"
                    .into()
            }
            Self::RateLimited { .. } => {
                "too many calls; there is room for one again after `Retry-After`".into()
            }
            Self::UserExists => "the user exists already".into(),
            Self::IdentifierLocked { .. } => {
                "this identifier failed too often; it may be tried again after `Retry-After`".into()
            }
            Self::Internal(_) => {
                "the request could not be answered; nothing more is told here".into()
            }
            Self::Overloaded => "too much is waiting; nothing was changed".into(),
            Self::StoreUnavailable => {
                "the legacy store cannot be reached; nothing was changed".into()
            }
            Self::StoreTimeout => "the legacy store did not answer in time".into(),
            Self::OutcomeUnknown => {
                "the legacy store did not confirm the change; it may have happened".into()
            }
        }
    }

    /// Whole seconds until trying again makes sense, rounded up.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::IdentifierLocked { retry_after } | Self::RateLimited { retry_after, .. } => {
                Some(retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0))
            }
            _ => self.kind().describe().retry_after.map(u64::from),
        }
    }
}

/// The headers of every answer, good or bad: it is named, and no cache keeps it.
pub(crate) fn common_headers(
    headers: &mut HeaderMap,
    request_id: &str,
    content_type: &'static str,
) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use serde_json::Value;

    use super::*;

    async fn body(problem: &Problem) -> Value {
        let bytes = problem
            .answer("0123", Scheme::Bearer)
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn header(problem: &Problem, name: HeaderName) -> Option<String> {
        problem
            .answer("0123", Scheme::Bearer)
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn a_problem_has_the_members_of_rfc_9457_and_the_request_id() {
        let body = body(&Problem::UserExists).await;
        assert_eq!(body["type"], "urn:lychgate:problem:user-exists");
        assert_eq!(body["status"], 409);
        assert_eq!(body["request_id"], "0123");
        assert_eq!(body.as_object().unwrap().len(), 5);
        assert_eq!(
            header(&Problem::UserExists, CACHE_CONTROL).as_deref(),
            Some("no-store")
        );
        assert_eq!(
            header(&Problem::UserExists, REQUEST_ID).as_deref(),
            Some("0123")
        );
    }

    #[tokio::test]
    async fn a_5xx_says_nothing_of_its_reason() {
        let body = body(&Problem::Internal("a-very-telling-reason")).await;
        assert!(!body.to_string().contains("telling"));
    }

    #[tokio::test]
    async fn a_refused_token_does_not_learn_why() {
        let expired = body(&Problem::InvalidToken(InvalidToken::Refused("expired"))).await;
        let forged = body(&Problem::InvalidToken(InvalidToken::Refused(
            "wrong-signature",
        )))
        .await;
        assert_eq!(expired, forged);
    }

    #[test]
    fn only_a_refused_method_is_told_the_allowed_one() {
        assert_eq!(
            header(&Problem::MethodNotAllowed, ALLOW).as_deref(),
            Some("POST")
        );
        assert_eq!(header(&Problem::UnknownOperation, ALLOW), None);
    }
}
