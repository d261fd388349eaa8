//! The constructor of a caller is not for everyone.

fn main() {
    let _ = lychgate_gateway::Caller::admit;
}
