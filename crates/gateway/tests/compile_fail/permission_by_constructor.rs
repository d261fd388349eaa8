//! The constructor of a permission is not for everyone.

use lychgate_gateway::Authorized;
use lychgate_gateway::operations::Lookup;

fn main() {
    let _ = Authorized::<Lookup>::of;
}
