//! Which crate may know which: the drawing of the house, held against the manifests.

use cargo_metadata::{DependencyKind, Metadata};

/// Every arrow that may be; a crate that is not named here may know none of ours.
const ARROWS: [(&str, &[&str]); 10] = [
    ("lychgate-listener", &[]),
    ("lychgate-token", &[]),
    ("lychgate-password", &[]),
    ("lychgate-script", &[]),
    // For `StoredHash`, a secret from the driver on.
    ("lychgate-store", &["lychgate-password"]),
    (
        "lychgate-gateway",
        &[
            "lychgate-listener",
            "lychgate-token",
            "lychgate-password",
            "lychgate-store",
        ],
    ),
    // Never `store`, never `gateway`: its scripts reach the gateway over HTTP, as any platform's would.
    (
        "lychgate-tenant",
        &[
            "lychgate-listener",
            "lychgate-token",
            "lychgate-password",
            "lychgate-script",
        ],
    ),
    (
        "lychgate",
        &[
            "lychgate-listener",
            "lychgate-token",
            "lychgate-password",
            "lychgate-script",
            "lychgate-store",
            "lychgate-gateway",
            "lychgate-tenant",
        ],
    ),
    ("lychgate-bench", &[]),
    ("xtask", &[]),
];

pub(crate) fn findings(metadata: &Metadata) -> Vec<String> {
    let ours: Vec<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let allowed = ARROWS
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
            .map_or(&[][..], |(_, to)| to);
        for dependency in &package.dependencies {
            let internal = ours.contains(&dependency.name.as_str());
            let shipped = dependency.kind != DependencyKind::Development;
            if internal && shipped && !allowed.contains(&dependency.name.as_str()) {
                findings.push(format!(
                    "{} must not depend on {}: see the list of arrows in xtask/src/lint/arrows.rs",
                    package.name, dependency.name
                ));
            }
        }
    }
    findings
}
