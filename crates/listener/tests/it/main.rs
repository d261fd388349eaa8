//! The listener over real sockets on loopback: one module a part of the way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "this is a test binary: what fails here is a failed test"
)]

mod served;
mod authority;
mod frames;
mod accept;
mod proxied;
mod tls;
mod mutual_tls;
mod http;
mod floods;
mod drain;
