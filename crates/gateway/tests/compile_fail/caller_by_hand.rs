//! Nobody but `caller.rs` can put a caller together.

use lychgate_gateway::{Caller, ClientId};
use lychgate_listener::AdmittedPeer;

fn by_hand(peer: AdmittedPeer, client: ClientId) -> Caller {
    Caller { peer, client }
}

fn main() {}
