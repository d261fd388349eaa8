//! An operation asks for a caller who is proven: none is authorized before.

use lychgate_gateway::operations::Lookup;
use lychgate_gateway::{Authorized, Caller};

fn authorized(caller: Caller) -> Authorized<Lookup> {
    caller.into()
}

fn main() {}
