//! A legacy store in a database server: a bounded pool, deadlines, and what is tried again and what never is.
//! What leaves here says truly whether anything was changed. An attacker wants to exhaust the connections: whoever waits
//! for one has a limit, whoever has one has a deadline, and while the server is down nobody waits at all.

mod dialect;
mod keyring;
mod look;
mod pool;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};

pub(crate) use self::dialect::{Dialect, Failure, Unfit, failure};
use self::keyring::Key;
pub(crate) use self::look::{connect, look_failed};
use self::pool::{Lease, Pool};
pub(crate) use self::pool::{UNREACHED, UNTRUSTED};
pub(crate) use self::run::SHARE_OF_STATEMENT;
use self::run::{NotDone, read_once, transact};
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
    pool: Arc<Pool<D>>,
    statements: Statements<D::Signature>,
    circuit: Circuit,
    /// Looks after the pool for as long as the server is open.
    keeper: JoinSet<()>,
}

impl<D: Dialect> Server<D> {
    /// Connects, and prepares every statement.
    pub(crate) async fn open(dialect: D, settings: &Settings) -> Result<Self, Error> {
        let deadline = settings.deadline;
        let pool = Arc::new(Pool::new(dialect, settings)?);
        let mut server = Self {
            pool: Arc::clone(&pool),
            statements: BTreeMap::new(),
            circuit: Circuit::default(),
            keeper: JoinSet::new(),
        };
        let opened = timeout(
            settings.wait + deadline * OPENING,
            server.prepare(&settings.statements),
        );
        server.statements = opened.await.map_err(|_| Error::Unavailable(SILENT))??;
        server.keeper.spawn(pool.keep());
        Ok(server)
    }

    async fn prepare(
        &self,
        statements: &BTreeMap<StatementName, String>,
    ) -> Result<Statements<D::Signature>, Error> {
        let dialect = &self.pool.dialect;
        let mut lease = self.lease().await?;
        let lost = |_| Error::Unavailable(UNREACHED);
        let is_pooled = dialect.is_pooled();
        lease.is_sound = !is_pooled;
        let connection = lease.connection().map_err(lost)?;
        let mut transaction;
        // What is prepared behind a pooler would stay with its session: that goes with this connection.
        let connection = if is_pooled {
            let begun = connection.begin_with(dialect.begin(false, self.pool.deadline));
            transaction = begun
                .await
                .map_err(|error| unavailable(&failure::<D>(&error)))?;
            &mut *transaction
        } else {
            connection
        };
        let mut tried = Vec::new();
        for (&name, sql) in statements {
            let prepared = match fit::fitting(name, sql) {
                Ok(named) => dialect.prepare(connection, name, &named).await,
                Err(flaw) => Err(flaw),
            };
            tried.push((name, prepared));
        }
        prepare::gathered(tried)
    }

    /// How it stands with the connections.
    pub(crate) fn condition(&self) -> Condition {
        Condition {
            connections: self.pool.open(),
            has_faulty_credentials: self.pool.has_faulty_credentials(),
        }
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
        let _permit = self.pool.permit().await?;
        let until = Instant::now() + self.pool.deadline;
        let reading = async {
            let lease = self.lease().await?;
            match read_once(&self.pool, lease, prepared, first).await {
                Err(Failure::Lost) => {
                    // What ended this one has ended, or will end, those of its age.
                    self.pool.retire_idle();
                    let lease = self.proved_lease().await?;
                    Ok(read_once(&self.pool, lease, prepared, second).await)
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
            Err(failure) => self.failed_read(name, failure),
        }
    }

    /// What the failure of a read comes to: a key that its column cannot hold is nobody's.
    pub(crate) fn failed_read(
        &self,
        name: StatementName,
        failure: Failure,
    ) -> Result<Option<Row>, Error> {
        match failure {
            Failure::Unfit => Ok(None),
            failure => Err(self.error(name, failure)),
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
        let _permit = self.pool.permit().await?;
        let mut lease = timeout(self.pool.deadline, self.proved_lease())
            .await
            .map_err(|_| Error::Unavailable(SILENT))??;
        lease.is_sound = false;
        let connection = lease
            .connection()
            .map_err(|_| Error::Unavailable(UNREACHED))?;
        let done = transact(&self.pool, connection, name, prepared, arguments).await;
        lease.is_sound = match &done {
            Ok(_) => true,
            Err(NotDone::Failed(failure)) => failure.is_answer() && !self.pool.dialect.is_pooled(),
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
        let _permit = self.pool.permit().await?;
        let asking = timeout(self.pool.deadline, self.proved_lease()).await;
        asking.map_err(|_| Error::Unavailable(SILENT))?.map(drop)
    }

    /// The server itself.
    pub(crate) fn dialect(&self) -> &D {
        &self.pool.dialect
    }

    /// Every statement.
    pub(crate) fn statements(&self) -> &Statements<D::Signature> {
        &self.statements
    }

    /// How long a statement may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.pool.deadline
    }

    /// The user of new connections.
    pub(crate) fn key(&self) -> Key {
        self.pool.key()
    }

    /// A statement, and these values in its order.
    pub(crate) fn prepared<'a>(
        &self,
        name: StatementName,
        parameters: &'a Parameters,
    ) -> Result<(&Prepared<D::Signature>, Vec<Binding<'a>>), Error> {
        let prepared = self.statements.get(&name).ok_or(Error::NotDefined(name))?;
        let bindings = parameters.in_order(name, &prepared.statement)?;
        Ok((prepared, bindings))
    }

    async fn lease(&self) -> Result<Lease<D>, Error> {
        let lease = self.pool.lease().await;
        lease.map_err(|failure| {
            self.circuit.count_failure(Instant::now());
            unavailable(&failure)
        })
    }

    /// A connection that answers now. Those of the pool that do not are closed on the way; there are only so many.
    async fn proved_lease(&self) -> Result<Lease<D>, Error> {
        for _ in 0..=self.pool.most() {
            let mut lease = self.lease().await?;
            let asking = async {
                let connection = lease.connection()?;
                connection.ping().await.map_err(|_| Failure::Lost)
            };
            if asking.await.is_ok() {
                self.circuit.count_success();
                lease.is_sound = true;
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

/// How it stands with the connections to a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Condition {
    /// Connections that are open.
    pub connections: usize,
    /// Whether the credentials that were read last cannot be used, so that older ones still are.
    pub has_faulty_credentials: bool,
}

/// What the lack of a connection means.
pub(crate) fn unavailable(failure: &Failure) -> Error {
    Error::Unavailable(match failure {
        Failure::Refused => REFUSED,
        Failure::Unavailable(reason) => reason,
        _ => UNREACHED,
    })
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

/// How many deadlines there are for preparing all the statements.
const OPENING: u32 = 4;

pub(crate) const SILENT: &str = "it does not answer";
pub(crate) const REFUSED: &str = "it refuses the user, or the password";
pub(crate) const TOO_SLOW: &str = "the write took longer than its deadline and was undone";
