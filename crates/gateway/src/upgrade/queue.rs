//! The queue of upgrades: bounded, one place a user, emptied one after the other.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use lychgate_password::{Background, Password, StoredHash};
use lychgate_store::Identifier;
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{Left, UpgradeCounts, UpgradeLimits, Upgrading};

type Users = Arc<Mutex<HashSet<Identifier>>>;

/// A right password, with the hash that it was verified with.
pub(super) struct Waiting {
    pub(super) identifier: Identifier,
    pub(super) password: Arc<Password>,
    pub(super) stored: StoredHash,
    pub(super) under_way: UnderWay,
}

/// The one place of a user; it is free when this is dropped.
pub(super) struct UnderWay {
    identifier: Identifier,
    users: Users,
}

/// Where logins are put.
pub(super) struct Offers {
    sender: mpsc::Sender<Waiting>,
    users: Users,
}

/// Where they are taken from.
pub(crate) struct UpgradeQueue {
    receiver: mpsc::Receiver<Waiting>,
    background: Option<Background>,
    counts: UpgradeCounts,
    limits: UpgradeLimits,
}

pub(super) fn new(
    limits: UpgradeLimits,
    background: Option<Background>,
    counts: UpgradeCounts,
) -> (Offers, UpgradeQueue) {
    let (sender, receiver) = mpsc::channel(limits.queue.max(1));
    let users = Users::default();
    let queue = UpgradeQueue {
        receiver,
        background,
        counts,
        limits,
    };
    (Offers { sender, users }, queue)
}

impl Offers {
    /// Puts a login into the queue without waiting.
    pub(super) fn put(
        &self,
        identifier: Identifier,
        password: Arc<Password>,
        stored: StoredHash,
    ) -> Result<(), Left> {
        let under_way = UnderWay::begin(&identifier, &self.users).ok_or(Left::UnderWay)?;
        let waiting = Waiting {
            identifier,
            password,
            stored,
            under_way,
        };
        self.sender.try_send(waiting).map_err(|error| match error {
            TrySendError::Full(_) => Left::QueueFull,
            TrySendError::Closed(_) => Left::Stopping,
        })
    }
}

impl UpgradeQueue {
    /// Upgrades one after the other until the gateway stops; what waits then is left.
    pub(crate) async fn run(mut self, upgrading: Upgrading) {
        let Some(mut background) = self.background.take() else {
            return;
        };
        loop {
            let waiting = tokio::select! {
                biased;
                () = upgrading.stop.cancelled() => None,
                waiting = self.receiver.recv() => waiting,
            };
            let Some(waiting) = waiting else { break };
            let deadline = self.limits.deadline;
            upgrading
                .upgrade(waiting, &mut background, &self.counts, deadline)
                .await;
        }
        self.receiver.close();
        while self.receiver.try_recv().is_ok() {
            self.counts.left(Left::Stopping);
        }
    }
}

impl UnderWay {
    fn begin(identifier: &Identifier, users: &Users) -> Option<Self> {
        let mut taken = users.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(identifier.clone()).then(|| Self {
            identifier: identifier.clone(),
            users: Arc::clone(users),
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut taken = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.identifier);
    }
}
