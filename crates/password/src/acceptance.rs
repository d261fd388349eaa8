//! Which stored hashes are worth any work: those of an accepted format, well-formed, and within the limits.
//! A hash comes in as text and leaves as a parsed one, which is what the pool computes with.

use std::collections::BTreeMap;

use crate::{
    Error, Format, Limits, ParsedHash, Pepper, Settings, StoredHash, Unusable, recipe::Parsed,
};

pub(crate) struct Acceptance {
    formats: Vec<Format>,
    peppers: BTreeMap<Format, Pepper>,
    limits: Limits,
    memory_kib: u32,
}

impl Acceptance {
    /// What settings accept; refused are formats that cannot be told apart, and ones without the pepper they need.
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        let formats = settings.accept;
        for (place, format) in formats.iter().enumerate() {
            if format.needs_pepper() && !settings.peppers.contains_key(format) {
                return Err(Error::PepperMissing(*format));
            }
            for other in formats
                .iter()
                .skip(place + 1)
                .filter(|other| *other != format)
            {
                if fits_example(*format, *other) || fits_example(*other, *format) {
                    return Err(Error::Ambiguous(*format, *other));
                }
            }
        }
        Ok(Self {
            formats,
            peppers: settings.peppers,
            limits: settings.limits,
            memory_kib: settings.memory_kib,
        })
    }

    /// Takes a stored hash in, or says why not. No work that depends on its cost is done.
    pub(crate) fn parse(&self, hash: &StoredHash) -> Result<ParsedHash, Unusable> {
        let text = hash.expose_secret();
        for format in &self.formats {
            if let Some(parsed) = format.definition().parse(text) {
                return self.admit(*format, parsed).ok_or(Unusable::TooCostly);
            }
        }
        if self
            .formats
            .iter()
            .any(|format| format.definition().begins(text))
        {
            return Err(Unusable::Malformed);
        }
        let known = |format: &Format| format.definition().begins(text) || format.fits(hash);
        Err(if Format::ALL.iter().any(known) {
            Unusable::NotAccepted
        } else {
            Unusable::Unknown
        })
    }

    /// A hash that says nothing, of a format and cost that would be taken in from a store, too.
    pub(crate) fn blank(&self, format: Format, cost: u32) -> Result<ParsedHash, Error> {
        if !self.formats.contains(&format) {
            return Err(Error::DecoyNotAccepted(format));
        }
        format
            .blank(cost)
            .and_then(|parsed| self.admit(format, parsed))
            .ok_or(Error::DecoyCost { format, cost })
    }

    /// A hash within the limits.
    fn admit(&self, format: Format, parsed: Parsed) -> Option<ParsedHash> {
        let is_within =
            self.limits.allow(&parsed.recipe) && parsed.recipe.memory_kib() <= self.memory_kib;
        let pepper = self.peppers.get(&format).cloned();
        is_within.then(|| ParsedHash::new(format, parsed, pepper))
    }
}

/// Whether a hash of one format is one of the other, too.
fn fits_example(format: Format, example: Format) -> bool {
    let example = example.definition().example(example.default_cost());
    format.definition().parse(&example).is_some()
}
#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Acceptance;
    use crate::{
        Error, Format, Settings, StoredHash, Unusable,
        recipe::{Parsed, Recipe},
    };

    fn acceptance() -> Acceptance {
        let accept = [
            Format::Argon2id,
            Format::Bcrypt,
            Format::Phpass,
            Format::DjangoPbkdf2,
            Format::DjangoPbkdf2Sha1,
            Format::LdapSsha,
            Format::Scrypt,
            Format::Yescrypt,
            Format::Sha512Crypt,
            Format::SapIssha,
            Format::Sha1Crypt,
            Format::BsdiCrypt,
            Format::MysqlSha2,
            Format::MagentoArgon2,
            Format::GostYescrypt,
            Format::ScryptCrypt,
            Format::SpringScrypt,
        ];
        accepting(&accept).unwrap()
    }

    fn accepting(accept: &[Format]) -> Result<Acceptance, Error> {
        Acceptance::new(Settings {
            accept: accept.to_vec(),
            ..Settings::default()
        })
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
            Some(Unusable::NotAccepted)
        );
        assert_eq!(refusal("{SSHA}0c0b"), Some(Unusable::Malformed));

        let bcrypt_only = accepting(&[Format::Bcrypt]).unwrap();
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
    }

    #[test]
    fn each_family_has_a_bound_of_its_own() {
        let (salt, digest) = ("A".repeat(22), "A".repeat(43));
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
                format!("$scrypt$ln=18,r=7,p=4${salt}${digest}"),
                format!("$scrypt$ln=20,r=8,p=1${salt}${digest}"),
            ),
            (
                format!("$scrypt$ln=18,r=7,p=4${salt}${digest}"),
                format!("$scrypt$ln=18,r=7,p=5${salt}${digest}"),
            ),
            (
                format!("$sha1$1000000$a${}", ".".repeat(28)),
                format!("$sha1$1000001$a${}", ".".repeat(28)),
            ),
            (
                // The characters are the numbers 1,000,000 and 1,000,001, the lowest first.
                format!("_.7o1{}", ".".repeat(15)),
                format!("_/7o1{}", ".".repeat(15)),
            ),
            (
                format!("$A$3E8${}{}", "a".repeat(20), ".".repeat(43)),
                format!("$A$3E9${}{}", "a".repeat(20), ".".repeat(43)),
            ),
            (
                format!("{}:{}:3_32_10_268435456", "0".repeat(64), "a".repeat(16)),
                format!("{}:{}:3_32_11_1048576", "0".repeat(64), "a".repeat(16)),
            ),
            (
                format!("{}:{}:3_32_2_268435456", "0".repeat(64), "a".repeat(16)),
                format!("{}:{}:3_32_2_268436480", "0".repeat(64), "a".repeat(16)),
            ),
            (
                format!("$gy$j9T$${}", ".".repeat(43)),
                format!("$gy$jKT$${}", ".".repeat(43)),
            ),
            (
                format!("$7$F6..../....a${}", ".".repeat(43)),
                format!("$7$G6..../....a${}", ".".repeat(43)),
            ),
            (
                format!("{{scrypt}}$110801$c2FsdA==${digest}="),
                format!("{{scrypt}}$120801$c2FsdA==${digest}="),
            ),
            (
                format!("$scrypt$ln=10,r=8,p=16${salt}${digest}"),
                format!("$scrypt$ln=10,r=8,p=17${salt}${digest}"),
            ),
            (
                "$y$j9T$$...........................................".to_owned(),
                "$y$jKT$$...........................................".to_owned(),
            ),
            (
                format!("$6$rounds=1000000$a${}", ".".repeat(86)),
                format!("$6$rounds=1000001$a${}", ".".repeat(86)),
            ),
            (
                "{x-issha, 1000000}AAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
                "{x-issha, 1000001}AAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
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

    #[test]
    fn formats_of_which_one_hash_may_be_are_not_accepted_together() {
        let refusal = |accept: &[Format]| accepting(accept).err().unwrap();
        for pair in [
            [Format::Md5, Format::Nt],
            [Format::Joomla, Format::Vbulletin],
            [Format::Bcrypt, Format::BcryptMd5],
            [Format::DjangoBcrypt, Format::DjangoBcrypt],
        ] {
            if pair[0] == pair[1] {
                assert!(accepting(&pair).is_ok());
            } else {
                assert!(matches!(refusal(&pair), Error::Ambiguous(..)), "{pair:?}");
            }
        }
        assert!(accepting(&[Format::Md5, Format::Sha1, Format::LdapMd5]).is_ok());
        // What Spring's DelegatingPasswordEncoder writes is told apart by its id, all of it together.
        let spring = Format::ALL.into_iter();
        let spring = spring.filter(|format| format.name().starts_with("spring-"));
        assert!(accepting(&spring.collect::<Vec<_>>()).is_ok());
        assert!(matches!(
            refusal(&[Format::Devise]),
            Error::PepperMissing(Format::Devise)
        ));
    }

    /// What a text says, if it is taken in.
    fn reading(text: &str) -> Option<(Format, Recipe, Vec<u8>, Vec<u8>)> {
        let hash = StoredHash::new(text.to_owned()).ok()?;
        let parsed = acceptance().parse(&hash).ok()?;
        let Parsed {
            recipe,
            salt,
            digest,
        } = parsed.format().definition().parse(text)?;
        Some((parsed.format(), recipe, salt.to_vec(), digest.to_vec()))
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
    fn a_good_hash_is_read() {
        for hash in HASHES {
            assert!(reading(hash).is_some(), "{hash}");
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm_and_what_is_taken_in_begins_as_its_format_does(text in hostile()) {
            if let Some((format, ..)) = reading(&text) {
                prop_assert!(format.definition().begins(&text), "{format}");
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

            // Nothing depends on the case of a scheme, on what is left of a bcrypt salt's last character, nor on which
            // of the names of one format a hash has.
            let unread = matches!((which, position), (4, 0..6) | (1, 2 | 28) | (2, 1));
            prop_assert!(unread || reading(&mutated) != reading(HASHES[which]));
        }

        #[test]
        fn a_truncated_hash_is_refused_or_another_one(which in 0..HASHES.len(), cut in 1_usize..30) {
            let truncated = HASHES[which].get(..HASHES[which].len() - cut).unwrap();
            if let Some(read) = reading(truncated) {
                prop_assert!(Some(read) != reading(HASHES[which]));
                prop_assert!(matches!(which, 0 | 4), "only argon2id and SSHA have parts of free length");
            }
        }
    }
}
