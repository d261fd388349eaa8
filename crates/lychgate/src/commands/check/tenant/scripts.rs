//! The scripts of the connections: that they reach the users through the gateway, over TLS, with a token.

use std::collections::BTreeMap;

use super::Tenant;
use super::code::Code;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::{Connection, Shown};

static DIRECT: Check = Check {
    severity: Severity::High,
    id: "tenant-script-direct",
    title: "a script goes to the store itself",
    why: "The store is then open to the platform's addresses, which all its customers share, and its password stands in \
          the tenant.",
};

static UNPROTECTED: Check = Check {
    severity: Severity::High,
    id: "tenant-script-tls",
    title: "a script sends passwords without TLS, or to whoever answers",
    why: "What is sent in the clear, or to a certificate that nobody looked at, is read on the way.",
};

static TOKEN: Check = Check {
    severity: Severity::High,
    id: "tenant-script-token",
    title: "a script calls without an access token",
    why: "A key or a password that never expires is what a token was meant to replace; the gateway refuses it.",
};

static HASHED: Check = Check {
    severity: Severity::Medium,
    id: "tenant-script-hashes",
    title: "a script hashes the password that it sends",
    why: "What is sent is then the password: whoever reads the hash in the store can send it.",
};

pub(super) static CHECKS: [&Check; 4] = [&DIRECT, &UNPROTECTED, &TOKEN, &HASHED];

/// Modules that open a connection to a store.
const DRIVERS: [&str; 12] = [
    "pg",
    "mysql",
    "mysql2",
    "tedious",
    "mssql",
    "mongodb",
    "ldapjs",
    "ibm_db",
    "oracledb",
    "sqlserver",
    "couchbase",
    "knex",
];

/// What switches the looking at certificates off.
const UNLOOKED: [&str; 4] = [
    "rejectUnauthorized: false",
    "rejectUnauthorized:false",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "SSL_OP_LEGACY_SERVER_CONNECT",
];

/// Words by which a script calls out.
const CALLS: [&str; 6] = ["fetch", "axios", "request", "superagent", "got", "https"];

/// Words by which a script hashes.
const HASHES: [&str; 8] = [
    "bcrypt",
    "bcryptjs",
    "createHash",
    "createHmac",
    "pbkdf2",
    "pbkdf2Sync",
    "scrypt",
    "argon2",
];

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    for connection in tenant.connections() {
        let Some(scripts) = &connection.scripts else {
            for check in CHECKS {
                findings.not_told(check, format!("the scripts of {}", connection.place));
            }
            continue;
        };
        each(connection, scripts, findings);
        addresses(connection, findings);
    }
}

fn each(connection: &Connection, scripts: &BTreeMap<String, String>, findings: &mut Findings) {
    for (name, script) in scripts {
        let code = Code::of(script);
        let mut found = |check, reason: String, mend: &str| {
            findings.push_in_export(check, &connection.place, format!("`{name}` {reason}"), mend);
        };
        let driver = DRIVERS.iter().find(|driver| requires(&code, driver));
        let calls_out = CALLS.iter().any(|call| code.has_word(call));
        if let Some(driver) = driver {
            found(
                &DIRECT,
                format!("requires `{driver}`"),
                "replace the script by the one that `lychgate export auth0` writes",
            );
        }
        if let Some(word) = UNLOOKED.iter().find(|word| code.text.contains(**word)) {
            found(
                &UNPROTECTED,
                format!("has `{word}`"),
                "remove it, and give the server a certificate",
            );
        } else if speaks_plainly(&code) {
            found(
                &UNPROTECTED,
                "has an address that begins with `http:`".to_owned(),
                "use `https:`",
            );
        }
        if calls_out
            && driver.is_none()
            && !["Bearer", "DPoP"]
                .iter()
                .any(|scheme| code.text.contains(scheme))
        {
            found(
                &TOKEN,
                "calls out and sends no `Bearer` token".to_owned(),
                "take a token by client credentials, and send it",
            );
        }
        if calls_out
            && driver.is_none()
            && HASHES
                .iter()
                .any(|hash| code.has_word(hash) || requires(&code, hash))
        {
            found(
                &HASHED,
                "hashes, and calls out".to_owned(),
                "send the password as it is, over TLS: the gateway verifies it",
            );
        }
    }
}

fn requires(code: &Code, module: &str) -> bool {
    code.arguments_of("require").into_iter().any(|argument| {
        let name = argument.trim().trim_matches(['\'', '"', '`']);
        name.split('@').next() == Some(module)
    })
}

/// Whether a text of the script is an address without TLS. A pattern that knows loopback is none.
fn speaks_plainly(code: &Code) -> bool {
    code.text.match_indices("http://").any(|(at, _)| {
        let before = code
            .text
            .get(..at)
            .and_then(|text| text.chars().next_back());
        let after = code.text.get(at + "http://".len()..).unwrap_or_default();
        before.is_some_and(|sign| "'\"`".contains(sign)) && !is_loopback(after)
    })
}

/// What a script is configured with is an address, too.
fn addresses(connection: &Connection, findings: &mut Findings) {
    for (name, shown) in connection.configuration.iter().flatten() {
        let Shown::Address(address) = shown else {
            continue;
        };
        let plain = address.strip_prefix("http://");
        if plain.is_some_and(|after| !is_loopback(after)) {
            findings.push_in_export(
                &UNPROTECTED,
                &connection.place,
                format!("`{name}` of its configuration begins with `http:`"),
                "use `https:`",
            );
        }
    }
}

fn is_loopback(authority: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|host| authority.starts_with(host))
}
