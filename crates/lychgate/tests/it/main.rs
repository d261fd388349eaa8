//! The real binary, over real sockets, in front of a real store.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test binary: what fails here is a failed test"
)]

mod support;

mod allowlist;
mod audit;
mod attack;
mod browser;
mod check;
mod columns;
mod commands;
mod config;
mod denial;
mod demo;
mod directory;
mod docs;
mod export;
mod evidence;
mod init;
mod ledger;
mod native;
mod node;
mod preflight;
mod password;
mod serve;
mod unlock;
