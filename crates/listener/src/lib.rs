//! From a socket to a request with a known peer.
//!
//! The first room of the way: a connection is accepted, its peer is held against the allowlist before a single byte is
//! read, TLS is spoken, and requests over HTTP/1.1 or HTTP/2 come out, each with the proof that its peer was admitted.
//!
//! ```text
//! socket ─accept→ Peer ─allowlist→ AdmittedPeer ─tls→ request          stop ─drain→ Drained
//!              └─client_address→┘
//! ```
//!
//! What an attacker wants here is to be heard from a network that is not allowed, or to hold on to what others need:
//! descriptors, memory, time. So every wait in this crate has a deadline and every collection has a bound; they are all
//! in [`Limits`].

mod accept;
mod peer;
mod client_address;
mod networks;
pub mod allowlist;
mod client_certificate;
mod tls;
mod handshake;
mod serve;
mod welcome;
mod activity;
mod drain;
mod live;
mod limits;
mod counters;
mod error;

pub use accept::Listener;
pub use allowlist::{AdmittedPeer, Allowlist, AnyNetwork};
pub use client_address::{ForwardedField, TrustedProxies, Untold};
pub use client_certificate::{CertificateThumbprint, ClientCertificates, Demand};
pub use counters::Counters;
pub use drain::Drained;
pub use error::Error;
pub use handshake::HandshakeFault;
pub use limits::Limits;
pub use live::Live;
pub use peer::Peer;
pub use serve::LastAnswer;
pub use tls::{MutualTls, Proven, Tls, Transport};
