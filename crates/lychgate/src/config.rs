//! From `lychgate.toml` to the settings of each role.
//!
//! Raw in, sound out: what leaves this room is legal in every value. All that is wrong is found in one go and shown
//! with file, line, column and key, never with a value, because a value may be a secret.

pub(crate) mod attack;
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

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::document::{Document, Key};
pub(crate) use self::finding::ConfigError;
use self::finding::{Finding, Findings};
#[cfg(test)]
pub(crate) use self::gateway::REFRESH;
pub(crate) use self::gateway::{AllowlistSources, PublishedList};
use self::raw::RawConfig;
#[cfg(test)]
pub(crate) use self::raw::schema;
pub(crate) use self::source::Source;
pub(crate) use self::substitution::substitute;
use crate::ledger::Rules;

/// The roles that a config names, and what else stands in it; a config of neither role is for `lychgate attack`.
pub(crate) struct Config {
    pub(crate) gateway: Option<lychgate_gateway::Settings>,
    pub(crate) tenant: Option<lychgate_tenant::Settings>,
    /// Where the networks of the gateway's allowlist come from.
    pub(crate) allowlist: AllowlistSources,
    /// How the gateway's ledger is read.
    pub(crate) ledger: Option<Rules>,
    /// What `lychgate attack` may use.
    pub(crate) attack: Option<crate::attack::Settings>,
    /// The regions whose addresses the gateway's allowlist takes from the platform's own list.
    pub(crate) regions: Vec<String>,
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

/// The list that the config at `path` has fetched from a URL, if the config is sound that far.
pub(crate) fn published_list(path: &Path) -> Option<PublishedList> {
    let text = std::fs::read_to_string(path).ok()?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let document = Document::parse(&text).ok()?;
    let value =
        document.to_json(|_, text| substitution::substitute(text, folder).unwrap_or_default());
    let raw = value.pointer("/gateway/allowlist")?.clone();
    let raw = serde_json::from_value(raw).ok()?;
    let mut findings = Findings::new(&document);
    let sources = gateway::allowlist_sources(&raw, folder, &mut findings);
    findings.none_so_far().ok()?;
    sources.published
}

/// The files that the config at `path` is made of, itself among them, as far as it can be read at all.
pub(crate) fn files(path: &Path) -> BTreeSet<PathBuf> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut source = Source::default();
    if let Ok(document) = Document::parse(&text) {
        document.to_json(|key, text| {
            source.see_text(key, text, folder);
            String::new()
        });
    }
    let mut files = source.watched().clone();
    files.insert(path.to_owned());
    files
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
        allowlist: allowlist_sources(&raw, folder, &mut findings),
        ledger: gateway::ledger_rules(&raw, &mut findings),
        attack: attack::settings(&raw, folder, &mut findings),
        regions: gateway::regions(&raw),
    });
    findings.none_so_far()?;
    // Without findings there is a config.
    Ok((config.ok_or_else(Vec::new)?, source))
}

fn allowlist_sources(
    raw: &RawConfig,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> AllowlistSources {
    let allowlist = raw
        .gateway
        .as_ref()
        .and_then(|gateway| gateway.allowlist.as_ref());
    allowlist.map_or_else(AllowlistSources::default, |raw| {
        gateway::allowlist_sources(raw, folder, findings)
    })
}

/// A config has a role, and the gateway's own sections do nothing without it.
fn refuse_what_nothing_reads(value: &Value, findings: &mut Findings<'_>) {
    if value.get("gateway").is_some() {
        return;
    }
    if value.get("tenant").is_none() && value.get("attack").is_none() {
        findings.push(
            &Key::default(),
            "there is no role: add `[gateway]`, `[tenant]` or both",
        );
    }
    for section in [
        "store",
        "passwords",
        "audit",
        "canaries",
        "ledger",
        "native",
    ] {
        if value.get(section).is_some() {
            let reason = "is read by the gateway alone, and there is no `[gateway]`; remove one, or add the other";
            findings.push(&Key::new(section), reason);
        }
    }
}

#[cfg(test)]
mod tests;
