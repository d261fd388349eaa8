//! bcrypt (Provos and Mazières, 1999): `$2b$12$`, 22 characters of salt, 31 of digest, in an alphabet of its own.
//! `2a`, `2b` and `2y` name mended bugs of some library each and mean the same for a password in UTF-8; `2x`, the name
//! for hashes made with one of the bugs, is not read.
//! Of a password the first 72 bytes count, also the first bytes of a cut character; a NUL inside it is a byte as any.
//! Libraries that stop at the NUL hash less than was typed, and such a hash does not verify here.

use base64::{
    Engine as _,
    alphabet::BCRYPT,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::NO_PAD},
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Cost, decode_array, random_salt};
use crate::{Error, Password};

/// What bcrypt reads of a password.
const PASSWORD_BYTES: usize = 72;

/// Binary logarithms of the rounds that the format knows.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// The cost of new hashes: 2¹² rounds.
const NEW_COST: u32 = 12;

const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// Old libraries left stray bits behind the salt's last byte; everyone ignores them, and they say nothing.
const BASE64_OF_SALT: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

pub(crate) struct Bcrypt {
    prefix: &'static str,
    cost: u32,
    salt: [u8; 16],
    digest: Zeroizing<[u8; 23]>,
}

impl Bcrypt {
    const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

    pub(super) fn identify(text: &str) -> bool {
        Self::PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let prefix = Self::PREFIXES
            .into_iter()
            .find(|prefix| text.starts_with(prefix))?;
        let (cost, rest) = text.strip_prefix(prefix)?.split_once('$')?;
        if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let cost = cost.parse().ok().filter(|cost| COSTS.contains(cost))?;
        let (salt, digest) = rest.split_at_checked(22)?;
        Some(Self {
            prefix,
            cost,
            salt: *decode_array(&BASE64_OF_SALT, salt)?,
            digest: decode_array(&BASE64, digest)?,
        })
    }

    /// A hash that says nothing; `None` at a cost that the format does not know.
    pub(super) fn blank(cost: u32) -> Option<Self> {
        COSTS.contains(&cost).then(|| Self {
            prefix: "$2b$",
            cost,
            salt: [0; 16],
            digest: Zeroizing::new([0; 23]),
        })
    }

    /// Refuses a password of which bcrypt would read only a part, so that no account can later be opened with less
    /// than was chosen; and one with a NUL, where other libraries would stop.
    pub(super) fn covers(password: &Password) -> Result<(), Error> {
        let text = password.expose_secret();
        if text.len() > PASSWORD_BYTES {
            return Err(Error::PasswordTooLong {
                limit: PASSWORD_BYTES,
            });
        }
        if text.contains('\0') {
            return Err(Error::NulInPassword);
        }
        Ok(())
    }

    /// A hash at 2¹² rounds of a password that it covers.
    pub(super) fn compute(password: &Password) -> Result<Self, Error> {
        Self::covers(password)?;
        let salt = random_salt()?;
        Ok(Self {
            prefix: "$2b$",
            cost: NEW_COST,
            salt,
            digest: digest(NEW_COST, salt, password),
        })
    }

    pub(super) fn cost(&self) -> Cost {
        Cost::Bcrypt { cost: self.cost }
    }

    pub(super) fn verify(&self, password: &Password) -> bool {
        digest(self.cost, self.salt, password)
            .ct_eq(&*self.digest)
            .into()
    }

    pub(super) fn with_bytes(&self, fill: &mut impl FnMut(&mut [u8])) -> Self {
        let mut salt = [0; 16];
        let mut digest = Zeroizing::new([0; 23]);
        fill(&mut salt);
        fill(digest.as_mut_slice());
        Self {
            prefix: self.prefix,
            cost: self.cost,
            salt,
            digest,
        }
    }

    pub(super) fn encode(&self) -> String {
        let (salt, digest) = (BASE64.encode(self.salt), BASE64.encode(*self.digest));
        format!("{}{:02}${salt}{digest}", self.prefix, self.cost)
    }
}

fn digest(cost: u32, salt: [u8; 16], password: &Password) -> Zeroizing<[u8; 23]> {
    // The key is the password with C's closing NUL, as far as 72 bytes go.
    let mut key = Zeroizing::new(Vec::with_capacity(PASSWORD_BYTES));
    key.extend(
        password
            .expose_secret()
            .bytes()
            .chain([0])
            .take(PASSWORD_BYTES),
    );

    let [digest @ .., _] = ::bcrypt::bcrypt(cost, salt, &key);
    Zeroizing::new(digest)
}

#[cfg(test)]
mod tests {
    use super::Bcrypt;
    use crate::{Error, Password, format::Cost};

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    fn first(bytes: usize, text: &str) -> &str {
        text.get(..bytes).unwrap()
    }

    fn verifies(text: &str, hash: &str) -> bool {
        Bcrypt::parse(hash).unwrap().verify(&password(text))
    }

    #[test]
    fn hashes_of_other_implementations_verify() {
        for (right, hash) in [
            // crypt_blowfish 1.2 (Openwall), `wrapper.c`.
            (
                "U*U",
                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            ),
            (
                "U*U*",
                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
            ),
            (
                "U*U*U",
                "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a",
            ),
            // John the Ripper 1.7.9, as passlib 1.7.4 quotes it in `tests/test_handlers_bcrypt.py`.
            (
                "U*U***U*",
                "$2a$05$Fa0iKV3E2SYVUlMknirWU.CFYGvJ67UwVKI1E2FP6XeLiZGcH3MJi",
            ),
            // PHP 8.2.36, `password_hash(…, PASSWORD_BCRYPT, ["cost" => 5])`.
            (
                "correct horse battery staple",
                "$2y$05$Fh9osYxWgxAl1fOL5F2Fye3qJqRsgofpBMY.J35j1gSgr5ofglx0m",
            ),
            (
                "pässwörd",
                "$2y$05$zgHhn4re4iHwWED68soLyO1Al6YIXH8fzoPBvTa2X23FhHp/Lwti6",
            ),
            // bcrypt 4.0.1 of Python, `hashpw`.
            (
                "pässwörd",
                "$2a$05$DiPDuX4sx6Y1NJGFYC.88eyPcqROaCYDhEQCHFzU0eDlK6BiTEyg.",
            ),
            (
                "pässwörd",
                "$2b$05$SndlrKNswRAgkGS5SkK0WuvsgUcPV4i5u5ahyF6XxrawT3wXqGkn2",
            ),
        ] {
            assert!(verifies(right, hash), "{hash}");
            assert!(!verifies("U*U!", hash), "{hash}");
        }
    }

    #[test]
    fn only_the_first_72_bytes_of_a_password_count() {
        // crypt_blowfish 1.2, `wrapper.c`: "chars after 72 are ignored".
        let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let hash = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
        assert!(verifies(
            &format!("{letters}chars after 72 are ignored"),
            hash
        ));
        assert!(verifies(letters, hash));
        assert!(!verifies(first(71, letters), hash));

        // PHP 8.2.36 and bcrypt 4.0.1 of Python, from 80 characters.
        let eighty = "0123456789".repeat(8);
        for hash in [
            "$2y$05$Z5vEfzMXvrfdDHp6Av8.w.yQ9hFIzxiLeXNHV.DRUTP4y7xKHkwga",
            "$2b$04$7NQVNd6u6A0NDGfvypm4JuPPpeTBECF/3YZr79A53DsmVAZFxyD5y",
        ] {
            assert!(verifies(&eighty, hash) && verifies(first(72, &eighty), hash));
            assert!(!verifies(first(71, &eighty), hash));
        }
        assert!(verifies(
            first(71, &eighty),
            "$2b$04$7NQVNd6u6A0NDGfvypm4JupW2S6G/wxTvd1X5HWn.0RME7bqgJRAG"
        ));
        // bcrypt 4.0.1 of Python, from 40 letters of two bytes each.
        assert!(verifies(
            &"ü".repeat(40),
            "$2b$04$7NQVNd6u6A0NDGfvypm4JuCbJ8dAhEZ8nsfqxru04ktDZrp29SWXO"
        ));
    }

    #[test]
    fn a_nul_in_a_password_is_a_byte_and_not_its_end() {
        // bcrypt 4.0.1 of Python: b"abc\0def", then b"abc", which is all that PHP would read of the former.
        let whole = "$2b$04$7NQVNd6u6A0NDGfvypm4Jur4rX0kRYqF9prq/jqdOxU3sbAgzV4..";
        let cut = "$2b$04$7NQVNd6u6A0NDGfvypm4JulBb1TSdObJJ37piy7FwXNfDAJ5Kck2i";
        assert!(verifies("abc\0def", whole) && !verifies("abc", whole));
        assert!(verifies("abc", cut) && !verifies("abc\0def", cut));
    }

    #[test]
    fn stray_bits_behind_a_salt_are_ignored_and_not_written_again() {
        // passlib 1.7.4, `tests/test_handlers_bcrypt.py`, `known_incorrect_padding`.
        let stray = "$2a$04$oaQbBqq8JnSM1NHRPQGXORY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO";
        let clean = "$2a$04$oaQbBqq8JnSM1NHRPQGXOOY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO";
        assert!(verifies("test", stray) && verifies("test", clean));
        assert_eq!(Bcrypt::parse(stray).unwrap().encode(), clean);
    }

    #[test]
    fn a_password_that_would_be_cut_is_not_hashed() {
        let refusal = |text: &str| Bcrypt::compute(&password(text)).err().unwrap();
        assert!(matches!(
            refusal(&"a".repeat(73)),
            Error::PasswordTooLong { limit: 72 }
        ));
        assert!(matches!(
            refusal(&"ü".repeat(37)),
            Error::PasswordTooLong { limit: 72 }
        ));
        assert!(matches!(refusal("abc\0def"), Error::NulInPassword));
    }

    #[test]
    fn a_password_of_72_bytes_is_hashed_whole() {
        let longest = "a".repeat(72);
        let hash = Bcrypt::compute(&password(&longest)).unwrap().encode();
        assert!(hash.starts_with("$2b$12$"));
        assert!(verifies(&longest, &hash));
        assert!(!verifies(first(71, &longest), &hash));
    }

    #[test]
    fn what_no_library_writes_is_malformed() {
        let payload = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        let parsed = Bcrypt::parse(&format!("$2y$31${payload}")).unwrap();
        assert_eq!(parsed.cost(), Cost::Bcrypt { cost: 31 });
        for malformed in [
            "$2a$".to_owned(),
            "$2a$05$".to_owned(),
            format!("$2x$05${payload}"),
            format!("$2$05${payload}"),
            format!("$2a$5${payload}"),
            format!("$2a$+5${payload}"),
            format!("$2a$03${payload}"),
            format!("$2a$32${payload}"),
            format!("$2a$005${payload}"),
            format!("$2a$05${}", first(52, payload)),
            format!("$2a$05${payload}a"),
            format!("$2a$05${payload}="),
            format!("$2a$05${}!", first(52, payload)),
            format!("$2a$05${}ü", first(51, payload)),
            format!("$2a$05${}ü{}", first(21, payload), "E".repeat(30)),
            // Stray bits behind the digest, which no library leaves.
            format!("$2a$05${}X", first(52, payload)),
        ] {
            assert!(Bcrypt::parse(&malformed).is_none(), "{malformed}");
        }
    }
}
