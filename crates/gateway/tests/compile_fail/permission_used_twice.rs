//! A permission is for one run.

use lychgate_gateway::operations::Lookup;
use lychgate_gateway::Authorized;

fn twice(permission: Authorized<Lookup>) -> (Authorized<Lookup>, Authorized<Lookup>) {
    (permission.clone(), permission)
}

fn main() {}
