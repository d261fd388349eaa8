//! Hashes that nobody knows the password of, for identifiers without a row, or with a row that cannot be verified.
//! An identifier comes in, and leaves as a hash that costs what a row of this store might cost: which of its
//! formats and costs is decided by a keyed digest of the identifier, so that asking twice costs the same.
//! An attacker wants to learn from the time of an answer who has an account.

use std::sync::{PoisonError, RwLock};

use aws_lc_rs::hmac;

use crate::{
    Error, Format, ParsedHash, Settings, StoredHash,
    acceptance::Acceptance,
    mix::{self, Mix},
};

/// One kind of decoy: a format, its cost, and how often it is chosen beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoyClass {
    /// The format.
    pub format: Format,
    /// The cost in the unit of the format: KiB of memory for Argon2 (in two passes and one lane), the binary logarithm
    /// of N for scrypt (with r = 8 and p = 1) and of the rounds for bcrypt and phpass, iterations for PBKDF2, rounds
    /// for the others that say them; a format of fixed cost has none, whatever is here.
    pub cost: u32,
    /// The weight beside the other classes; a class of weight 0 waits for rows to be seen.
    pub weight: u32,
}

impl DecoyClass {
    /// A class at the [default cost](Format::default_cost) of its format.
    pub fn new(format: Format, weight: u32) -> Self {
        Self {
            format,
            cost: format.default_cost(),
            weight,
        }
    }
}

/// Decoys for one store, under one secret key.
///
/// A decoy is within the limits of the pool whose settings it was made for, so that verifying it is the same work, and
/// never a match. As long as the mix stays, an identifier has a decoy of the same cost; when rows seen shift the mix,
/// few identifiers get another.
pub struct Decoy {
    key: hmac::Key,
    acceptance: Acceptance,
    mix: RwLock<Mix>,
}

impl Decoy {
    /// Makes decoys in a mix of up to 32 classes for a pool of these settings.
    ///
    /// Every gateway in front of one store needs the same key: what differs would tell decoys from rows. Where the mix
    /// is known from the store, say so; it weighs as much as 64 rows seen.
    pub fn new(key: &[u8; 32], mix: &[DecoyClass], settings: &Settings) -> Result<Self, Error> {
        let acceptance = Acceptance::new(settings.clone())?;
        let kinds = mix
            .iter()
            .map(|class| Ok((acceptance.blank(class.format, class.cost)?, class.weight)))
            .collect::<Result<Vec<_>, Error>>()?;
        let mix = Mix::new(&kinds, CONFIGURED).ok_or(Error::DecoyMix)?;
        Ok(Self::with_mix(key, acceptance, mix))
    }

    /// Makes decoys where nothing is known of the store: every accepted format alike, at its default cost. As a guess it
    /// weighs as much as one row seen, so that the first logins correct it.
    pub fn guess(key: &[u8; 32], settings: &Settings) -> Result<Self, Error> {
        let acceptance = Acceptance::new(settings.clone())?;
        let kinds: Vec<_> = settings
            .accept
            .iter()
            .filter_map(|format| acceptance.blank(*format, format.default_cost()).ok())
            .map(|blank| (blank, 1))
            .take(mix::MAX_CLASSES)
            .collect();
        let mix = Mix::new(&kinds, GUESSED).ok_or(Error::DecoyMix)?;
        Ok(Self::with_mix(key, acceptance, mix))
    }

    fn with_mix(key: &[u8; 32], acceptance: Acceptance, mix: Mix) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            acceptance,
            mix: RwLock::new(mix),
        }
    }

    /// The decoy of an identifier, which has to be normalized as for the store: spelling must not change the cost.
    pub fn hash_for(&self, normalized_identifier: &str) -> ParsedHash {
        let mix = self.mix.read().unwrap_or_else(PoisonError::into_inner);
        mix.choose(|label| number(self.digest(label, normalized_identifier)))
            .decoy()
    }

    /// Takes note of a row's hash, so that decoys come to cost what rows cost. Each row counts once in a long while,
    /// however often its user logs in; hashes that the pool would refuse do not count.
    pub fn observe(&self, hash: &StoredHash) {
        if let Ok(parsed) = self.acceptance.parse(hash) {
            let mark = number(self.digest("row", hash.expose_secret()));
            self.mix
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .observe(&parsed, mark);
        }
    }

    /// A keyed digest of a text for one purpose; purposes have no NUL in them.
    fn digest(&self, purpose: &str, text: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

/// How many rows what configuration says weighs as much as.
const CONFIGURED: u32 = 64;

/// How many rows a guess weighs as much as.
const GUESSED: u32 = 1;

fn number(digest: [u8; 32]) -> u32 {
    let [a, b, c, d, ..] = digest;
    u32::from_be_bytes([a, b, c, d])
}
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Decoy, DecoyClass};
    use crate::{Error, Format, Limits, ParsedHash, Password, Pool, Settings, StoredHash};

    /// Every format, as cheap as it gets.
    const CHEAP: [DecoyClass; 5] = [
        DecoyClass {
            format: Format::Argon2id,
            cost: 8,
            weight: 1,
        },
        DecoyClass {
            format: Format::Bcrypt,
            cost: 4,
            weight: 1,
        },
        DecoyClass {
            format: Format::Phpass,
            cost: 7,
            weight: 1,
        },
        DecoyClass {
            format: Format::DjangoPbkdf2,
            cost: 1,
            weight: 1,
        },
        DecoyClass {
            format: Format::LdapSsha,
            cost: 0,
            weight: 1,
        },
    ];

    /// Settings that accept all of them.
    fn settings() -> Settings {
        let accept = CHEAP.iter().map(|class| class.format).collect();
        Settings {
            accept,
            ..Settings::default()
        }
    }

    fn decoys(mix: &[DecoyClass]) -> Decoy {
        Decoy::new(&[7; 32], mix, &settings()).unwrap()
    }

    /// The decoys of so many people who are not in the store.
    fn for_strangers(decoys: &Decoy, count: u32) -> impl Iterator<Item = ParsedHash> {
        (0..count).map(|number| decoys.hash_for(&format!("stranger{number}@example.com")))
    }

    /// A row of the store, another one for each number.
    fn row(format: Format, cost: u32, number: u32) -> StoredHash {
        // The last digits of a salt or digest of letters can be any.
        let blank = format.definition().example(cost);
        let (beginning, _) = blank.split_at(blank.len() - 8);
        let rest = if blank.ends_with('=') { "AAA=" } else { "AAA." };
        StoredHash::new(format!("{beginning}{number:04}{rest}")).unwrap()
    }

    proptest! {
        #[test]
        fn an_identifier_always_has_a_decoy_of_the_same_cost(identifier in any::<String>()) {
            let (one, other) = (decoys(&CHEAP), decoys(&CHEAP));
            let cost = one.hash_for(&identifier).cost();
            prop_assert_eq!(one.hash_for(&identifier).cost(), cost);
            prop_assert_eq!(other.hash_for(&identifier).cost(), cost);
        }
    }

    #[test]
    fn another_key_deals_decoys_otherwise() {
        let rekeyed = Decoy::new(&[8; 32], &CHEAP, &settings()).unwrap();
        let formats = |decoys| for_strangers(decoys, 100).map(|hash| hash.format());
        assert!(formats(&decoys(&CHEAP)).ne(formats(&rekeyed)));
    }

    #[test]
    fn decoys_follow_the_weights() {
        let mix = [
            DecoyClass::new(Format::Argon2id, 1),
            DecoyClass::new(Format::Bcrypt, 3),
        ];
        let bcrypt = for_strangers(&decoys(&mix), 4000)
            .filter(|hash| hash.format() == Format::Bcrypt)
            .count();
        assert!((2900..3100).contains(&bcrypt), "{bcrypt} of 4000");
    }

    #[test]
    fn a_decoy_has_the_cost_of_its_class() {
        for format in settings().accept {
            let decoy = decoys(&[DecoyClass::new(format, 1)]).hash_for("ada@example.com");
            let row = format.blank(format.default_cost()).unwrap();
            assert_eq!(decoy.cost(), ParsedHash::new(format, row, None).cost());
        }
    }

    #[tokio::test]
    async fn every_decoy_is_one_computation_and_no_match() {
        let queue_wait = Duration::from_mins(1);
        let pool = Pool::start(Settings {
            queue_wait,
            ..settings()
        })
        .unwrap();
        let mut formats = Vec::new();
        for (before, hash) in (0..).zip(for_strangers(&decoys(&CHEAP), 100)) {
            assert_eq!(pool.invocations(), before);
            formats.push(hash.format());
            let password = Password::new("correct horse".to_owned()).unwrap();
            assert!(!pool.verify(password, None, hash).await.unwrap());
        }
        assert_eq!(pool.invocations(), 100);
        assert!(
            settings()
                .accept
                .iter()
                .all(|format| formats.contains(format))
        );
    }

    #[test]
    fn decoys_come_to_cost_what_rows_cost_to_the_last_parameter() {
        let decoys = decoys(&[DecoyClass::new(Format::LdapSsha, 1)]);
        let costs = "$argon2id$v=19$m=65536,t=3,p=4$";
        for number in 10_000..14_000 {
            let row = format!("{costs}{}${number}{}", "A".repeat(22), "A".repeat(38));
            decoys.observe(&StoredHash::new(row).unwrap());
        }
        let alike = for_strangers(&decoys, 1000)
            .filter(|hash| hash.recipe().parameters() == [65536, 3, 4])
            .count();
        assert!(alike > 950, "{alike} of 1000");
    }

    #[test]
    fn a_guess_has_every_format_and_gives_way_to_the_first_rows() {
        let decoys = Decoy::guess(&[7; 32], &Settings::default()).unwrap();
        let formats = |decoys| -> Vec<_> {
            for_strangers(decoys, 1000)
                .map(|hash| hash.format())
                .collect()
        };
        let guessed = formats(&decoys);
        assert!(
            Settings::default()
                .accept
                .iter()
                .all(|format| guessed.contains(format))
        );
        for number in 0..32 {
            decoys.observe(&row(Format::Bcrypt, 10, number));
        }
        let bcrypt = formats(&decoys)
            .iter()
            .filter(|format| **format == Format::Bcrypt)
            .count();
        assert!(bcrypt > 900, "{bcrypt} of 1000");
    }

    #[test]
    fn seeing_rows_moves_few_identifiers() {
        let decoys = decoys(&[
            DecoyClass::new(Format::Phpass, 1),
            DecoyClass::new(Format::Bcrypt, 1),
        ]);
        let formats = || {
            for_strangers(&decoys, 1000)
                .map(|hash| hash.format())
                .collect::<Vec<_>>()
        };
        let before = formats();
        // The store has a little more bcrypt than configured: 9 to 11.
        for number in 0..2000 {
            decoys.observe(&if number % 20 < 9 {
                row(Format::Phpass, 13, number)
            } else {
                row(Format::Bcrypt, 10, number)
            });
        }
        let moved = before
            .iter()
            .zip(formats())
            .filter(|(before, after)| *before != after)
            .count();
        assert!(moved < 100, "{moved} of 1000");
    }

    #[test]
    fn rows_that_the_pool_refuses_make_no_decoys() {
        let accept = vec![Format::Argon2id, Format::Bcrypt];
        let limits = Limits {
            bcrypt_cost: 12,
            ..Limits::default()
        };
        let settings = Settings {
            accept,
            limits,
            ..Settings::default()
        };
        let mix = [DecoyClass::new(Format::Argon2id, 1)];
        let decoys = Decoy::new(&[7; 32], &mix, &settings).unwrap();
        for number in 0..1000 {
            decoys.observe(&row(Format::Bcrypt, 13, number));
            decoys.observe(&row(Format::Phpass, 13, number));
            decoys.observe(&StoredHash::new(format!("!{number}")).unwrap());
        }
        assert!(for_strangers(&decoys, 200).all(|hash| hash.format() == Format::Argon2id));
    }

    #[test]
    fn a_class_that_the_pool_would_refuse_is_refused() {
        let accept = vec![Format::Argon2id, Format::Bcrypt, Format::Phpass];
        let settings = Settings {
            accept,
            ..Settings::default()
        };
        let refusal = |class| Decoy::new(&[7; 32], &[class], &settings).err().unwrap();
        for (format, cost) in [
            (Format::Bcrypt, 3),
            (Format::Bcrypt, 16),
            (Format::Bcrypt, 99),
            (Format::Phpass, 77),
            (Format::Argon2id, 7),
            (Format::Argon2id, 262_145),
        ] {
            let error = refusal(DecoyClass {
                format,
                cost,
                weight: 1,
            });
            assert!(
                matches!(error, Error::DecoyCost { format: f, cost: c } if (f, c) == (format, cost))
            );
        }
        assert!(matches!(
            refusal(DecoyClass::new(Format::LdapSsha, 1)),
            Error::DecoyNotAccepted(Format::LdapSsha)
        ));
        assert!(matches!(
            refusal(DecoyClass::new(Format::Bcrypt, 0)),
            Error::DecoyMix
        ));
    }
}
