//! One connection that many reads share: each is sent at once, and the answers come back in the order of the questions.
//! A read here waits for those before it, so whoever waits too long goes another way, and nobody else is sent after it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::TryStreamExt as _;
use tokio::task::AbortHandle;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Signature;
use super::tls;
use crate::credentials::Credential;
use crate::prepare::{Prepared, Statements};
use crate::server::Failure;
use crate::statement::StatementName;
use crate::url::{Address, Endpoint, Trust};

/// A shared connection, whose statements are prepared.
pub(super) struct Lane {
    client: Client,
    statements: BTreeMap<StatementName, Statement>,
    driver: AbortHandle,
    pub(super) generation: u64,
    pub(super) opened: Instant,
    under_way: AtomicUsize,
    /// When it last answered, or began to be asked, in milliseconds after it was opened.
    progress: AtomicU64,
    is_retired: AtomicBool,
    /// Whether somebody left before the answer came: what is under way may be anything.
    is_lost: AtomicBool,
}

/// Why there is no lane.
pub(super) enum Closed {
    /// The server does not take the connection now.
    Unreachable,
    /// The server says something else of a statement than it said at start.
    Changed,
}

/// Why a lane did not answer.
pub(super) enum Unanswered {
    /// The database answered with an error.
    Failed(Failure),
    /// Nothing came in time, or the connection is gone.
    Nothing,
}

impl Lane {
    /// Connects, and prepares the statements that read.
    pub(super) async fn open(
        address: &Address,
        (credential, generation): (&Credential, u64),
        statements: &Statements<Signature>,
        deadline: Duration,
    ) -> Result<Self, Closed> {
        let connector = MakeRustlsConnect::new(tls::config(address).map_err(closed)?);
        let config = config(address, credential, deadline);
        let connecting = config.connect(connector);
        let (client, mut connection) = tokio::time::timeout(deadline, connecting)
            .await
            .map_err(closed)?
            .map_err(closed)?;
        // Notices are thrown away here: they may hold values.
        let driver = tokio::spawn(async move {
            while let Some(Ok(_)) = poll_fn(|context| connection.poll_message(context)).await {}
        });
        let mut lane = Self {
            client,
            statements: BTreeMap::new(),
            driver: driver.abort_handle(),
            generation,
            opened: Instant::now(),
            under_way: AtomicUsize::new(0),
            progress: AtomicU64::new(0),
            is_retired: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
        };
        for (&name, prepared) in statements.iter().filter(|(name, _)| name.is_read()) {
            let preparing = lane.client.prepare(prepared.sql.as_str());
            let statement = tokio::time::timeout(deadline, preparing).await;
            let statement = statement.map_err(closed)?.map_err(closed)?;
            if !is_as_known(&statement, prepared) {
                return Err(Closed::Changed);
            }
            lane.statements.insert(name, statement);
        }
        Ok(lane)
    }

    /// How many reads are under way, if one more may be sent now.
    pub(super) fn room(&self) -> Option<usize> {
        let under_way = self.under_way.load(Ordering::Relaxed);
        let silence = self
            .age()
            .saturating_sub(self.progress.load(Ordering::Relaxed));
        let is_stuck = under_way > 0 && silence > STUCK;
        (under_way < MOST_UNDER_WAY && !is_stuck && !self.is_retired()).then_some(under_way)
    }

    /// Whether it takes no more reads; those under way are answered.
    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// Sends no more reads its way.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }

    /// The rows of a statement: no more than two, which are enough to be too many.
    pub(super) async fn read(
        &self,
        name: StatementName,
        parameters: Vec<Raw>,
        patience: Duration,
    ) -> Result<Vec<Row>, Unanswered> {
        let statement = self.statements.get(&name).ok_or(Unanswered::Nothing)?;
        let mut flight = Flight::begin(self);
        let reading = async {
            let rows = self.client.query_raw(statement, parameters).await?;
            let mut rows = std::pin::pin!(rows);
            let mut first = Vec::new();
            while let Some(row) = rows.try_next().await? {
                first.push(row);
                if first.len() > 2 {
                    return Ok((first, false));
                }
            }
            Ok((first, true))
        };
        let answer: Result<_, tokio_postgres::Error> = tokio::time::timeout(patience, reading)
            .await
            .map_err(|_| Unanswered::Nothing)?;
        match answer {
            Ok((rows, is_complete)) => {
                flight.has_landed = is_complete;
                Ok(rows)
            }
            Err(error) => {
                let failure = error.as_db_error().map_or(Failure::Lost, |error| {
                    super::failure_of(error.code().code(), error.routine())
                });
                if matches!(failure, Failure::Lost) {
                    return Err(Unanswered::Nothing);
                }
                flight.has_landed = failure.is_answer();
                Err(Unanswered::Failed(failure))
            }
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Lane {
    /// It says good-bye by itself. With a read under way that nobody waits for, that could take too long.
    fn drop(&mut self) {
        if self.is_lost.load(Ordering::Relaxed) {
            self.driver.abort();
        }
    }
}

/// A read under way. If it ends without its answer the lane may be in the middle of anything, and is retired.
struct Flight<'a> {
    lane: &'a Lane,
    has_landed: bool,
}

impl<'a> Flight<'a> {
    fn begin(lane: &'a Lane) -> Self {
        if lane.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            lane.progress.store(lane.age(), Ordering::Relaxed);
        }
        Self {
            lane,
            has_landed: false,
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if self.has_landed {
            let now = self.lane.age();
            self.lane.progress.store(now, Ordering::Relaxed);
        } else {
            self.lane.is_lost.store(true, Ordering::Relaxed);
            self.lane.retire();
        }
        self.lane.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn config(address: &Address, credential: &Credential, deadline: Duration) -> Config {
    let limit = deadline.as_millis();
    let mut config = Config::new();
    config
        .user(&credential.user)
        .dbname(&address.database)
        .application_name("lychgate")
        .options(format!(
            "-c default_transaction_read_only=on -c statement_timeout={limit} \
             -c idle_in_transaction_session_timeout={limit}"
        ))
        .ssl_mode(match (&address.way.endpoint, address.way.trust) {
            (Endpoint::Socket(_), _) | (_, Trust::Disable) => SslMode::Disable,
            (Endpoint::Network { .. }, Trust::Prefer) => SslMode::Prefer,
            (Endpoint::Network { .. }, Trust::Require | Trust::VerifyCa | Trust::VerifyFull) => {
                SslMode::Require
            }
        });
    match &address.way.endpoint {
        Endpoint::Network { host, port } => config.host(host).port(*port),
        Endpoint::Socket(folder) => config.host_path(folder),
    };
    if let Some(password) = &credential.password {
        config.password(password.as_bytes());
    }
    config
}

fn closed<E>(_: E) -> Closed {
    Closed::Unreachable
}

/// Whether the database still says of a statement what it said at start, so that values can be read as they were then.
fn is_as_known(statement: &Statement, known: &Prepared<Signature>) -> bool {
    let types = |infos: &[sqlx::postgres::PgTypeInfo]| -> Vec<Option<u32>> {
        infos
            .iter()
            .map(|info| info.oid().map(|oid| oid.0))
            .collect()
    };
    let parameters: Vec<_> = statement
        .params()
        .iter()
        .map(|kind| Some(kind.oid()))
        .collect();
    let columns = statement.columns().iter();
    let (names, kinds): (Vec<_>, Vec<_>) = columns
        .map(|column| (column.name(), Some(column.type_().oid())))
        .unzip();
    parameters == types(&known.signature.parameters)
        && kinds == types(&known.signature.columns)
        && names == known.statement.columns()
}

/// Bytes that are already, or still, in the form of their type. Personal data: `Debug` says nothing of them.
pub(super) struct Raw(pub(super) Option<Vec<u8>>);

impl std::fmt::Debug for Raw {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Raw(…)")
    }
}

impl ToSql for Raw {
    fn to_sql(
        &self,
        _: &Type,
        buffer: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match &self.0 {
            Some(bytes) => {
                buffer.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value's bytes as they came.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> FromSql<'a> for Bytes<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The most reads that wait for one another.
const MOST_UNDER_WAY: usize = 64;

/// After so many milliseconds without an answer nobody else is sent after those who wait.
const STUCK: u64 = 20;
