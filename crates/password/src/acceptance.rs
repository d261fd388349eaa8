//! Which stored hashes are worth any work: those of an accepted format, well-formed, and within the limits.
//! A hash comes in as text and leaves as a parsed one, which is what the pool computes with.

use crate::{Error, Format, Limits, StoredHash, Unusable, format::ParsedHash};

pub(crate) struct Acceptance {
    formats: Vec<Format>,
    limits: Limits,
}

impl Acceptance {
    pub(crate) fn new(formats: Vec<Format>, limits: Limits) -> Self {
        Self { formats, limits }
    }

    /// Takes a stored hash in, or says why not. No work that depends on its cost is done.
    pub(crate) fn parse(&self, hash: &StoredHash) -> Result<ParsedHash, Unusable> {
        let format = Format::identify(hash).ok_or(Unusable::Unknown)?;
        if !self.formats.contains(&format) {
            return Err(Unusable::NotAccepted);
        }
        let parsed = ParsedHash::parse(format, hash).ok_or(Unusable::Malformed)?;
        if !self.limits.allow(parsed.cost()) {
            return Err(Unusable::TooCostly);
        }
        Ok(parsed)
    }

    /// A hash that says nothing, of a format and cost that would be taken in from a store, too.
    pub(crate) fn blank(&self, format: Format, cost: u32) -> Result<ParsedHash, Error> {
        if !self.formats.contains(&format) {
            return Err(Error::DecoyNotAccepted(format));
        }
        ParsedHash::blank(format, cost)
            .filter(|blank| self.limits.allow(blank.cost()))
            .ok_or(Error::DecoyCost { format, cost })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Acceptance;
    use crate::{Format, Limits, StoredHash, Unusable};

    fn acceptance() -> Acceptance {
        Acceptance::new(Format::ALL.to_vec(), Limits::default())
    }

    fn refusal(hash: &str) -> Option<Unusable> {
        acceptance()
            .parse(&StoredHash::new(hash.to_owned()).unwrap())
            .err()
    }

    #[test]
    fn each_reason_to_refuse_a_hash_is_told_apart() {
        let ssha = "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr";
        assert_eq!(refusal(ssha), None);
        assert_eq!(refusal(""), Some(Unusable::Unknown));
        assert_eq!(refusal("!"), Some(Unusable::Unknown));
        assert_eq!(
            refusal("5f4dcc3b5aa765d61d8327deb882cf99"),
            Some(Unusable::Unknown)
        );
        assert_eq!(refusal("{SSHA}0c0b"), Some(Unusable::Malformed));

        let bcrypt_only = Acceptance::new(vec![Format::Bcrypt], Limits::default());
        let hash = StoredHash::new(ssha.to_owned()).unwrap();
        assert_eq!(bcrypt_only.parse(&hash).err(), Some(Unusable::NotAccepted));
    }

    #[test]
    fn a_hash_at_a_limit_is_taken_in_and_one_over_it_is_not() {
        let (salt, digest) = ("A".repeat(22), "A".repeat(43));
        for (within, over) in [
            (
                format!("m=262144,t=10,p=16${salt}${digest}"),
                format!("m=262145,t=1,p=1${salt}${digest}"),
            ),
            (
                format!("m=262144,t=10,p=16${salt}${digest}"),
                format!("m=64,t=11,p=1${salt}${digest}"),
            ),
            (
                format!("m=262144,t=10,p=16${salt}${digest}"),
                format!("m=256,t=1,p=17${salt}${digest}"),
            ),
            (
                format!("m=8,t=1,p=1${salt}${digest}"),
                format!("m=4294967295,t=4294967295,p=1${salt}${digest}"),
            ),
        ] {
            assert_eq!(
                refusal(&format!("$argon2id$v=19${within}")),
                None,
                "{within}"
            );
            assert_eq!(
                refusal(&format!("$argon2id$v=19${over}")),
                Some(Unusable::TooCostly),
                "{over}"
            );
        }
        for (within, over) in [
            (
                format!("$2b$15${}", ".".repeat(53)),
                format!("$2b$16${}", ".".repeat(53)),
            ),
            (
                format!("$P$G{}", ".".repeat(30)),
                format!("$P$H{}", ".".repeat(30)),
            ),
            (
                format!("pbkdf2_sha256$10000000$salt${digest}="),
                format!("pbkdf2_sha256$10000001$salt${digest}="),
            ),
        ] {
            assert_eq!(refusal(&within), None, "{within}");
            assert_eq!(refusal(&over), Some(Unusable::TooCostly), "{over}");
        }
    }

    /// The text of a hash as it would be written again, if it is taken in.
    fn rewritten(text: &str) -> Option<String> {
        let hash = StoredHash::new(text.to_owned()).ok()?;
        let parsed = acceptance().parse(&hash).ok()?;
        Some(parsed.encode().expose_secret().to_owned())
    }

    /// Texts that begin like a format, or like nothing, and may go on like one.
    fn hostile() -> impl Strategy<Value = String> {
        let beginnings = prop::sample::select(vec![
            "",
            "$argon2id$",
            "$argon2id$v=19$",
            "$argon2id$v=19$m=64,t=1,p=1$",
            "$2a$",
            "$2b$04$",
            "$2y$31$",
            "$P$",
            "$H$9",
            "pbkdf2_sha256$",
            "pbkdf2_sha1$1$salt$",
            "{SSHA}",
            "{ssha}",
        ]);
        let rest = prop_oneof![
            any::<String>(),
            "[./A-Za-z0-9+=$,{}:-]{0,120}",
            "[$./A-Za-z0-9ü]{53}"
        ];
        (beginnings, rest).prop_map(|(beginning, rest)| format!("{beginning}{rest}"))
    }

    /// A good hash of each format.
    const HASHES: [&str; 5] = [
        "$argon2id$v=19$m=8,t=1,p=1$MTIzNDU2NzgxMjM0NTY3ODEyMzQ1Njc4$Ux0doE66NDiOVMOTA+1W9g",
        "$2b$04$7NQVNd6u6A0NDGfvypm4JulBb1TSdObJJ37piy7FwXNfDAJ5Kck2i",
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
        "pbkdf2_sha1$1000$seasalt2$z8uI+Wl4zj9ngVTOBcFxL2SxGng=",
        "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw==",
    ];

    #[test]
    fn a_good_hash_is_written_as_it_was_read() {
        for hash in HASHES {
            assert_eq!(rewritten(hash).as_deref(), Some(hash));
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm_and_what_is_taken_in_can_be_taken_in_again(text in hostile()) {
            if let Some(written) = rewritten(&text) {
                prop_assert_eq!(rewritten(&written), Some(written));
            }
        }

        #[test]
        fn a_mutated_hash_is_refused_or_another_one(
            which in 0..HASHES.len(),
            position in any::<prop::sample::Index>(),
            character in prop_oneof![any::<char>(), prop::char::range(' ', '~')],
        ) {
            let mut mutated: Vec<char> = HASHES[which].chars().collect();
            let position = position.index(mutated.len());
            prop_assume!(mutated[position] != character);
            mutated[position] = character;
            let mutated: String = mutated.into_iter().collect();

            // Nothing depends on the case of a scheme, nor on what is left of a bcrypt salt's last character.
            let unread = matches!((which, position), (4, 0..6) | (1, 28));
            prop_assert!(unread || rewritten(&mutated).as_deref() != Some(HASHES[which]));
        }

        #[test]
        fn a_truncated_hash_is_refused_or_another_one(which in 0..HASHES.len(), cut in 1_usize..30) {
            let truncated = HASHES[which].get(..HASHES[which].len() - cut).unwrap();
            if let Some(written) = rewritten(truncated) {
                prop_assert_eq!(written, truncated);
                prop_assert!(matches!(which, 0 | 4), "only argon2id and SSHA have parts of free length");
            }
        }
    }
}
