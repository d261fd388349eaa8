//! The permission to look up is none to delete.

use lychgate_gateway::operations::{Delete, DeleteInput, Lookup, Operation};
use lychgate_gateway::{Authorized, Legacy};

async fn call(permission: Authorized<Lookup>, input: DeleteInput, legacy: &Legacy) {
    let _ = Delete::run(permission, input, legacy).await;
}

fn main() {}
