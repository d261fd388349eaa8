//! One format alone, as the tests of each family ask it.

use std::time::Duration;

use lychgate_password::{Error, Format, Limits, Password, Pool, Settings, StoredHash, Unusable};

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned()).unwrap()
}

pub(crate) fn stored(text: &str) -> StoredHash {
    StoredHash::new(text.to_owned()).unwrap()
}

/// What a text begins with, so many bytes of it.
pub(crate) fn first(bytes: usize, text: &str) -> &str {
    text.get(..bytes).unwrap()
}

/// A pool that accepts a format and writes it where it is written at all.
pub(crate) fn pool(format: Format, limits: Limits) -> Pool {
    let write = if format.is_writable() {
        format
    } else {
        Format::Argon2id
    };
    Pool::start(Settings {
        accept: vec![write, format],
        write,
        limits,
        threads: 1,
        queue_wait: Duration::from_mins(5),
        ..Settings::default()
    })
    .unwrap()
}

/// Whether a password is the one of a hash that is read.
pub(crate) async fn verifies(format: Format, text: &str, hash: &str) -> bool {
    let pool = pool(format, Limits::default());
    let parsed = pool.parse(&stored(hash)).ok().unwrap();
    assert_eq!(parsed.format(), format);
    pool.verify(password(text), None, parsed).await.unwrap()
}

/// A new hash of a password.
pub(crate) async fn compute(format: Format, text: &str) -> Result<String, Error> {
    let pool = pool(format, Limits::default());
    let hash = pool.hash(password(text)).await?;
    Ok(hash.expose_secret().to_owned())
}

/// Whether a text is a hash of the format, and worth any work where nothing is too much work.
pub(crate) fn is_read(format: Format, text: &str) -> bool {
    let limits = Limits {
        memory_kib: u32::MAX,
        argon2_passes: u32::MAX,
        lanes: u32::MAX,
        bcrypt_cost: u32::MAX,
        phpass_log2_rounds: u32::MAX,
        pbkdf2_iterations: u32::MAX,
        sha_crypt_rounds: u32::MAX,
        des_crypt_rounds: u32::MAX,
        scrypt_kib: u64::MAX,
        expression_rounds: u32::MAX,
    };
    let is_taken_in = match pool(format, limits).parse(&stored(text)) {
        Ok(_) | Err(Unusable::TooCostly) => true,
        Err(_) => false,
    };
    assert_eq!(format.fits(&stored(text)), is_taken_in, "{text}");
    is_taken_in
}

/// Why a hash is refused under some limits, from its text alone.
pub(crate) fn refusal(format: Format, limits: Limits, text: &str) -> Option<Unusable> {
    let pool = pool(format, limits);
    let refusal = pool.parse(&stored(text)).err();
    assert_eq!(pool.invocations(), 0);
    refusal
}
