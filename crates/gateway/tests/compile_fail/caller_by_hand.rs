//! Nobody but `caller.rs` can put a caller together.

use lychgate_gateway::{Caller, ClientId};
use lychgate_listener::AdmittedPeer;
use lychgate_token::Scope;

fn by_hand(peer: AdmittedPeer, client: ClientId, scope: Scope) -> Caller {
    Caller { peer, client, scope }
}

fn main() {}
