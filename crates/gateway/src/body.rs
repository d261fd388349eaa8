//! From a stream of bytes to the fields of an operation.
//!
//! An authorized request's body comes in; one strict JSON object goes on, read within its size and its time. An attacker
//! wants memory, a connection held for ever, or a body that two parsers read differently.

mod drain;
pub(crate) mod fields;

use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::problem::{Malformed, Problem};
use crate::rate::Slot;

pub(crate) use drain::drain;

/// The member by which RFC 6750 §2.2 would let a token into a body.
const ACCESS_TOKEN: &str = "access_token";

/// The bounds of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of a body that is read; one more is 413.
    pub bytes: usize,
    /// From the end of the head to the end of the body; after it 408.
    pub read: Duration,
    /// Bytes of a refused body that are read and thrown away, so that the answer arrives.
    pub drained_bytes: usize,
    /// How long a refused body is read.
    pub drain: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            read: Duration::from_secs(10),
            drained_bytes: 256 * 1024,
            drain: Duration::from_secs(2),
        }
    }
}

/// What `Content-Type` says a body is.
#[derive(Debug, PartialEq, Eq)]
enum MediaType {
    Json,
    Form,
    Other,
}

/// Reads a body that says it is JSON. Only where there is room for the call is it read at all.
pub(crate) async fn read<B>(
    _room: &Slot,
    headers: &HeaderMap,
    body: &mut B,
    limits: BodyLimits,
) -> Result<Zeroizing<Vec<u8>>, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    match media_type(headers) {
        MediaType::Json => {}
        MediaType::Form => return Err(refuse_form(&collect(body, limits).await?)),
        MediaType::Other => return Err(Problem::UnsupportedMediaType),
    }
    collect(body, limits).await
}

/// The one JSON object (RFC 8259 §4) that a body is, without duplicate members at any level.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let object = lychgate_token::strict_json::parse_object(bytes)
        .map_err(|_| Problem::MalformedRequest(Malformed::NotJson))?;
    if object.contains_key(ACCESS_TOKEN) {
        return Err(Problem::MalformedRequest(Malformed::TokenInBody));
    }
    Ok(object)
}

/// A form is never an operation's body; one that carries a token is refused as such.
fn refuse_form(bytes: &[u8]) -> Problem {
    let carries_token = bytes.split(|byte| *byte == b'&').any(|pair| {
        pair.strip_prefix(ACCESS_TOKEN.as_bytes())
            .is_some_and(|rest| matches!(rest.first(), None | Some(b'=')))
    });
    if carries_token {
        Problem::MalformedRequest(Malformed::TokenInBody)
    } else {
        Problem::UnsupportedMediaType
    }
}

async fn collect<B>(body: &mut B, limits: BodyLimits) -> Result<Zeroizing<Vec<u8>>, Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let limit = u64::try_from(limits.bytes).unwrap_or(u64::MAX);
    if body.size_hint().lower() > limit {
        return Err(Problem::TooLarge);
    }
    let deadline = Instant::now() + limits.read;
    // All of it at once: a buffer that grows leaves copies behind, and there may be a password in it. As much as the head
    // says there is, since what is reserved is zeroed at the end.
    let announced = body.size_hint().exact();
    let capacity = announced.and_then(|bytes| usize::try_from(bytes).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity.unwrap_or(limits.bytes)));
    while let Some(frame) = timeout_at(deadline, body.frame())
        .await
        .map_err(|_| Problem::TooSlow)?
    {
        let frame = frame.map_err(|_| Problem::MalformedRequest(Malformed::Incomplete))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.remaining() > limits.bytes {
                return Err(Problem::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// The media type of RFC 9110 §8.3.1: compared without case, its only parameter a charset of UTF-8.
fn media_type(headers: &HeaderMap) -> MediaType {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next().and_then(text), values.next()) else {
        return MediaType::Other;
    };
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        MediaType::Form
    } else if essence.eq_ignore_ascii_case("application/json") && parts.all(is_utf8_charset) {
        MediaType::Json
    } else {
        MediaType::Other
    }
}

fn is_utf8_charset(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.eq_ignore_ascii_case("charset")
            && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Full;
    use hyper::body::Frame;
    use proptest::prelude::*;

    use super::*;

    fn content_type(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(value).unwrap())])
    }

    async fn read_body<B>(
        headers: &HeaderMap,
        body: &mut B,
        limits: BodyLimits,
    ) -> Result<Map<String, Value>, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        object(&read(&Slot::of_a_test(), headers, body, limits).await?)
    }

    async fn read_json(text: &str) -> Result<Map<String, Value>, Problem> {
        let mut body = Full::new(Bytes::from(text.to_owned()));
        read_body(
            &content_type("application/json"),
            &mut body,
            BodyLimits::default(),
        )
        .await
    }

    #[test]
    fn only_json_in_utf_8_is_json() {
        for value in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert_eq!(media_type(&content_type(value)), MediaType::Json, "{value}");
        }
        for value in [
            "text/plain",
            "application/json; charset=latin1",
            "application/json; x",
            "application/problem+json",
            "",
        ] {
            assert_eq!(
                media_type(&content_type(value)),
                MediaType::Other,
                "{value}"
            );
        }
        assert_eq!(media_type(&HeaderMap::new()), MediaType::Other);
        let mut twice = content_type("application/json");
        twice.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(media_type(&twice), MediaType::Other);
    }

    #[tokio::test]
    async fn a_body_that_is_not_one_strict_object_is_malformed() {
        for text in [
            "",
            "[]",
            "null",
            "{",
            "{}{}",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            "\u{feff}{}",
        ] {
            assert!(
                matches!(
                    read_json(text).await,
                    Err(Problem::MalformedRequest(Malformed::NotJson))
                ),
                "{text}"
            );
        }
        assert!(read_json(r#"{"a":{"b":1}}"#).await.is_ok());
    }

    #[tokio::test]
    async fn a_token_in_the_body_is_malformed_in_json_and_in_a_form() {
        assert!(matches!(
            read_json(r#"{"access_token":"x"}"#).await,
            Err(Problem::MalformedRequest(Malformed::TokenInBody))
        ));
        let form = content_type("application/x-www-form-urlencoded");
        let mut with_token = Full::new(Bytes::from_static(b"a=b&access_token=x"));
        assert!(matches!(
            read_body(&form, &mut with_token, BodyLimits::default()).await,
            Err(Problem::MalformedRequest(Malformed::TokenInBody))
        ));
        let mut without = Full::new(Bytes::from_static(b"a=access_token"));
        assert!(matches!(
            read_body(&form, &mut without, BodyLimits::default()).await,
            Err(Problem::UnsupportedMediaType)
        ));
    }

    #[tokio::test]
    async fn the_limit_is_inclusive_and_one_byte_more_is_too_large() {
        let exact = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert!(read_json(&exact(16 * 1024)).await.is_ok());
        assert!(matches!(
            read_json(&exact(16 * 1024 + 1)).await,
            Err(Problem::TooLarge)
        ));
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_too_slow() {
        struct Endless;
        impl Body for Endless {
            type Data = Bytes;
            type Error = Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                std::task::Poll::Pending
            }
        }
        let limits = BodyLimits {
            read: Duration::from_millis(1),
            ..BodyLimits::default()
        };
        let result = read_body(&content_type("application/json"), &mut Endless, limits).await;
        assert!(matches!(result, Err(Problem::TooSlow)));
    }

    proptest! {
        #[test]
        fn only_what_names_json_is_taken_for_json(value in "[ -~]{0,60}") {
            if media_type(&content_type(&value)) == MediaType::Json {
                prop_assert!(value.trim_start().to_ascii_lowercase().starts_with("application/json"));
            }
        }
    }
}
