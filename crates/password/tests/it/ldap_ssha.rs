//! Salted SHA-1 of directories, of several implementations and of none.

use lychgate_password::Format;

use crate::family::{is_read, verifies};

#[tokio::test]
async fn hashes_of_other_implementations_verify() {
    for (right, hash) in [
        // OpenLDAP 2.5.13, `slappasswd -h '{SSHA}'`.
        ("correct horse", "{SSHA}XM1by3OszMhDbmnYV5OpKVqDNVeGIcPu"),
        ("pässwörd", "{SSHA}v/tz5khEE5odGvj05DF9renyJ9cq/4cn"),
        // passlib 1.7.4, `tests/test_handlers.py`: salts of 4, 8, 15 and 16 bytes.
        ("testing123", "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr"),
        ("test", "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw=="),
        (
            "test",
            "{SSHA}/ZMF5KymNM+uEOjW+9STKlfCFj51bg3BmBNCiPHeW2ttbU0=",
        ),
        (
            "test",
            "{SSHA}Pfx6Vf48AT9x3FVv8znbo8WQkEVSipHSWovxXmvNWUvp/d/7",
        ),
    ] {
        assert!(verifies(Format::LdapSsha, right, hash).await, "{hash}");
        assert!(
            !verifies(Format::LdapSsha, "wrong horse", hash).await,
            "{hash}"
        );
    }
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case() {
    for hash in [
        "{ssha}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
        "{SsHa}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr",
    ] {
        assert!(is_read(Format::LdapSsha, hash));
        assert!(verifies(Format::LdapSsha, "testing123", hash).await);
    }
}

#[test]
fn what_no_directory_writes_is_malformed() {
    // 64 bytes of salt are the most.
    let most_salt = format!("{{SSHA}}{}", "A".repeat(112));
    assert!(is_read(Format::LdapSsha, &most_salt));
    let too_much_salt = format!("{{SSHA}}{}", "A".repeat(116));
    for malformed in [
        "{SSHA}",
        "{SSHA256}x1tymSTVjozxQ2PtT46ysrzhZxbcskK0o2f8hEFx7fAQQmhtDSEkJA==",
        // Twenty bytes leave no salt, ten no digest.
        "{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "{SSHA}AAAAAAAAAAAAAA==",
        // passlib 1.7.4, `tests/test_handlers.py`, `known_malformed_hashes`.
        "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOck",
        "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw=",
        "{SSHA}P90+qijSp8MJ1tN25j5o1Pf=UvlqjXHOGeOckw==",
        "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOck===",
        // Stray bits, the other alphabet, white space.
        "{SSHA}P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckx==",
        "{SSHA}P90-qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw==",
        "{SSHA} P90+qijSp8MJ1tN25j5o1PflUvlqjXHOGeOckw==",
        &too_much_salt,
    ] {
        assert!(!is_read(Format::LdapSsha, malformed), "{malformed}");
    }
}
