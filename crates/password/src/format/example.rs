//! A hash of each family that says nothing, at any cost: what decoys are made like, and ambiguity is found by.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The characters of crypt(3), each of which is its place.
const ALPHABET: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(super) fn argon2(kind: &str, memory_kib: u32) -> String {
    let (salt, digest) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2{kind}$v=19$m={memory_kib},t=2,p=1${salt}${digest}")
}

pub(super) fn bcrypt(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
}

pub(super) fn passlib_bcrypt(cost: u32) -> String {
    let (salt, digest) = (".".repeat(22), ".".repeat(31));
    format!("$bcrypt-sha256$v=2,t=2b,r={cost}${salt}${digest}")
}

pub(super) fn scrypt(log2_n: u32) -> String {
    let (salt, digest) = ("A".repeat(22), "A".repeat(43));
    format!("$scrypt$ln={log2_n},r=8,p=1${salt}${digest}")
}

pub(super) fn werkzeug_scrypt(log2_n: u32) -> String {
    format!(
        "scrypt:{}:8:1$aaaaaaaaaaaaaaaa${}",
        n(log2_n),
        "0".repeat(128)
    )
}

pub(super) fn django_scrypt(log2_n: u32) -> String {
    format!(
        "scrypt${}$aaaaaaaaaaaaaaaaaaaaaa$8$1${}",
        n(log2_n),
        STANDARD.encode([0; 64])
    )
}

pub(super) fn scrypt_columns(log2_n: u32) -> String {
    let (salt, digest) = (STANDARD.encode([0; 16]), STANDARD.encode([0; 32]));
    format!("SCRYPT:{}:8:1:{salt}:{digest}", n(log2_n))
}

pub(super) fn firebase(log2_n: u32) -> String {
    let (salt, digest) = (STANDARD.encode([0; 16]), STANDARD.encode([0; 64]));
    format!("$firescrypt$ln={log2_n},r=8,p=1${salt}${digest}$Bw==")
}

pub(super) fn cisco9(_: u32) -> String {
    format!("$9$aaaaaaaaaaaaaa${}", ".".repeat(43))
}

pub(super) fn aspnet_v2() -> String {
    STANDARD.encode([0; 49])
}

pub(super) fn aspnet_v3(iterations: u32) -> String {
    let numbers = [1, iterations, 16].map(u32::to_be_bytes).concat();
    STANDARD.encode([&[1], numbers.as_slice(), &[0; 48]].concat())
}

pub(super) fn phpass(prefix: &str, log2_rounds: u32, characters: usize) -> String {
    let place = usize::try_from(log2_rounds).unwrap_or(usize::MAX);
    let rounds = ALPHABET.chars().nth(place).unwrap_or('!');
    format!("{prefix}{rounds}........{}", ".".repeat(characters))
}

pub(super) fn sha_crypt(prefix: &str, rounds: u32, characters: usize) -> String {
    format!(
        "{prefix}rounds={rounds}$aaaaaaaaaaaaaaaa${}",
        ".".repeat(characters)
    )
}

pub(super) fn md5_crypt(prefix: &str) -> String {
    format!("{prefix}aaaaaaaa${}", ".".repeat(22))
}

/// At the cost that distributions set.
pub(super) fn yescrypt(prefix: &str) -> String {
    format!("{prefix}j9T${}${}", ".".repeat(22), ".".repeat(43))
}

pub(super) fn scrypt_crypt(log2_n: u32) -> String {
    let place = usize::try_from(log2_n).unwrap_or(usize::MAX);
    let n = ALPHABET.chars().nth(place).unwrap_or('!');
    format!("$7${n}6..../....aaaaaaaa${}", ".".repeat(43))
}

pub(super) fn spring_scrypt(log2_n: u32) -> String {
    let (salt, digest) = (STANDARD.encode([0; 64]), STANDARD.encode([0; 32]));
    format!("{{scrypt}}${:x}${salt}${digest}", log2_n << 16 | 0x0801)
}

pub(super) fn pbkdf2_389(iterations: u32) -> String {
    let bytes = [iterations.to_be_bytes().as_slice(), &[0; 320]].concat();
    format!("{{PBKDF2_SHA256}}{}", STANDARD.encode(bytes))
}

pub(super) fn sha1_crypt(rounds: u32) -> String {
    format!("$sha1${rounds}$aaaaaaaa${}", ".".repeat(28))
}

pub(super) fn des_crypt() -> String {
    ".".repeat(13)
}

pub(super) fn bsdi_crypt(rounds: u32) -> String {
    let character = |place: u32| {
        let value = usize::try_from(rounds >> (6 * place) & 63).unwrap_or_default();
        ALPHABET.chars().nth(value).unwrap_or('!')
    };
    let rounds = (0..4).map(character).collect::<String>();
    format!("_{rounds}{}", ".".repeat(15))
}

pub(super) fn magento(memory_kib: u32) -> String {
    let memory = u64::from(memory_kib) * 1024;
    format!("{}:aaaaaaaaaaaaaaaa:3_32_2_{memory}", "0".repeat(64))
}

/// Sixteen digits of hexadecimal, which say nothing of what they are of.
pub(super) fn hexadecimal() -> String {
    "0".repeat(16)
}

pub(super) fn mysql_sha2(rounds: u32) -> String {
    format!(
        "$A${:03X}${}{}",
        rounds / 1_000,
        "a".repeat(20),
        ".".repeat(43)
    )
}

fn n(log2_n: u32) -> u32 {
    1_u32.checked_shl(log2_n).unwrap_or_default()
}
