//! A legacy store in a database server: a bounded pool, deadlines, and what is tried again and what never is.
//! What leaves here says truly whether anything was changed. An attacker wants to exhaust the connections: whoever waits
//! for one has a limit, whoever has one has a deadline, and while the server is down nobody waits at all.

mod dialect;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Connection, Database, Pool, SqlStr};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{timeout, timeout_at};

use self::dialect::{ConnectionOf, RowOf};
pub(crate) use self::dialect::{Dialect, Failure, Unfit, failure};
use crate::answer::Answer;
use crate::circuit::Circuit;
use crate::error::Error;
use crate::fit;
use crate::parameters::{Binding, Parameters};
use crate::prepare::{self, Prepared, Statements};
use crate::row::{Row, Written};
use crate::statement::{Statement, StatementName};
use crate::store::Settings;

/// An open server and its prepared statements.
pub(crate) struct Server<D: Dialect> {
    pool: Pool<D::Database>,
    /// One for each connection that there may be: the pool itself cannot tell a busy server from one that is gone.
    permits: Semaphore,
    statements: Statements<D::Signature>,
    circuit: Circuit,
    wait: Duration,
    deadline: Duration,
}

impl<D: Dialect> Server<D> {
    /// Connects, and prepares every statement.
    pub(crate) async fn open(dialect: &D, settings: &Settings) -> Result<Self, Error> {
        let deadline = settings.deadline;
        let pool = PoolOptions::<D::Database>::new()
            .max_connections(settings.connections)
            .acquire_timeout(settings.wait.min(deadline / 2))
            .test_before_acquire(false)
            .after_connect(move |connection, _| Box::pin(D::ready(connection, deadline)))
            .connect_lazy_with(dialect.options(deadline)?);
        let mut server = Self {
            pool,
            permits: Semaphore::new(usize::try_from(settings.connections).unwrap_or(usize::MAX)),
            statements: BTreeMap::new(),
            circuit: Circuit::default(),
            wait: settings.wait,
            deadline,
        };
        let opening = async {
            let mut lease = server.lease().await?;
            let connection = lease
                .connection()
                .map_err(|_| Error::Unavailable(UNREACHED))?;
            let mut tried = Vec::new();
            for (&name, sql) in &settings.statements {
                let prepared = match fit::fitting(name, sql) {
                    Ok(named) => D::prepare(connection, name, &named).await,
                    Err(flaw) => Err(flaw),
                };
                tried.push((name, prepared));
            }
            lease.is_sound = true;
            prepare::gathered(tried)
        };
        let opened = timeout(settings.wait + deadline * OPENING, opening).await;
        let statements = opened.map_err(|_| Error::Unavailable(SILENT))??;
        server.statements = statements;
        Ok(server)
    }

    /// The statement of an operation, if config defines it.
    pub(crate) fn statement(&self, name: StatementName) -> Option<&Statement> {
        self.statements
            .get(&name)
            .map(|prepared| &prepared.statement)
    }

    /// Runs a statement that only reads. If its connection breaks, it is run once more, on one that is proved to work.
    pub(crate) async fn read(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Option<Row>, Error> {
        let (prepared, bindings) = self.prepared(name, parameters)?;
        let arguments = || D::arguments(&prepared.signature, &bindings);
        let (first, second) = match (arguments(), arguments()) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(unfit), _) | (_, Err(unfit)) => {
                return unfit_is_nobody(name, prepared, &unfit).map(|()| None);
            }
        };
        self.circuit.admit(Instant::now())?;
        let _permit = self.permit().await?;
        let until = Instant::now() + self.deadline;
        let reading = async {
            let lease = self.lease().await?;
            match read_once::<D>(lease, prepared, first).await {
                Err(Failure::Lost) => {
                    let lease = self.proved_lease().await?;
                    Ok(read_once::<D>(lease, prepared, second).await)
                }
                answered => Ok(answered),
            }
        };
        let outcome = timeout_at(until.into(), reading)
            .await
            .map_err(|_| Error::Timeout(name))??;
        match outcome {
            Ok(answer) => {
                self.circuit.count_success();
                answer.the_row(name, D::row)
            }
            Err(Failure::Unfit) => Ok(None),
            Err(failure) => Err(self.error(name, failure)),
        }
    }

    /// Runs a statement that writes, as one transaction, once. Until `commit` is sent nothing has happened, and whatever
    /// goes wrong before that is undone; an unanswered `commit` leaves the outcome open.
    pub(crate) async fn write(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Written, Error> {
        let (prepared, bindings) = self.prepared(name, parameters)?;
        let arguments = match D::arguments(&prepared.signature, &bindings) {
            Ok(arguments) => arguments,
            Err(unfit) => return unfit_is_nobody(name, prepared, &unfit).map(|()| NOBODY),
        };
        self.circuit.admit(Instant::now())?;
        let _permit = self.permit().await?;
        let mut lease = timeout(self.deadline, self.proved_lease())
            .await
            .map_err(|_| Error::Unavailable(SILENT))??;
        let connection = lease
            .connection()
            .map_err(|_| Error::Unavailable(UNREACHED))?;
        let done = transact::<D>(connection, name, prepared, arguments, self.deadline).await;
        lease.is_sound = match &done {
            Ok(_) => true,
            Err(NotDone::Failed(failure)) => failure.is_answer(),
            Err(NotDone::Refused(_) | NotDone::Unknown) => false,
        };
        match done {
            Ok(written) => Ok(written),
            Err(NotDone::Failed(Failure::Unfit)) if takes_only_keys(name, &prepared.statement) => {
                Ok(NOBODY)
            }
            Err(NotDone::Failed(failure)) => Err(self.error(name, failure)),
            Err(NotDone::Refused(error)) => Err(error),
            Err(NotDone::Unknown) => Err(Error::OutcomeUnknown(name)),
        }
    }

    /// Asks the server whether it answers, whatever the circuit says, and closes the circuit if it does.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let _permit = self.permit().await?;
        let asking = timeout(self.deadline, self.proved_lease()).await;
        asking.map_err(|_| Error::Unavailable(SILENT))?.map(drop)
    }

    fn prepared<'a>(
        &self,
        name: StatementName,
        parameters: &'a Parameters,
    ) -> Result<(&Prepared<D::Signature>, Vec<Binding<'a>>), Error> {
        let prepared = self.statements.get(&name).ok_or(Error::NotDefined(name))?;
        let bindings = parameters.in_order(name, &prepared.statement)?;
        Ok((prepared, bindings))
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        let permit = timeout(self.wait, self.permits.acquire()).await;
        permit
            .map_err(|_| Error::Overloaded)?
            .map_err(|_| Error::Unavailable("it was closed"))
    }

    /// A connection, new or of the pool; one of the pool may have broken since it was last used.
    async fn lease(&self) -> Result<Lease<D>, Error> {
        match self.pool.acquire().await {
            Ok(connection) => Ok(Lease {
                connection: Some(connection),
                is_sound: false,
            }),
            Err(error) => {
                self.circuit.count_failure(Instant::now());
                Err(Error::Unavailable(match failure::<D>(&error) {
                    Failure::Unavailable(reason) => reason,
                    _ if is_of_tls(&error) => UNTRUSTED,
                    _ => UNREACHED,
                }))
            }
        }
    }

    /// A connection that answers now. Those of the pool that do not are closed on the way; there are only so many.
    async fn proved_lease(&self) -> Result<Lease<D>, Error> {
        for _ in 0..=self.pool.options().get_max_connections() {
            let mut lease = self.lease().await?;
            let asking = async { lease.connection()?.ping().await };
            if asking.await.is_ok() {
                self.circuit.count_success();
                return Ok(lease);
            }
        }
        self.circuit.count_failure(Instant::now());
        Err(Error::Unavailable(UNREACHED))
    }

    fn error(&self, name: StatementName, failure: Failure) -> Error {
        if matches!(failure, Failure::Lost) {
            self.circuit.count_failure(Instant::now());
        }
        failure.into_error(name, name.is_read() || D::UNDOES)
    }
}

/// A connection on loan. Unless it is sound when it comes back, it is dropped: it may be in the middle of anything, and
/// to end that in good form could take as long as whatever went wrong.
struct Lease<D: Dialect> {
    connection: Option<PoolConnection<D::Database>>,
    is_sound: bool,
}

impl<D: Dialect> Lease<D> {
    fn connection(&mut self) -> sqlx::Result<&mut ConnectionOf<D>> {
        let connection = self.connection.as_deref_mut();
        connection.ok_or(sqlx::Error::PoolClosed)
    }
}

impl<D: Dialect> Drop for Lease<D> {
    fn drop(&mut self) {
        if !self.is_sound {
            drop(self.connection.take().map(PoolConnection::detach));
        }
    }
}

async fn read_once<D: Dialect>(
    mut lease: Lease<D>,
    prepared: &Prepared<D::Signature>,
    arguments: <D::Database as Database>::Arguments,
) -> Result<Answer<RowOf<D>>, Failure> {
    let connection = lease.connection().map_err(|_| Failure::Lost)?;
    let answered = D::run(connection, prepared, arguments).await;
    lease.is_sound = match &answered {
        // What was not read of too many rows would have to be read before the next statement.
        Ok(answer) => answer.is_complete(),
        Err(failure) => failure.is_answer(),
    };
    answered
}

/// Why a write did not come to its end.
enum NotDone {
    /// It failed before its `commit`.
    Failed(Failure),
    /// We would not commit it.
    Refused(Error),
    /// Its `commit` was sent, and nobody knows what became of it.
    Unknown,
}

async fn transact<D: Dialect>(
    connection: &mut ConnectionOf<D>,
    name: StatementName,
    prepared: &Prepared<D::Signature>,
    arguments: <D::Database as Database>::Arguments,
    deadline: Duration,
) -> Result<Written, NotDone> {
    let started = Instant::now();
    let statement = async {
        let begin = SqlStr::from_static(D::BEGIN);
        let transaction = connection.begin_with(begin).await;
        let mut transaction = transaction.map_err(|error| failure::<D>(&error))?;
        let answer = D::run(&mut transaction, prepared, arguments).await?;
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

/// Whether a handshake failed; rustls says so by the kind of an error of the socket.
fn is_of_tls(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// A key that its column cannot hold names nobody; any other value is the caller's mistake.
fn unfit_is_nobody<S>(
    name: StatementName,
    prepared: &Prepared<S>,
    unfit: &Unfit,
) -> Result<(), Error> {
    let parameter = prepared.statement.parameters().get(unfit.0);
    if parameter.is_some_and(|parameter| name.key() == Some(parameter.as_str())) {
        return Ok(());
    }
    Err(Error::Value {
        statement: name,
        parameter: parameter.cloned(),
    })
}

fn takes_only_keys(name: StatementName, statement: &Statement) -> bool {
    let mut parameters = statement.parameters().iter();
    parameters.all(|parameter| name.key() == Some(parameter.as_str()))
}

/// What a write did for a key that nobody has.
const NOBODY: Written = Written {
    matched: 0,
    row: None,
};

/// How much of a write's deadline the statement may use; the rest is for its `commit`.
pub(crate) const SHARE_OF_STATEMENT: f64 = 0.75;

/// How many deadlines there are for preparing all the statements.
const OPENING: u32 = 4;

pub(crate) const SILENT: &str = "it does not answer";
pub(crate) const UNREACHED: &str = "it cannot be reached";
pub(crate) const UNTRUSTED: &str = "it did not prove by TLS that it is the one in `url`";
pub(crate) const TOO_SLOW: &str = "the write took longer than its deadline and was undone";
