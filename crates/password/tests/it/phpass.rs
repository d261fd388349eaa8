//! The portable hashes of phpass, of several implementations and of none.

use lychgate_password::{Format, Limits, Unusable};

use crate::family::{is_read, refusal, verifies};

#[tokio::test]
async fn hashes_of_other_implementations_verify() {
    for (right, hash) in [
        // phpass 0.3 (Openwall), `test.php`.
        ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
        // John the Ripper 1.7.9, as passlib 1.7.4 quotes it in `tests/test_handlers.py`.
        ("test1", "$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00"),
        ("123456", "$H$9PE8jEklgZhgLmZl5.HYJAzfGCQtzi1"),
        ("thisisalongertestPW", "$P$912345678LIjjb6PhecupozNBmDndU0"),
        ("JohnRipper", "$P$B12345678L6Lpt4BxNotVIMILOa9u81"),
        // passlib 1.7.4, `tests/test_handlers.py`, and two made with it.
        ("compL3X!", "$P$FiS0N5L672xzQx1rt1vgdJQRYKnQM9/"),
        (
            "t\u{e1}\u{411}\u{2113}\u{259}",
            "$P$7SMy8VxnfsIy2Sxm7fJxDSdil.h7TW.",
        ),
        ("pässwörd", "$P$6QwxoXGwGE3HNoThwZBVTXovtPlBd/1"),
        ("correct horse", "$H$6dlEgL8kr.OfUKC2.b3kVfpWMa0MRT/"),
    ] {
        assert!(verifies(Format::Phpass, right, hash).await, "{hash}");
        assert!(!verifies(Format::Phpass, "test12346", hash).await, "{hash}");
    }
}

#[test]
fn the_cost_is_the_logarithm_of_the_rounds() {
    for (phpass_log2_rounds, expected) in [(13, None), (12, Some(Unusable::TooCostly))] {
        let limits = Limits {
            phpass_log2_rounds,
            ..Limits::default()
        };
        let hash = "$P$B12345678L6Lpt4BxNotVIMILOa9u81";
        assert_eq!(refusal(Format::Phpass, limits, hash), expected);
    }
}

#[test]
fn what_no_library_writes_is_malformed() {
    for malformed in [
        "$P$",
        "$P$9",
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L",
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L00",
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r!L0",
        "$P$9IQR!TwmfeRo7ud9Fh4E2PdI0S3r.L0",
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.Lü",
        // Rounds below 2⁷ and above 2³⁰, and no character for them at all.
        "$P$4IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
        "$P$TIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
        "$P$!IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
        // Stray bits behind the last byte.
        "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.Lz",
        "$S$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
    ] {
        assert!(!is_read(Format::Phpass, malformed), "{malformed}");
    }
}
