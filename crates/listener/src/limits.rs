//! Every bound of this crate in one place.
//!
//! An attacker's cheapest way is to hold on to things; each of these says for how long, or how many.

use std::time::Duration;

/// Every bound of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once; one more is closed as soon as it is accepted.
    pub connections: usize,
    /// From accept to the end of the TLS handshake; and before it, where a proxy introduces the client, to the end of the
    /// PROXY header.
    pub tls_handshake: Duration,
    /// From the start of HTTP on a connection to the end of its first request's head.
    pub header_read: Duration,
    /// How long a connection stays without a request under way: from the last answer to the end of the next head.
    pub idle: Duration,
    /// How long a connection that is to end may take over its goodbyes (HTTP/2 `GOAWAY`, TLS `close_notify`, the rest of
    /// an answer's body) once no request is under way on it.
    pub linger: Duration,
    /// Bytes of a request's head that whoever answers means to take. HTTP itself is bounded at twice this
    /// (8 KiB at least), so that what lies between can be answered in the answerer's own words; beyond that the client
    /// gets a bare 431.
    pub header_bytes: usize,
    /// Header fields of a request that whoever answers means to take. Over HTTP/1.1 bounded at twice this in the same
    /// way; over HTTP/2, where a field counts 32 bytes and its text (RFC 9113 §10.5.1), the bytes bound the fields too.
    pub headers: usize,
    /// Requests under way at once on one HTTP/2 connection.
    pub http2_streams: u32,
    /// How long a stop waits for what runs before it cuts.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            tls_handshake: Duration::from_secs(10),
            header_read: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            linger: Duration::from_secs(5),
            header_bytes: 16 * 1024,
            headers: 64,
            http2_streams: 64,
            drain: Duration::from_secs(25),
        }
    }
}
