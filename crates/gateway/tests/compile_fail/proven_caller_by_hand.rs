//! Nobody but the proof of possession can prove a caller.

use lychgate_gateway::{Caller, ProvenCaller};

fn by_hand(caller: Caller) -> ProvenCaller {
    ProvenCaller { caller }
}

fn main() {}
