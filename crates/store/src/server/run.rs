//! One run of a statement on one connection: as a read, or as a transaction of its own.
//! Whoever comes next on that connection finds it as if nobody had been there, or does not find it.

use std::time::Instant;

use sqlx::{Connection as _, Database};
use tokio::time::timeout_at;

use super::dialect::{ConnectionOf, Dialect, Failure, RowOf, failure};
use super::pool::{Lease, Pool};
use crate::answer::Answer;
use crate::error::Error;
use crate::prepare::Prepared;
use crate::row::Written;
use crate::statement::StatementName;

/// Runs a statement that reads; its connection is sound afterwards, or not.
pub(super) async fn read_once<D: Dialect>(
    pool: &Pool<D>,
    mut lease: Lease<D>,
    prepared: &Prepared<D::Signature>,
    arguments: <D::Database as Database>::Arguments,
) -> Result<Answer<RowOf<D>>, Failure> {
    lease.is_sound = false;
    let connection = lease.connection()?;
    let (dialect, is_pooled) = (&pool.dialect, pool.dialect.is_pooled());
    let answered = if is_pooled {
        read_in_transaction(pool, connection, prepared, arguments).await
    } else {
        dialect.run(connection, prepared, arguments).await
    };
    lease.is_sound = match &answered {
        // What was not read of too many rows would have to be read before the next statement.
        Ok(answer) => answer.is_complete(),
        Err(failure) => failure.is_answer() && !is_pooled,
    };
    answered
}

async fn read_in_transaction<D: Dialect>(
    pool: &Pool<D>,
    connection: &mut ConnectionOf<D>,
    prepared: &Prepared<D::Signature>,
    arguments: <D::Database as Database>::Arguments,
) -> Result<Answer<RowOf<D>>, Failure> {
    let lost = |error| failure::<D>(&error);
    let begin = pool.dialect.begin(false, pool.deadline);
    let mut transaction = connection.begin_with(begin).await.map_err(lost)?;
    let answer = pool
        .dialect
        .run(&mut transaction, prepared, arguments)
        .await?;
    if answer.is_complete() {
        transaction.commit().await.map_err(lost)?;
    }
    Ok(answer)
}

/// Why a write did not come to its end.
pub(super) enum NotDone {
    /// It failed before its `commit`.
    Failed(Failure),
    /// We would not commit it.
    Refused(Error),
    /// Its `commit` was sent, and nobody knows what became of it.
    Unknown,
}

/// Runs a statement that writes, and commits it if it matched no more than one row.
pub(super) async fn transact<D: Dialect>(
    pool: &Pool<D>,
    connection: &mut ConnectionOf<D>,
    name: StatementName,
    prepared: &Prepared<D::Signature>,
    arguments: <D::Database as Database>::Arguments,
) -> Result<Written, NotDone> {
    let (started, deadline) = (Instant::now(), pool.deadline);
    let statement = async {
        let begin = pool.dialect.begin(true, deadline);
        let transaction = connection.begin_with(begin).await;
        let mut transaction = transaction.map_err(|error| failure::<D>(&error))?;
        let answer = pool
            .dialect
            .run(&mut transaction, prepared, arguments)
            .await?;
        Ok((transaction, answer))
    };
    let until = started + deadline.mul_f64(SHARE_OF_STATEMENT);
    let (transaction, answer) = timeout_at(until.into(), statement)
        .await
        .map_err(|_| NotDone::Failed(Failure::TooSlow))?
        .map_err(NotDone::Failed)?;
    let matched = answer.matched();
    if matched > 1 {
        return Err(NotDone::Refused(Error::Ambiguous(name)));
    }
    // A row that the database did not announce when the statement was prepared is nobody's.
    let row = match prepared.statement.columns() {
        [] => None,
        _ => answer.the_row(name, D::row).map_err(NotDone::Refused)?,
    };
    let committed = timeout_at((started + deadline).into(), transaction.commit()).await;
    match committed.map(|done| done.map_err(|error| failure::<D>(&error))) {
        Ok(Ok(())) => Ok(Written { matched, row }),
        Err(_) | Ok(Err(Failure::Lost | Failure::TooSlow)) => Err(NotDone::Unknown),
        Ok(Err(failure)) => Err(NotDone::Failed(failure)),
    }
}

/// How much of a write's deadline the statement may use; the rest is for its `commit`.
pub(crate) const SHARE_OF_STATEMENT: f64 = 0.75;
