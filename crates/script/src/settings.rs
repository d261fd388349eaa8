//! What a container's owner decides: what its scripts are told, whom they may call, and how much they may use.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::OutboundHost;

/// Settings of one container.
///
/// Has no `Debug`: `configuration` holds the scripts' secrets.
#[derive(Clone)]
pub struct Settings {
    /// What scripts see, frozen, as `configuration`.
    pub configuration: BTreeMap<String, String>,
    /// The hosts that scripts may call; none by default.
    pub outbound_hosts: Vec<OutboundHost>,
    /// How long one call may take, waiting included; at most an hour. The platform's 20 s by default.
    pub timeout: Duration,
    /// Calls in flight at once; one more is refused.
    pub calls: usize,
    /// Memory of one instance, in bytes.
    pub memory_bytes: usize,
    /// Stack of one instance, in bytes.
    pub stack_bytes: usize,
    /// Size of a call's result as JSON, in bytes.
    pub result_bytes: usize,
    /// An instance that ran nothing for so long is ended.
    pub idle: Duration,
    /// An instance that is so old takes no further call. Scripts are told to expect at most 20 minutes.
    pub age: Duration,
    /// Bounds of a call's own outbound calls.
    pub outbound: OutboundBounds,
}

/// How much a script may ask of others.
#[derive(Clone, Copy, Debug)]
pub struct OutboundBounds {
    /// Requests of one call, redirects not counted.
    pub calls: usize,
    /// Requests of one container at once; the next ones wait for their turn.
    pub at_once: usize,
    /// How long one request may take, its turn, redirects and body included.
    pub timeout: Duration,
    /// Size of a request's body, in bytes.
    pub request_bytes: usize,
    /// Size of a response's body, in bytes.
    pub response_bytes: usize,
    /// Redirects that one request may follow, each to a listed host.
    pub redirects: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            configuration: BTreeMap::new(),
            outbound_hosts: Vec::new(),
            timeout: Duration::from_secs(20),
            calls: 256,
            memory_bytes: 64 * 1024 * 1024,
            stack_bytes: 512 * 1024,
            result_bytes: 1024 * 1024,
            idle: Duration::from_mins(5),
            age: Duration::from_mins(20),
            outbound: OutboundBounds::default(),
        }
    }
}

impl Default for OutboundBounds {
    fn default() -> Self {
        Self {
            calls: 50,
            at_once: 64,
            timeout: Duration::from_secs(20),
            request_bytes: 1024 * 1024,
            response_bytes: 1024 * 1024,
            redirects: 5,
        }
    }
}
