//! Nobody but `scope.rs` can put a permission together.

use std::marker::PhantomData;

use lychgate_gateway::operations::Lookup;
use lychgate_gateway::{Authorized, Caller};

fn by_hand(caller: Caller) -> Authorized<Lookup> {
    Authorized { caller, operation: PhantomData }
}

fn main() {}
