//! A connection of a tool's own, beside any pool: how it is made, and what its failures mean.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use tokio::time::timeout;

use super::dialect::ConnectionOf;
use super::{Dialect, Failure, SILENT, UNREACHED, failure, unreached};
use crate::error::Error;

/// One connection beside any pool, made and made ready as a pool's are.
pub(crate) async fn connect<D: Dialect>(
    dialect: &D,
    deadline: Duration,
) -> Result<ConnectionOf<D>, Error> {
    let connecting = async {
        let connection = dialect.options(deadline)?.connect().await;
        let mut connection = connection.map_err(|error| unreached::<D>(&error))?;
        let ready = D::ready(&mut connection, deadline).await;
        ready.map_err(|error| unreached::<D>(&error))?;
        Ok(connection)
    };
    let connected = timeout(CONNECTING, connecting).await;
    connected.map_err(|_| Error::Unavailable(SILENT))?
}

/// What it means that a look at the server failed.
pub(crate) fn look_failed<D: Dialect>(error: &sqlx::Error) -> Error {
    match failure::<D>(error) {
        Failure::Unavailable(reason) => Error::Unavailable(reason),
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
