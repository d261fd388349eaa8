//! PostgreSQL's `numeric` as decimal text, of any width: a driver's type of 28 digits would lose the rest.
//!
//! On the wire: digits of base 10,000, the weight of the first, a sign and a scale
//! (<https://github.com/postgres/postgres/blob/REL_15_STABLE/src/backend/utils/adt/numeric.c>, `numeric_send`).

use super::values::{Cursor, Fault};

/// The decimal text of a number.
pub(super) fn decode(bytes: &[u8]) -> Result<String, Fault> {
    let mut cursor = Cursor(bytes);
    let count = cursor.unsigned::<2>()?;
    let weight = i64::from(i16::from_be_bytes(cursor.take()?));
    let sign = cursor.unsigned::<2>()?;
    let scale = usize::try_from(cursor.unsigned::<2>()?).map_err(|_| FAULT)?;
    let mut text = match sign {
        POSITIVE => String::new(),
        NEGATIVE => "-".to_owned(),
        NOT_A_NUMBER => return Ok("NaN".to_owned()),
        INFINITY => return Ok("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Ok("-Infinity".to_owned()),
        _ => return Err(FAULT),
    };
    let digits: Vec<u64> = (0..count)
        .map(|_| cursor.unsigned::<2>())
        .collect::<Result<_, _>>()?;
    let digit = |weight_of_digit: i64| {
        let place = usize::try_from(weight - weight_of_digit).ok();
        place
            .and_then(|place| digits.get(place))
            .copied()
            .unwrap_or(0)
    };
    let whole: Vec<_> = (0..=weight)
        .rev()
        .map(|place| digits_of(digit(place)))
        .collect();
    let whole = whole.concat();
    text.push_str(match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    });
    if scale > 0 {
        let groups = i64::try_from(scale.div_ceil(4)).map_err(|_| FAULT)?;
        let fraction: Vec<_> = (1..=groups).map(|place| digits_of(digit(-place))).collect();
        text.push('.');
        text.extend(fraction.concat().chars().take(scale));
    }
    Ok(text)
}

fn digits_of(group: u64) -> String {
    format!("{group:04}")
}

/// The wire's form of a decimal text, or nothing if it is none.
pub(super) fn encode(text: &str) -> Option<Vec<u8>> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (NEGATIVE, rest),
        None => (POSITIVE, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || text.len() > LONGEST {
        return None;
    }
    let scale = u16::try_from(fraction.len()).ok()?;
    let groups_before = whole.len().div_ceil(4);
    let groups_after = fraction.len().div_ceil(4);
    let padded = format!(
        "{whole:0>before$}{fraction:0<after$}",
        before = groups_before * 4,
        after = groups_after * 4
    );
    let mut groups = Vec::new();
    for group in padded.as_bytes().chunks(4) {
        groups.push(std::str::from_utf8(group).ok()?.parse::<u16>().ok()?);
    }
    let weight = i16::try_from(groups_before).ok()? - 1;
    let count = u16::try_from(groups.len()).ok()?;
    let mut bytes = Vec::new();
    bytes.extend(count.to_be_bytes());
    bytes.extend(weight.to_be_bytes());
    bytes.extend(u16::try_from(sign).ok()?.to_be_bytes());
    bytes.extend(scale.to_be_bytes());
    bytes.extend(groups.into_iter().flat_map(u16::to_be_bytes));
    Some(bytes)
}

const POSITIVE: u64 = 0x0000;
const NEGATIVE: u64 = 0x4000;
const NOT_A_NUMBER: u64 = 0xc000;
const INFINITY: u64 = 0xd000;
const NEGATIVE_INFINITY: u64 = 0xf000;

/// The longest text that is taken for a number.
const LONGEST: usize = 256;

const FAULT: Fault = "is not a number";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_comes_back_as_it_was_given(text in "-?(0|[1-9][0-9]{0,60})(\\.[0-9]{1,40})?") {
            let encoded = encode(&text).unwrap();
            prop_assert_eq!(decode(&encoded).unwrap(), text);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            drop(decode(&bytes));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            drop(encode(&text));
        }
    }
}
