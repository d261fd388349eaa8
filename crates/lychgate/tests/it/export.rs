//! `lychgate export auth0`, `terraform` and `openapi`: what is written is what the tools at the other end take, and no
//! secret is in it.

mod deploy_cli;
mod terraform;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use lychgate_gateway::operations::OPERATIONS;
use serde_json::{Value, json};

use crate::support::{Authority, gateway_config, lychgate};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two operations, and secrets of every kind.
const TWO_OPERATIONS: &str = r#"
[store]
url = "sqlite:store.db"

[store.operations]
authenticate = "select id, email, password_hash from users where email = :identifier"
lookup = "select id, email from users where email = :identifier"

[store.profile]
user_id = "id"

[passwords]
accept = ["argon2id"]
"#;

#[tokio::test]
async fn what_is_there_already_is_left_and_nothing_is_written() {
    for (what, last) in [("auth0", "README.md"), ("terraform", "main.tf")] {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join(last), "mine").unwrap();
        let output = export(folder.path(), &[what, "--out", "tree"]).await;
        assert_eq!(output.status.code(), Some(1), "{what}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("is there already"), "{what}: {said}");
        assert_eq!(
            files_below(&tree),
            BTreeMap::from([(last.to_owned(), "mine".to_owned())]),
            "{what}"
        );
    }
}

#[tokio::test]
async fn the_scripts_and_actions_of_every_export_are_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &["scripts", "--out", "scripts"]).await;
    written(folder.path(), &["auth0", "--out", "auth0", "--with-rule"]).await;
    written(folder.path(), &["terraform", "--out", "terraform"]).await;
    let of = |name: &str| files_below(&folder.path().join(name));
    let (scripts, auth0, terraform) = (of("scripts"), of("auth0"), of("terraform"));
    let mut compared = 0;
    for (name, text) in &scripts {
        let file = name.rsplit('/').next().unwrap();
        let stem = file.trim_end_matches(".js");
        let places = if name.starts_with("action_scripts/") {
            vec![
                &auth0[&format!("database-connections/legacy/{file}")],
                &terraform[name],
            ]
        } else if name.starts_with("rules/") {
            vec![&auth0[name]]
        } else {
            vec![
                &auth0[&format!("actions/{stem}/code.js")],
                &terraform[&format!("actions/{file}")],
            ]
        };
        for place in places {
            assert_eq!(place, text, "{name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 7 * 2 + 1 + 2 * 2);
}

#[tokio::test]
async fn no_secret_of_the_config_is_written_and_the_rule_only_if_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    for what in ["auth0", "terraform"] {
        written(
            folder.path(),
            &[what, "--out", what, "--config", "lychgate.toml"],
        )
        .await;
        let files = files_below(&folder.path().join(what));
        assert!(files.len() > 5, "{files:?}");
        assert!(
            !files.keys().any(|name| name.starts_with("rules")),
            "{files:?}"
        );
        for (name, text) in files {
            assert!(!text.contains("a key of the tests"), "{name}");
            assert!(!text.contains("store.db"), "{name}");
        }
    }
}

#[tokio::test]
async fn a_gateway_that_wants_proofs_is_given_scripts_that_make_them() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    let config = ["--config", "lychgate.toml"];
    for what in ["auth0", "terraform"] {
        let out = format!("plain-{what}");
        written(
            folder.path(),
            &[&[what, "--out", &out], &config[..]].concat(),
        )
        .await;
        let files = files_below(&folder.path().join(out));
        for (name, text) in &files {
            assert!(!text.contains("proof_of_possession"), "{name}");
        }
    }

    let file = folder.path().join("lychgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let bound = text
        .replacen(
            "[gateway]",
            "[gateway]\npublic_url = \"https://gateway.example\"",
            1,
        )
        .replacen("\naudience", "\nsender_constraint = \"dpop\"\naudience", 1);
    std::fs::write(&file, bound).unwrap();
    for what in ["auth0", "terraform"] {
        written(
            folder.path(),
            &[&[what, "--out", what], &config[..]].concat(),
        )
        .await;
    }
    let auth0 = files_below(&folder.path().join("auth0"));
    let json = |name: &str| serde_json::from_str::<Value>(&auth0[name]).unwrap();
    let api = json("resource-servers/lychgate-gateway.json");
    let required = json!({ "mechanism": "dpop", "required": true });
    assert_eq!(api["proof_of_possession"], required);
    let connection = json("database-connections/legacy/database.json");
    let configuration = &connection["options"]["configuration"];
    assert_eq!(configuration["SENDER_CONSTRAINT"], "dpop");
    let terraform = files_below(&folder.path().join("terraform"));
    let resources = &terraform["main.tf"];
    assert!(hcl::parse(resources).is_ok(), "{resources}");
    for said in ["SENDER_CONSTRAINT = \"dpop\"", "proof_of_possession {"] {
        assert!(resources.contains(said), "{said} in\n{resources}");
    }
}

#[tokio::test]
async fn scripts_that_have_no_certificate_are_not_exported_for_a_gateway_that_wants_one() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    let authority = Authority::new("everybody");
    let server = authority.server("localhost");
    for (name, text) in [
        ("gateway.pem", &server.certificate),
        ("gateway.key", &server.key),
        ("ca.pem", &authority.pem()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let tls =
        "tls = { certificate = \"gateway.pem\", key = \"gateway.key\", client_ca = \"ca.pem\" }";
    let file = folder.path().join("lychgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text
        .replacen("[gateway]", &format!("[gateway]\n{tls}"), 1)
        .replacen("\naudience", "\nsender_constraint = \"mtls\"\naudience", 1);
    std::fs::write(&file, text).unwrap();
    let arguments = ["auth0", "--out", "auth0", "--config", "lychgate.toml"];
    let refused = export(folder.path(), &arguments).await;
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("have no certificate to show"), "{said}");
}

#[tokio::test]
async fn the_openapi_document_has_the_operations_of_the_config_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    let output = export(folder.path(), &["openapi"]).await;
    assert_eq!(output.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/v1/users/authenticate", "/v1/users/lookup"]);
    let missing = export(folder.path(), &["openapi", "--config", "nowhere.toml"]).await;
    assert_eq!(missing.status.code(), Some(2));
}

/// A config of a gateway that has two operations.
fn write_config(folder: &Path) {
    let config = gateway_config("https://example.eu.auth0.com/", TWO_OPERATIONS);
    std::fs::write(folder.join("lychgate.toml"), config).unwrap();
}

/// The scopes of these operations as JSON.
fn scopes(operations: &[&str]) -> Value {
    let named = OPERATIONS
        .iter()
        .filter(|operation| operations.contains(&operation.name));
    json!(named.map(|operation| operation.scope).collect::<Vec<_>>())
}

/// Exports, and says which files it printed: they are those that are there.
async fn written(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let output = export(folder, arguments).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<_> = printed.lines().map(str::to_owned).collect();
    for name in &printed {
        assert!(folder.join(name).is_file(), "{name}");
    }
    printed
}

async fn export(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = lychgate(folder, &[&["export"], arguments].concat());
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .expect("the command hangs")
        .unwrap()
}

/// Every file below a folder: its name there, and its text.
fn files_below(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}
