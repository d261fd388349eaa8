//! Licences, bans and sources, by the rules of `deny.toml`.
//!
//! `cargo deny` checks the same where it is installed; building it costs minutes, and these rules must hold everywhere.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};
use serde::Deserialize;

use crate::command::root;

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

pub(crate) fn findings(metadata: &Metadata) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(root().join("deny.toml")).context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml")?;
    let built = built_packages(metadata);
    let mut findings = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| built.contains(&package.id))
    {
        findings.extend(licence_finding(package, &rules.licenses.allow));
        findings.extend(source_finding(package));
    }
    for ban in &rules.bans.deny {
        findings.extend(ban_findings(metadata, &built, ban));
    }
    for package in metadata.workspace_packages() {
        findings.extend(unused_dependencies(package)?);
    }
    Ok(findings)
}

/// What is compiled on this platform with the features in use: the lock file names more than that.
fn built_packages(metadata: &Metadata) -> BTreeSet<PackageId> {
    let Some(resolve) = &metadata.resolve else {
        return BTreeSet::new();
    };
    let mut reached: BTreeSet<PackageId> = BTreeSet::new();
    let mut waiting: Vec<PackageId> = metadata.workspace_members.clone();
    while let Some(id) = waiting.pop() {
        if reached.insert(id.clone())
            && let Some(node) = resolve.nodes.iter().find(|node| node.id == id)
        {
            waiting.extend(node.deps.iter().map(|dependency| dependency.pkg.clone()));
        }
    }
    reached
}

fn licence_finding(package: &Package, allowed: &BTreeSet<String>) -> Option<String> {
    let expression = package.license.as_deref().unwrap_or("no licence");
    (!is_allowed(expression, allowed)).then(|| {
        format!(
            "{} {}: licence `{expression}` is not allowed",
            package.name, package.version
        )
    })
}

/// Old manifests write `MIT/Apache-2.0`, which the lax reading takes for `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX).is_ok_and(|expression| {
        expression.evaluate(|requirement| {
            requirement
                .license
                .id()
                .is_some_and(|license| allowed.contains(license.name))
        })
    })
}

fn source_finding(package: &Package) -> Option<String> {
    let source = package.source.as_ref()?;
    (!source.is_crates_io()).then(|| {
        format!(
            "{} comes from {source}, not from the registry",
            package.name
        )
    })
}

fn ban_findings(metadata: &Metadata, built: &BTreeSet<PackageId>, ban: &Ban) -> Vec<String> {
    let Some(banned) = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == ban.name && built.contains(&package.id))
    else {
        return Vec::new();
    };
    if ban.wrappers.is_empty() {
        return vec![format!("{} is in the tree: {}", banned.name, ban.reason)];
    }
    let ours = metadata.workspace_packages();
    let users = ours.iter().filter(|package| {
        let uses = |dependency: &cargo_metadata::Dependency| {
            dependency.name == ban.name && dependency.kind != DependencyKind::Development
        };
        package.dependencies.iter().any(uses)
            && !ban
                .wrappers
                .iter()
                .any(|wrapper| wrapper == package.name.as_str())
    });
    users
        .map(|package| format!("{} must not use {}: {}", package.name, ban.name, ban.reason))
        .collect()
}

/// A dependency whose name stands in no source of its package is carried for nothing.
fn unused_dependencies(package: &Package) -> Result<Vec<String>> {
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest stands in a folder")?;
    let mut sources = String::new();
    for file in super::sizes::files_below(folder.as_std_path(), &["rs"])? {
        sources.push_str(&std::fs::read_to_string(file)?);
    }
    let unused = package.dependencies.iter().filter(|dependency| {
        let name = dependency
            .rename
            .as_deref()
            .unwrap_or(&dependency.name)
            .replace('-', "_");
        !sources.contains(&format!("{name}::")) && !sources.contains(&format!("use {name}"))
    });
    Ok(unused
        .map(|dependency| {
            format!(
                "{}: dependency {} is not used",
                package.name, dependency.name
            )
        })
        .collect())
}
