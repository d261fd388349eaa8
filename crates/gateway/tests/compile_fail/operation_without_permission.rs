//! An operation asks for its permission.

use lychgate_gateway::operations::{Lookup, LookupInput, Operation};
use lychgate_gateway::{Caller, Legacy};

async fn call(caller: Caller, input: LookupInput, legacy: &Legacy) {
    let _ = Lookup::run(caller, input, legacy).await;
}

fn main() {}
