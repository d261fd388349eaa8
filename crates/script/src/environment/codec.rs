//! Encodings as Node's `Buffer` understands them: lenient in what they read.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, NO_PAD, STANDARD, URL_SAFE_NO_PAD,
};

/// Reads base64 that may lack its padding and have spare bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT_CONFIG);
const LENIENT_CONFIG: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);

/// Bytes as text; none where `utf8-fatal` meets bytes that are not UTF-8, or the encoding is unknown.
pub(super) fn encode(bytes: &[u8], encoding: &str) -> Option<String> {
    Some(match encoding {
        "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "utf8-fatal" => String::from_utf8(bytes.to_vec()).ok()?,
        "utf16le" => {
            let (units, _odd) = bytes.as_chunks::<2>();
            char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        "latin1" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        "ascii" => bytes.iter().map(|byte| char::from(byte & 0x7f)).collect(),
        "base64" => STANDARD.encode(bytes),
        "base64url" => URL_SAFE_NO_PAD.encode(bytes),
        "hex" => bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
            .collect(),
        _ => return None,
    })
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0')
}

/// Text as bytes; none where the encoding is unknown.
pub(super) fn decode(text: &str, encoding: &str) -> Option<Vec<u8>> {
    Some(match encoding {
        "utf8" => text.as_bytes().to_vec(),
        "utf16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "latin1" | "ascii" => text
            .encode_utf16()
            .map(|unit| unit.to_le_bytes()[0])
            .collect(),
        "base64" | "base64url" => decode_base64(text),
        "hex" => decode_hex(text),
        _ => return None,
    })
}

/// Either alphabet, up to the first padding; what is in neither alphabet is skipped, and so is a last lone character.
fn decode_base64(text: &str) -> Vec<u8> {
    let mut digits: Vec<u8> = text
        .bytes()
        .take_while(|byte| *byte != b'=')
        .filter_map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'+' | b'/' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Some(byte),
            _ => None,
        })
        .collect();
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    LENIENT.decode(digits).unwrap_or_default()
}

/// Pairs of digits, up to the first that is none.
fn decode_hex(text: &str) -> Vec<u8> {
    let (pairs, _odd) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    pairs
        .iter()
        .map_while(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base64_is_read_as_node_reads_it() {
        assert_eq!(decode("aGk=", "base64").unwrap(), b"hi");
        assert_eq!(decode("aGk", "base64url").unwrap(), b"hi");
        assert_eq!(decode("a G\nk=ignored", "base64").unwrap(), b"hi");
        assert_eq!(decode("-_8", "base64").unwrap(), [0xfb, 0xff]);
        assert_eq!(decode("aGkx0", "base64").unwrap(), b"hi1");
        assert_eq!(decode("aGl", "base64").unwrap(), b"hi");
    }

    #[test]
    fn hex_ends_at_the_first_character_that_is_no_digit() {
        assert_eq!(decode("00fFzz11", "hex").unwrap(), [0, 0xff]);
        assert_eq!(decode("abc", "hex").unwrap(), [0xab]);
    }

    proptest! {
        #[test]
        fn bytes_survive_every_lossless_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            for encoding in ["latin1", "base64", "base64url", "hex"] {
                let text = encode(&bytes, encoding).unwrap();
                prop_assert_eq!(decode(&text, encoding).unwrap(), bytes.clone());
            }
        }

        #[test]
        fn text_survives_every_unicode_encoding(text in ".{0,40}") {
            for encoding in ["utf8", "utf16le"] {
                let bytes = decode(&text, encoding).unwrap();
                prop_assert_eq!(encode(&bytes, encoding).unwrap(), text.clone());
            }
        }

        #[test]
        fn any_text_decodes(text in ".{0,40}") {
            for encoding in ["utf8", "utf16le", "latin1", "ascii", "base64", "hex"] {
                prop_assert!(decode(&text, encoding).is_some());
            }
        }
    }
}
