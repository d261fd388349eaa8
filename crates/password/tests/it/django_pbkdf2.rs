//! PBKDF2 as Django writes it, of several implementations and of none.

use lychgate_password::{Format, Limits, Unusable};

use crate::family::{is_read, refusal, verifies};

/// Which of the two hash functions a hash names.
fn format_of(hash: &str) -> Format {
    if hash.starts_with("pbkdf2_sha1$") {
        Format::DjangoPbkdf2Sha1
    } else {
        Format::DjangoPbkdf2
    }
}

#[tokio::test]
async fn hashes_of_other_implementations_verify() {
    for (right, hash) in [
        // Django 5.2.19, `make_password`, then `PBKDF2PasswordHasher` and `PBKDF2SHA1PasswordHasher`.
        (
            "correct horse",
            "pbkdf2_sha256$1000000$kBs5BNmB4gFc997EDU8ecY$J41WOJKPc4iA+8Na9StP1dGXHv+44DThnkpwiylXLT0=",
        ),
        (
            "pässwörd",
            "pbkdf2_sha256$1000$salt1234$NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFI=",
        ),
        (
            "correct horse",
            "pbkdf2_sha1$1000$seasalt2$z8uI+Wl4zj9ngVTOBcFxL2SxGng=",
        ),
        // passlib 1.7.4, `django_pbkdf2_sha256`.
        (
            "correct horse",
            "pbkdf2_sha256$1000$9kBGAXpkGa2H$8084Q+DX13KdsGWKX9nqgQl0vBHtIUjKVj7Sa2vIroM=",
        ),
    ] {
        assert!(verifies(format_of(hash), right, hash).await, "{hash}");
        assert!(
            !verifies(format_of(hash), "wrong horse", hash).await,
            "{hash}"
        );
    }
}

#[test]
fn the_cost_names_hash_function_and_iterations() {
    let hash = "pbkdf2_sha1$1000$seasalt2$z8uI+Wl4zj9ngVTOBcFxL2SxGng=";
    for (pbkdf2_iterations, expected) in [(1000, None), (999, Some(Unusable::TooCostly))] {
        let limits = Limits {
            pbkdf2_iterations,
            ..Limits::default()
        };
        let format = Format::DjangoPbkdf2Sha1;
        assert_eq!(refusal(format, limits, hash), expected);
    }
    assert!(!is_read(Format::DjangoPbkdf2, hash));
}

#[test]
fn what_no_library_writes_is_malformed() {
    let digest = "NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFI=";
    let long = "s".repeat(129);
    for malformed in [
        "pbkdf2_sha256$".to_owned(),
        "pbkdf2_sha256$1000$salt".to_owned(),
        format!("pbkdf2_sha256$0$salt${digest}"),
        format!("pbkdf2_sha256$01000$salt${digest}"),
        format!("pbkdf2_sha256$-1$salt${digest}"),
        format!("pbkdf2_sha256$99999999999$salt${digest}"),
        format!("pbkdf2_sha256$1000$${digest}"),
        format!("pbkdf2_sha256$1000$sa lt${digest}"),
        format!("pbkdf2_sha256$1000$sält${digest}"),
        format!("pbkdf2_sha256$1000${long}${digest}"),
        format!("pbkdf2_sha256$1000$salt$salt${digest}"),
        format!("pbkdf2_sha1$1000$salt${digest}"),
        "pbkdf2_sha256$1000$salt$z8uI+Wl4zj9ngVTOBcFxL2SxGng=".to_owned(),
        // Without its padding, and with stray bits before it.
        "pbkdf2_sha256$1000$salt$NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFI".to_owned(),
        "pbkdf2_sha256$1000$salt$NKCJktQe9kgT9mxQXwUWTjm7p4NbTIaznn5HeY7FeFJ=".to_owned(),
        format!("pbkdf2_sha512$1000$salt${digest}"),
    ] {
        for format in [Format::DjangoPbkdf2, Format::DjangoPbkdf2Sha1] {
            assert!(!is_read(format, &malformed), "{malformed}");
        }
    }
}
