//! From `lychgate.toml` to the settings of each role.
//!
//! Raw in, sound out: what leaves this room is legal in every value. All that is wrong is found in one go and shown
//! with file, line, column and key, never with a value, because a value may be a secret.

mod document;
mod duration;
mod endpoint;
mod finding;
mod gateway;
mod raw;
mod shape;
mod source;
mod substitution;
mod tenant;

use std::path::Path;

use serde_json::Value;

use self::document::{Document, Key};
pub(crate) use self::finding::ConfigError;
use self::finding::{Finding, Findings};
use self::raw::RawConfig;
#[cfg(test)]
pub(crate) use self::raw::schema;
pub(crate) use self::source::Source;
pub(crate) use self::substitution::substitute;
use crate::ledger::Rules;

/// The roles that a config names; at least one is there.
pub(crate) struct Config {
    pub(crate) gateway: Option<lychgate_gateway::Settings>,
    pub(crate) tenant: Option<lychgate_tenant::Settings>,
    /// How the gateway's ledger is read.
    pub(crate) ledger: Option<Rules>,
}

/// Reads and checks the config at `path`; relative paths in it start from the folder it stands in.
pub(crate) fn read(path: &Path) -> Result<Config, ConfigError> {
    read_with_source(path).map(|(config, _)| config)
}

/// The same, and how it is written.
pub(crate) fn read_with_source(path: &Path) -> Result<(Config, Source), ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(|findings| ConfigError::new(path, findings))
}

fn parse(text: &str, folder: &Path) -> Result<(Config, Source), Vec<Finding>> {
    let document = Document::parse(text)?;
    let mut findings = Findings::new(&document);
    let mut source = Source::default();
    let value = document.to_json(|key, text| {
        source.see_text(key, text, folder);
        let substituted = substitution::substitute(text, folder);
        findings.keep(key, substituted).unwrap_or_default()
    });
    source.see_keys(&document, &Key::default(), &value);
    findings.none_so_far()?;
    shape::check(&value, raw::schema().as_value(), &mut findings);
    findings.none_so_far()?;
    refuse_what_nothing_reads(&value, &mut findings);
    let raw = serde_json::from_value::<RawConfig>(value);
    // The shape was right, so this is ours to mend; the message of the parser may show a value and is dropped.
    let raw = findings.keep(
        &Key::default(),
        raw.map_err(|_| "the config has the right shape and cannot be read"),
    );
    let config = raw.map(|raw| Config {
        gateway: gateway::settings(&raw, folder, &mut findings),
        tenant: tenant::settings(&raw, folder, &mut findings),
        ledger: gateway::ledger_rules(&raw, &mut findings),
    });
    findings.none_so_far()?;
    // Without findings there is a config.
    Ok((config.ok_or_else(Vec::new)?, source))
}

/// A config has a role, and the gateway's own sections do nothing without it.
fn refuse_what_nothing_reads(value: &Value, findings: &mut Findings<'_>) {
    if value.get("gateway").is_some() {
        return;
    }
    if value.get("tenant").is_none() {
        findings.push(
            &Key::default(),
            "there is no role: add `[gateway]`, `[tenant]` or both",
        );
    }
    for section in ["store", "passwords", "audit", "ledger", "native"] {
        if value.get(section).is_some() {
            let reason = "is read by the gateway alone, and there is no `[gateway]`; remove one, or add the other";
            findings.push(&Key::new(section), reason);
        }
    }
}

#[cfg(test)]
mod tests;
