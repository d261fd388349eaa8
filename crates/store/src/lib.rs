//! Legacy stores: the only crate that talks to one.
