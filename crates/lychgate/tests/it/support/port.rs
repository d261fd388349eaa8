//! Ports that a test names before anything listens on them.

use std::net::{Ipv4Addr, TcpListener};

use lychgate_token::random_bytes;

/// A port that nobody listens on, and the socket that keeps it so until it is dropped.
///
/// It lies below those that systems take for outgoing connections, so that no other test's can take it in between.
pub(crate) fn free_port() -> (u16, TcpListener) {
    let candidates =
        std::iter::repeat_with(|| 10_000 + u16::from_be_bytes(random_bytes().unwrap()) % 10_000);
    let mut bound = candidates.take(100).filter_map(|port| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?;
        Some((port, listener))
    });
    bound.next().expect("no port of loopback is free")
}
