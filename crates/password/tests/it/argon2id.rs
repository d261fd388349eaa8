//! Argon2id, of the reference implementation and of nobody.

use lychgate_password::{Format, Limits, Unusable};

use crate::family::{compute, is_read, refusal, verifies};

/// Made with argon2-cffi 25.1.0 (the reference implementation in C), `low_level.hash_secret`.
const VECTORS: [(&str, &str); 6] = [
    (
        "correct horse",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$oVLnFW4Vdd+KZaNyuHNZYDlTeeRDSkyoACLFGAAhgLc",
    ),
    (
        "correct horse",
        "$argon2id$v=19$m=256,t=3,p=4$c29tZXNhbHQxMjM0NTY3OA$uYZHFaKXitWyIBwhY2ODZx+z3Oa2fAWpxSs9Kvw1BFw",
    ),
    (
        "correct horse",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$2C6qlKKmJfo4vGGOpZbqYKKaduI1U2cFcbG4VpCffeU",
    ),
    // The same without its version: `low_level.verify_secret` takes it for version 16, too.
    (
        "correct horse",
        "$argon2id$m=256,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$2C6qlKKmJfo4vGGOpZbqYKKaduI1U2cFcbG4VpCffeU",
    ),
    (
        "pässwörd",
        "$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHQ$YBQ2+0xK9Wj5vXhn8/YYbLgL5k1SrJbMpN2kIayTEsnXkHHFLRglx4AWRemKx0Jd+KiTxqVbI69p1a0ixNAEog",
    ),
    (
        "x",
        "$argon2id$v=19$m=8,t=1,p=1$MTIzNDU2NzgxMjM0NTY3ODEyMzQ1Njc4MTIzNDU2NzgxMjM0NTY3ODEyMzQ1Njc4$Ux0doE66NDiOVMOTA+1W9g",
    ),
];

#[tokio::test]
async fn hashes_of_the_reference_implementation_verify() {
    for (right, hash) in VECTORS {
        assert!(verifies(Format::Argon2id, right, hash).await, "{hash}");
        assert!(
            !verifies(Format::Argon2id, "wrong horse", hash).await,
            "{hash}"
        );
    }
}

#[test]
fn the_cost_is_known_before_any_work() {
    let cost = Limits {
        memory_kib: 256,
        argon2_passes: 3,
        lanes: 4,
        ..Limits::default()
    };
    let (_, hash) = VECTORS[1];
    assert_eq!(refusal(Format::Argon2id, cost, hash), None);
    for below in [
        Limits {
            memory_kib: 255,
            ..cost
        },
        Limits {
            argon2_passes: 2,
            ..cost
        },
        Limits { lanes: 3, ..cost },
    ] {
        let refusal = refusal(Format::Argon2id, below, hash);
        assert_eq!(refusal, Some(Unusable::TooCostly), "{below:?}");
    }
}

#[tokio::test]
async fn a_new_hash_has_the_documented_cost_and_a_salt_of_its_own() {
    let one = compute(Format::Argon2id, "correct horse").await.unwrap();
    let two = compute(Format::Argon2id, "correct horse").await.unwrap();
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let salt = |hash: &str| hash.split('$').nth(4).unwrap().to_owned();
    assert_eq!(salt(&one).len(), 22);
    assert_ne!(salt(&one), salt(&two));
    assert!(verifies(Format::Argon2id, "correct horse", &one).await);
    assert!(!verifies(Format::Argon2id, "correct horsf", &one).await);
}

#[test]
fn what_no_library_writes_is_malformed() {
    let salt = "c29tZXNhbHQxMjM0NTY3OA";
    let digest = "oVLnFW4Vdd+KZaNyuHNZYDlTeeRDSkyoACLFGAAhgLc";
    assert!(is_read(
        Format::Argon2id,
        &format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}")
    ));
    for malformed in [
        "$argon2id$".to_owned(),
        "$argon2id$v=19$m=64,t=1,p=1$$".to_owned(),
        format!("$argon2id$v=18$m=64,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=019$m=64,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$t=1,m=64,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AA${salt}${digest}"),
        format!("$argon2id$v=19$m=064,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=+64,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=99999999999,t=1,p=1${salt}${digest}"),
        // Less memory than eight blocks a lane, no pass, no lane.
        format!("$argon2id$v=19$m=64,t=1,p=9${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=0${salt}${digest}"),
        // A salt, then a digest, that is too short or too long.
        format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${}${digest}", "AAAA".repeat(22)),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}$c2FsdA"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${}", "AAAA".repeat(22)),
        // Padding, stray bits, something after the end.
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}=={digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}==${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OB${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}="),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}$"),
    ] {
        assert!(!is_read(Format::Argon2id, &malformed), "{malformed}");
    }
}
