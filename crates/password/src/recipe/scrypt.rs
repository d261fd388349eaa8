//! scrypt (RFC 7914) as libraries and crypt(3) write it, with the binary logarithm of N or N itself; and Firebase's,
//! which encrypts a key of the project with what scrypt gives.

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};
use base64::{
    Engine as _,
    engine::{
        GeneralPurpose,
        general_purpose::{STANDARD, STANDARD_NO_PAD},
    },
};
use zeroize::Zeroizing;

use super::{Parsed, Recipe, Secrets, crypt, yescrypt};
use crate::{Error, function::Bytes, layout, text::decimal};

/// Lengths of digests that honest libraries write.
const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 16..=128;
const SALT_BYTES: std::ops::RangeInclusive<usize> = 1..=128;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scrypt {
    log2_n: u8,
    r: u32,
    p: u32,
}

impl Scrypt {
    /// PHC and passlib: `$scrypt$ln=16,r=8,p=1$salt$digest`, base64 without padding; Ory's, with it.
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let (costs, rest) = text.strip_prefix("$scrypt$ln=")?.split_once('$')?;
        let (log2_n, costs) = costs.split_once(",r=")?;
        let (r, p) = costs.split_once(",p=")?;
        let (salt, digest) = rest.split_once('$')?;
        // Ory writes N itself, which is more than any logarithm of it.
        let log2_n = decimal(log2_n)?;
        let log2_n = if log2_n < 64 {
            log2_n
        } else {
            log2(&log2_n.to_string())?
        };
        let recipe = Self::new(log2_n, r, p)?;
        let decode = |engine: GeneralPurpose| {
            let (salt, digest) = (engine.decode(salt).ok()?, engine.decode(digest).ok()?);
            Some((salt, digest))
        };
        let (salt, digest) = decode(STANDARD_NO_PAD).or_else(|| decode(STANDARD))?;
        recipe.parsed(salt, digest)
    }

    /// Werkzeug: `scrypt:32768:8:1$salt$digest`, the salt as text, the digest in hexadecimal.
    pub(crate) fn parse_werkzeug(text: &str) -> Option<Parsed> {
        let (costs, rest) = text.strip_prefix("scrypt:")?.split_once('$')?;
        let [n, r, p] = *costs.split(':').collect::<Vec<_>>() else {
            return None;
        };
        let (salt, digest) = rest.split_once('$')?;
        Self::new(log2(n)?, r, p)?.parsed(salt_text(salt)?, layout::decode_hex(digest)?)
    }

    /// Django: `scrypt$16384$salt$8$1$digest`, the salt as text, the digest in base64.
    pub(crate) fn parse_django(text: &str) -> Option<Parsed> {
        let fields = text.strip_prefix("scrypt$")?.split('$').collect::<Vec<_>>();
        let [n, salt, r, p, digest] = *fields else {
            return None;
        };
        Self::new(log2(n)?, r, p)?.parsed(salt_text(salt)?, STANDARD.decode(digest).ok()?)
    }

    /// Of tools and columns put together: `SCRYPT:16384:8:1:salt:digest`, both in base64.
    pub(crate) fn parse_columns(text: &str) -> Option<Parsed> {
        let fields = text.strip_prefix("SCRYPT:")?.split(':').collect::<Vec<_>>();
        let [n, r, p, salt, digest] = *fields else {
            return None;
        };
        Self::new(log2(n)?, r, p)?
            .parsed(STANDARD.decode(salt).ok()?, STANDARD.decode(digest).ok()?)
    }

    /// crypt(3): `$7$`, a character for the binary logarithm of N, five each for r and p, the salt as text.
    pub(crate) fn parse_crypt(text: &str) -> Option<Parsed> {
        let (parameters, rest) = text.strip_prefix("$7$")?.split_at_checked(11)?;
        let values = parameters
            .bytes()
            .map(|character| crypt::value_of(character).map(u64::from));
        let values = values.collect::<Option<Vec<_>>>()?;
        let (log2_n, numbers) = values.split_first()?;
        let (r, p) = numbers.split_at_checked(5)?;
        let number = |values: &[u64]| {
            values
                .iter()
                .rev()
                .fold(0, |number, value| number << 6 | value)
        };
        let (salt, digest) = rest.split_once('$')?;
        let digest = yescrypt::decode(digest).filter(|digest| digest.len() == 32)?;
        let recipe = Self::of_numbers(*log2_n, number(r), number(p))?;
        recipe.parsed(salt_text(salt)?, digest.to_vec())
    }

    /// Spring Security: `{scrypt}$e0801$salt$digest`, the binary logarithm of N, r and p in hexadecimal, both others in
    /// base64; `{scrypt@SpringSecurity_v5_8}` likewise.
    pub(crate) fn parse_spring(text: &str) -> Option<Parsed> {
        let rest = layout::strip(text, "{scrypt}$")
            .or_else(|| layout::strip(text, "{scrypt@SpringSecurity_v5_8}$"))?;
        let [parameters, salt, digest] = *rest.split('$').collect::<Vec<_>>() else {
            return None;
        };
        let is_hex = parameters.bytes().all(|digit| digit.is_ascii_hexdigit());
        let parameters = u64::from_str_radix(parameters, 16)
            .ok()
            .filter(|_| is_hex)?;
        Self::of_numbers(parameters >> 16, parameters >> 8 & 0xff, parameters & 0xff)?
            .parsed(STANDARD.decode(salt).ok()?, STANDARD.decode(digest).ok()?)
    }

    /// Cisco's type 9: `$9$salt$digest`, the salt as text, at a fixed cost.
    pub(crate) fn parse_cisco(text: &str) -> Option<Parsed> {
        let (salt, digest) = text.strip_prefix("$9$")?.split_once('$')?;
        let digest = layout::decode_crypt(digest).filter(|digest| digest.len() == 32)?;
        Self::new(14, "1", "1")?.parsed(salt_text(salt).filter(|salt| salt.len() == 14)?, digest)
    }

    fn new(log2_n: u32, r: &str, p: &str) -> Option<Self> {
        Self::of_numbers(log2_n.into(), decimal(r)?.into(), decimal(p)?.into())
    }

    fn of_numbers(log2_n: u64, r: u64, p: u64) -> Option<Self> {
        let legal =
            (1..=40).contains(&log2_n) && (1..=1024).contains(&r) && (1..=1024).contains(&p);
        legal.then_some(Self {
            log2_n: u8::try_from(log2_n).ok()?,
            r: u32::try_from(r).ok()?,
            p: u32::try_from(p).ok()?,
        })
    }

    fn parsed(self, salt: Vec<u8>, digest: Vec<u8>) -> Option<Parsed> {
        let (salt, digest) = (Zeroizing::new(salt), Zeroizing::new(digest));
        let legal = SALT_BYTES.contains(&salt.len()) && DIGEST_BYTES.contains(&digest.len());
        legal.then_some(Parsed {
            recipe: Recipe::Scrypt(self),
            salt,
            digest,
        })
    }

    pub(super) fn derive(self, password: &[u8], salt: &[u8], bytes: usize) -> Result<Bytes, Error> {
        let parameters = ::scrypt::Params::new(self.log2_n, self.r, self.p)
            .map_err(|_| Error::Internal("scrypt takes parameters only when parsing them"))?;
        let mut digest = Zeroizing::new(vec![0; bytes]);
        ::scrypt::scrypt(password, salt, &parameters, &mut digest)
            .map_err(|_| Error::Internal("a scrypt digest has no bytes"))?;
        Ok(digest)
    }

    pub(crate) fn memory_kib(self) -> u32 {
        // 128 bytes times r for each of N blocks and p lanes.
        let bytes = ((u64::from(self.r) * 128) << self.log2_n) + u64::from(self.r * self.p) * 128;
        u32::try_from(bytes / 1024).unwrap_or(u32::MAX)
    }

    /// The binary logarithm of N, r, p.
    pub(crate) fn parameters(self) -> [u32; 3] {
        [u32::from(self.log2_n), self.r, self.p]
    }
}

/// Firebase: `$firescrypt$ln=14,r=8,p=1$salt$digest$separator`, all in base64; the signer key of the project is the
/// pepper, in base64 as the console shows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Firebase {
    pub(crate) scrypt: Scrypt,
}

impl Firebase {
    pub(crate) fn parse(text: &str) -> Option<Parsed> {
        let fields = text
            .strip_prefix("$firescrypt$ln=")?
            .split('$')
            .collect::<Vec<_>>();
        let [costs, salt, digest, separator] = *fields else {
            return None;
        };
        let (log2_n, costs) = costs.split_once(",r=")?;
        let (r, p) = costs.split_once(",p=")?;
        let scrypt = Scrypt::new(decimal(log2_n)?, r, p)?;
        let mut salt = STANDARD.decode(salt).ok()?;
        salt.extend(STANDARD.decode(separator).ok()?);
        let digest = STANDARD.decode(digest).ok()?;
        Some(Parsed {
            recipe: Recipe::Firebase(Self { scrypt }),
            ..scrypt.parsed(salt, digest)?
        })
    }

    pub(super) fn derive(&self, secrets: Secrets<'_>, salt: &[u8]) -> Result<Bytes, Error> {
        let unusable = |_| Error::Internal("the pepper of `firebase-scrypt` is not base64");
        let mut signer = STANDARD.decode(secrets.pepper).map_err(unusable)?;
        let key = self.scrypt.derive(secrets.password, salt, 32)?;
        let failed = |_| Error::Internal("AES-256 refuses a key of 32 bytes");
        let key = UnboundCipherKey::new(&AES_256, &key).map_err(failed)?;
        let context = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        EncryptingKey::ctr(key)
            .and_then(|key| key.less_safe_encrypt(&mut signer, context))
            .map_err(failed)?;
        Ok(Zeroizing::new(signer))
    }
}

/// The binary logarithm of a power of two.
fn log2(text: &str) -> Option<u32> {
    let n = decimal(text).filter(|n| n.is_power_of_two())?;
    Some(n.trailing_zeros())
}

fn salt_text(text: &str) -> Option<Vec<u8>> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    printable.then(|| text.as_bytes().to_vec())
}
