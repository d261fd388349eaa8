//! Durations as people write them: `"24h"`, `"10s"`, or a whole number of seconds.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::document::Key;
use super::finding::Findings;

/// The longest that anything waits or lives here.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// A whole number of seconds, or text with units: `500ms`, `10s`, `5m`, `1h 30m`, `7days`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Duration")]
#[serde(untagged)]
pub(crate) enum RawDuration {
    /// Seconds.
    Seconds(u32),
    /// Text with units.
    Text(String),
}

impl RawDuration {
    /// The duration that is meant; nothing here may wait for zero, or for ever.
    pub(crate) fn parse(&self) -> Result<Duration, &'static str> {
        let duration = match self {
            Self::Seconds(seconds) => Duration::from_secs(u64::from(*seconds)),
            Self::Text(text) => humantime::parse_duration(text)
                .map_err(|_| "not a duration: write `10s`, `5m`, `24h` or seconds")?,
        };
        if duration.is_zero() {
            return Err("must be longer than nothing");
        }
        if duration > LONGEST {
            return Err("must be at most 366 days");
        }
        Ok(duration)
    }
}

/// The duration that is configured under `key`, or `default`.
pub(crate) fn or(
    raw: Option<&RawDuration>,
    default: Duration,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Duration> {
    raw.map_or(Some(default), |raw| findings.keep(key, raw.parse()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_units_are_durations() {
        for (written, seconds) in [("\"24h\"", 86_400), ("10", 10), ("\"5m\"", 300)] {
            let raw: RawDuration = serde_json::from_str(written).unwrap();
            assert_eq!(raw.parse(), Ok(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn a_bare_number_as_text_nothing_at_all_and_more_than_a_year_are_refused() {
        for written in [
            "\"10\"",
            "\"soon\"",
            "0",
            "\"0s\"",
            "4294967295",
            "\"367days\"",
            "\"1000years\"",
        ] {
            let raw: RawDuration = serde_json::from_str(written).unwrap();
            assert!(raw.parse().is_err(), "{written}");
        }
    }
}
