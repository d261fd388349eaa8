//! A real gateway over real sockets: a SQLite store, an issuer that publishes real keys, and every guard on the way.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test binary: what fails here is a failed test"
)]

mod issuer;
mod world;

mod admin;
mod allowlist;
mod audit;
mod authenticate;
mod bounds;
mod canary;
mod credentials;
mod idempotency;
mod identifiers;
mod keys;
mod lockout;
mod new_password;
mod ledger;
mod operations;
mod overload;
mod rates;
mod possession;
mod start;
mod tls;
mod tokens;
mod upgrade;
