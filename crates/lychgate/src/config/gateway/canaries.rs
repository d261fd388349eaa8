//! `[canaries]`: decoys that nobody may use.

use lychgate_gateway::{Canaries, ClientId};
use lychgate_store::{Identifier, IdentifierRules};

use crate::config::document::Key;
use crate::config::finding::Findings;
use crate::config::raw::{RawCanaries, RawGateway};

pub(super) fn canaries(
    raw: &RawCanaries,
    gateway: &RawGateway,
    rules: IdentifierRules,
    findings: &mut Findings<'_>,
) -> Option<Canaries> {
    let key = Key::new("canaries");
    let mut canaries = Canaries::default();
    let identifiers = key.member("identifiers");
    let parsed = findings.keep_each(&identifiers, &raw.identifiers, |text| {
        Identifier::parse(text, rules)
    })?;
    for (written, identifier) in raw.identifiers.iter().zip(&parsed) {
        canaries.add_identifier(written, identifier);
    }
    let clients = key.member("clients");
    let allowed = gateway.access_token.as_ref().map(|token| &token.clients);
    for (number, client) in raw.clients.iter().enumerate() {
        if allowed.is_some_and(|allowed| allowed.contains(client)) {
            let reason = "is one of `gateway.access_token.clients`; a decoy is nobody's, and is never let in";
            findings.push(&clients.element(number), reason);
        }
    }
    for client in findings.keep_each(&clients, &raw.clients, ClientId::parse)? {
        canaries.add_client(client);
    }
    Some(canaries)
}
