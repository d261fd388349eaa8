//! Hashes that nobody knows the password of, for identifiers without a row, or with a row that cannot be verified.
//! An identifier comes in, and leaves as a stored hash that costs what a row of this store might cost: which of its
//! formats and costs is decided by a keyed digest of the identifier, so that asking twice costs the same.
//! An attacker wants to learn from the time of an answer who has an account.

use std::sync::{PoisonError, RwLock};

use aws_lc_rs::hmac;

use crate::{Error, Format, Settings, StoredHash, acceptance::Acceptance, mix::Mix};

/// One kind of decoy: a format, its cost, and how often it is chosen beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecoyClass {
    /// The format.
    pub format: Format,
    /// The cost in the unit of the format: KiB of memory for `argon2id` (in two passes and one lane), the binary
    /// logarithm of the rounds for `bcrypt` and `phpass`, iterations for `django-pbkdf2` (by SHA-256); `ldap-ssha` has
    /// none, whatever is here.
    pub cost: u32,
    /// The weight beside the other classes; a class of weight 0 waits for rows to be seen.
    pub weight: u32,
}

impl DecoyClass {
    /// A class at the [default cost](Format::default_cost) of its format.
    pub const fn new(format: Format, weight: u32) -> Self {
        Self {
            format,
            cost: format.default_cost(),
            weight,
        }
    }
}

/// Decoys for one store, under one secret key.
///
/// A decoy is well-formed and within the limits of the pool whose settings it was made for, so that verifying it is the
/// same work, and never a match. As long as the mix stays, an identifier has the same decoy; when rows seen shift
/// the mix, few identifiers get another.
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
        let acceptance = Acceptance::new(settings.accept.clone(), settings.limits);
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
        let acceptance = Acceptance::new(settings.accept.clone(), settings.limits);
        let kinds: Vec<_> = settings
            .accept
            .iter()
            .filter_map(|format| acceptance.blank(*format, format.default_cost()).ok())
            .map(|blank| (blank, 1))
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
    pub fn hash_for(&self, normalized_identifier: &str) -> StoredHash {
        let mix = self.mix.read().unwrap_or_else(PoisonError::into_inner);
        let blank = mix.choose(|label| number(self.digest(label, normalized_identifier)));

        let mut blocks = 0_u32;
        let fill = |bytes: &mut [u8]| {
            for chunk in bytes.chunks_mut(32) {
                let block = self.digest(&format!("bytes {blocks}"), normalized_identifier);
                blocks += 1;
                chunk
                    .iter_mut()
                    .zip(block)
                    .for_each(|(byte, random)| *byte = random);
            }
        };
        blank.with_bytes(fill).encode()
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
    use crate::{
        Error, Format, Limits, Password, Pool, Settings, StoredHash, Verdict, format::ParsedHash,
    };

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

    fn decoys(mix: &[DecoyClass]) -> Decoy {
        Decoy::new(&[7; 32], mix, &Settings::default()).unwrap()
    }

    fn text_for(decoys: &Decoy, identifier: &str) -> String {
        decoys.hash_for(identifier).expose_secret().to_owned()
    }

    /// The decoys of so many people who are not in the store.
    fn for_strangers(decoys: &Decoy, count: u32) -> impl Iterator<Item = StoredHash> {
        (0..count).map(|number| decoys.hash_for(&format!("stranger{number}@example.com")))
    }

    /// A row of the store, another one for each number.
    fn row(format: Format, cost: u32, number: u32) -> StoredHash {
        let blank = ParsedHash::blank(format, cost).unwrap();
        let fill = |bytes: &mut [u8]| {
            bytes
                .iter_mut()
                .zip(number.to_be_bytes())
                .for_each(|(byte, part)| *byte = part);
        };
        blank.with_bytes(fill).encode()
    }

    proptest! {
        #[test]
        fn an_identifier_always_has_the_same_decoy(identifier in any::<String>()) {
            let (one, other) = (decoys(&CHEAP), decoys(&CHEAP));
            let hash = text_for(&one, &identifier);
            prop_assert_eq!(&text_for(&one, &identifier), &hash);
            prop_assert_eq!(&text_for(&other, &identifier), &hash);
        }

        #[test]
        fn another_identifier_or_key_has_another_decoy(
            identifier in any::<String>(),
            other in any::<String>(),
        ) {
            prop_assume!(identifier != other);
            let rekeyed = Decoy::new(&[8; 32], &CHEAP, &Settings::default()).unwrap();
            let hash = text_for(&decoys(&CHEAP), &identifier);
            prop_assert_ne!(&text_for(&decoys(&CHEAP), &other), &hash);
            prop_assert_ne!(&text_for(&rekeyed, &identifier), &hash);
        }
    }

    #[test]
    fn decoys_follow_the_weights() {
        let mix = [
            DecoyClass::new(Format::Argon2id, 1),
            DecoyClass::new(Format::Bcrypt, 3),
        ];
        let bcrypt = for_strangers(&decoys(&mix), 4000)
            .filter(|hash| Format::identify(hash) == Some(Format::Bcrypt))
            .count();
        assert!((2900..3100).contains(&bcrypt), "{bcrypt} of 4000");
    }

    #[test]
    fn a_decoy_has_the_cost_of_its_class() {
        for (format, prefix) in [
            (Format::Argon2id, "$argon2id$v=19$m=19456,t=2,p=1$"),
            (Format::Bcrypt, "$2b$10$"),
            (Format::Phpass, "$P$B"),
            (Format::DjangoPbkdf2, "pbkdf2_sha256$600000$"),
            (Format::LdapSsha, "{SSHA}"),
        ] {
            let hash = text_for(&decoys(&[DecoyClass::new(format, 1)]), "ada@example.com");
            assert!(hash.starts_with(prefix), "{hash}");
        }
    }

    #[tokio::test]
    async fn every_decoy_is_one_computation_and_no_match() {
        let queue_wait = Duration::from_mins(1);
        let pool = Pool::start(Settings {
            queue_wait,
            ..Settings::default()
        })
        .unwrap();
        let mut formats = Vec::new();
        for (before, hash) in (0..).zip(for_strangers(&decoys(&CHEAP), 100)) {
            assert_eq!(pool.invocations(), before);
            formats.push(pool.inspect(&hash).unwrap());
            let password = Password::new("correct horse".to_owned()).unwrap();
            assert_eq!(pool.verify(password, hash).await.unwrap(), Verdict::NoMatch);
        }
        assert_eq!(pool.invocations(), 100);
        assert!(Format::ALL.iter().all(|format| formats.contains(format)));
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
            .filter(|hash| hash.expose_secret().starts_with(costs))
            .count();
        assert!(alike > 950, "{alike} of 1000");
    }

    #[test]
    fn a_guess_has_every_format_and_gives_way_to_the_first_rows() {
        let decoys = Decoy::guess(&[7; 32], &Settings::default()).unwrap();
        let formats = |decoys| -> Vec<_> {
            for_strangers(decoys, 1000)
                .filter_map(|hash| Format::identify(&hash))
                .collect()
        };
        let guessed = formats(&decoys);
        assert!(Format::ALL.iter().all(|format| guessed.contains(format)));
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
                .map(|hash| Format::identify(&hash))
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
        assert!(
            for_strangers(&decoys, 200)
                .all(|hash| Format::identify(&hash) == Some(Format::Argon2id))
        );
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
