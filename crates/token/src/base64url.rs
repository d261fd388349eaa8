//! Base64url as RFC 7515 §2 has it: no padding, no line breaks, no white space.
//!
//! Decoding accepts the one canonical text for a string of bytes. An attacker who could write a token in two ways could
//! walk past a cache or a deny list that knows it in one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` if the text is not the canonical encoding of some bytes. The engine refuses padding, foreign characters and
/// trailing bits that are not zero.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_white_space_and_the_other_alphabet_are_refused() {
        for text in ["YQ==", "YQ=", " YQ", "YQ\n", "Y Q", "+/8", "a", "é"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn trailing_bits_that_are_not_zero_are_refused() {
        assert_eq!(decode("YQ"), Some(b"a".to_vec()));
        assert_eq!(decode("YR"), None);
        assert_eq!(decode("YWI"), Some(b"ab".to_vec()));
        assert_eq!(decode("YWJ"), None);
    }

    proptest! {
        #[test]
        fn bytes_survive_the_round_trip(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn what_decodes_is_what_would_be_encoded(text in "[A-Za-z0-9_=+ -]{0,12}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
