//! `lychgate check --tenant-export`: a good tenant has nothing to be found, each bad setting is found by its id, and what an
//! export does not tell is said.

mod management_api;
mod terraform;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{AUDIENCE, SCRIPT_CLIENT, change_config, check, sqlite_folder};
use crate::support::lychgate;

const API: &str = "resource-servers/lychgate-gateway.json";
const CLIENT: &str = "clients/lychgate-action-scripts.json";
const GRANT: &str = "grants/lychgate-action-scripts.json";
const DATABASE: &str = "database-connections/legacy/database.json";
const DENY: &str = "actions/deny_gateway_audience.json";
const TRIGGERS: &str = "triggers/triggers.json";

/// Settings of a dump that are bad, one in each row: its file, the pointer to it in there, the value, and the check that
/// finds it. Without a pointer the value is the whole file; `null` takes a setting, or a file, out.
const BAD_SETTINGS: &str = include_str!("tenant/bad_settings.json");

/// What is replaced in a script (where nothing is named, all of it), and the check that finds it.
const BAD_SCRIPTS: [(&str, &str, &str, &str); 8] = [
    (
        "database-connections/legacy/login.js",
        "  let user;",
        "  const { Client } = require('pg@8.11.3');\n  let user;",
        "tenant-script-direct",
    ),
    (
        "database-connections/legacy/login.js",
        "redirect: 'error',",
        "redirect: 'error', rejectUnauthorized: false,",
        "tenant-script-tls",
    ),
    (
        "database-connections/legacy/verify.js",
        "",
        "function verify(email, callback) {\n  const headers = { authorization: `Basic ${configuration.KEY}` };\n  fetch('https://gateway.example', { headers }).then((reply) => callback(null, reply.ok));\n}\n",
        "tenant-script-token",
    ),
    (
        "database-connections/legacy/change_password.js",
        "  let changed;",
        "  newPassword = await require('bcrypt').hash(newPassword, 10);\n  let changed;",
        "tenant-script-hashes",
    ),
    (
        "actions/deny_gateway_audience/code.js",
        "event.resource_server?.identifier === gateway",
        "event.request.query.audience === gateway",
        "tenant-action-parameter",
    ),
    (
        "actions/deny_gateway_audience/code.js",
        "identifier === gateway",
        "identifier == gateway",
        "tenant-action-comparison",
    ),
    (
        "actions/restrict_gateway_clients/code.js",
        "'invalid_request', 'This",
        "'This",
        "tenant-action-arguments",
    ),
    (
        "actions/restrict_gateway_clients/code.js",
        "'invalid_request'",
        "'access_denied'",
        "tenant-action-arguments",
    ),
];

#[tokio::test]
async fn our_own_export_is_good_and_what_it_does_not_tell_is_said() {
    let folder = with_export().await;
    let (found, not_told) = judged(folder.path(), "tenant").await;
    assert_eq!(found, BTreeSet::new());
    for id in [
        "tenant-default-audience",
        "tenant-rules",
        "tenant-grant-others",
        "tenant-refresh-policies",
        "tenant-issuer",
    ] {
        assert!(not_told.contains(id), "{id}: {not_told:?}");
    }
    let output = check(folder.path(), &["--tenant-export", "tenant"]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("not told by the export: tenant-default-audience: "),
        "{said}"
    );
    assert!(
        said.ends_with("not told by the export: look at these yourself\n"),
        "{said}"
    );
}

#[tokio::test]
async fn of_a_whole_tenant_that_is_good_everything_is_told_and_nothing_found() {
    let folder = with_dump().await;
    let (found, not_told) = judged(folder.path(), "tenant").await;
    assert_eq!((found, not_told), (BTreeSet::new(), BTreeSet::new()));
}

#[tokio::test]
async fn each_bad_setting_is_found_by_its_check_and_by_no_other() {
    let (mut tried, mut wrong) = (BTreeSet::new(), Vec::new());
    let rows: Vec<(String, String, Value, String)> = serde_json::from_str(BAD_SETTINGS).unwrap();
    let folder = with_dump().await;
    for (file, pointer, value, id) in rows {
        let path = folder.path().join("tenant").join(&file);
        let before = std::fs::read(&path).ok();
        set(&path, &pointer, value.clone());
        let (found, _) = judged(folder.path(), "tenant").await;
        put_back(&path, before);
        if found != BTreeSet::from([id.clone()]) {
            wrong.push(format!("{file}: {pointer}: {value}: {found:?}"));
        }
        tried.insert(id);
    }
    for (file, from, to, id) in BAD_SCRIPTS {
        let path = folder.path().join("tenant").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        let bad = if from.is_empty() {
            to.to_owned()
        } else {
            text.replace(from, to)
        };
        std::fs::write(&path, bad).unwrap();
        let (found, _) = judged(folder.path(), "tenant").await;
        std::fs::write(&path, text).unwrap();
        if found != BTreeSet::from([id.to_owned()]) {
            wrong.push(format!("{file}: {to}: {found:?}"));
        }
        tried.insert(id.to_owned());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // These two need another config.
    tried.extend(["tenant-region", "tenant-connection-sign-up"].map(str::to_owned));
    assert_eq!(tried, every_check_of_a_tenant().await);
}

#[tokio::test]
async fn regions_that_are_not_the_tenants_are_found() {
    let folder = with_dump().await;
    change_config(
        folder.path(),
        "regions = [\"EU\"]",
        "regions = [\"EU\", \"US\"]",
    );
    let (found, _) = judged(folder.path(), "tenant").await;
    assert_eq!(found, BTreeSet::from(["tenant-region".to_owned()]));
}

#[tokio::test]
async fn a_sign_up_that_the_gateway_does_not_serve_is_found() {
    let folder = sqlite_folder().await;
    prepare(folder.path());
    let create = "create = \"insert into users (id, email, password_hash) values (7, :email, :password_hash)\"\n";
    change_config(folder.path(), create, "");
    export(folder.path()).await;
    fill_in(folder.path());
    let (found, not_told) = judged(folder.path(), "tenant").await;
    assert_eq!((found, not_told), (BTreeSet::new(), BTreeSet::new()));
    set(
        &folder.path().join("tenant").join(DATABASE),
        "/options/disable_signup",
        json!(false),
    );
    let (found, _) = judged(folder.path(), "tenant").await;
    assert_eq!(
        found,
        BTreeSet::from(["tenant-connection-sign-up".to_owned()])
    );
}

#[tokio::test]
async fn where_the_gateway_asks_for_a_proof_the_export_binds_tokens_and_a_tenant_that_does_not_is_found()
 {
    let folder = sqlite_folder().await;
    prepare(folder.path());
    change_config(
        folder.path(),
        "[gateway]\n",
        "[gateway]\npublic_url = \"https://gateway.example/\"\n",
    );
    let lifetime = "max_lifetime = \"1h\"";
    change_config(
        folder.path(),
        lifetime,
        &format!("{lifetime}\nsender_constraint = \"dpop\""),
    );
    export(folder.path()).await;
    fill_in(folder.path());
    let (found, not_told) = judged(folder.path(), "tenant").await;
    assert_eq!((found, not_told), (BTreeSet::new(), BTreeSet::new()));
    let tree = folder.path().join("tenant");
    let database: Value =
        serde_json::from_slice(&std::fs::read(tree.join(DATABASE)).unwrap()).unwrap();
    assert_eq!(
        database["options"]["configuration"]["SENDER_CONSTRAINT"],
        "dpop"
    );
    for pointer in ["/proof_of_possession/required", "/proof_of_possession"] {
        let value = if pointer.ends_with("required") {
            json!(false)
        } else {
            Value::Null
        };
        set(&tree.join(API), pointer, value);
        let (found, _) = judged(folder.path(), "tenant").await;
        assert_eq!(
            found,
            BTreeSet::from(["tenant-api-proof".to_owned()]),
            "{pointer}"
        );
    }
}

#[tokio::test]
async fn a_setting_that_is_taken_out_is_not_told_and_never_good() {
    let folder = with_dump().await;
    for (file, pointer, id) in [
        (API, "/subject_type_authorization", "tenant-api-users"),
        (API, "/token_lifetime", "tenant-api-lifetime"),
        (CLIENT, "/grant_types", "tenant-client-grant-types"),
        (
            DATABASE,
            "/options/brute_force_protection",
            "tenant-connection-brute-force",
        ),
        (DENY, "/deployed", "tenant-action-not-deployed"),
    ] {
        set(
            &folder.path().join("tenant").join(file),
            pointer,
            Value::Null,
        );
        let (found, not_told) = judged(folder.path(), "tenant").await;
        assert_eq!(found, BTreeSet::new(), "{pointer}");
        assert!(not_told.contains(id), "{pointer}: {not_told:?}");
    }
}

#[tokio::test]
async fn a_yaml_file_is_read_as_the_folder_is() {
    let folder = with_dump().await;
    let tree = folder.path().join("tenant");
    let read = |file: &str| -> Value {
        serde_json::from_slice(&std::fs::read(tree.join(file)).unwrap()).unwrap()
    };
    let mut database = read(DATABASE);
    for (_, script) in database["options"]["customScripts"]
        .as_object_mut()
        .unwrap()
    {
        let name = script.as_str().unwrap().trim_start_matches("./").to_owned();
        *script = json!(format!("./database-connections/legacy/{name}"));
    }
    // JSON is YAML; a parameter may stand there without quotes.
    let document = json!({
        "tenant": read("tenant.json"),
        "resourceServers": [read(API)],
        "clients": [read(CLIENT), read("clients/shop.json")],
        "clientGrants": [read(GRANT)],
        "databases": [database],
        "actions": [read(DENY), read("actions/restrict_gateway_clients.json")],
        "triggers": read(TRIGGERS),
    });
    let text = document.to_string();
    std::fs::write(tree.join("tenant.yaml"), &text).unwrap();
    let (found, not_told) = judged(folder.path(), "tenant/tenant.yaml").await;
    assert_eq!((found, not_told), (BTreeSet::new(), BTreeSet::new()));
    let open = text
        .replacen("\"deny_all\"", "allow_all", 1)
        .replacen("\"spa\"", "@@KIND@@", 1);
    std::fs::write(tree.join("tenant.yaml"), open).unwrap();
    let (found, _) = judged(folder.path(), "tenant/tenant.yaml").await;
    assert_eq!(found, BTreeSet::from(["tenant-api-users".to_owned()]));
}

#[tokio::test]
async fn what_is_no_export_is_wrong_usage_and_no_value_of_it_is_shown() {
    let folder = with_dump().await;
    let tree = folder.path().join("tenant");
    set(&tree.join(API), "/token_lifetime", json!("a-secret-canary"));
    std::fs::write(folder.path().join("broken.json"), "{\"a-secret-canary\": ").unwrap();
    std::fs::write(folder.path().join("other.json"), "{\"a\": 1}").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "").unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (path, says) in [
        ("tenant", "`token_lifetime` is not a number"),
        ("broken.json", "it is no JSON at line 1"),
        ("other.json", "is no export"),
        ("notes.txt", "is no export"),
        ("empty", "is no export"),
        ("nowhere", "is no export"),
    ] {
        let output = check(folder.path(), &["--tenant-export", path]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{path}: {said}");
        assert!(said.contains(says), "{path}: {said}");
        assert!(!said.contains("canary"), "{path}: {said}");
    }
}

#[tokio::test]
async fn a_script_outside_of_the_export_is_not_read() {
    let folder = with_dump().await;
    for outside in ["../../../../lychgate.toml", "/etc/passwd"] {
        set(
            &folder.path().join("tenant").join(DATABASE),
            "/options/customScripts/login",
            json!(outside),
        );
        let output = check(folder.path(), &["--tenant-export", "tenant"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("outside of the export"), "{said}");
    }
}

#[tokio::test]
async fn sarif_names_the_file_of_the_export_and_leaves_open_what_is_not_told() {
    let folder = with_export().await;
    set(
        &folder.path().join("tenant").join(API),
        "/allow_offline_access",
        json!(true),
    );
    let output = check(
        folder.path(),
        &["--tenant-export", "tenant", "--format", "sarif"],
    )
    .await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let place = &results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(*place, json!(format!("tenant/{API}")));
    let open = results.iter().filter(|result| result["kind"] == "open");
    assert!(open.clone().count() > 3);
    assert!(open.clone().all(|result| result["level"] == "none"));
}

/// A folder with a config, and the export that is made from it.
async fn with_export() -> TempDir {
    let folder = sqlite_folder().await;
    prepare(folder.path());
    export(folder.path()).await;
    folder
}

/// The same as a tenant would be dumped after the import, beside an application of somebody's.
async fn with_dump() -> TempDir {
    let folder = with_export().await;
    fill_in(folder.path());
    folder
}

/// Makes the config one for a tenant in Europe.
fn prepare(folder: &Path) {
    let ranges = json!({ "regions": {
        "EU": { "ipv4_cidrs": ["203.0.113.0/28"] },
        "US": { "ipv4_cidrs": ["198.51.100.0/28"] },
    } });
    std::fs::write(folder.join("ip-ranges.json"), ranges.to_string()).unwrap();
    let ours = "files = [\"ip-ranges.json\"]\nregions = [\"EU\"]";
    change_config(folder, "networks = [\"127.0.0.0/8\"]", ours);
    change_config(folder, "ISSUER", "https://example.eu.auth0.com/");
}

async fn export(folder: &Path) {
    let arguments = [
        "export",
        "auth0",
        "--config",
        "lychgate.toml",
        "--out",
        "tenant",
    ];
    let output = lychgate(folder, &arguments).output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn fill_in(folder: &Path) {
    let tree = folder.join("tenant");
    for file in [DATABASE, "actions/restrict_gateway_clients.json"] {
        let text = std::fs::read_to_string(tree.join(file)).unwrap();
        let text = text
            .replace("@@GATEWAY_URL@@", "https://gateway.example")
            .replace("##AUTH0_DOMAIN##", "example.eu.auth0.com")
            .replace("@@SCRIPT_CLIENT_ID@@", SCRIPT_CLIENT)
            .replace("@@SCRIPT_CLIENT_SECRET@@", "_VALUE_NOT_SHOWN_");
        std::fs::write(tree.join(file), text).unwrap();
    }
    set(&tree.join(CLIENT), "/client_id", json!(SCRIPT_CLIENT));
    set(&tree.join(DATABASE), "/enabled_clients", json!(["Shop"]));
    let settings = json!({ "friendly_name": "Example", "sandbox_version": "22" });
    set(&tree.join("tenant.json"), "", settings);
    let shop = json!({
        "name": "Shop",
        "client_id": "shop",
        "app_type": "spa",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "refresh_token": { "policies": [] },
    });
    set(&tree.join("clients/shop.json"), "", shop);
    std::fs::create_dir(tree.join("rules")).unwrap();
    std::fs::write(
        tree.join("rules/old.js"),
        "function (user, context, callback) {}",
    )
    .unwrap();
    std::fs::create_dir(tree.join("hooks")).unwrap();
}

/// Sets what a pointer names in a document, or takes it out; without a pointer, all of the file.
fn set(path: &Path, pointer: &str, value: Value) {
    if pointer.is_empty() {
        if value.is_null() {
            return std::fs::remove_file(path).unwrap();
        }
        return std::fs::write(path, value.to_string()).unwrap();
    }
    let mut document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => {
            if value.is_null() {
                members.remove(name).unwrap();
            } else {
                members.insert(name.to_owned(), value);
            }
        }
        Value::Array(elements) => {
            let index: usize = name.parse().unwrap();
            if index < elements.len() {
                elements[index] = value;
            } else {
                elements.push(value);
            }
        }
        _ => panic!("{pointer}"),
    }
    std::fs::write(path, document.to_string()).unwrap();
}

/// Puts a file back as it was before it was changed or made.
fn put_back(path: &Path, before: Option<Vec<u8>>) {
    match before {
        Some(bytes) => std::fs::write(path, bytes).unwrap(),
        None => std::fs::remove_file(path).unwrap(),
    }
}

/// The ids of what is found, and of what is not told. Nothing of the config itself is among it.
async fn judged(folder: &Path, export: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let output = check(folder, &["--format", "json", "--tenant-export", export]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert!(
        !document.to_string().contains("a-secret-canary"),
        "{document}"
    );
    let ids = |list: &str| -> BTreeSet<String> {
        let listed = document[list].as_array().unwrap().iter();
        listed
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = ids("findings");
    assert_eq!(
        output.status.code(),
        Some(i32::from(!found.is_empty())),
        "{document}"
    );
    (found, ids("not_told"))
}

async fn every_check_of_a_tenant() -> BTreeSet<String> {
    let folder = sqlite_folder().await;
    let output = check(folder.path(), &["--format", "sarif"]).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules = document["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    let ids = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap().to_owned());
    ids.filter(|id| id.starts_with("tenant-")).collect()
}
