//! Nobody but the verification can make a verified token.

use lychgate_token::VerifiedToken;

fn by_hand() -> VerifiedToken {
    VerifiedToken {}
}

fn main() {}
