//! bcrypt, of several implementations and of none.

use lychgate_password::{Error, Format, Limits, Unusable};

use crate::family::{self, compute, first, is_read, password, refusal};

async fn verifies(text: &str, hash: &str) -> bool {
    family::verifies(Format::Bcrypt, text, hash).await
}

#[tokio::test]
async fn hashes_of_other_implementations_verify() {
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
        assert!(verifies(right, hash).await, "{hash}");
        assert!(!verifies("U*U!", hash).await, "{hash}");
    }
}

#[tokio::test]
async fn only_the_first_72_bytes_of_a_password_count() {
    // crypt_blowfish 1.2, `wrapper.c`: "chars after 72 are ignored".
    let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let hash = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
    assert!(verifies(&format!("{letters}chars after 72 are ignored"), hash).await);
    assert!(verifies(letters, hash).await);
    assert!(!verifies(first(71, letters), hash).await);

    // PHP 8.2.36 and bcrypt 4.0.1 of Python, from 80 characters.
    let eighty = "0123456789".repeat(8);
    for hash in [
        "$2y$05$Z5vEfzMXvrfdDHp6Av8.w.yQ9hFIzxiLeXNHV.DRUTP4y7xKHkwga",
        "$2b$04$7NQVNd6u6A0NDGfvypm4JuPPpeTBECF/3YZr79A53DsmVAZFxyD5y",
    ] {
        assert!(verifies(&eighty, hash).await && verifies(first(72, &eighty), hash).await);
        assert!(!verifies(first(71, &eighty), hash).await);
    }
    assert!(
        verifies(
            first(71, &eighty),
            "$2b$04$7NQVNd6u6A0NDGfvypm4JupW2S6G/wxTvd1X5HWn.0RME7bqgJRAG"
        )
        .await
    );
    // bcrypt 4.0.1 of Python, from 40 letters of two bytes each.
    assert!(
        verifies(
            &"ü".repeat(40),
            "$2b$04$7NQVNd6u6A0NDGfvypm4JuCbJ8dAhEZ8nsfqxru04ktDZrp29SWXO"
        )
        .await
    );
}

#[tokio::test]
async fn a_nul_in_a_password_is_a_byte_and_not_its_end() {
    // bcrypt 4.0.1 of Python: b"abc\0def", then b"abc", which is all that PHP would read of the former.
    let whole = "$2b$04$7NQVNd6u6A0NDGfvypm4Jur4rX0kRYqF9prq/jqdOxU3sbAgzV4..";
    let cut = "$2b$04$7NQVNd6u6A0NDGfvypm4JulBb1TSdObJJ37piy7FwXNfDAJ5Kck2i";
    assert!(verifies("abc\0def", whole).await && !verifies("abc", whole).await);
    assert!(verifies("abc", cut).await && !verifies("abc\0def", cut).await);
}

#[tokio::test]
async fn stray_bits_behind_a_salt_are_ignored() {
    // passlib 1.7.4, `tests/test_handlers_bcrypt.py`, `known_incorrect_padding`.
    let stray = "$2a$04$oaQbBqq8JnSM1NHRPQGXORY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO";
    let clean = "$2a$04$oaQbBqq8JnSM1NHRPQGXOOY4Vw3bdHKLIXTecPDRAcJ98cz1ilveO";
    assert!(verifies("test", stray).await && verifies("test", clean).await);
}

#[tokio::test]
async fn a_password_that_would_be_cut_is_not_hashed() {
    let pool = family::pool(Format::Bcrypt, Limits::default());
    for (text, limit) in [
        ("a".repeat(73), Some(72)),
        ("ü".repeat(37), Some(72)),
        ("abc\0def".to_owned(), None),
    ] {
        match (pool.hash(password(&text)).await.err().unwrap(), limit) {
            (Error::PasswordTooLong { limit: told }, Some(limit)) => assert_eq!(told, limit),
            (Error::NulInPassword, None) => {}
            (error, _) => panic!("{error}"),
        }
    }
    assert_eq!(pool.invocations(), 0);
}

#[tokio::test]
async fn a_password_of_72_bytes_is_hashed_whole() {
    let longest = "a".repeat(72);
    let hash = compute(Format::Bcrypt, &longest).await.unwrap();
    assert!(hash.starts_with("$2b$12$"));
    assert!(verifies(&longest, &hash).await);
    assert!(!verifies(first(71, &longest), &hash).await);
}

#[tokio::test]
async fn a_new_hash_has_a_salt_of_its_own() {
    let one = compute(Format::Bcrypt, "correct horse").await.unwrap();
    let two = compute(Format::Bcrypt, "correct horse").await.unwrap();
    assert_eq!((one.len(), two.len()), (60, 60));
    assert_ne!(first(29, &one), first(29, &two));
}

#[test]
fn what_no_library_writes_is_malformed() {
    let payload = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let dearest = format!("$2y$31${payload}");
    for (bcrypt_cost, expected) in [(31, None), (30, Some(Unusable::TooCostly))] {
        let limits = Limits {
            bcrypt_cost,
            ..Limits::default()
        };
        assert_eq!(refusal(Format::Bcrypt, limits, &dearest), expected);
    }
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
        assert!(!is_read(Format::Bcrypt, &malformed), "{malformed}");
    }
}
