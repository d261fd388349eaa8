//! Hashes that can wait, on a thread beside the pool's: begun only while the pool has a thread to spare and nobody waits
//! for one, so that no login ever stands behind one of them.

use std::sync::{Arc, Mutex, mpsc};

use super::{Job, Pool, run, spawn};
use crate::{Error, Password, StoredHash};

/// One hash at a time for work that nobody waits for. Its thread ends with it.
pub struct Background {
    pool: Pool,
    jobs: mpsc::Sender<Job>,
}

impl Background {
    /// Starts the thread. Its memory is not of the pool's: see
    /// [`Settings::less_background`](crate::Settings::less_background).
    pub fn start(pool: &Pool) -> Result<Self, Error> {
        let (jobs, receiver) = mpsc::channel();
        spawn(
            "password-background".to_owned(),
            Arc::new(Mutex::new(receiver)),
            true,
        )?;
        Ok(Self {
            pool: pool.clone(),
            jobs,
        })
    }

    /// Makes a new hash as [`Pool::hash`] does, once the pool is idle, however long that takes. Dropping the future ends
    /// the wait.
    ///
    /// # Errors
    /// [`Error::PasswordTooLong`] or [`Error::NulInPassword`] at once; [`Error::Internal`].
    pub async fn hash(&mut self, password: Arc<Password>) -> Result<StoredHash, Error> {
        let shared = &self.pool.0;
        let format = shared.write;
        format.covers(&password)?;
        loop {
            // Asked for before the look, so that a thread which becomes free after it is not missed.
            let freed = shared.freed.notified();
            if self.pool.is_idle() {
                break;
            }
            freed.await;
        }
        let computation = move || format.compute(&password);
        run(&self.jobs, &shared.invocations, computation, || ()).await?
    }
}

impl Pool {
    /// Whether a thread is free, and nobody waits for one.
    fn is_idle(&self) -> bool {
        self.queued() == 0 && self.0.threads.available_permits() > 0
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{Arc, mpsc},
        task::{Context, Poll, Waker},
        time::Duration,
    };

    use super::super::run;
    use crate::{Background, Error, Format, Password, Pool, Settings};

    fn pool(write: Format) -> Pool {
        Pool::start(Settings {
            accept: vec![Format::Argon2id, Format::Bcrypt],
            write,
            threads: 1,
            queue: 8,
            queue_wait: Duration::from_mins(1),
            ..Settings::default()
        })
        .unwrap()
    }

    fn password(text: &str) -> Arc<Password> {
        Arc::new(Password::new(text.to_owned()).unwrap())
    }

    /// Lets a future go on as far as it comes without waiting.
    fn nudge<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_hash_in_the_background_waits_for_everybody_who_came_before_it_or_after() {
        let pool = pool(Format::Argon2id);
        let mut background = Background::start(&pool).unwrap();
        let (first_hold, first_until) = mpsc::channel::<()>();
        let (second_hold, second_until) = mpsc::channel::<()>();
        let mut first = pin!(pool.compute(0, move || first_until.recv().is_err()));
        assert!(nudge(first.as_mut()).is_pending());
        let mut hash = pin!(background.hash(password("later")));
        assert!(nudge(hash.as_mut()).is_pending());
        let mut second = pin!(pool.compute(0, move || second_until.recv().is_err()));
        assert!(nudge(second.as_mut()).is_pending());

        drop(first_hold);
        assert!(first.await.unwrap());
        // The thread is free or taken by now; whoever waits for it goes first in either case.
        assert!(nudge(hash.as_mut()).is_pending());
        assert!(nudge(second.as_mut()).is_pending());
        assert!(nudge(hash.as_mut()).is_pending());
        assert_eq!(pool.queued(), 0);

        drop(second_hold);
        let (done, hash) = tokio::join!(second, hash);
        assert!(done.unwrap());
        let parsed = pool.parse(&hash.unwrap()).ok().unwrap();
        assert!(pool.is_current(&parsed));
        assert_eq!(pool.invocations(), 3);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_hash_in_the_background() {
        let pool = pool(Format::Argon2id);
        let background = Background::start(&pool).unwrap();
        let (hold, until) = mpsc::channel::<()>();
        let invocations = &pool.0.invocations;
        let mut endless = pin!(run(
            &background.jobs,
            invocations,
            move || until.recv().is_err(),
            || ()
        ));
        assert!(nudge(endless.as_mut()).is_pending());
        let memory = Settings::default().memory_kib;
        let done = pool.compute(memory, || true).await.unwrap();
        assert!(done, "with all the memory that there is");
        drop(hold);
        assert!(endless.await.unwrap());
    }

    #[tokio::test]
    async fn what_the_new_format_does_not_hold_is_refused_without_waiting() {
        let pool = pool(Format::Bcrypt);
        let mut background = Background::start(&pool).unwrap();
        let refused = background.hash(password(&"x".repeat(73))).await;
        assert!(matches!(refused, Err(Error::PasswordTooLong { limit: 72 })));
        assert_eq!(pool.invocations(), 0);
    }

    #[test]
    fn the_memory_of_a_hash_in_the_background_is_not_the_pools() {
        let settings = Settings::default();
        let all = settings.memory_kib;
        assert_eq!(settings.less_background().memory_kib, all - 19 * 1024);
        let bcrypt = Settings {
            write: Format::Bcrypt,
            ..Settings::default()
        };
        assert_eq!(bcrypt.less_background().memory_kib, all);
    }

    #[test]
    fn a_hash_is_current_unless_another_format_or_a_lower_cost_made_it() {
        let argon2 = |version: &str, cost: &str| {
            let (salt, digest) = ("A".repeat(22), "A".repeat(43));
            format!("$argon2id${version}{cost}${salt}${digest}")
        };
        let bcrypt = |cost: &str| format!("$2b${cost}${}", ".".repeat(53));
        for (write, text, expected) in [
            (Format::Argon2id, argon2("v=19$", "m=19456,t=2,p=1"), true),
            (Format::Argon2id, argon2("v=19$", "m=65536,t=3,p=4"), true),
            (Format::Argon2id, argon2("v=19$", "m=47104,t=1,p=1"), true),
            (Format::Argon2id, argon2("v=19$", "m=19456,t=1,p=1"), false),
            (Format::Argon2id, argon2("v=19$", "m=12288,t=3,p=1"), false),
            (Format::Argon2id, argon2("v=16$", "m=65536,t=3,p=4"), false),
            (Format::Argon2id, bcrypt("14"), false),
            (Format::Bcrypt, bcrypt("12"), true),
            (Format::Bcrypt, bcrypt("14"), true),
            (Format::Bcrypt, bcrypt("11"), false),
            (Format::Bcrypt, argon2("v=19$", "m=65536,t=3,p=4"), false),
        ] {
            let pool = pool(write);
            let hash = crate::StoredHash::new(text).unwrap();
            let parsed = pool.parse(&hash).ok().unwrap();
            assert_eq!(
                pool.is_current(&parsed),
                expected,
                "{}",
                hash.expose_secret()
            );
        }
    }
}
