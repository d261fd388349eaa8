//! A value that is replaced while it is in use: a certificate, an allowlist, the rules for tokens.

use std::sync::{Arc, PoisonError, RwLock};

/// A value that can be replaced at any time. Who asks for it gets what is in force now, and keeps that for as long as the
/// matter at hand takes, whatever comes after.
pub struct Live<T>(RwLock<Arc<T>>);

impl<T> Live<T> {
    /// Puts a first value in force.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(Arc::new(value)))
    }

    /// What is in force now.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in force, for whoever asks from now on.
    pub fn replace(&self, value: T) {
        let value = Arc::new(value);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_value_keeps_it_and_who_asks_later_gets_the_new_one() {
        let live = Live::new(1);
        let before = live.current();
        live.replace(2);
        assert_eq!((*before, *live.current()), (1, 2));
    }
}
