//! Licences, bans and sources, by the rules of `deny.toml`.
//!
//! `cargo deny` checks the same where it is installed; building it costs minutes, and these rules must hold everywhere.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use cargo_metadata::{Dependency, DependencyKind, Metadata, Package};
use serde::Deserialize;

use crate::command::{output, root};

#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
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
    let built = built_packages(metadata)?;
    let mut findings = Vec::new();
    for package in &built {
        findings.extend(licence_finding(package, &rules.licenses));
        findings.extend(source_finding(package));
    }
    for ban in &rules.bans.deny {
        findings.extend(ban_findings(metadata, &built, ban));
    }
    for package in metadata.workspace_packages() {
        findings.extend(unused_dependencies(metadata, package)?);
    }
    Ok(findings)
}

/// What is compiled on this platform with the features in use. Only the tree knows it: the lock file and the resolved
/// metadata also name what some feature would bring that nobody asks for.
fn built_packages(metadata: &Metadata) -> Result<Vec<&Package>> {
    let arguments = [
        "tree",
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--locked",
    ];
    let tree = output("cargo", &arguments)?;
    let named: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            Some((name, rest.split_whitespace().next()?))
        })
        .collect();
    let built = |package: &&Package| {
        named.contains(&(package.name.as_str(), package.version.to_string().as_str()))
    };
    Ok(metadata.packages.iter().filter(built).collect())
}

fn licence_finding(package: &Package, licenses: &Licenses) -> Option<String> {
    let expression = package.license.as_deref().unwrap_or("no licence");
    let excepted = licenses
        .exceptions
        .iter()
        .find(|exception| exception.name == package.name.as_str());
    let allowed = excepted.map_or(&licenses.allow, |exception| &exception.allow);
    let finding = || {
        format!(
            "{} {}: licence `{expression}` is not allowed",
            package.name, package.version
        )
    };
    (!is_allowed(expression, allowed)).then(finding)
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

fn ban_findings(metadata: &Metadata, built: &[&Package], ban: &Ban) -> Vec<String> {
    if !built
        .iter()
        .any(|package| package.name.as_str() == ban.name)
    {
        return Vec::new();
    }
    if ban.wrappers.is_empty() {
        return vec![format!("{} is in the tree: {}", ban.name, ban.reason)];
    }
    let ours = metadata.workspace_packages();
    let users = ours.iter().filter(|package| {
        let uses = |dependency: &Dependency| {
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

/// A dependency whose library is named in no source of its package is carried for nothing.
fn unused_dependencies(metadata: &Metadata, package: &Package) -> Result<Vec<String>> {
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest stands in a folder")?;
    let mut sources = String::new();
    for file in super::sizes::files_below(folder.as_std_path(), &["rs"])? {
        sources.push_str(&std::fs::read_to_string(file)?);
    }
    let unused = package.dependencies.iter().filter(|dependency| {
        let library = library_of(metadata, dependency);
        !sources.contains(&format!("{library}::")) && !sources.contains(&format!("use {library}"))
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

/// What the code calls it: `md5`, where the package is `md-5`.
fn library_of(metadata: &Metadata, dependency: &Dependency) -> String {
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == dependency.name);
    let targets = package
        .map(|package| package.targets.as_slice())
        .unwrap_or_default();
    let library = targets
        .iter()
        .find(|target| target.is_lib() || target.is_proc_macro());
    let name = library.map_or(&dependency.name, |library| &library.name);
    dependency.rename.as_ref().unwrap_or(name).replace('-', "_")
}
