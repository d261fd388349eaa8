//! What every room of a running tenant shares.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Error, Lifetimes,
    access::Access,
    clients::Client,
    connections::{Connection, Database},
    issuer::Issuer,
    possession::Proofs,
    state::State,
    tokens::Keys,
};

/// A running tenant, as its rooms see it.
pub(crate) struct Context {
    pub(crate) issuer: Issuer,
    pub(crate) state: State,
    pub(crate) keys: Keys,
    pub(crate) proofs: Proofs,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) outbox: Option<PathBuf>,
    pub(crate) token_requests: TokenRequests,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) databases: Vec<Database>,
    pub(crate) access: RwLock<Arc<Access>>,
}

impl Context {
    /// A client.
    pub(crate) fn client(&self, client_id: &str) -> Option<&Client> {
        self.clients.get(client_id)
    }

    /// A connection by its name, or the first where none is named.
    pub(crate) fn database(&self, name: Option<&str>) -> Option<&Database> {
        match name {
            None => self.databases.first(),
            Some(name) => self
                .databases
                .iter()
                .find(|database| database.name() == name),
        }
    }

    /// The policy in force. A request keeps the one it began with.
    pub(crate) fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another policy in force.
    pub(crate) fn adopt(&self, access: Access) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(access);
    }
}

/// How often each client has come for a token. Only clients that exist are counted, so the table has a bound.
pub(crate) struct TokenRequests(BTreeMap<String, AtomicU64>);

impl TokenRequests {
    pub(crate) fn of(clients: &BTreeMap<String, Client>) -> Self {
        Self(
            clients
                .keys()
                .map(|client_id| (client_id.clone(), AtomicU64::new(0)))
                .collect(),
        )
    }

    /// Counts one more.
    pub(crate) fn count(&self, client_id: &str) {
        if let Some(counter) = self.0.get(client_id) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there were.
    pub(crate) fn seen(&self, client_id: &str) -> u64 {
        self.0
            .get(client_id)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}

/// The clients by id, each of them one that can be meant.
pub(crate) fn clients_by_id(clients: Vec<Client>) -> Result<BTreeMap<String, Client>, Error> {
    let mut by_id = BTreeMap::new();
    for client in clients {
        let wrong = |reason| Error::Setting {
            what: "client",
            value: client.client_id.clone(),
            reason,
        };
        let visible = |byte: u8| (0x21..=0x7e).contains(&byte);
        if client.client_id.is_empty()
            || client.client_id.len() > 64
            || !client.client_id.bytes().all(visible)
        {
            return Err(wrong("client_id must be 1 to 64 visible ASCII characters"));
        }
        if client.is_public()
            && client
                .grant_types
                .contains(&crate::GrantType::ClientCredentials)
        {
            return Err(wrong(
                "a client that cannot keep a secret cannot use client_credentials",
            ));
        }
        if by_id
            .insert(client.client_id.clone(), client.clone())
            .is_some()
        {
            return Err(wrong("is there twice"));
        }
    }
    Ok(by_id)
}

/// The connections, each with its container, each of them one that can be meant.
pub(crate) fn databases(connections: Vec<Connection>) -> Result<Vec<Database>, Error> {
    let mut databases: Vec<Database> = Vec::new();
    for connection in connections {
        let wrong = |reason| Error::Setting {
            what: "connection",
            value: connection.name.clone(),
            reason,
        };
        if !connection.has_sound_name() {
            return Err(wrong(
                "must be at most 35 letters, digits and dashes, with no dash at an end",
            ));
        }
        if databases
            .iter()
            .any(|known| known.name() == connection.name)
        {
            return Err(wrong("is there twice"));
        }
        databases.push(Database::new(connection));
    }
    Ok(databases)
}
