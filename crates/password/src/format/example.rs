//! A hash of each family that says nothing, at any cost: what decoys are made like, and ambiguity is found by.

use base64::{Engine as _, engine::general_purpose::STANDARD};

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
    let alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let place = usize::try_from(log2_rounds).unwrap_or(usize::MAX);
    let rounds = alphabet.chars().nth(place).unwrap_or('!');
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
pub(super) fn yescrypt() -> String {
    format!("$y$j9T${}${}", ".".repeat(22), ".".repeat(43))
}

fn n(log2_n: u32) -> u32 {
    1_u32.checked_shl(log2_n).unwrap_or_default()
}
