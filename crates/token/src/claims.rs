//! Claims with their right types (RFC 7519 §4.1).
//!
//! Each reader tells three things apart: a claim that is absent, one that is good, and one of the wrong
//! type, which is never taken for absent. An attacker would want a check that is skipped because the
//! claim it looks at has an odd shape.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{Refusal, UnixTime};

/// A claim that is a string.
pub(crate) fn text(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<String>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::MistypedClaim(name)),
    }
}

/// A claim that is a point in time.
///
/// RFC 7519 §2 lets a `NumericDate` have a fraction. No issuer of the field writes one and it could decide
/// nothing here, while floating point would bring rounding and huge exponents: whole seconds only.
pub(crate) fn time(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<UnixTime>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(seconds) => Ok(Some(UnixTime::from_seconds(seconds))),
            None => Err(Refusal::MistypedClaim(name)),
        },
    }
}

/// `aud`: a string, or an array of strings with at least one.
pub(crate) fn audience(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let mistyped = Refusal::MistypedClaim("aud");
    match claims.get("aud") {
        None => Err(Refusal::MissingClaim("aud")),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(all)) if !all.is_empty() => all
            .iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or(mistyped))
            .collect(),
        Some(_) => Err(mistyped),
    }
}

/// When a token says it is good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) expires_at: UnixTime,
}

impl Validity {
    /// `exp` has to be there; `iat` and `nbf` count where they are.
    pub(crate) fn read(claims: &Map<String, Value>) -> Result<Self, Refusal> {
        Ok(Self {
            issued_at: time(claims, "iat")?,
            not_before: time(claims, "nbf")?,
            expires_at: time(claims, "exp")?.ok_or(Refusal::MissingClaim("exp"))?,
        })
    }

    /// Whether the token is good now, on clocks that may differ by `leeway`. `max_lifetime` is counted from
    /// `iat`, else from now.
    pub(crate) fn admit(
        &self,
        now: UnixTime,
        leeway: Duration,
        max_lifetime: Duration,
    ) -> Result<(), Refusal> {
        let latest = now.plus(leeway);
        if self.expires_at <= now.minus(leeway) {
            return Err(Refusal::Expired);
        }
        if self
            .issued_at
            .is_some_and(|issued_at| self.expires_at <= issued_at)
        {
            return Err(Refusal::NeverValid);
        }
        if self.expires_at.since(self.issued_at.unwrap_or(now)) > max_lifetime {
            return Err(Refusal::LivesTooLong);
        }
        if self.issued_at.is_some_and(|issued_at| issued_at > latest) {
            return Err(Refusal::IssuedInTheFuture);
        }
        if self
            .not_before
            .is_some_and(|not_before| not_before > latest)
        {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims(json: &Value) -> Map<String, Value> {
        json.as_object().unwrap().clone()
    }

    #[test]
    fn a_string_is_absent_good_or_mistyped() {
        let claims = claims(&json!({ "good": "x", "null": null, "number": 1 }));
        assert_eq!(text(&claims, "absent"), Ok(None));
        assert_eq!(text(&claims, "good"), Ok(Some("x".to_owned())));
        assert_eq!(text(&claims, "null"), Err(Refusal::MistypedClaim("null")));
        assert_eq!(
            text(&claims, "number"),
            Err(Refusal::MistypedClaim("number"))
        );
    }

    #[test]
    fn a_time_is_a_whole_number_of_seconds() {
        let claims = claims(
            &json!({ "good": 1, "float": 1.0, "text": "1", "null": null, "huge": u64::MAX }),
        );
        assert_eq!(time(&claims, "absent"), Ok(None));
        assert_eq!(time(&claims, "good"), Ok(Some(UnixTime::from_seconds(1))));
        for name in ["float", "text", "null", "huge"] {
            assert_eq!(time(&claims, name), Err(Refusal::MistypedClaim(name)));
        }
    }

    #[test]
    fn an_audience_is_a_string_or_some_strings() {
        let read = |aud: Value| audience(&claims(&json!({ "aud": aud })));
        assert_eq!(read(json!("a")), Ok(vec!["a".to_owned()]));
        assert_eq!(
            read(json!(["a", "b"])),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        for aud in [
            json!([]),
            json!(["a", 1]),
            json!(["a", null]),
            json!({}),
            json!(null),
            json!([["a"]]),
        ] {
            assert_eq!(read(aud), Err(Refusal::MistypedClaim("aud")));
        }
        assert_eq!(audience(&Map::new()), Err(Refusal::MissingClaim("aud")));
    }

    const HOUR: i64 = 3600;

    fn admit(
        issued_at: Option<i64>,
        not_before: Option<i64>,
        expires_at: i64,
        now: i64,
    ) -> Result<(), Refusal> {
        let time = UnixTime::from_seconds;
        let validity = Validity {
            issued_at: issued_at.map(time),
            not_before: not_before.map(time),
            expires_at: time(expires_at),
        };
        validity.admit(time(now), Duration::from_secs(10), Duration::from_hours(1))
    }

    #[test]
    fn the_first_and_the_last_second_of_a_token_are_exact() {
        assert_eq!(admit(Some(1000), None, 2000, 990), Ok(()));
        assert_eq!(
            admit(Some(1000), None, 2000, 989),
            Err(Refusal::IssuedInTheFuture)
        );
        assert_eq!(admit(Some(1000), None, 2000, 2009), Ok(()));
        assert_eq!(admit(Some(1000), None, 2000, 2010), Err(Refusal::Expired));
        assert_eq!(admit(Some(1000), Some(1500), 2000, 1490), Ok(()));
        assert_eq!(
            admit(Some(1000), Some(1500), 2000, 1489),
            Err(Refusal::NotYetValid)
        );
    }

    #[test]
    fn the_longest_life_is_inclusive() {
        assert_eq!(admit(Some(0), None, HOUR, 0), Ok(()));
        assert_eq!(
            admit(Some(0), None, HOUR + 1, 0),
            Err(Refusal::LivesTooLong)
        );
        assert_eq!(admit(None, None, HOUR, 0), Ok(()));
        assert_eq!(admit(None, None, HOUR + 1, 0), Err(Refusal::LivesTooLong));
    }

    #[test]
    fn a_token_that_expires_before_it_is_issued_is_never_valid() {
        assert_eq!(admit(Some(1000), None, 1000, 995), Err(Refusal::NeverValid));
        assert_eq!(admit(Some(1001), None, 1000, 995), Err(Refusal::NeverValid));
    }

    proptest! {
        #[test]
        fn no_times_overflow(issued_at: Option<i64>, not_before: Option<i64>, expires_at: i64, now: i64) {
            let wide = i128::from;
            let issued = issued_at.map_or(wide(now), wide);
            let good = wide(expires_at) + 10 > wide(now)
                && issued_at.is_none_or(|at| expires_at > at && wide(at) <= wide(now) + 10)
                && wide(expires_at) - issued <= wide(HOUR)
                && not_before.is_none_or(|at| wide(at) <= wide(now) + 10);
            prop_assert_eq!(admit(issued_at, not_before, expires_at, now).is_ok(), good);
        }
    }
}
