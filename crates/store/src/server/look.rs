//! A connection of a tool's own, beside any pool: how it is made, and what its failures mean.

use std::time::Duration;

use super::dialect::ConnectionOf;
use super::pool;
use super::{Dialect, UNREACHED, failure, unavailable};
use crate::error::Error;
use crate::server::Failure;

/// One connection beside any pool, made and made ready as a pool's are.
pub(crate) async fn connect<D: Dialect>(
    dialect: &D,
    deadline: Duration,
) -> Result<ConnectionOf<D>, Error> {
    let connected = pool::connect(dialect, deadline, CONNECTING).await;
    connected.map_err(|failure| unavailable(&failure))
}

/// What it means that a look at the server failed.
pub(crate) fn look_failed<D: Dialect>(error: &sqlx::Error) -> Error {
    match failure::<D>(error) {
        failure @ (Failure::Refused | Failure::Unavailable(_)) => unavailable(&failure),
        Failure::Lost => Error::Unavailable(UNREACHED),
        Failure::TooSlow => Error::Unavailable(SLOW_LOOK),
        Failure::Other(code) => Error::Look(code),
        Failure::Unique | Failure::Constraint(_) | Failure::Unfit => {
            Error::Look("value".to_owned())
        }
    }
}

/// How long a tool waits for its connection.
const CONNECTING: Duration = Duration::from_secs(20);

const SLOW_LOOK: &str = "a look at it took longer than its deadline";
