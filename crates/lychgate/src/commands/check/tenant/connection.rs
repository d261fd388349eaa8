//! The database connections with scripts: which scripts, and what the platform itself does about passwords.

use lychgate_store::StatementName;

use super::Tenant;
use crate::commands::check::finding::{Check, Findings, Severity};
use crate::tenant_export::{Connection, Shown};

static MISSING: Check = Check {
    severity: Severity::Medium,
    id: "tenant-connection-missing",
    title: "the tenant has no database connection with scripts",
    why: "Nothing asks the gateway then, and who looks after the users is not what the config says.",
};

static SCRIPTS: Check = Check {
    severity: Severity::Medium,
    id: "tenant-connection-scripts",
    title: "the connection lacks a script that it needs",
    why: "Users cannot log in or sign up, or someone who exists is made once more.",
};

static SIGN_UP: Check = Check {
    severity: Severity::Low,
    id: "tenant-connection-sign-up",
    title: "people may sign up where the gateway creates nobody",
    why: "Each attempt ends in an error that its author cannot mend.",
};

static BRUTE_FORCE: Check = Check {
    severity: Severity::Medium,
    id: "tenant-connection-brute-force",
    title: "the platform's own protection against guessing is off",
    why: "It knows the address of whoever guesses. The gateway sees the platform's alone.",
};

static PASSWORD_POLICY: Check = Check {
    severity: Severity::Low,
    id: "tenant-connection-password-policy",
    title: "the connection takes passwords that are too weak",
    why: "The platform can tell people what is wrong while they type; the gateway can only refuse.",
};

static SECRET: Check = Check {
    severity: Severity::High,
    id: "tenant-export-secret",
    title: "a secret stands in the files of the export",
    why: "They are kept in histories and read by many.",
};

pub(super) static CHECKS: [&Check; 6] = [
    &MISSING,
    &SCRIPTS,
    &SIGN_UP,
    &BRUTE_FORCE,
    &PASSWORD_POLICY,
    &SECRET,
];

/// Characters, as the gateway wants them by itself.
const LEAST_LENGTH: u64 = 8;

pub(super) fn run(tenant: &Tenant<'_>, findings: &mut Findings) {
    if tenant.export.connections.is_none() {
        findings.not_told(&MISSING, "the connections of the tenant");
    } else if tenant.connections().next().is_none() {
        findings.push_in_export(
            &MISSING,
            "the export",
            "no connection has `enabledDatabaseCustomization`",
            "`lychgate export auth0` writes one",
        );
    }
    for connection in tenant.connections() {
        scripts(tenant, connection, findings);
        sign_up(tenant, connection, findings);
        brute_force(connection, findings);
        password_policy(tenant, connection, findings);
    }
    secrets(tenant, findings);
}

fn scripts(tenant: &Tenant<'_>, connection: &Connection, findings: &mut Findings) {
    let place = &connection.place;
    let (Some(scripts), Some(imports)) = (&connection.scripts, connection.import_mode) else {
        return findings.not_told(
            &SCRIPTS,
            format!("the scripts of {place}, or its `import_mode`"),
        );
    };
    let has = |name: &str| scripts.contains_key(name);
    let creates = has("create") && !imports;
    let needed = [("login", true), ("get_user", imports || creates)];
    for (name, is_needed) in needed {
        if is_needed && !has(name) {
            let why = if imports {
                "users are imported"
            } else {
                "it has `create`, or no other way in"
            };
            findings.push_in_export(
                &SCRIPTS,
                place,
                format!("it has no script `{name}`, and {why}"),
                format!("add `{name}`: `lychgate export auth0` writes it"),
            );
        }
    }
    // What the gateway does not do, a script cannot ask for.
    let of_script = [
        ("create", StatementName::Create),
        ("verify", StatementName::VerifyEmail),
        ("change_password", StatementName::ChangePassword),
        ("change_email", StatementName::ChangeEmail),
        ("delete", StatementName::Delete),
    ];
    for (name, statement) in of_script {
        let is_defined = tenant.gateway.store.statements.contains_key(&statement);
        if has(name) && !imports && !is_defined {
            findings.push_in_export(
                &SCRIPTS,
                place,
                format!("it has the script `{name}`, and the config does not define `{statement}`"),
                "remove the script, or define the operation",
            );
        }
    }
}

fn sign_up(tenant: &Tenant<'_>, connection: &Connection, findings: &mut Findings) {
    let place = &connection.place;
    let creates = tenant
        .gateway
        .store
        .statements
        .contains_key(&StatementName::Create);
    match (connection.disable_signup, connection.import_mode) {
        (Some(true), _) | (_, Some(true)) => {}
        (Some(false), Some(false)) if creates => {}
        (Some(false), Some(false)) => findings.push_in_export(
            &SIGN_UP,
            place,
            "`disable_signup` is false, and the config does not define `create`",
            "set `disable_signup` to true",
        ),
        (None, _) | (_, None) => {
            findings.not_told(
                &SIGN_UP,
                format!("`disable_signup` or `import_mode` of {place}"),
            );
        }
    }
}

fn brute_force(connection: &Connection, findings: &mut Findings) {
    let place = &connection.place;
    match connection.brute_force_protection {
        Some(true) => {}
        Some(false) => findings.push_in_export(
            &BRUTE_FORCE,
            place,
            "`brute_force_protection` is false",
            "set it to true",
        ),
        None => findings.not_told(&BRUTE_FORCE, format!("`brute_force_protection` of {place}")),
    }
}

fn password_policy(tenant: &Tenant<'_>, connection: &Connection, findings: &mut Findings) {
    let statements = &tenant.gateway.store.statements;
    let sets = [StatementName::Create, StatementName::ChangePassword];
    let sets_passwords = connection.import_mode == Some(true)
        || sets
            .iter()
            .any(|statement| statements.contains_key(statement));
    if !sets_passwords {
        return;
    }
    let place = &connection.place;
    match (
        connection.password_min_length,
        connection.password_policy.as_deref(),
    ) {
        (Some(length), _) if length < LEAST_LENGTH => findings.push_in_export(
            &PASSWORD_POLICY,
            place,
            format!("passwords of {length} characters are enough"),
            format!("ask for {LEAST_LENGTH} characters or more"),
        ),
        (Some(_), None) | (_, Some("fair" | "good" | "excellent")) => {}
        (_, Some(policy)) => findings.push_in_export(
            &PASSWORD_POLICY,
            place,
            format!("`passwordPolicy` is `{policy}`"),
            "set it to `good`",
        ),
        (None, None) => findings.not_told(&PASSWORD_POLICY, format!("`passwordPolicy` of {place}")),
    }
}

/// Values that are secrets by their names, of connections and of actions.
fn secrets(tenant: &Tenant<'_>, findings: &mut Findings) {
    if !tenant.export.is_kept_in_files {
        return;
    }
    let connections = tenant.export.connections.iter().flatten();
    let of_connections =
        connections.map(|connection| (&connection.place, &connection.configuration));
    let actions = tenant.export.actions.iter().flatten();
    let of_actions = actions.map(|action| (&action.place, &action.secrets));
    for (place, values) in of_connections.chain(of_actions) {
        for (name, shown) in values.iter().flatten() {
            if is_secret(name) && !matches!(shown, Shown::Nothing) {
                findings.push_in_export(
                    &SECRET,
                    place,
                    format!("`{name}` is written out"),
                    format!("write `@@{name}@@`, give its value to the tool as a parameter, and make a new one"),
                );
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["SECRET", "PASSWORD", "PRIVATE_KEY", "API_KEY", "APIKEY"]
        .iter()
        .any(|word| name.contains(word))
}
