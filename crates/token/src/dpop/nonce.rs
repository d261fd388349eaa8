//! Nonces that a server hands out and knows again without keeping any (RFC 9449 §8).

use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use subtle::ConstantTimeEq as _;

use crate::{UnixTime, base64url};

/// Bytes of the tag: nobody guesses 128 bits in the minutes that a nonce lives.
const TAG_BYTES: usize = 16;

/// Makes nonces and knows them again. A nonce is a minute of the server's clock under a keyed tag, so however many are
/// handed out, none is kept; two servers that share a key know each other's.
pub struct Nonces(Key);

impl Nonces {
    /// How long all requests get the same nonce, in seconds.
    const STEP: i64 = 60;
    /// How many steps after its own a nonce is still known.
    const KNOWN_FOR: i64 = 4;
    /// How long a nonce is good at least, from when it was handed out.
    pub const LIFETIME: Duration = Duration::from_mins(4);

    /// Nonces under this key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, key))
    }

    /// The nonce of this time.
    pub fn current(&self, now: UnixTime) -> String {
        self.of(step(now))
    }

    /// Whether the nonce is one of ours and recent. One of the coming minute is a replica's, whose clock is ahead.
    pub fn is_current(&self, nonce: &str, now: UnixTime) -> bool {
        let named = base64url::decode(nonce)
            .and_then(|bytes| bytes.first_chunk().map(|step| i64::from_be_bytes(*step)));
        let recent = |named: &i64| {
            let age = step(now).saturating_sub(*named);
            (-1..=Self::KNOWN_FOR).contains(&age)
        };
        named
            .filter(recent)
            .is_some_and(|named| self.of(named).as_bytes().ct_eq(nonce.as_bytes()).into())
    }

    fn of(&self, step: i64) -> String {
        let step = step.to_be_bytes();
        let tag = sign(&self.0, &step);
        let tag = tag.as_ref().iter().take(TAG_BYTES);
        let bytes: Vec<u8> = step.iter().chain(tag).copied().collect();
        base64url::encode(&bytes)
    }
}

fn step(now: UnixTime) -> i64 {
    now.seconds().div_euclid(Nonces::STEP)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

    fn later(seconds: u64) -> UnixTime {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn a_nonce_is_known_for_its_lifetime_and_not_for_long_after() {
        let nonces = Nonces::new(&[7; 32]);
        let nonce = nonces.current(NOW);
        assert!(nonces.is_current(&nonce, NOW));
        assert!(nonces.is_current(&nonce, NOW.plus(Nonces::LIFETIME)));
        assert!(!nonces.is_current(&nonce, later(301)));
        assert!(nonces.is_current(&nonce, NOW.minus(Duration::from_mins(1))));
        assert!(!nonces.is_current(&nonce, NOW.minus(Duration::from_mins(2))));
    }

    #[test]
    fn the_nonce_changes_with_the_minute() {
        let nonces = Nonces::new(&[7; 32]);
        assert_ne!(nonces.current(NOW), nonces.current(later(60)));
    }

    #[test]
    fn whoever_has_the_key_knows_the_nonce_and_nobody_else() {
        let nonce = Nonces::new(&[7; 32]).current(NOW);
        assert!(Nonces::new(&[7; 32]).is_current(&nonce, NOW));
        assert!(!Nonces::new(&[8; 32]).is_current(&nonce, NOW));
    }

    proptest! {
        #[test]
        fn a_nonce_that_was_not_handed_out_is_not_known(text in "[A-Za-z0-9_-]{0,40}", at in 0_usize..32, byte in "[A-Za-z0-9_-]") {
            let nonces = Nonces::new(&[7; 32]);
            let nonce = nonces.current(NOW);
            prop_assert_eq!(nonce.len(), 32);
            prop_assert!(text == nonce || !nonces.is_current(&text, NOW));
            let mut changed = nonce.clone();
            changed.replace_range(at..=at, &byte);
            prop_assert!(changed == nonce || !nonces.is_current(&changed, NOW));
        }
    }
}
