//! Decoys: an account that nobody has, a client that nobody runs. Whoever uses one has found it where only an intruder
//! looks: in a copy of the table, in a script's configuration.
//!
//! The use of one is answered as any other refusal, after the same work, and raises an alert of its own. An attacker would
//! want to tell a decoy from what is real, or to see the alert coming.

use std::collections::{BTreeSet, HashSet};

use lychgate_store::Identifier;

use crate::settings::ClientId;

/// The decoys of a gateway.
#[derive(Clone, Default)]
pub struct Canaries {
    identifiers: HashSet<String>,
    clients: BTreeSet<ClientId>,
}

/// Which kind of decoy was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Canary {
    /// An account.
    Identifier,
    /// A client.
    Client,
}

impl Canaries {
    /// Adds an account; what is written may also be its `user_id`, which is compared to the letter.
    pub fn add_identifier(&mut self, written: &str, identifier: &Identifier) {
        self.identifiers.insert(written.to_owned());
        self.identifiers.insert(identifier.as_str().to_owned());
    }

    /// Adds a client.
    pub fn add_client(&mut self, client: ClientId) {
        self.clients.insert(client);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.identifiers.is_empty() && self.clients.is_empty()
    }

    pub(crate) fn has_identifier(&self, identifier: &str) -> bool {
        self.identifiers.contains(identifier)
    }

    pub(crate) fn has_client(&self, client: &str) -> bool {
        self.clients.contains(client)
    }
}

impl Canary {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Client => "client",
        }
    }
}
