//! `lychgate export auth0`: a folder that `auth0-deploy-cli` imports.
//!
//! The tool replaces `@@NAME@@` in a file by the JSON of a parameter, and `##NAME##` by its bare text; both stay valid
//! JSON here before they are replaced. What is secret, or a tenant's own, is such a parameter.

use anyhow::Result;
use clap::Args;
use minijinja::context;
use serde_json::{Value, json};

use super::platform::{self, API, DENY_ACTION, Platform, RESTRICT_ACTION, RUNTIME, SCRIPT_CLIENT};
use crate::commands::Failure;
use crate::templates;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    platform: platform::PlatformArguments,
    /// The rule, too, for a tenant that still runs rules. Auth0 stopped running them on 2026-11-18.
    #[arg(long)]
    with_rule: bool,
}

/// Writes the files, and prints their names.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let platform = Platform::read(&arguments.platform)?;
    let files = files(&platform, arguments.with_rule)?;
    Ok(super::write(&arguments.platform.out, &files)?)
}

/// Every file of the folder: its name in it, and its text.
fn files(platform: &Platform, with_rule: bool) -> Result<Vec<(String, String)>> {
    let audience = platform
        .audience
        .as_deref()
        .unwrap_or("@@GATEWAY_AUDIENCE@@");
    let mut files = vec![
        document("clients/lychgate-action-scripts.json", &client()),
        document(
            "resource-servers/lychgate-gateway.json",
            &api(platform, audience),
        ),
        document(
            "grants/lychgate-action-scripts.json",
            &grant(platform, audience),
        ),
    ];
    files.extend(connection(platform, audience)?);
    files.extend(action(
        DENY_ACTION,
        ("post-login", "v3"),
        &[("GATEWAY_AUDIENCE", audience)],
    )?);
    let clients = ("GATEWAY_CLIENTS", "@@SCRIPT_CLIENT_ID@@");
    files.extend(action(
        RESTRICT_ACTION,
        ("credentials-exchange", "v2"),
        &[("GATEWAY_AUDIENCE", audience), clients],
    )?);
    files.push(document(
        "triggers/triggers.json",
        &json!({
            "post-login": [{ "action_name": DENY_ACTION, "display_name": DENY_ACTION }],
            "credentials-exchange": [{ "action_name": RESTRICT_ACTION, "display_name": RESTRICT_ACTION }],
        }),
    ));
    if with_rule {
        files.extend(rule(audience)?);
    }
    let facts = context! {
        audience_is_a_parameter => platform.audience.is_none(),
        connection => &platform.connection,
        with_rule,
    };
    files.push((
        "README.md".to_owned(),
        templates::render("auth0/README.md", facts)?,
    ));
    Ok(files)
}

/// The client that the scripts take their tokens as. Auth0 makes its id and its secret.
fn client() -> Value {
    json!({
        "name": SCRIPT_CLIENT,
        "description": "Takes the tokens of the database connection's action scripts. Nobody logs in with it.",
        "app_type": "non_interactive",
        "is_first_party": true,
        "oidc_conformant": true,
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
        "jwt_configuration": { "alg": "RS256" },
    })
}

/// The API that stands for the gateway: no user gets a token for it, and no client without a grant.
fn api(platform: &Platform, audience: &str) -> Value {
    let scopes = platform.operations.iter();
    let scopes = scopes
        .map(|operation| json!({ "value": operation.scope, "description": operation.summary }));
    let mut api = json!({
        "name": API,
        "identifier": audience,
        "subject_type_authorization": {
            "user": { "policy": "deny_all" },
            "client": { "policy": "require_client_grant" },
        },
        "signing_alg": platform.algorithm.name(),
        "token_dialect": "access_token",
        "token_lifetime": platform.token_lifetime.as_secs(),
        "token_lifetime_for_web": platform.token_lifetime.as_secs(),
        "allow_offline_access": false,
        "skip_consent_for_verifiable_first_party_clients": false,
        "enforce_policies": false,
        "scopes": scopes.collect::<Vec<_>>(),
    });
    if platform.binds_tokens {
        let proof = json!({ "mechanism": "dpop", "required": true });
        set(&mut api, "/proof_of_possession", proof);
    }
    api
}

fn grant(platform: &Platform, audience: &str) -> Value {
    json!({
        "client_id": SCRIPT_CLIENT,
        "audience": audience,
        "subject_type": "client",
        "scope": platform.scopes().collect::<Vec<_>>(),
    })
}

/// The database connection and its scripts.
fn connection(platform: &Platform, audience: &str) -> Result<Vec<(String, String)>> {
    let scripts = platform.scripts()?;
    let named = scripts.iter();
    let named = named.map(|(name, _)| ((*name).to_owned(), json!(format!("./{name}.js"))));
    let mut database = json!({
        "name": platform.connection,
        "strategy": "auth0",
        "options": {
            "enabledDatabaseCustomization": true,
            "import_mode": platform.imports_users,
            "disable_signup": !platform.has_sign_up(),
            "brute_force_protection": true,
            "passwordPolicy": "good",
            "customScripts": named.collect::<serde_json::Map<_, _>>(),
            "configuration": {
                "GATEWAY_URL": "@@GATEWAY_URL@@",
                "TOKEN_URL": "https://##AUTH0_DOMAIN##/oauth/token",
                "AUDIENCE": audience,
                "CLIENT_ID": "@@SCRIPT_CLIENT_ID@@",
                "CLIENT_SECRET": "@@SCRIPT_CLIENT_SECRET@@",
            },
        },
    });
    if platform.binds_tokens {
        set(
            &mut database,
            "/options/configuration/SENDER_CONSTRAINT",
            json!("dpop"),
        );
    }
    let folder = format!("database-connections/{}", platform.connection);
    let mut files = vec![document(&format!("{folder}/database.json"), &database)];
    let scripts = scripts.into_iter();
    files.extend(scripts.map(|(name, text)| (format!("{folder}/{name}.js"), text)));
    Ok(files)
}

/// An action and its code.
fn action(
    name: &str,
    (trigger, version): (&str, &str),
    secrets: &[(&str, &str)],
) -> Result<[(String, String); 2]> {
    let secrets = secrets.iter();
    let secrets = secrets.map(|(name, value)| json!({ "name": name, "value": value }));
    let code = format!("actions/{name}/code.js");
    let described = json!({
        "name": name,
        "code": format!("./{code}"),
        "runtime": RUNTIME,
        "dependencies": [],
        "supported_triggers": [{ "id": trigger, "version": version }],
        "secrets": secrets.collect::<Vec<_>>(),
        "deployed": true,
    });
    let text = templates::render(&format!("actions/{trigger}/{name}.js"), ())?;
    Ok([
        document(&format!("actions/{name}.json"), &described),
        (code, text),
    ])
}

fn rule(audience: &str) -> Result<[(String, String); 3]> {
    // A rule's name has letters, digits and dashes alone.
    let name = "restrict_gateway_audience";
    let text = templates::render(&format!("rules/{name}.js"), ())?;
    Ok([
        document(
            &format!("rules/{name}.json"),
            &json!({
                "name": name.replace('_', "-"),
                "enabled": true,
                "order": 1,
                "stage": "login_success",
                "script": format!("./{name}.js"),
            }),
        ),
        (format!("rules/{name}.js"), text),
        document(
            "rules-configs/GATEWAY_AUDIENCE.json",
            &json!({ "key": "GATEWAY_AUDIENCE", "value": audience }),
        ),
    ])
}

/// Adds a member to the object that a pointer (RFC 6901) leads to.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(members) = document.pointer_mut(parent).and_then(Value::as_object_mut) {
        members.insert(name.to_owned(), value);
    }
}

fn document(name: &str, value: &Value) -> (String, String) {
    (name.to_owned(), format!("{value:#}\n"))
}
