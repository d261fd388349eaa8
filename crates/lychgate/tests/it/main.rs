//! The real binary, over real sockets, in front of a real store.

mod support;

mod denial;
