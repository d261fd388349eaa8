//! The threads that hash, apart from all others, so that a flood of logins never slows a lookup.
//! A password and a stored hash come in and leave as a verdict; whoever finds no thread waits in a bounded queue for
//! a bounded time. A thread belongs to its computation: a caller who hangs up frees nothing early.
//! An attacker wants to make many expensive computations at once, or to tell one verdict from another by its time.

mod background;

use std::{
    collections::BTreeMap,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::{AcquireError, Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    time::timeout,
};

pub use self::background::Background;
use crate::{
    Error, Format, Limits, ParsedHash, Password, Pepper, StoredHash, Unusable,
    acceptance::Acceptance,
    recipe::{NEW_MEMORY_KIB, give_back_memory},
};

/// The most threads that a pool may have.
pub(crate) const MAX_THREADS: usize = 1024;

/// The most callers that may wait for a thread.
pub(crate) const MAX_QUEUE: usize = 65_536;

/// What a pool accepts and how much it does at once.
#[derive(Clone)]
pub struct Settings {
    /// Formats that are verified, by default those that new hashes can have; no two of which one hash may be.
    pub accept: Vec<Format>,
    /// The secrets of the application that some formats need.
    pub peppers: BTreeMap<Format, Pepper>,
    /// Format of new hashes, `argon2id` by default; it has to be accepted, too.
    pub write: Format,
    /// How much work a stored hash may ask for.
    pub limits: Limits,
    /// Memory that all computations together may fill at once, in KiB: 524288 (512 MiB). What finds none waits. If it is
    /// enough for 19 MiB a thread, each of them keeps the memory of an argon2id hash for its next one.
    pub memory_kib: u32,
    /// Threads that compute: 1 to 1024, by default as many as the machine has cores. They give way to all others.
    pub threads: usize,
    /// Callers that may wait for a thread: 0 to 65536, by default 256.
    pub queue: usize,
    /// How long each of them may wait, by default two seconds.
    pub queue_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            accept: vec![
                Format::Argon2id,
                Format::Bcrypt,
                Format::Phpass,
                Format::DjangoPbkdf2,
            ],
            peppers: BTreeMap::new(),
            write: Format::Argon2id,
            limits: Limits::default(),
            memory_kib: 512 * 1024,
            threads: cores.min(MAX_THREADS),
            queue: 256,
            queue_wait: Duration::from_secs(2),
        }
    }
}

impl Settings {
    /// Whether a pool can be started with them: formats that can be told apart and have their peppers, a format to
    /// write, threads, and memory for one new hash.
    pub fn check(&self) -> Result<(), Error> {
        if !self.write.is_writable() {
            Err(Error::NotWritable(self.write))
        } else if !self.accept.contains(&self.write) {
            Err(Error::WriteNotAccepted(self.write))
        } else if self.memory_kib < self.write.new_memory_kib() {
            Err(Error::Memory)
        } else if !(1..=MAX_THREADS).contains(&self.threads) {
            Err(Error::Threads)
        } else if self.queue > MAX_QUEUE {
            Err(Error::Queue)
        } else {
            Acceptance::new(self.clone()).map(drop)
        }
    }

    /// The same, with the memory of one new hash set aside for a [`Background`].
    #[must_use]
    pub fn less_background(mut self) -> Self {
        self.memory_kib = self.memory_kib.saturating_sub(self.write.new_memory_kib());
        self
    }
}

/// A pool of threads that verify and make hashes. Clones are the same pool; its threads end with the last of them.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    acceptance: Acceptance,
    write: Format,
    jobs: mpsc::Sender<Job>,
    /// One permit a thread. A job takes it along, so there is always a thread for a job that was sent.
    threads: Arc<Semaphore>,
    /// One permit a KiB.
    memory: Arc<Semaphore>,
    /// One permit a place in the queue.
    places: Semaphore,
    queue: usize,
    queue_wait: Duration,
    invocations: Arc<AtomicU64>,
    /// A thread has become free.
    freed: Arc<Notify>,
}

/// Whether a hash is of a password, and how long that took to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is.
    pub matches: bool,
    /// The wait for a thread, and memory to work in.
    pub waited: Duration,
    /// The computation.
    pub took: Duration,
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread and the memory to work in.
type Permits = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Pool {
    /// Starts the threads; settings that make no sense together are refused.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let Settings {
            write,
            memory_kib,
            threads,
            queue,
            queue_wait,
            ..
        } = settings;
        let acceptance = Acceptance::new(settings)?;

        let (jobs, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let keeps_memory = threads * NEW_MEMORY_KIB as usize <= memory_kib as usize;
        for number in 0..threads {
            let name = format!("password-{number}");
            spawn(name, Arc::clone(&receiver), keeps_memory)?;
        }
        Ok(Self(Arc::new(Shared {
            acceptance,
            write,
            jobs,
            threads: Arc::new(Semaphore::new(threads)),
            memory: Arc::new(Semaphore::new(memory_kib as usize)),
            places: Semaphore::new(queue),
            queue,
            queue_wait,
            invocations: Arc::default(),
            freed: Arc::default(),
        })))
    }

    /// Reads a stored hash, or says why it cannot be verified. Nothing is computed.
    ///
    /// Verify a decoy instead of what is unusable: then there is always exactly one computation for an answer.
    pub fn parse(&self, hash: &StoredHash) -> Result<ParsedHash, Unusable> {
        self.0.acceptance.parse(hash)
    }

    /// Whether this is a hash of the password, for the user of this name where the format asks for one.
    ///
    /// Dropping the future gives up a place in the queue, but not a thread that has begun.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when the queue is full or the wait in it over; [`Error::UserNameMissing`];
    /// [`Error::Internal`].
    pub async fn verify(
        &self,
        password: impl Into<Arc<Password>>,
        user_name: Option<&str>,
        hash: ParsedHash,
    ) -> Result<bool, Error> {
        let verdict = self.judge(password, user_name, hash).await?;
        Ok(verdict.matches)
    }

    /// As [`Pool::verify`], and how long it took.
    pub async fn judge(
        &self,
        password: impl Into<Arc<Password>>,
        user_name: Option<&str>,
        hash: ParsedHash,
    ) -> Result<Verdict, Error> {
        let memory_kib = hash.recipe().memory_kib();
        let (password, user_name) = (password.into(), user_name.map(str::to_owned));
        let computation = move || hash.verify(&password, user_name.as_deref());
        let asked = Instant::now();
        let permits = self.permits(memory_kib).await?;
        let waited = asked.elapsed();
        let matches = self.compute_with(permits, computation).await??;
        Ok(Verdict {
            matches,
            waited,
            took: asked.elapsed().saturating_sub(waited),
        })
    }

    /// Makes a new hash of a password, in the format that settings name, with a fresh salt.
    ///
    /// # Errors
    /// As [`Pool::verify`]; and [`Error::PasswordTooLong`] or [`Error::NulInPassword`] for what bcrypt would not read.
    pub async fn hash(&self, password: Password) -> Result<StoredHash, Error> {
        let format = self.0.write;
        format.covers(&password)?;
        self.compute(format.new_memory_kib(), move || format.compute(&password))
            .await?
    }

    /// Whether a hash is what [`Pool::hash`] makes now, or costs more. Argon2 costs more if neither its memory nor its
    /// memory times its passes are less.
    pub fn is_current(&self, hash: &ParsedHash) -> bool {
        hash.format() == self.0.write && hash.recipe().is_as_dear_as_new()
    }

    /// Whether [`Pool::hash`] takes this password, as it would say.
    pub fn covers(&self, password: &Password) -> Result<(), Error> {
        self.0.write.covers(password)
    }

    /// How many computations were begun since the start, of decoys as of any other hash.
    pub fn invocations(&self) -> u64 {
        self.0.invocations.load(Ordering::Relaxed)
    }

    /// How many callers wait for a thread at this moment.
    pub fn queued(&self) -> usize {
        self.0
            .queue
            .saturating_sub(self.0.places.available_permits())
    }

    async fn compute<T: Send + 'static>(
        &self,
        memory_kib: u32,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let permits = self.permits(memory_kib).await?;
        self.compute_with(permits, computation).await
    }

    async fn compute_with<T: Send + 'static>(
        &self,
        permits: Permits,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let freed = Arc::clone(&self.0.freed);
        // Before the answer, so that whoever has it finds the thread free.
        let free = move || {
            drop(permits);
            freed.notify_waiters();
        };
        run(&self.0.jobs, &self.0.invocations, computation, free).await
    }

    /// A thread of one's own and memory to work in, at once or after a wait in the queue.
    async fn permits(&self, memory_kib: u32) -> Result<Permits, Error> {
        let (threads, memory) = (&self.0.threads, &self.0.memory);
        // Nothing is kept of a half: who waits holds neither.
        let at_once = || {
            let memory = Arc::clone(memory).try_acquire_many_owned(memory_kib).ok()?;
            let thread = Arc::clone(threads).try_acquire_owned().ok()?;
            Some((thread, memory))
        };
        if let Some(permits) = at_once() {
            return Ok(permits);
        }
        let _place = self.0.places.try_acquire().map_err(|_| Error::Overloaded)?;
        // Memory first: who waits for it keeps no thread from those who need little.
        let both = async {
            let memory = Arc::clone(memory).acquire_many_owned(memory_kib).await?;
            let thread = Arc::clone(threads).acquire_owned().await?;
            Ok((thread, memory))
        };
        match timeout(self.0.queue_wait, both).await {
            Ok(permits) => permits.map_err(|_: AcquireError| Error::Internal("the pool is closed")),
            Err(_) => Err(Error::Overloaded),
        }
    }
}

/// Has a thread compute, and waits for what comes of it; `then` is done on the thread before that is known.
async fn run<T: Send + 'static>(
    jobs: &mpsc::Sender<Job>,
    invocations: &Arc<AtomicU64>,
    computation: impl FnOnce() -> T + Send + 'static,
    then: impl FnOnce() + Send + 'static,
) -> Result<T, Error> {
    let invocations = Arc::clone(invocations);
    let (answer, answered) = oneshot::channel();
    let job = move || {
        invocations.fetch_add(1, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(computation));
        then();
        if let Ok(value) = outcome {
            // The caller may be gone by now.
            drop(answer.send(value));
        }
    };
    jobs.send(Box::new(job))
        .map_err(|_| Error::Internal("no thread is left"))?;
    answered
        .await
        .map_err(|_| Error::Internal("a computation panicked"))
}

/// Starts a thread that does the jobs of this receiver.
fn spawn(
    name: String,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    keeps_memory: bool,
) -> Result<(), Error> {
    let thread = thread::Builder::new().name(name);
    thread
        .spawn(move || work(&jobs, keeps_memory))
        .map(drop)
        .map_err(Error::Spawn)
}

/// How far a thread that hashes gives way, of 19 steps: with each a thread gets about a tenth less beside others.
const NICENESS: i32 = 10;

/// Does one job after another until the pool is gone.
fn work(jobs: &Mutex<mpsc::Receiver<Job>>, keeps_memory: bool) {
    give_way();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job();
        if !keeps_memory {
            give_back_memory();
        }
    }
}

/// Lowers the priority of this thread alone, which Linux lets everybody do: a lookup that is ready runs at once.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // Where it is forbidden hashing is as right as before, and others wait longer for their turn.
        let _: Result<i32, _> = rustix::process::nice(NICENESS);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        pin::{Pin, pin},
        sync::{
            Arc, Barrier,
            atomic::{AtomicUsize, Ordering},
            mpsc,
        },
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use tokio::task::JoinSet;

    use super::{Pool, Settings};
    use crate::{Error, Format, ParsedHash, Password, StoredHash, Unusable};

    const SSHA: &str = "{SSHA}0c0blFTXXNuAMHECS4uxrj3ZieMoWImr";

    fn password(text: &str) -> Password {
        Password::new(text.to_owned()).unwrap()
    }

    fn hash(text: &str) -> StoredHash {
        StoredHash::new(text.to_owned()).unwrap()
    }

    fn parsed(pool: &Pool, text: &str) -> ParsedHash {
        pool.parse(&hash(text)).ok().unwrap()
    }

    /// A pool of one thread.
    fn pool(queue: usize, queue_wait: Duration) -> Pool {
        Pool::start(Settings {
            accept: vec![Format::Argon2id, Format::LdapSsha],
            threads: 1,
            queue,
            queue_wait,
            ..Settings::default()
        })
        .unwrap()
    }

    /// Lets a call begin, as far as it comes without waiting.
    fn begin<T>(call: Pin<&mut impl Future<Output = T>>) {
        assert!(matches!(
            call.poll(&mut Context::from_waker(Waker::noop())),
            Poll::Pending
        ));
    }

    /// Occupies the thread of a pool until the sender is dropped; the caller has hung up already.
    fn occupy(pool: &Pool) -> mpsc::Sender<()> {
        let (hold, until_dropped) = mpsc::channel();
        begin(pin!(pool.compute(0, move || until_dropped.recv())));
        hold
    }

    #[tokio::test]
    async fn a_password_matches_its_hash_and_no_other_does() {
        let pool = pool(8, Duration::from_mins(1));
        let matches = pool
            .verify(password("testing123"), None, parsed(&pool, SSHA))
            .await
            .unwrap();
        assert!(matches);
        let matches = pool
            .verify(password("testing124"), None, parsed(&pool, SSHA))
            .await
            .unwrap();
        assert!(!matches);
        assert_eq!(pool.invocations(), 2);
    }

    #[test]
    fn an_unusable_hash_costs_nothing_and_waits_for_nobody() {
        let accept = vec![Format::Argon2id, Format::Bcrypt];
        let settings = Settings {
            accept,
            threads: 1,
            queue: 0,
            ..Settings::default()
        };
        let pool = Pool::start(settings).unwrap();
        let hold = occupy(&pool);
        let hostile = format!("$2b$31${}", ".".repeat(53));
        for (text, reason) in [
            ("", Unusable::Unknown),
            (SSHA, Unusable::NotAccepted),
            ("$2b$31$", Unusable::Malformed),
            (hostile.as_str(), Unusable::TooCostly),
        ] {
            assert_eq!(pool.parse(&hash(text)).err(), Some(reason));
        }
        assert!(pool.invocations() <= 1, "only what occupies the thread");
        drop(hold);
    }

    #[tokio::test]
    async fn new_hashes_verify_in_either_writable_format() {
        for write in [Format::Argon2id, Format::Bcrypt] {
            let pool = Pool::start(Settings {
                write,
                ..Settings::default()
            })
            .unwrap();
            let stored = pool.hash(password("correct horse")).await.unwrap();
            let stored = pool.parse(&stored).ok().unwrap();
            assert_eq!(stored.format(), write);
            let matches = pool.verify(password("correct horse"), None, stored);
            assert!(matches.await.unwrap());
            assert_eq!(pool.invocations(), 2);
        }
    }

    #[tokio::test]
    async fn a_password_that_bcrypt_would_cut_is_refused_before_any_work() {
        let pool = Pool::start(Settings {
            write: Format::Bcrypt,
            ..Settings::default()
        })
        .unwrap();
        let error = pool.hash(password(&"a".repeat(73))).await.err().unwrap();
        assert!(matches!(error, Error::PasswordTooLong { limit: 72 }));
        assert_eq!(
            error.to_string(),
            "a password may have at most 72 bytes here"
        );
        assert_eq!(pool.invocations(), 0);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_frees_no_thread() {
        let pool = pool(0, Duration::from_mins(1));
        let hold = occupy(&pool);
        let refused = pool
            .verify(password("testing123"), None, parsed(&pool, SSHA))
            .await;
        assert!(matches!(refused, Err(Error::Overloaded)));
        drop(hold);
    }

    #[tokio::test]
    async fn a_full_queue_turns_callers_away_and_who_leaves_it_gives_up_the_place() {
        let pool = pool(1, Duration::from_mins(1));
        let hold = occupy(&pool);
        {
            let waiting = pin!(pool.verify(password("testing123"), None, parsed(&pool, SSHA)));
            begin(waiting);
            assert_eq!(pool.queued(), 1);
            let refused = pool
                .verify(password("testing123"), None, parsed(&pool, SSHA))
                .await;
            assert!(matches!(refused, Err(Error::Overloaded)));
        }
        assert_eq!(pool.queued(), 0);
        drop(hold);
    }

    #[tokio::test]
    async fn who_waits_is_served_when_the_thread_is_free() {
        let pool = pool(1, Duration::from_mins(1));
        let hold = occupy(&pool);
        let mut waiting = pin!(pool.verify(password("testing123"), None, parsed(&pool, SSHA)));
        begin(waiting.as_mut());
        drop(hold);
        assert!(waiting.await.unwrap());
        assert_eq!((pool.queued(), pool.invocations()), (0, 2));
    }

    #[tokio::test]
    async fn as_many_computations_run_at_once_as_there_are_threads() {
        let settings = Settings {
            threads: 2,
            queue_wait: Duration::from_mins(1),
            ..Settings::default()
        };
        let pool = Pool::start(settings).unwrap();
        let (pair, running) = (Arc::new(Barrier::new(2)), Arc::new(AtomicUsize::new(0)));
        let mut calls = JoinSet::new();
        for _ in 0..8 {
            let (pool, pair, running) = (pool.clone(), Arc::clone(&pair), Arc::clone(&running));
            calls.spawn(async move {
                let computation = move || {
                    let others = running.fetch_add(1, Ordering::SeqCst);
                    pair.wait();
                    running.fetch_sub(1, Ordering::SeqCst);
                    others
                };
                pool.compute(0, computation).await.unwrap()
            });
        }
        assert!(calls.join_all().await.into_iter().all(|others| others < 2));
        assert_eq!(pool.invocations(), 8);
    }

    #[tokio::test]
    async fn a_wait_that_is_over_turns_the_caller_away() {
        let pool = pool(1, Duration::ZERO);
        let hold = occupy(&pool);
        let refused = pool
            .verify(password("testing123"), None, parsed(&pool, SSHA))
            .await;
        assert!(matches!(refused, Err(Error::Overloaded)));
        assert_eq!(pool.queued(), 0);
        drop(hold);
    }

    #[tokio::test]
    async fn a_panic_ends_one_computation_and_no_thread() {
        let pool = pool(1, Duration::from_mins(1));
        let broken: Result<(), Error> = pool.compute(0, || panic!("a test wants it")).await;
        assert!(matches!(
            broken,
            Err(Error::Internal("a computation panicked"))
        ));
        let matches = pool
            .verify(password("testing123"), None, parsed(&pool, SSHA))
            .await
            .unwrap();
        assert!(matches);
    }

    #[tokio::test]
    async fn the_threads_end_with_the_last_clone() {
        // What a thread owns is dropped when the thread ends.
        thread_local!(static OWNED: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) });
        let pool = pool(1, Duration::from_mins(1));
        let (owned, ended) = mpsc::channel();
        pool.compute(0, move || OWNED.set(Some(owned)))
            .await
            .unwrap();

        let clone = pool.clone();
        drop(pool);
        assert!(
            clone
                .verify(password("testing123"), None, parsed(&clone, SSHA))
                .await
                .is_ok()
        );
        drop(clone);
        assert_eq!(ended.recv(), Err(mpsc::RecvError));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let refusal = |settings: Settings| Pool::start(settings).err().unwrap();
        let some = Settings::default;
        assert!(matches!(
            refusal(Settings {
                write: Format::Phpass,
                ..some()
            }),
            Error::NotWritable(Format::Phpass)
        ));
        assert!(matches!(
            refusal(Settings {
                accept: vec![Format::Phpass],
                ..some()
            }),
            Error::WriteNotAccepted(Format::Argon2id)
        ));
        assert!(matches!(
            refusal(Settings {
                threads: 0,
                ..some()
            }),
            Error::Threads
        ));
        assert!(matches!(
            refusal(Settings {
                threads: 1025,
                ..some()
            }),
            Error::Threads
        ));
        assert!(matches!(
            refusal(Settings {
                queue: 65_537,
                ..some()
            }),
            Error::Queue
        ));
    }

    #[tokio::test]
    async fn who_finds_no_memory_waits_and_keeps_no_thread() {
        let settings = Settings {
            accept: vec![Format::Argon2id, Format::LdapSsha],
            memory_kib: 20_000,
            threads: 2,
            queue_wait: Duration::from_mins(1),
            ..Settings::default()
        };
        let pool = Pool::start(settings).unwrap();
        let (hold, until_dropped) = mpsc::channel::<()>();
        begin(pin!(pool.compute(19_456, move || until_dropped.recv())));
        let mut large = pin!(pool.hash(password("correct horse")));
        begin(large.as_mut());
        assert_eq!(pool.queued(), 1);
        // A thread is free for what needs little.
        assert!(pool.compute(0, || ()).await.is_ok());
        drop(hold);
        assert!(large.await.is_ok());
    }

    #[test]
    fn a_hash_that_no_memory_is_for_is_too_costly() {
        let settings = Settings {
            memory_kib: 64 * 1024,
            ..Settings::default()
        };
        let pool = Pool::start(settings).unwrap();
        let (salt, digest) = ("A".repeat(22), "A".repeat(43));
        let of = |kib: u32| format!("$argon2id$v=19$m={kib},t=1,p=1${salt}${digest}");
        assert!(pool.parse(&hash(&of(65_536))).is_ok());
        assert_eq!(
            pool.parse(&hash(&of(65_537))).err(),
            Some(Unusable::TooCostly)
        );
    }
}
