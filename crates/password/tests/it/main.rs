//! The crate as its users see it, against hashes of other implementations.

#![expect(
    clippy::unwrap_used,
    reason = "a vector that cannot be read is a test that fails"
)]

mod hostile;
mod vectors;
