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
use zeroize::Zeroizing;

use super::{Parsed, Recipe};
use crate::{Error, Password, StoredHash, function::Bytes, text::random_salt};

/// What bcrypt reads of a password.
pub(crate) const PASSWORD_BYTES: usize = 72;

/// Binary logarithms of the rounds that the format knows.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// The cost of new hashes: 2¹² rounds.
const NEW_COST: u32 = 12;

const PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

/// Old libraries left stray bits behind the salt's last byte; everyone ignores them, and they say nothing.
const BASE64_OF_SALT: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bcrypt {
    /// The binary logarithm of the rounds.
    pub(crate) cost: u32,
}

impl Bcrypt {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let rest = PREFIXES
            .into_iter()
            .find_map(|prefix| text.strip_prefix(prefix))?;
        let (cost, rest) = rest.split_once('$')?;
        if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let cost = cost.parse().ok().filter(|cost| COSTS.contains(cost))?;
        let (salt, digest) = rest.split_at_checked(22)?;
        let salt = Zeroizing::new(BASE64_OF_SALT.decode(salt).ok()?);
        let digest = Zeroizing::new(BASE64.decode(digest).ok()?);
        (salt.len() == 16 && digest.len() == 23).then(|| Parsed {
            recipe: Recipe::Bcrypt(Self { cost }),
            salt,
            digest,
        })
    }

    /// Refuses a password of which bcrypt would read only a part, so that no account can later be opened with less
    /// than was chosen; and one with a NUL, where other libraries would stop.
    pub(crate) fn covers(password: &Password) -> Result<(), Error> {
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

    /// A new hash at 2¹² rounds of a password that bcrypt covers, with a salt from the system's random source.
    pub(crate) fn compute(password: &[u8]) -> Result<StoredHash, Error> {
        let salt: [u8; 16] = random_salt()?;
        let digest = Self { cost: NEW_COST }.derive(password, &salt)?;
        let (salt, digest) = (BASE64.encode(salt), BASE64.encode(&*digest));
        Ok(StoredHash::encoded(format!(
            "$2b${NEW_COST:02}${salt}{digest}"
        )))
    }

    pub(super) fn is_as_dear_as_new(self) -> bool {
        self.cost >= NEW_COST
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8]) -> Result<Bytes, Error> {
        // The key is the password with C's closing NUL, as far as 72 bytes go.
        let mut key = Zeroizing::new(Vec::with_capacity(PASSWORD_BYTES));
        key.extend(password.iter().copied().chain([0]).take(PASSWORD_BYTES));
        let salt = salt
            .try_into()
            .map_err(|_| Error::Internal("a bcrypt salt has not 16 bytes"))?;
        let [digest @ .., _] = ::bcrypt::bcrypt(self.cost, salt, &key);
        Ok(Zeroizing::new(digest.to_vec()))
    }
}

/// Bytes in bcrypt's characters.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}
