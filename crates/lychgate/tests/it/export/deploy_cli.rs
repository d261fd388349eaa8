//! What is exported for Auth0, as Auth0's own tool reads it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::{scopes, write_config, written};
use crate::support::AUDIENCE;

/// How long the tool may take to load a folder.
const PATIENCE: Duration = Duration::from_mins(2);

/// What a person sets before the import.
const PARAMETERS: [(&str, &str); 5] = [
    ("AUTH0_DOMAIN", "example.eu.auth0.com"),
    ("GATEWAY_URL", "https://gateway.example"),
    ("GATEWAY_AUDIENCE", AUDIENCE),
    ("SCRIPT_CLIENT_ID", "the-script-client"),
    // Signs that would end a string of JSON, or begin something in a replacement.
    ("SCRIPT_CLIENT_SECRET", "a\"quoted\\$&secret"),
];

/// What is broken in a folder, and what the tool then says.
const BROKEN: [(&str, &str, &str, &str); 8] = [
    (
        "resource-servers/lychgate-gateway.json",
        "\"deny_all\"",
        "\"nobody\"",
        "should be equal to one of the allowed values",
    ),
    (
        "resource-servers/lychgate-gateway.json",
        "\"user\": {",
        "\"users\": {",
        "should NOT have additional properties",
    ),
    (
        "resource-servers/lychgate-gateway.json",
        "\"identifier\"",
        "\"audience\"",
        "should have required property 'identifier'",
    ),
    (
        "grants/lychgate-action-scripts.json",
        "\"client_id\"",
        "\"client\"",
        "One of \"client_id\" or \"default_for\" is required",
    ),
    (
        "actions/deny_gateway_audience.json",
        "\"supported_triggers\"",
        "\"triggers\"",
        "should have required property 'supported_triggers'",
    ),
    (
        "actions/deny_gateway_audience.json",
        "deny_gateway_audience/code.js",
        "deny_gateway_audience/lost.js",
        "Unable to load file",
    ),
    (
        "database-connections/legacy/database.json",
        "\"login\":",
        "\"log_in\":",
        "Skipping invalid database configuration",
    ),
    (
        "database-connections/legacy/database.json",
        "\"strategy\": \"auth0\"",
        "\"strategy\": \"samlp\"",
        "should be equal to one of the allowed values",
    ),
];

#[tokio::test]
async fn auth0s_own_tool_loads_the_folder_and_finds_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &["auth0", "--out", "tree", "--with-rule"]).await;
    let assets = load(&folder.path().join("tree")).await.unwrap();

    let api = &assets["resourceServers"][0];
    assert_eq!(api["identifier"], AUDIENCE);
    let policies =
        json!({ "user": { "policy": "deny_all" }, "client": { "policy": "require_client_grant" } });
    assert_eq!(api["subject_type_authorization"], policies);
    assert_eq!(api["scopes"].as_array().unwrap().len(), 7);
    let grant = &assets["clientGrants"][0];
    assert_eq!(grant["audience"], AUDIENCE);
    assert_eq!(grant["client_id"], assets["clients"][0]["name"]);
    assert_eq!(grant["scope"].as_array().unwrap().len(), 7);
    assert_eq!(
        assets["clients"][0]["grant_types"],
        json!(["client_credentials"])
    );

    let database = &assets["databases"][0];
    let scripts = database["options"]["customScripts"].as_object().unwrap();
    assert_eq!(scripts.len(), 7);
    assert!(
        scripts["login"]
            .as_str()
            .unwrap()
            .starts_with("async function login(")
    );
    let configuration = &database["options"]["configuration"];
    assert_eq!(
        configuration["TOKEN_URL"],
        "https://example.eu.auth0.com/oauth/token"
    );
    assert_eq!(configuration["CLIENT_SECRET"], PARAMETERS[4].1);

    let actions = assets["actions"].as_array().unwrap();
    assert_eq!(actions.len(), 2);
    for (trigger, bound) in assets["triggers"].as_object().unwrap() {
        let name = &bound[0]["action_name"];
        let action = actions
            .iter()
            .find(|action| action["name"] == *name)
            .unwrap();
        assert_eq!(action["supported_triggers"][0]["id"], **trigger);
        assert!(action["code"].as_str().unwrap().contains("api.access.deny"));
    }
    assert_eq!(assets["rules"][0]["enabled"], true);
    assert_eq!(assets["rulesConfigs"][0]["value"], AUDIENCE);

    let text = assets.to_string();
    assert!(
        !text.contains("@@") && !text.contains("##"),
        "a parameter is not set: {text}"
    );
}

#[tokio::test]
async fn of_a_config_the_tool_finds_the_operations_that_it_defines_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    let config = ["--config", "lychgate.toml", "--connection", "users-2009"];
    written(
        folder.path(),
        &[&["auth0", "--out", "tree"], &config[..]].concat(),
    )
    .await;
    let assets = load(&folder.path().join("tree")).await.unwrap();
    let scopes = scopes(&["authenticate", "lookup"]);
    assert_eq!(assets["clientGrants"][0]["scope"], scopes);
    assert_eq!(
        assets["resourceServers"][0]["scopes"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let database = &assets["databases"][0];
    assert_eq!(database["name"], "users-2009");
    // Nobody can sign up where there is no `create`.
    assert_eq!(database["options"]["disable_signup"], true);
    let scripts = database["options"]["customScripts"].as_object().unwrap();
    assert_eq!(scripts.len(), 2);
    assert!(scripts.contains_key("get_user") && scripts.contains_key("login"));
}

#[tokio::test]
async fn the_tool_takes_an_api_whose_tokens_are_bound() {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path());
    let path = folder.path().join("lychgate.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let config = config
        .replace(
            "[gateway]\n",
            "[gateway]\npublic_url = \"https://gateway.example/\"\n",
        )
        .replace(
            "[gateway.access_token]\n",
            "[gateway.access_token]\nsender_constraint = \"dpop\"\n",
        );
    std::fs::write(&path, config).unwrap();
    written(
        folder.path(),
        &["auth0", "--out", "tree", "--config", "lychgate.toml"],
    )
    .await;
    let assets = load(&folder.path().join("tree")).await.unwrap();
    let proof = json!({ "mechanism": "dpop", "required": true });
    assert_eq!(assets["resourceServers"][0]["proof_of_possession"], proof);
    let configuration = &assets["databases"][0]["options"]["configuration"];
    assert_eq!(configuration["SENDER_CONSTRAINT"], "dpop");
}

#[tokio::test]
async fn where_users_are_imported_two_scripts_are_all() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), &["auth0", "--out", "tree", "--import-users"]).await;
    let assets = load(&folder.path().join("tree")).await.unwrap();
    let options = &assets["databases"][0]["options"];
    assert_eq!(options["import_mode"], true);
    assert_eq!(options["customScripts"].as_object().unwrap().len(), 2);
    assert_eq!(
        assets["clientGrants"][0]["scope"],
        scopes(&["authenticate", "lookup"])
    );
}

#[tokio::test]
async fn a_broken_folder_is_refused_by_the_tool() {
    for (file, from, to, says) in BROKEN {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), &["auth0", "--out", "tree"]).await;
        let path = folder.path().join("tree").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let said = load(&folder.path().join("tree")).await.unwrap_err();
        assert!(said.contains(says), "{file}: {to}: {said}");
    }
}

/// What the tool reads in a folder, or why it does not.
async fn load(tree: &Path) -> Result<Value, String> {
    let installed = installed();
    let parameters: serde_json::Map<_, _> = PARAMETERS
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let mut node = Command::new("node");
    node.arg(root().join("crates/lychgate/tests/deploy_cli/load.cjs"))
        .arg(&installed)
        .arg(tree)
        .arg(json!(parameters).to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let loaded = tokio::time::timeout(PATIENCE, node.output()).await;
    let Output {
        status,
        stdout,
        stderr,
    } = loaded.expect("the tool hangs").unwrap();
    if status.success() {
        Ok(serde_json::from_slice(&stdout).unwrap())
    } else {
        Err(String::from_utf8(stderr).unwrap())
    }
}

/// The folder with the tool, exactly as its lock file names it; the first test that needs it fetches it from npm.
fn installed() -> PathBuf {
    let named = root().join("crates/lychgate/tests/deploy_cli");
    let folder = root().join("target/deploy-cli");
    std::fs::create_dir_all(&folder).unwrap();
    // Other tests wait here until it is all there.
    let turn = File::create(folder.join("turn")).unwrap();
    turn.lock().unwrap();
    let lock_file = std::fs::read(named.join("package-lock.json")).unwrap();
    if std::fs::read(folder.join("installed")).is_ok_and(|installed| installed == lock_file) {
        return folder;
    }
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(named.join(name), folder.join(name)).unwrap();
    }
    let mut npm = std::process::Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&folder);
    let Output { status, stderr, .. } = npm.output().expect("npm does not start");
    assert!(
        status.success(),
        "npm ci: {}",
        String::from_utf8_lossy(&stderr)
    );
    std::fs::write(folder.join("installed"), lock_file).unwrap();
    folder
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
