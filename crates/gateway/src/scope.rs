//! What the caller may do: one scope for each operation.
//!
//! A [`ProvenCaller`] comes in; [`Authorized`] goes on, which proves that this caller's token names this operation and
//! no other. An attacker holds a token with a lesser scope and wants the greater operation.

use std::marker::PhantomData;

use crate::caller::Caller;
use crate::operations::Operation;
use crate::possession::ProvenCaller;
use crate::problem::Problem;

/// The permission to run one operation. It cannot be copied, and the one of another operation does not fit;
/// [`Authorized::of`] makes it, and nothing else.
#[derive(Debug)]
pub struct Authorized<O> {
    caller: ProvenCaller,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> Authorized<O> {
    /// Step 6 of what makes a token good: its scope names the operation (RFC 6750 §3.1 otherwise).
    pub(crate) fn of(caller: ProvenCaller) -> Result<Self, Problem> {
        if caller.caller().scope().contains(O::SCOPE) {
            Ok(Self {
                caller,
                operation: PhantomData,
            })
        } else {
            Err(Problem::InsufficientScope { scope: O::SCOPE })
        }
    }

    /// Who is authorized.
    pub fn caller(&self) -> &Caller {
        self.caller.caller()
    }
}
