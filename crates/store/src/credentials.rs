//! As whom to speak to a store, where that may change while it is open: read again and again from where it stands.
//! A password in here is shown by nothing and leaves only for the store's own login.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A user of the store, and the password.
#[derive(Clone)]
pub struct Credential {
    pub(crate) user: String,
    pub(crate) password: Option<Zeroizing<String>>,
}

impl Credential {
    /// This user with this password, or without one.
    pub fn new(user: String, password: Option<Zeroizing<String>>) -> Self {
        Self { user, password }
    }

    /// Whether this is the same user with the same password. Both are ours: nobody else can offer one to compare.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.user == other.user && self.password == other.password
    }
}

/// The users that a store may be spoken to as, in the order of the config, read anew whenever it is asked.
#[derive(Clone)]
pub struct Credentials(Arc<Source>);

type Source = dyn Fn() -> Result<Vec<Credential>, String> + Send + Sync;

impl Credentials {
    /// What `read` gives. It may read small files; its error says what cannot be read, and never what was found.
    pub fn new(read: impl Fn() -> Result<Vec<Credential>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> Result<Vec<Credential>, String> {
        match (self.0)() {
            Ok(list) if list.is_empty() => Err("there are none".to_owned()),
            Ok(list) if list.iter().any(|credential| credential.user.is_empty()) => {
                Err("a user has no name".to_owned())
            }
            read => read,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}
