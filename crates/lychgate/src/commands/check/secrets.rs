//! Who else can read the secrets of the config.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

static LITERAL: Check = Check {
    severity: Severity::Medium,
    id: "config-literal-secret",
    title: "a secret stands in the config itself",
    why: "A config is copied, reviewed and kept in histories. A secret in it is, too.",
};

static READABLE: Check = Check {
    severity: Severity::High,
    id: "config-file-mode",
    title: "a file with a secret may be read or written by others",
    why: "Any program on this machine can take the secret, or put another in its place.",
};

pub(super) static CHECKS: [&Check; 2] = [&LITERAL, &READABLE];

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let mut config_is_secret = false;
    for key in facts.source.literals() {
        if is_secret(facts, key) {
            config_is_secret = true;
            findings.push(
                &LITERAL,
                key,
                format!("`{key}` is written out"),
                "put it into a file of mode 0600 and write `${file:NAME}`, or into a variable and write `${env:NAME}`",
            );
        }
    }
    if config_is_secret {
        file(&facts.path, "", findings);
    }
    for (key, path) in facts.source.files() {
        file(path, key, findings);
    }
}

/// Whether the text of a key is a secret.
fn is_secret(facts: &Facts, key: &str) -> bool {
    if key == "store.url" {
        let server = facts
            .gateway
            .as_ref()
            .and_then(|gateway| gateway.store.url.server());
        return server.is_some_and(|server| server.has_password);
    }
    key == "audit.pseudonym_key"
        || key == "audit.signing_key"
        || key == "store.ldap.bind_password"
        || (key.starts_with("store.credentials[") && key.ends_with(".password"))
        || key.starts_with("passwords.peppers.")
        || key.starts_with("tenant.pipeline.secrets.")
        || (key.starts_with("tenant.clients[") && key.ends_with(".client_secret"))
        || (key.starts_with("attack.") && key.ends_with(".client_secret"))
        || key == "attack.user.password"
}

fn file(path: &Path, key: &str, findings: &mut Findings) {
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    // A group may be let in to read; that is how a service is given its secrets.
    if metadata.is_file() && mode & 0o027 != 0 {
        let path = path.display();
        findings.push(
            &READABLE,
            key,
            format!("{path} has mode {mode:04o}"),
            format!("chmod 600 '{path}'"),
        );
    }
}
