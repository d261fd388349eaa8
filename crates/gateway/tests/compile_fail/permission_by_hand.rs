//! Nobody but `scope.rs` can put a permission together.

use std::marker::PhantomData;

use lychgate_gateway::operations::Lookup;
use lychgate_gateway::{Authorized, ProvenCaller};

fn by_hand(caller: ProvenCaller) -> Authorized<Lookup> {
    Authorized { caller, operation: PhantomData }
}

fn main() {}
