//! The connections to a server: so many at most, each opened when it is needed and closed when it is too old, or when
//! its user is no longer the one to be. A connection that works is never taken from whoever uses it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout, timeout_at};

use super::dialect::{ConnectionOf, Dialect, Failure, failure};
use super::keyring::{Key, Keyring};
use crate::credentials::Credential;
use crate::error::Error;
use crate::store::Settings;

/// The connections of an open server.
pub(crate) struct Pool<D: Dialect> {
    pub(super) dialect: D,
    pub(super) deadline: Duration,
    wait: Duration,
    connect_within: Duration,
    permits: Semaphore,
    most: u32,
    idle: Mutex<Vec<Kept<D>>>,
    retired: Mutex<Vec<ConnectionOf<D>>>,
    open: Arc<AtomicUsize>,
    keyring: Keyring,
    /// Whoever looks for a user that works; the others wait for what is found.
    search: tokio::sync::Mutex<()>,
    retiring: Notify,
}

/// A connection with its age, and what it was opened with.
struct Kept<D: Dialect> {
    connection: ConnectionOf<D>,
    generation: u64,
    opened: Instant,
    used: Instant,
    _counted: Counted,
}

impl<D: Dialect> Pool<D> {
    pub(super) fn new(dialect: D, settings: &Settings) -> Result<Self, Error> {
        // So that a certificate that cannot be read is named at start.
        dialect.options(settings.deadline)?;
        let keyring = Keyring::new(dialect.credential(), settings.credentials.clone())?;
        Ok(Self {
            dialect,
            deadline: settings.deadline,
            wait: settings.wait,
            connect_within: settings.wait.min(settings.deadline / 2),
            permits: Semaphore::new(usize::try_from(settings.connections).unwrap_or(usize::MAX)),
            most: settings.connections,
            idle: Mutex::new(Vec::new()),
            retired: Mutex::new(Vec::new()),
            open: Arc::default(),
            keyring,
            search: tokio::sync::Mutex::new(()),
            retiring: Notify::new(),
        })
    }

    /// The right to one of the connections.
    pub(super) async fn permit(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(permit);
        }
        let permit = timeout(self.wait, self.permits.acquire()).await;
        permit
            .map_err(|_| Error::Overloaded)?
            .map_err(|_| Error::Unavailable("it was closed"))
    }

    /// A connection, new or kept; a kept one may have broken since it was last used.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease<D>, Failure> {
        if let Some(kept) = self.take_idle() {
            return Ok(self.lend(kept));
        }
        let key = self.keyring.current();
        match self.connect(&key.credential).await {
            Ok(connection) => Ok(self.lend(self.kept(connection, key.generation))),
            Err(Failure::Refused) => self.as_somebody_else(key).await,
            Err(failure) => Err(failure),
        }
    }

    /// The user of new connections.
    pub(super) fn key(&self) -> Key {
        self.keyring.current()
    }

    /// The most connections there may be.
    pub(super) fn most(&self) -> u32 {
        self.most
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether the credentials that were read last cannot be used.
    pub(super) fn has_faulty_credentials(&self) -> bool {
        self.keyring.is_faulty()
    }

    /// Keeps the pool: reads the credentials again, and closes what is done with. It never ends by itself.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut ticks = interval(BETWEEN_LOOKS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.look_at_the_credentials().await,
                () = self.retiring.notified() => {}
            }
            self.retire_the_old();
            let retired = std::mem::take(&mut *lock(&self.retired));
            for connection in retired {
                // In good form if it can be, and closed in any case.
                drop(timeout(self.connect_within, connection.close()).await);
            }
        }
    }

    async fn look_at_the_credentials(self: &Arc<Self>) {
        self.read_the_credentials().await;
        for credential in self.keyring.to_try(Instant::now()) {
            match self.connect(&credential).await {
                Ok(connection) => return self.switch(credential, connection),
                Err(Failure::Refused) => {
                    self.keyring
                        .complain("the database refuses the user, or the password");
                }
                Err(_) => self.keyring.complain("the database cannot be reached"),
            }
        }
    }

    /// Beside the runtime's own threads: a file may lie on a disk that does not answer.
    #[expect(
        clippy::disallowed_methods,
        reason = "it waits for a file and computes nothing"
    )]
    async fn read_the_credentials(self: &Arc<Self>) {
        let pool = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || pool.keyring.read_again());
        drop(timeout(self.connect_within, reading).await);
    }

    /// The user of this key was refused: whoever else there is, or a password that has changed since.
    async fn as_somebody_else(self: &Arc<Self>, refused: Key) -> Result<Lease<D>, Failure> {
        let _turn = self.search.lock().await;
        let now = self.keyring.current();
        if now.generation != refused.generation {
            let connection = self.connect(&now.credential).await?;
            return Ok(self.lend(self.kept(connection, now.generation)));
        }
        self.read_the_credentials().await;
        for credential in self.keyring.others(&refused.credential) {
            if let Ok(connection) = self.connect(&credential).await {
                self.switch(credential, connection);
                let kept = self.take_idle().ok_or(Failure::Lost)?;
                return Ok(self.lend(kept));
            }
        }
        Err(Failure::Refused)
    }

    /// From here on, connections are opened as this user, and those of before are closed as they come back.
    fn switch(&self, credential: Credential, connection: ConnectionOf<D>) {
        let key = self.keyring.switch_to(credential);
        let kept = self.kept(connection, key.generation);
        lock(&self.idle).push(kept);
        self.retiring.notify_one();
    }

    async fn connect(&self, credential: &Credential) -> Result<ConnectionOf<D>, Failure> {
        let dialect = self.dialect.as_user(credential);
        connect(&dialect, self.deadline, self.connect_within).await
    }

    fn kept(&self, connection: ConnectionOf<D>, generation: u64) -> Kept<D> {
        Kept {
            connection,
            generation,
            opened: Instant::now(),
            used: Instant::now(),
            _counted: Counted::new(&self.open),
        }
    }

    /// The kept connection that was used last.
    fn take_idle(&self) -> Option<Kept<D>> {
        let generation = self.keyring.generation();
        let mut idle = lock(&self.idle);
        while let Some(kept) = idle.pop() {
            if kept.generation == generation {
                return Some(kept);
            }
            lock(&self.retired).push(kept.connection);
        }
        None
    }

    /// Keeps none of the connections that nobody uses.
    pub(super) fn retire_idle(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        lock(&self.retired).extend(idle.into_iter().map(|kept| kept.connection));
        self.retiring.notify_one();
    }

    fn retire_the_old(&self) {
        let (now, generation) = (Instant::now(), self.keyring.generation());
        let is_old = |kept: &mut Kept<D>| {
            kept.generation != generation
                || now - kept.opened > LONGEST_LIFE
                || now - kept.used > LONGEST_REST
        };
        let mut idle = lock(&self.idle);
        let old = idle.extract_if(.., is_old).map(|kept| kept.connection);
        lock(&self.retired).extend(old);
    }

    fn lend(self: &Arc<Self>, kept: Kept<D>) -> Lease<D> {
        Lease {
            kept: Some(kept),
            pool: Arc::clone(self),
            is_sound: false,
        }
    }
}

/// A connection on loan. Unless it is sound when it comes back, it is dropped: it may be in the middle of anything, and
/// to end that in good form could take as long as whatever went wrong.
pub(super) struct Lease<D: Dialect> {
    kept: Option<Kept<D>>,
    pool: Arc<Pool<D>>,
    pub(super) is_sound: bool,
}

impl<D: Dialect> Lease<D> {
    pub(super) fn connection(&mut self) -> Result<&mut ConnectionOf<D>, Failure> {
        let kept = self.kept.as_mut().ok_or(Failure::Lost)?;
        Ok(&mut kept.connection)
    }
}

impl<D: Dialect> Drop for Lease<D> {
    fn drop(&mut self) {
        if self.is_sound
            && let Some(mut kept) = self.kept.take()
        {
            kept.used = Instant::now();
            let is_current = kept.generation == self.pool.keyring.generation();
            lock(&self.pool.idle).push(kept);
            if !is_current {
                self.pool.retiring.notify_one();
            }
        }
    }
}

/// A new connection, made ready, each statement of which is limited to the deadline. While the server starts it is asked
/// again.
pub(super) async fn connect<D: Dialect>(
    dialect: &D,
    deadline: Duration,
    within: Duration,
) -> Result<ConnectionOf<D>, Failure> {
    let until = Instant::now() + within;
    let options = dialect.options(deadline);
    let options = options.map_err(|_| Failure::Unavailable(NO_CERTIFICATE))?;
    let mut pause = FIRST_PAUSE;
    loop {
        let connecting = async {
            let mut connection = options.connect().await?;
            D::ready(&mut connection, deadline).await?;
            Ok(connection)
        };
        let error = match timeout_at(until.into(), connecting).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => return Err(Failure::Unavailable(UNREACHED)),
        };
        if !is_of_a_start::<D>(&error) || Instant::now() + pause > until {
            return Err(unconnected::<D>(&error));
        }
        sleep(pause).await;
        pause *= 2;
    }
}

/// Counts itself for as long as it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a server that is only starting would answer so.
fn is_of_a_start<D: Dialect>(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => matches!(D::failure(&**error), Failure::Lost),
        _ => false,
    }
}

/// Why there is no connection.
fn unconnected<D: Dialect>(error: &sqlx::Error) -> Failure {
    match failure::<D>(error) {
        refused @ (Failure::Refused | Failure::Unavailable(_)) => refused,
        _ if is_of_tls(error) => Failure::Unavailable(UNTRUSTED),
        _ => Failure::Unavailable(UNREACHED),
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

/// How often the credentials are read again, and connections looked through for old ones.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// After which a connection is opened anew, whatever it does: servers and the ways to them like it.
const LONGEST_LIFE: Duration = Duration::from_mins(30);

/// How long a connection is kept for nobody.
const LONGEST_REST: Duration = Duration::from_mins(10);

const FIRST_PAUSE: Duration = Duration::from_millis(10);

const NO_CERTIFICATE: &str = "the file of `sslrootcert` cannot be read";
pub(crate) const UNTRUSTED: &str = "it did not prove by TLS that it is the one in `url`";
pub(crate) const UNREACHED: &str = "it cannot be reached";
