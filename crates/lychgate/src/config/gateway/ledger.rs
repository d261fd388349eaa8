//! `[ledger]`: where the gateway keeps it, and how `lychgate ledger` reads it.

use std::path::Path;
use std::time::Duration;

use lychgate_gateway::LedgerSettings;
use lychgate_store::{listing_filter_flaw, listing_flaw};

use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::RawConfig;
use crate::ledger::Rules;

/// Silence that is shorter says nothing: people do not come every day.
const LEAST_QUIET: Duration = Duration::from_hours(24);

/// Where the ledger is, if there is to be one.
pub(crate) fn settings(
    raw: &RawConfig,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<LedgerSettings> {
    let ledger = raw.ledger.as_ref()?;
    if raw.audit.pseudonym_key.is_none() {
        let reason = "is missing: a ledger needs the same pseudonyms after every start; make a key with \
                      `openssl rand -hex 32`";
        findings.push(&Key::new("audit.pseudonym_key"), reason);
    }
    if ledger.path.is_empty() {
        findings.push(&Key::new("ledger.path"), "is empty; name a file");
    }
    Some(LedgerSettings {
        path: folder.join(&ledger.path),
    })
}

/// What makes a migration complete.
pub(crate) fn rules(raw: &RawConfig, findings: &mut Findings<'_>) -> Option<Rules> {
    let ledger = raw.ledger.as_ref()?;
    let key = Key::new("ledger");
    let store = raw.store.as_ref();
    let is_directory = store.is_some_and(|store| store.url.expose_secret().starts_with("ldap"));
    let flaw_of = if is_directory {
        listing_filter_flaw
    } else {
        listing_flaw
    };
    if let Some(flaw) = ledger.users.as_deref().and_then(flaw_of) {
        findings.push(&key.member("users"), flaw);
    }
    let quiet = duration::or(
        ledger.quiet.as_ref(),
        Rules::QUIET,
        &key.member("quiet"),
        findings,
    )?;
    if quiet < LEAST_QUIET {
        findings.push(&key.member("quiet"), "must be at least 24h");
    }
    Some(Rules {
        users: ledger.users.clone(),
        imports: ledger.imports,
        quiet,
    })
}
