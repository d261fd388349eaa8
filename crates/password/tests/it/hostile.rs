//! Hashes that no honest library wrote: cut, changed by a character, or made to cost.

use lychgate_password::{Format, StoredHash};
use proptest::prelude::*;

use crate::vectors::vectors;

proptest! {
    #[test]
    fn no_text_does_harm_to_any_format(which in any::<prop::sample::Index>(), rest in any::<String>(), cut in any::<prop::sample::Index>()) {
        let examples = vectors();
        let start = which.get(&examples).hash;
        let place = (0..=start.len()).filter(|place| start.is_char_boundary(*place)).collect::<Vec<_>>();
        let (start, _) = start.split_at(*cut.get(&place));
        if let Ok(hash) = StoredHash::new(format!("{start}{rest}")) {
            for format in Format::ALL {
                let _ = format.fits(&hash);
            }
        }
    }
}

/// A changed character makes another hash or none, never one that the password still opens; where it does not, that is
/// because the format says the same in two ways.
#[tokio::test]
async fn a_hash_that_is_cut_or_changed_is_not_opened_by_its_password() {
    for vector in vectors() {
        // The cheap ones, and each of them once.
        if vector.password != "correct horse" || vector.hash.contains("$y$j9T$") {
            continue;
        }
        // Its digest is of 256 bytes, of which the first 32 are compared.
        if vector.format == Format::Ds389Pbkdf2 {
            continue;
        }
        let pool = vector.pool();
        let (cut, _) = vector.hash.split_at(vector.hash.len() - 1);
        let opened = vector.verifies(&pool, vector.password, cut).await;
        assert_ne!(opened, Ok(true), "{} {cut}", vector.format);

        let middle = vector.hash.len() / 2;
        let (before, after) = vector.hash.split_at(middle);
        let (character, after) = after.split_at(1);
        let other = if character.eq_ignore_ascii_case("e") {
            "f"
        } else {
            "e"
        };
        let changed = format!("{before}{other}{after}");
        let opened = vector.verifies(&pool, vector.password, &changed).await;
        assert_ne!(opened, Ok(true), "{} {changed}", vector.format);
    }
}
