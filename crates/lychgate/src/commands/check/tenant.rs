//! The other half of the hole: whom the platform gives a token for the gateway, by its own configuration.
//!
//! Each file looks at one kind of thing in the tenant. What the export does not tell is said, and never taken for good.

mod actions;
mod api;
mod client;
mod code;
mod connection;
mod domain;
mod grants;
mod indirect;
mod scripts;
mod superseded;

use lychgate_gateway::operations::OPERATIONS;

use super::facts::Facts;
use super::finding::{Check, Findings};
use crate::tenant_export::{Api, Client, Connection, Grant, TenantExport};

/// The checks of a tenant, in the order in which they are made.
pub(super) fn checks() -> Vec<&'static Check> {
    let mut all = Vec::new();
    all.extend(api::CHECKS);
    all.extend(grants::CHECKS);
    all.extend(client::CHECKS);
    all.extend(indirect::CHECKS);
    all.extend(actions::CHECKS);
    all.extend(superseded::CHECKS);
    all.extend(connection::CHECKS);
    all.extend(scripts::CHECKS);
    all.extend(domain::CHECKS);
    all
}

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let (Some(export), Some(gateway)) = (&facts.tenant, &facts.gateway) else {
        return;
    };
    let tenant = Tenant {
        export,
        gateway,
        regions: &facts.regions,
    };
    for check in EVERY {
        check(&tenant, findings);
    }
}

/// Each looks at the tenant from one side.
const EVERY: [fn(&Tenant<'_>, &mut Findings); 9] = [
    api::run,
    grants::run,
    client::run,
    indirect::run,
    actions::run,
    superseded::run,
    connection::run,
    scripts::run,
    domain::run,
];

/// A tenant, and the gateway that it should give tokens for.
struct Tenant<'facts> {
    export: &'facts TenantExport,
    gateway: &'facts lychgate_gateway::Settings,
    /// The regions whose addresses the allowlist takes.
    regions: &'facts [String],
}

impl<'facts> Tenant<'facts> {
    /// The identifier of the API that stands for the gateway.
    fn audience(&self) -> &'facts str {
        self.gateway.access_token.audience.as_str()
    }

    /// That API.
    fn api(&self) -> Option<&'facts Api> {
        let mut apis = self.export.apis.iter().flatten();
        apis.find(|api| api.identifier.as_deref() == Some(self.audience()))
    }

    /// What gives clients a token for that API.
    fn grants(&self) -> impl Iterator<Item = &'facts Grant> {
        let audience = self.audience();
        let grants = self.export.grants.iter().flatten();
        grants.filter(move |grant| grant.audience.as_deref() == Some(audience))
    }

    /// The client that a grant is for.
    fn client_of(&self, grant: &Grant) -> Option<&'facts Client> {
        let name = grant.client.as_deref()?;
        let mut clients = self.export.clients.iter().flatten();
        clients.find(|client| client.is_called(name))
    }

    /// The id of the client that a grant is for. A name may be an id, too; it is one if no client is called so.
    fn client_id_of(&self, grant: &'facts Grant) -> Option<&'facts str> {
        match self.client_of(grant) {
            Some(client) => client.client_id.as_deref(),
            None => grant.client.as_deref(),
        }
    }

    /// Whether the config lets a client call the gateway.
    fn is_listed(&self, client_id: &str) -> bool {
        self.gateway.access_token.clients.contains(client_id)
    }

    /// The clients that may call: those that the config lists, or else those that a grant is for.
    fn script_clients(&self) -> Vec<&'facts Client> {
        let all = self.export.clients.iter().flatten();
        let listed = |client: &&Client| {
            client
                .client_id
                .as_deref()
                .is_some_and(|id| self.is_listed(id))
        };
        let clients: Vec<_> = all.filter(listed).collect();
        if !clients.is_empty() {
            return clients;
        }
        let unnamed = |client: &&Client| client.client_id.is_none();
        self.grants()
            .filter_map(|grant| self.client_of(grant))
            .filter(unnamed)
            .collect()
    }

    /// The connections whose users the gateway looks after.
    fn connections(&self) -> impl Iterator<Item = &'facts Connection> {
        let connections = self.export.connections.iter().flatten();
        connections.filter(|connection| connection.is_custom == Some(true))
    }

    /// Of the scopes of the config's operations those that are not among some, and those of these that are of no
    /// operation.
    fn differing<'scopes>(
        &self,
        scopes: &'scopes [String],
    ) -> (Vec<&'static str>, Vec<&'scopes str>) {
        let statements = &self.gateway.store.statements;
        let operations = OPERATIONS.iter();
        let defined = operations.filter(|operation| statements.contains_key(&operation.statement));
        let wanted: Vec<&str> = defined.map(|operation| operation.scope).collect();
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let missing = wanted.iter().filter(|scope| !scopes.contains(scope));
        let excess = scopes.iter().filter(|scope| !wanted.contains(scope));
        (missing.copied().collect(), excess.copied().collect())
    }
}
