//! From a socket to a request with a known peer.
