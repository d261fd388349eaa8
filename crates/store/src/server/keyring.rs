//! Which user of the store is spoken to as, and which others there are: two users can be exchanged under load.
//! What was changed last is used once it has proved itself; what does not work changes nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::credentials::{Credential, Credentials};
use crate::error::Error;

/// The users, and the one in use.
pub(super) struct Keyring {
    source: Option<Credentials>,
    keys: Mutex<Keys>,
}

struct Keys {
    /// What the source gave last.
    known: Vec<Credential>,
    current: Key,
    /// What is new since, and has not worked yet.
    untried: Vec<Credential>,
    next_try: Option<Instant>,
    fault: Option<String>,
}

/// The user of a connection. A later generation is another user, or another password.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) credential: Credential,
    pub(crate) generation: u64,
}

impl Keyring {
    /// Begins with the first of the source, or with the one there is.
    pub(super) fn new(address: Credential, source: Option<Credentials>) -> Result<Self, Error> {
        let known = match &source {
            Some(source) => source.read().map_err(Error::Credentials)?,
            None if address.user.is_empty() => return Err(Error::Url(NO_USER)),
            None => vec![address],
        };
        let first = known.first().cloned().ok_or(Error::Url(NO_USER))?;
        Ok(Self {
            source,
            keys: Mutex::new(Keys {
                known,
                current: Key {
                    credential: first,
                    generation: 0,
                },
                untried: Vec::new(),
                next_try: None,
                fault: None,
            }),
        })
    }

    /// The user of new connections.
    pub(super) fn current(&self) -> Key {
        self.keys().current.clone()
    }

    /// The generation of new connections.
    pub(super) fn generation(&self) -> u64 {
        self.keys().current.generation
    }

    /// Whether what the source gives now cannot be used.
    pub(super) fn is_faulty(&self) -> bool {
        self.keys().fault.is_some()
    }

    /// Looks at the source again, and notes what is new in it. It may wait for a file.
    pub(super) fn read_again(&self) {
        let Some(source) = &self.source else { return };
        let read = source.read();
        let mut keys = self.keys();
        let known = match read {
            Ok(known) => known,
            Err(fault) => return keys.complain(fault),
        };
        let is_old = |new: &Credential, old: &[Credential]| old.iter().any(|old| old.is(new));
        let is_same = known.len() == keys.known.len()
            && known.iter().zip(&keys.known).all(|(new, old)| new.is(old));
        if is_same {
            if keys.untried.is_empty() {
                keys.fault = None;
            }
            return;
        }
        let mut untried = known.clone();
        untried.retain(|new| {
            let is_new = !is_old(new, &keys.known) || is_old(new, &keys.untried);
            is_new && !new.is(&keys.current.credential)
        });
        keys.fault = None;
        keys.next_try = None;
        (keys.known, keys.untried) = (known, untried);
    }

    /// What is new and is to be tried now.
    pub(super) fn to_try(&self, now: Instant) -> Vec<Credential> {
        let mut keys = self.keys();
        if keys.untried.is_empty() || keys.next_try.is_some_and(|next| now < next) {
            return Vec::new();
        }
        keys.next_try = Some(now + BETWEEN_TRIES);
        keys.untried.clone()
    }

    /// Everybody but the user who was refused, in the order of the config.
    pub(super) fn others(&self, refused: &Credential) -> Vec<Credential> {
        let mut others = self.keys().known.clone();
        others.retain(|other| !other.is(refused));
        others
    }

    /// This one works: new connections are opened as this user from now on.
    pub(super) fn switch_to(&self, credential: Credential) -> Key {
        let mut keys = self.keys();
        let place = keys.known.iter().position(|known| known.is(&credential));
        keys.current = Key {
            credential,
            generation: keys.current.generation + 1,
        };
        keys.untried.clear();
        keys.fault = None;
        tracing::info!(
            credential = place.map(|place| place + 1),
            "connections to the legacy store are opened with other credentials from now on; those of before are closed"
        );
        keys.current.clone()
    }

    /// What is new does not work.
    pub(super) fn complain(&self, fault: &str) {
        self.keys().complain(fault.to_owned());
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    /// Says it once.
    fn complain(&mut self, fault: String) {
        if self.fault.as_ref() != Some(&fault) {
            tracing::error!(
                "the legacy store's new credentials cannot be used, and the old ones stay: {fault}"
            );
            self.fault = Some(fault);
        }
    }
}

/// How long what did not work rests before it is tried again: a login that fails may be counted against the user.
const BETWEEN_TRIES: Duration = Duration::from_secs(5);

const NO_USER: &str = "names no user; write `scheme://user@host/database`, or `credentials`";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zeroize::Zeroizing;

    use super::*;

    fn credential(user: &str, password: &str) -> Credential {
        Credential::new(user.to_owned(), Some(Zeroizing::new(password.to_owned())))
    }

    type Written = Arc<Mutex<Result<Vec<Credential>, String>>>;

    /// A keyring, and the place that it reads from.
    fn keyring(first: Vec<Credential>) -> (Keyring, Written) {
        let written = Arc::new(Mutex::new(Ok(first)));
        let read = Arc::clone(&written);
        let source = Credentials::new(move || read.lock().unwrap().clone());
        let keyring = Keyring::new(credential("", ""), Some(source)).unwrap();
        (keyring, written)
    }

    #[test]
    fn what_is_changed_is_tried_and_what_works_is_used() {
        let (a, b, now) = (credential("a", "1"), credential("b", "1"), Instant::now());
        let (keyring, written) = keyring(vec![a.clone(), b]);
        assert!(keyring.current().credential.is(&a));
        keyring.read_again();
        assert!(keyring.to_try(now).is_empty());
        let changed = credential("b", "2");
        *written.lock().unwrap() = Ok(vec![a.clone(), changed.clone()]);
        keyring.read_again();
        let [tried] = keyring.to_try(now).try_into().ok().unwrap();
        assert!(tried.is(&changed));
        assert!(keyring.current().credential.is(&a), "before it was proved");
        assert_eq!(keyring.switch_to(tried).generation, 1);
        assert!(keyring.current().credential.is(&changed));
        keyring.read_again();
        assert!(keyring.to_try(now).is_empty());
    }

    #[test]
    fn what_does_not_work_stays_new_and_is_tried_again_later() {
        let (a, now) = (credential("a", "1"), Instant::now());
        let (keyring, written) = keyring(vec![a.clone()]);
        *written.lock().unwrap() = Ok(vec![credential("a", "typo")]);
        keyring.read_again();
        assert_eq!(keyring.to_try(now).len(), 1);
        keyring.complain("refused");
        keyring.read_again();
        assert!(keyring.is_faulty() && keyring.to_try(now).is_empty());
        assert_eq!(keyring.to_try(now + BETWEEN_TRIES).len(), 1);
        assert!(keyring.current().credential.is(&a));
        *written.lock().unwrap() = Ok(vec![a.clone()]);
        keyring.read_again();
        assert!(!keyring.is_faulty() && keyring.to_try(now + BETWEEN_TRIES * 2).is_empty());
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let (a, now) = (credential("a", "1"), Instant::now());
        let (keyring, written) = keyring(vec![a.clone()]);
        for unreadable in [
            Err("gone".to_owned()),
            Ok(Vec::new()),
            Ok(vec![credential("", "1")]),
        ] {
            *written.lock().unwrap() = unreadable;
            keyring.read_again();
            assert!(keyring.is_faulty() && keyring.to_try(now).is_empty());
            assert!(keyring.current().credential.is(&a));
        }
    }
}
