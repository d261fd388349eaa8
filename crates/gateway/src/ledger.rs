//! What the migration ledger is told of each answer, and the one task that writes it.
//!
//! Answers that told the platform something about a user come in; the ledger learns it without any request waiting for
//! it. What does not fit into the queue is lost and counted, and the ledger says so for ever after: an attacker, or a
//! full disk, can make it say too little, never that a migration is further than it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lychgate_store::ledger::{BEAT, Change, Changes};
use lychgate_store::{Ledger, LedgerError, StatementName};
use lychgate_token::UnixTime;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::audit::Outcome;
use crate::audit::pseudonym::LedgerKey;
use crate::error::Error;

/// Sightings that may wait for the writer.
const QUEUE: usize = 4096;
/// Users about whom something may wait to be written while nothing can be.
const WAITING: usize = 65_536;
/// How long the last word may take.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Where the migration ledger is.
#[derive(Debug, Clone)]
pub struct LedgerSettings {
    /// Its file, made with mode 0600 if it is not there.
    pub path: PathBuf,
}

/// What an answer says about a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// This user logged in with the right password: a platform that imports users has the user now.
    Login(String),
    /// The platform asked for this user, or made the user: it relies on the store for the user.
    Asked(String),
    /// This user was removed.
    Removed(String),
    /// Something was done for a user of whom only the identifier is known.
    Somebody,
}

/// The near end of the queue.
pub(crate) struct Recorder {
    queue: Sender<(Sighting, UnixTime)>,
    counts: Arc<Counts>,
}

/// What the ledger's metrics are read from.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) taken: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) waiting: AtomicU64,
}

/// The far end of the queue, and what was not written yet.
pub(crate) struct LedgerWriter {
    settings: LedgerSettings,
    key: LedgerKey,
    queue: Receiver<(Sighting, UnixTime)>,
    counts: Arc<Counts>,
    /// `None` as long as the file cannot be opened.
    ledger: Option<Ledger>,
    changes: Changes,
    /// How many drops the ledger knows of.
    known_dropped: u64,
    failing: bool,
}

impl Sighting {
    /// What an answer says, if it says anything; `user_id` stands in the answer, `about` in the question.
    pub(crate) fn of(
        statement: StatementName,
        outcome: Outcome,
        user_id: Option<&str>,
        about: &str,
    ) -> Option<Self> {
        if outcome == Outcome::NoUser {
            return None;
        }
        let user = || user_id.map(str::to_owned);
        match statement {
            StatementName::Authenticate => user().map(Self::Login),
            StatementName::Lookup | StatementName::Create => user().map(Self::Asked),
            StatementName::Delete => Some(Self::Removed(about.to_owned())),
            StatementName::VerifyEmail
            | StatementName::ChangePassword
            | StatementName::ChangeEmail => Some(Self::Somebody),
            // No operation, so nobody asks for it; the login before it was told already.
            StatementName::UpgradePassword => None,
        }
    }
}

impl Recorder {
    /// Opens the ledger. One that only cannot be used now stops no gateway: it is tried again, and has its gap.
    pub(crate) async fn start(
        settings: LedgerSettings,
        key: LedgerKey,
        now: UnixTime,
    ) -> Result<(Self, LedgerWriter), Error> {
        let (queue, far_end) = channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let mut writer = LedgerWriter {
            settings,
            key,
            queue: far_end,
            counts: Arc::clone(&counts),
            ledger: None,
            changes: Changes::default(),
            known_dropped: 0,
            failing: false,
        };
        match writer.open(now).await {
            Ok(()) => {}
            Err(error) if error.may_pass() => writer.failed(&error),
            Err(error) => return Err(Error::Ledger(error)),
        }
        Ok((Self { queue, counts }, writer))
    }

    /// Takes note of an answer that was given. Never waits.
    pub(crate) fn note(&self, sighting: Sighting, now: UnixTime) {
        let count = match self.queue.try_send((sighting, now)) {
            Ok(()) => &self.counts.taken,
            Err(_) => &self.counts.dropped,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Something may be missing, whatever it is.
    pub(crate) fn lose_track(&self) {
        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }
}

impl LedgerWriter {
    /// Writes what comes, and a sign of life every so often, until `end`; then the last word.
    pub(crate) async fn run(mut self, end: CancellationToken) {
        let mut beat = interval_at(Instant::now() + BEAT, BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut arrived = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = end.cancelled() => break,
                // While nothing can be written, the next try is the next beat's.
                _ = beat.tick() => self.write(UnixTime::now()).await,
                count = self.queue.recv_many(&mut arrived, QUEUE) => {
                    self.take_in(&mut arrived);
                    if count == 0 {
                        break;
                    }
                    if !self.failing {
                        self.write(UnixTime::now()).await;
                    }
                }
            }
        }
        self.queue.close();
        while let Ok(one) = self.queue.try_recv() {
            arrived.push(one);
        }
        self.take_in(&mut arrived);
        if timeout(LAST_WORD, self.last_word()).await.is_err() {
            tracing::error!("the ledger was not closed in time; it will have a gap");
        }
    }

    async fn open(&mut self, now: UnixTime) -> Result<(), LedgerError> {
        let opened = Ledger::open(&self.settings.path, self.key.id(), now.seconds()).await;
        opened.map(|ledger| self.ledger = Some(ledger))
    }

    fn take_in(&mut self, arrived: &mut Vec<(Sighting, UnixTime)>) {
        for (sighting, at) in arrived.drain(..) {
            self.change(&sighting, at.seconds());
        }
        let dropped = self.counts.dropped.load(Ordering::Relaxed);
        self.changes.dropped += dropped - self.known_dropped;
        self.known_dropped = dropped;
        let waiting = self.changes.users.len() as u64;
        self.counts.waiting.store(waiting, Ordering::Relaxed);
    }

    fn change(&mut self, sighting: &Sighting, at: i64) {
        self.changes.last_hit = self.changes.last_hit.max(Some(at));
        let (Sighting::Login(user) | Sighting::Asked(user) | Sighting::Removed(user)) = sighting
        else {
            return;
        };
        let pseudonym = self.key.pseudonym(user);
        let waits = &mut self.changes.users;
        if waits.len() >= WAITING && !waits.contains_key(&pseudonym) {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let change = waits.entry(pseudonym).or_default();
        match sighting {
            Sighting::Removed(_) => {
                *change = Change {
                    removed: true,
                    ..Change::default()
                };
            }
            Sighting::Login(_) => {
                change.login = change.login.or(Some(at));
                change.hit = change.hit.max(Some(at));
            }
            Sighting::Asked(_) | Sighting::Somebody => change.hit = change.hit.max(Some(at)),
        }
    }

    /// Writes all that waits, and a sign of life. What cannot be written waits on.
    async fn write(&mut self, now: UnixTime) {
        self.take_in(&mut Vec::new());
        let written = match &mut self.ledger {
            Some(ledger) => ledger.write(&self.changes, now.seconds()).await,
            // Opening it is a sign of life, too; what waits follows with the next.
            None => return self.open_again(now).await,
        };
        match written {
            Ok(()) => self.succeeded(),
            Err(error) => self.failed(&error),
        }
    }

    async fn open_again(&mut self, now: UnixTime) {
        match self.open(now).await {
            Ok(()) => self.failing = false,
            Err(error) => self.failed(&error),
        }
    }

    async fn last_word(mut self) {
        let now = UnixTime::now().seconds();
        let Some(ledger) = self.ledger.take() else {
            return;
        };
        if let Err(error) = ledger.close(&self.changes, now).await {
            tracing::error!("the ledger was not closed, and will have a gap: {error}");
        }
    }

    fn succeeded(&mut self) {
        self.changes = Changes::default();
        self.counts.waiting.store(0, Ordering::Relaxed);
        if std::mem::take(&mut self.failing) {
            tracing::info!("the ledger is written again");
        }
    }

    fn failed(&mut self, error: &LedgerError) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!("{error}; it is tried again every minute, and logins go on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::pseudonym::PseudonymKey;
    use lychgate_store::ledger::{Contents, Loss};

    fn key() -> LedgerKey {
        PseudonymKey::new(&[7; 32]).unwrap().ledger_key()
    }

    async fn started(folder: &tempfile::TempDir) -> (Recorder, LedgerWriter) {
        let path = folder.path().join("ledger.db");
        Recorder::start(LedgerSettings { path }, key(), UnixTime::now())
            .await
            .unwrap()
    }

    async fn ended(writer: LedgerWriter) {
        let end = CancellationToken::new();
        end.cancel();
        writer.run(end).await;
    }

    async fn contents(folder: &tempfile::TempDir) -> Contents {
        let path = folder.path().join("ledger.db");
        Contents::read(&path, key().id()).await.unwrap()
    }

    #[test]
    fn what_found_nobody_says_nothing_and_what_found_a_user_says_who() {
        let of = |statement, outcome, user_id| Sighting::of(statement, outcome, user_id, "7");
        let (lookup, delete) = (StatementName::Lookup, StatementName::Delete);
        let authenticate = StatementName::Authenticate;
        for statement in StatementName::ALL {
            assert_eq!(of(statement, Outcome::NoUser, None), None);
        }
        assert_eq!(
            of(authenticate, Outcome::User, Some("7")),
            Some(Sighting::Login("7".into()))
        );
        assert_eq!(
            of(lookup, Outcome::User, Some("7")),
            Some(Sighting::Asked("7".into()))
        );
        assert_eq!(
            of(delete, Outcome::Deleted, None),
            Some(Sighting::Removed("7".into()))
        );
        let changed = of(StatementName::ChangePassword, Outcome::Changed, None);
        assert_eq!(changed, Some(Sighting::Somebody));
    }

    #[tokio::test]
    async fn a_stop_writes_what_waits_and_ends_in_good_form() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, writer) = started(&folder).await;
        let at = UnixTime::now();
        recorder.note(Sighting::Login("7".into()), at);
        recorder.note(Sighting::Asked("8".into()), at);
        ended(writer).await;
        let contents = contents(&folder).await;
        let seen = contents.users[&key().pseudonym("7")];
        assert_eq!(seen.first_login, Some(at.seconds()));
        assert_eq!(contents.users.len(), 2);
        assert!(!contents.life.running && contents.life.losses.is_empty());
    }

    #[tokio::test]
    async fn what_the_queue_has_no_room_for_never_waits_is_counted_and_leaves_a_hole() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, writer) = started(&folder).await;
        for number in 0..QUEUE + 5 {
            recorder.note(Sighting::Login(number.to_string()), UnixTime::now());
        }
        assert_eq!(recorder.counts.dropped.load(Ordering::Relaxed), 5);
        ended(writer).await;
        let contents = contents(&folder).await;
        assert_eq!(contents.users.len(), QUEUE);
        assert!(contents.life.losses.contains_key(&Loss::Dropped));
    }

    #[tokio::test]
    async fn a_user_who_was_removed_and_made_again_has_not_logged_in() {
        let folder = tempfile::tempdir().unwrap();
        let (recorder, writer) = started(&folder).await;
        let at = UnixTime::now();
        recorder.note(Sighting::Login("7".into()), at);
        recorder.note(Sighting::Removed("7".into()), at);
        recorder.note(Sighting::Asked("7".into()), at);
        ended(writer).await;
        let contents = contents(&folder).await;
        assert_eq!(contents.users[&key().pseudonym("7")].first_login, None);
    }

    #[tokio::test]
    async fn a_ledger_that_cannot_be_used_now_stops_no_gateway_and_one_of_another_key_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        std::fs::write(&path, [0x5a; 8192]).unwrap();
        let (recorder, mut writer) = started(&folder).await;
        recorder.note(Sighting::Login("7".into()), UnixTime::now());
        assert_eq!(recorder.counts.failures.load(Ordering::Relaxed), 1);
        // What was damaged is moved away; the next try begins a new one, with what has waited.
        std::fs::remove_file(&path).unwrap();
        writer.write(UnixTime::now()).await;
        ended(writer).await;
        assert_eq!(contents(&folder).await.users.len(), 1);

        let settings = LedgerSettings { path };
        let other = PseudonymKey::new(&[8; 32]).unwrap().ledger_key();
        let refused = Recorder::start(settings, other, UnixTime::now()).await;
        assert!(matches!(refused, Err(Error::Ledger(_))));
    }
}
