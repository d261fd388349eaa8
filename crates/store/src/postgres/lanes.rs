//! The way of a read that is answered fast: over few connections, which many reads share.
//! It is a way for good days only. What is late, lost or unusual leaves it for the ordinary one, with a connection of
//! its own, and a slow statement holds up nobody for longer than [`PATIENCE`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::Row as RawRow;

use super::lane::{Bytes, Closed, Lane, Raw, Unanswered};
use super::{Postgres, Signature, arguments, values};
use crate::answer::within_limit;
use crate::error::Error;
use crate::parameters::{Parameters, Value};
use crate::prepare::Prepared;
use crate::row::{Row, Written};
use crate::server::{Condition, Server};
use crate::statement::{Statement, StatementName};
use crate::store::Settings;

/// A PostgreSQL server: a way that reads share, and the ordinary one for all else.
pub(crate) struct PostgresStore {
    server: Arc<Server<Postgres>>,
    lanes: Arc<Lanes>,
    patience: Duration,
    keeper: JoinSet<()>,
}

impl PostgresStore {
    /// Connects, and prepares every statement. Some of the connections are for sharing, if there are enough.
    pub(crate) async fn open(postgres: Postgres, settings: &Settings) -> Result<Self, Error> {
        let lanes = if settings.connections < FEWEST_TO_SHARE || !postgres.0.way.prepared {
            0
        } else {
            LANES
        };
        let settings = Settings {
            connections: settings.connections - lanes,
            ..settings.clone()
        };
        let store = Self {
            server: Arc::new(Server::open(postgres, &settings).await?),
            lanes: Arc::default(),
            patience: PATIENCE.min(settings.deadline / 2),
            keeper: JoinSet::new(),
        };
        Ok(store.kept(lanes))
    }

    fn kept(mut self, lanes: u32) -> Self {
        if lanes > 0 {
            let keeping = keep(Arc::clone(&self.lanes), Arc::clone(&self.server), lanes);
            self.keeper.spawn(keeping);
        }
        self
    }

    /// The statement of an operation, if config defines it.
    pub(crate) fn statement(&self, name: StatementName) -> Option<&Statement> {
        self.server.statement(name)
    }

    /// Runs a statement that only reads.
    pub(crate) async fn read(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Option<Row>, Error> {
        match self.read_shared(name, parameters).await {
            Some(answered) => answered,
            None => self.server.read(name, parameters).await,
        }
    }

    /// `None`: not this way.
    async fn read_shared(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Option<Result<Option<Row>, Error>> {
        let lane = self.lanes.choose()?;
        let (prepared, bindings) = self.server.prepared(name, parameters).ok()?;
        let encoded = arguments::encoded(&prepared.signature.parameters, &bindings).ok()?;
        let encoded = encoded.into_iter().map(Raw).collect();
        match lane.read(name, encoded, self.patience).await {
            Ok(rows) => Some(match rows.as_slice() {
                [] => Ok(None),
                [found] => row(name, prepared, found).map(Some),
                _ => Err(Error::Ambiguous(name)),
            }),
            Err(Unanswered::Failed(failure)) => Some(self.server.failed_read(name, failure)),
            Err(Unanswered::Nothing) => None,
        }
    }

    /// Runs a statement that writes, as one transaction, once.
    pub(crate) async fn write(
        &self,
        name: StatementName,
        parameters: &Parameters,
    ) -> Result<Written, Error> {
        self.server.write(name, parameters).await
    }

    /// Asks the server whether it answers.
    pub(crate) async fn ping(&self) -> Result<(), Error> {
        self.server.ping().await
    }

    /// How it stands with the connections.
    pub(crate) fn condition(&self) -> Condition {
        let mut condition = self.server.condition();
        condition.connections += self.lanes.lock().len();
        condition
    }
}

/// The shared connections that are open.
#[derive(Default)]
struct Lanes {
    open: Mutex<Vec<Arc<Lane>>>,
    missing: Notify,
}

impl Lanes {
    /// The one with the fewest reads under way.
    fn choose(&self) -> Option<Arc<Lane>> {
        let mut open = self.lock();
        let before = open.len();
        open.retain(|lane| !lane.is_retired());
        if open.len() < before {
            self.missing.notify_one();
        }
        let rooms = open.iter().filter_map(|lane| Some((lane.room()?, lane)));
        let (_, lane) = rooms.min_by_key(|(under_way, _)| *under_way)?;
        Some(Arc::clone(lane))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Lane>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens what is missing, no more often than the server can bear, and retires what is too old or another user's.
async fn keep(lanes: Arc<Lanes>, server: Arc<Server<Postgres>>, most: u32) {
    let most = usize::try_from(most).unwrap_or(0);
    let mut next_opening = Instant::now();
    loop {
        let key = server.key();
        lanes.lock().retain(|lane| {
            let is_old = lane.generation != key.generation || lane.opened.elapsed() > LONGEST_LIFE;
            if is_old {
                lane.retire();
            }
            !lane.is_retired()
        });
        while Instant::now() >= next_opening && lanes.lock().len() < most {
            let user = (&key.credential, key.generation);
            let address = &server.dialect().0;
            let opened = Lane::open(address, user, server.statements(), server.deadline()).await;
            let is_last = lanes.lock().len() + 1 >= most;
            let rest = match opened {
                Ok(lane) => {
                    lanes.lock().push(Arc::new(lane));
                    if is_last { REST } else { Duration::ZERO }
                }
                Err(Closed::Unreachable) => REST,
                Err(Closed::Changed) => {
                    tracing::warn!("{CHANGED}");
                    LONGEST_LIFE
                }
            };
            next_opening = Instant::now() + rest;
        }
        drop(timeout(BETWEEN_LOOKS, lanes.missing.notified()).await);
    }
}

fn row(name: StatementName, prepared: &Prepared<Signature>, row: &RawRow) -> Result<Row, Error> {
    let names = prepared.statement.columns().iter();
    let columns = names.zip(&prepared.signature.columns).enumerate();
    let columns: Result<Vec<_>, _> = columns
        .map(|(place, (column, info))| {
            let value = match row.try_get::<_, Option<Bytes<'_>>>(place) {
                Ok(Some(bytes)) => values::decode(info, bytes.0).and_then(within_limit),
                Ok(None) => Ok(Value::Null),
                Err(_) => Err("is not there"),
            };
            let value = value.map_err(|fault| Error::Column {
                statement: name,
                column: column.clone(),
                fault,
            });
            Ok((column.clone(), value?))
        })
        .collect();
    columns.map(Row::new)
}

/// More do not carry more: the database's processes and ours take turns on the same answers.
const LANES: u32 = 2;

/// With fewer connections there are none to share.
const FEWEST_TO_SHARE: u32 = 4;

/// How long a read waits on a shared connection, for its own answer and those before it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long after one has been opened another may be: a store whose answers are always late is not opened again and
/// again.
const REST: Duration = Duration::from_secs(2);

const CHANGED: &str = "the legacy store's tables have changed since the start, and no more connections are opened for reads to share";

const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

const LONGEST_LIFE: Duration = Duration::from_mins(30);
