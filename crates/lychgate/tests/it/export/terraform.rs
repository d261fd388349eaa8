//! What is exported for Terraform, read by a parser of its language. Terraform itself is not run here: it fetches its
//! provider, which asks a tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hcl::{Block, Body, Expression, Structure};

use super::{write_config, written};

/// What the provider knows of each resource that is written, by its documentation of
/// `https://registry.terraform.io/providers/auth0/auth0/latest/docs/resources/…`: attributes and nested blocks, those of a
/// nested block behind a dot.
const SCHEMA: [(&str, &[&str]); 8] = [
    (
        "auth0_resource_server",
        &[
            "name",
            "identifier",
            "signing_alg",
            "token_dialect",
            "token_lifetime",
            "token_lifetime_for_web",
            "allow_offline_access",
            "skip_consent_for_verifiable_first_party_clients",
            "enforce_policies",
            "subject_type_authorization.user.policy",
            "subject_type_authorization.client.policy",
            "proof_of_possession.mechanism",
            "proof_of_possession.required",
        ],
    ),
    (
        "auth0_resource_server_scopes",
        &[
            "resource_server_identifier",
            "scopes.name",
            "scopes.description",
        ],
    ),
    (
        "auth0_client",
        &[
            "name",
            "app_type",
            "is_first_party",
            "oidc_conformant",
            "grant_types",
            "jwt_configuration.alg",
        ],
    ),
    (
        "auth0_client_credentials",
        &["client_id", "authentication_method", "client_secret"],
    ),
    (
        "auth0_client_grant",
        // `depends_on` is Terraform's own.
        &[
            "client_id",
            "audience",
            "subject_type",
            "scopes",
            "depends_on",
        ],
    ),
    (
        "auth0_connection",
        &[
            "name",
            "strategy",
            "options.enabled_database_customization",
            "options.import_mode",
            "options.disable_signup",
            "options.brute_force_protection",
            "options.password_policy",
            "options.custom_scripts",
            "options.configuration",
        ],
    ),
    (
        "auth0_action",
        &[
            "name",
            "runtime",
            "deploy",
            "code",
            "supported_triggers.id",
            "supported_triggers.version",
            "secrets.name",
            "secrets.value",
        ],
    ),
    (
        "auth0_trigger_actions",
        &[
            "trigger",
            "actions.id",
            "actions.display_name",
            "dynamic.for_each",
            "dynamic.content.id",
            "dynamic.content.display_name",
        ],
    ),
];

#[tokio::test]
async fn every_resource_and_attribute_is_one_that_the_provider_has() {
    let body = exported(&["--config", "lychgate.toml"]).await;
    let parameters = exported(&[]).await;
    let bound = bound().await;
    let schema = BTreeMap::from(SCHEMA);
    let mut used = BTreeSet::new();
    let resources = [&body, &parameters, &bound].map(|body| blocks(body, "resource"));
    for resource in resources.into_iter().flatten() {
        let kind = resource.labels()[0].as_str();
        let known = schema
            .get(kind)
            .unwrap_or_else(|| panic!("{kind} is not known"));
        for name in names(resource.body()) {
            assert!(known.contains(&name.as_str()), "{kind} has no {name}");
            used.insert((kind.to_owned(), name));
        }
    }
    // What nothing uses would hide a mistake.
    let known: usize = SCHEMA.iter().map(|(_, names)| names.len()).sum();
    assert_eq!(used.len(), known);
}

#[tokio::test]
async fn every_reference_leads_to_something_that_is_there() {
    let body = exported(&[]).await;
    let mut declared: BTreeSet<String> = blocks(&body, "variable")
        .map(|variable| format!("var.{}", variable.labels()[0].as_str()))
        .collect();
    for resource in blocks(&body, "resource") {
        declared.insert(format!(
            "{}.{}",
            resource.labels()[0].as_str(),
            resource.labels()[1].as_str()
        ));
    }
    let text = hcl::to_string(&body).unwrap();
    let mut found = 0;
    for word in text.split(|sign: char| !(sign.is_alphanumeric() || sign == '_' || sign == '.')) {
        let mut parts = word.split('.');
        let (Some(first), Some(second)) = (parts.next(), parts.next()) else {
            continue;
        };
        if first == "var" || first.starts_with("auth0_") && word.contains('.') {
            found += 1;
            assert!(declared.contains(&format!("{first}.{second}")), "{word}");
        }
    }
    assert!(found > 15, "{found}");
}

#[tokio::test]
async fn the_secret_is_a_variable_that_is_not_shown() {
    let body = exported(&[]).await;
    let sensitive = blocks(&body, "variable").filter(|variable| {
        let attributes: Vec<_> = variable.body().attributes().collect();
        let is = |name: &str| attributes.iter().find(|attribute| attribute.key() == name);
        // A secret has no default, or the default would be known.
        is("sensitive").is_some_and(|sensitive| *sensitive.expr() == Expression::Bool(true))
            && is("default").is_none()
    });
    let names: Vec<_> = sensitive
        .map(|variable| variable.labels()[0].as_str().to_owned())
        .collect();
    assert_eq!(names, ["script_client_secret"]);
    let credentials = resource(&body, "auth0_client_credentials", "scripts");
    assert_eq!(
        attribute(credentials.body(), "client_secret"),
        "var.script_client_secret"
    );
}

#[tokio::test]
async fn the_policies_are_those_of_the_other_export_and_a_config_fills_in_what_it_knows() {
    let body = exported(&["--config", "lychgate.toml"]).await;
    let api = resource(&body, "auth0_resource_server", "gateway");
    assert_eq!(
        attribute(api.body(), "identifier"),
        "\"urn:legacy-identity\""
    );
    let policies = blocks(api.body(), "subject_type_authorization")
        .next()
        .unwrap();
    let policy = |of: &str| attribute(blocks(policies.body(), of).next().unwrap().body(), "policy");
    assert_eq!(policy("user"), "\"deny_all\"");
    assert_eq!(policy("client"), "\"require_client_grant\"");
    let grant = resource(&body, "auth0_client_grant", "scripts");
    let scopes = attribute(grant.body(), "scopes");
    let scopes: String = scopes.split_whitespace().collect();
    assert_eq!(scopes, "[\"authenticate:users\",\"read:users\"]");
    let scripts = resource(&body, "auth0_connection", "legacy");
    let options = blocks(scripts.body(), "options").next().unwrap();
    assert_eq!(attribute(options.body(), "disable_signup"), "true");
    let scripts = attribute(options.body(), "custom_scripts");
    assert!(
        scripts.contains("login") && !scripts.contains("create"),
        "{scripts}"
    );
    assert!(
        blocks(&body, "variable")
            .all(|variable| variable.labels()[0].as_str() != "gateway_audience")
    );
}

/// What is exported with these arguments; each file that it names is beside it.
async fn exported(arguments: &[&str]) -> Body {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    exported_in(folder.path(), arguments).await
}

/// What is exported for a gateway that wants tokens bound to a key.
async fn bound() -> Body {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    let file = folder.path().join("lychgate.toml");
    let public_url = "[gateway]\npublic_url = \"https://gateway.example\"";
    let config = std::fs::read_to_string(&file).unwrap();
    let config = config.replacen("[gateway]", public_url, 1).replacen(
        "\naudience",
        "\nsender_constraint = \"dpop\"\naudience",
        1,
    );
    std::fs::write(&file, config).unwrap();
    exported_in(folder.path(), &["--config", "lychgate.toml"]).await
}

async fn exported_in(folder: &Path, arguments: &[&str]) -> Body {
    let arguments = [&["terraform", "--out", "tree"], arguments].concat();
    written(folder, &arguments).await;
    let tree = folder.join("tree");
    let text = std::fs::read_to_string(tree.join("main.tf")).unwrap();
    let named: Vec<_> = text.split("${path.module}/").skip(1).collect();
    assert!(named.len() > 3);
    for rest in named {
        let name = rest.split('"').next().unwrap();
        assert!(tree.join(name).is_file(), "{name}");
    }
    hcl::parse(&text).unwrap()
}

fn blocks<'body>(body: &'body Body, name: &str) -> impl Iterator<Item = &'body Block> {
    body.blocks()
        .filter(move |block| block.identifier() == name)
}

fn resource<'body>(body: &'body Body, kind: &str, name: &str) -> &'body Block {
    let is_it =
        |block: &&Block| block.labels()[0].as_str() == kind && block.labels()[1].as_str() == name;
    blocks(body, "resource").find(is_it).unwrap()
}

/// The expression of an attribute as it is written.
fn attribute(body: &Body, name: &str) -> String {
    let attribute = body
        .attributes()
        .find(|attribute| attribute.key() == name)
        .unwrap();
    hcl::format::to_string(attribute.expr()).unwrap()
}

/// The names of all attributes, those of nested blocks behind the names of these.
fn names(body: &Body) -> Vec<String> {
    let mut all = Vec::new();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                // A word by itself is what another language writes for true and false.
                let is_word = matches!(attribute.expr(), Expression::Variable(_));
                assert!(!is_word, "{}", attribute.key());
                all.push(attribute.key().to_owned());
            }
            Structure::Block(block) => {
                let inner = names(block.body()).into_iter();
                all.extend(inner.map(|name| format!("{}.{name}", block.identifier())));
            }
        }
    }
    all
}
