//! The crate as its users see it, against hashes of other implementations.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a vector that cannot be read is a test that fails"
)]

mod argon2id;
mod bcrypt;
mod django_pbkdf2;
mod family;
#[path = "../../../lychgate/tests/it/support/generated.rs"]
mod generated;
mod hostile;
mod ldap_ssha;
mod others;
mod phpass;
mod strictness;
mod vectors;
