//! The same user under the same name in every line, without the name: a keyed hash of the normalized identifier.

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, sign};

use lychgate_store::ledger::Pseudonym;

use super::hex;
use crate::error::Error;
use crate::lockout::IdentifierKey;

/// Bytes of a key, at least: those of the hash (RFC 2104 §3).
const KEY_BYTES: usize = 32;

/// The key by which identifiers become pseudonyms. Whoever has it can find out who was meant, so it has no voice.
#[derive(Clone)]
pub struct PseudonymKey {
    key: Key,
    id: String,
}

/// The key by which user ids become pseudonyms of the migration ledger.
#[derive(Clone)]
pub struct LedgerKey(PseudonymKey);

impl PseudonymKey {
    /// Takes a key of at least 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        if key.len() < KEY_BYTES {
            return Err(Error::PseudonymKey(KEY_BYTES));
        }
        Ok(Self::derived(key))
    }

    /// A name for the key that says nothing of it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA-256 over the identifier, in hex.
    pub fn pseudonym(&self, normalized_identifier: &str) -> String {
        hex::encode(sign(&self.key, normalized_identifier.as_bytes()).as_ref())
    }

    /// What the failures of an identifier are counted under: nothing follows from it for the pseudonym.
    pub(crate) fn lockout_key(&self, normalized_identifier: &str) -> IdentifierKey {
        let mut context = Context::with_key(&self.key);
        context.update(b"\0lychgate lockout\0");
        context.update(normalized_identifier.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        IdentifierKey(key)
    }

    /// The key of the migration ledger: as stable as this one, and nothing follows from one for the other, so that its
    /// pseudonyms cannot be compared with those of the audit lines.
    pub fn ledger_key(&self) -> LedgerKey {
        let key = sign(&self.key, b"\0lychgate ledger key");
        LedgerKey(Self::derived(key.as_ref()))
    }

    fn derived(bytes: &[u8]) -> Self {
        let key = Key::new(HMAC_SHA256, bytes);
        let id = id_of(&key);
        Self { key, id }
    }

    /// A key for what is remembered of calls that have an `Idempotency-Key`.
    pub(crate) fn idempotency_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(sign(&self.key, b"\0lychgate idempotency key").as_ref());
        key
    }

    /// A key for the choice of decoys: as stable as this one, and nothing follows from one for the other.
    pub(crate) fn decoy_key(&self) -> [u8; 32] {
        self.key_for(b"\0lychgate decoy key")
    }

    /// A key for the nonces of proofs, so that gateways with the same pseudonyms know each other's.
    pub(crate) fn nonce_key(&self) -> [u8; 32] {
        self.key_for(b"\0lychgate nonce key")
    }

    fn key_for(&self, purpose: &[u8]) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(sign(&self.key, purpose).as_ref());
        key
    }
}

impl LedgerKey {
    /// A name for the key that says nothing of it.
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// The user of this `user_id` in a ledger: the first half of an HMAC-SHA-256.
    pub fn pseudonym(&self, user_id: &str) -> Pseudonym {
        let mut pseudonym = Pseudonym::default();
        let tag = sign(&self.0.key, user_id.as_bytes());
        for (to, from) in pseudonym.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        pseudonym
    }
}

fn id_of(key: &Key) -> String {
    let id = hex::encode(sign(key, b"lychgate pseudonym key id").as_ref());
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_hmac_sha_256() {
        // RFC 4231 §4.7 (test case 6 has a key of 131 bytes).
        let key = PseudonymKey::new(&[0xaa; 131]).unwrap();
        assert_eq!(
            key.pseudonym("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        assert!(PseudonymKey::new(&[1; 31]).is_err());
        assert!(PseudonymKey::new(b"").is_err());
    }

    #[test]
    fn keys_differ_in_id_and_in_pseudonym() {
        let (one, other) = (
            PseudonymKey::new(&[1; 32]).unwrap(),
            PseudonymKey::new(&[2; 32]).unwrap(),
        );
        assert_ne!(one.id(), other.id());
        assert_ne!(one.pseudonym("zoe"), other.pseudonym("zoe"));
        assert_ne!(one.decoy_key(), other.decoy_key());
    }

    #[test]
    fn a_pseudonym_of_the_ledger_is_none_of_the_audit_lines() {
        let key = PseudonymKey::new(&[1; 32]).unwrap();
        let ledger = key.ledger_key();
        assert_ne!(ledger.id(), key.id());
        assert_ne!(
            hex::encode(&ledger.pseudonym("7")),
            key.pseudonym("7").split_at(32).0
        );
        assert_eq!(ledger.pseudonym("7"), key.ledger_key().pseudonym("7"));
        let other = PseudonymKey::new(&[2; 32]).unwrap().ledger_key();
        assert_ne!(ledger.pseudonym("7"), other.pseudonym("7"));
    }
}
