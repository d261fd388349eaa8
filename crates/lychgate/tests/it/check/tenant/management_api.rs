//! The same tenant as its Management API tells of it. There is no tenant of Auth0's here: a server on loopback answers as
//! the API is documented to, from the files of the same dump, a page of one thing at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode};
use lychgate_listener::{Limits, Listener, Transport};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{BAD_SCRIPTS, BAD_SETTINGS, put_back, set, with_dump};
use crate::support::lychgate;

const TOKEN: &str = "a-token-canary";

#[tokio::test]
async fn of_a_good_tenant_the_api_tells_everything_and_nothing_is_found() {
    let folder = with_dump().await;
    let tenant = Tenant::start(&folder.path().join("tenant"));
    let (found, not_told) = asked(folder.path(), &tenant).await;
    assert_eq!((found, not_told), (BTreeSet::new(), BTreeSet::new()));
    let asked = tenant.asked.lock().unwrap();
    assert!(asked.len() > 12, "{asked:?}");
    assert!(
        asked.iter().all(|(method, _)| *method == Method::GET),
        "{asked:?}"
    );
    // A secret that is not asked for is not there to leak.
    assert!(
        asked.iter().all(|(_, uri)| !uri.contains("client_secret")),
        "{asked:?}"
    );
    assert!(
        asked.iter().any(|(_, uri)| uri.contains("page=1&")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn each_bad_setting_that_the_api_tells_is_found_by_its_check_and_by_no_other() {
    let rows: Vec<(String, String, Value, String)> = serde_json::from_str(BAD_SETTINGS).unwrap();
    let folder = with_dump().await;
    let (mut tried, mut wrong) = (0, Vec::new());
    // A secret in the API is in no file; and a parameter is the tool's, not the tenant's.
    let told = |id: &str, value: &Value| {
        id != "tenant-export-secret" && *value != json!("@@GATEWAY_AUDIENCE@@")
    };
    for (file, pointer, value, id) in rows.into_iter().filter(|(_, _, value, id)| told(id, value)) {
        let path = folder.path().join("tenant").join(&file);
        let before = std::fs::read(&path).ok();
        set(&path, &pointer, value);
        let tenant = Tenant::start(&folder.path().join("tenant"));
        put_back(&path, before);
        let (found, _) = asked(folder.path(), &tenant).await;
        if found != BTreeSet::from([id]) {
            wrong.push(format!("{file}: {pointer}: {found:?}"));
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 40, "{tried}");
    let (file, from, to, id) = BAD_SCRIPTS[0];
    let path = folder.path().join("tenant").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(from, to)).unwrap();
    let tenant = Tenant::start(&folder.path().join("tenant"));
    let (found, _) = asked(folder.path(), &tenant).await;
    assert_eq!(found, BTreeSet::from([id.to_owned()]));
}

#[tokio::test]
async fn what_the_token_may_not_read_is_not_told() {
    let folder = with_dump().await;
    let mut tenant = Tenant::start(&folder.path().join("tenant"));
    for (forbidden, id) in [
        ("rules", "tenant-rules"),
        ("tenants/settings", "tenant-default-audience"),
        ("client-grants", "tenant-grant-scopes"),
        ("actions/actions", "tenant-action-missing"),
        ("connections/con_1/clients", "tenant-client-connections"),
    ] {
        tenant.forbid(&folder.path().join("tenant"), forbidden);
        let (found, not_told) = asked(folder.path(), &tenant).await;
        assert_eq!(found, BTreeSet::new(), "{forbidden}");
        assert!(not_told.contains(id), "{forbidden}: {not_told:?}");
    }
}

#[tokio::test]
async fn a_token_is_never_an_argument_and_is_sent_to_nobody_in_the_clear() {
    let folder = with_dump().await;
    let tenant = Tenant::start(&folder.path().join("tenant"));
    let placeholder = "${env:TENANT_TOKEN}";
    for (address, token, status, says) in [
        (tenant.address.as_str(), TOKEN, 2, "never the token itself"),
        (
            "http://example.eu.auth0.com/",
            placeholder,
            2,
            "must be `https`",
        ),
        (
            "https://example.eu.auth0.com/api/v2/",
            placeholder,
            2,
            "the address of the tenant alone",
        ),
        (
            tenant.address.as_str(),
            "${env:NO_SUCH_TOKEN}",
            2,
            "no variable NO_SUCH_TOKEN",
        ),
        (
            tenant.address.as_str(),
            "${env:OTHER_TOKEN}",
            1,
            "does not take the token (401)",
        ),
        ("http://127.0.0.1:9/", placeholder, 1, "cannot read"),
    ] {
        let output = run(
            folder.path(),
            &["--tenant-api", address, "--tenant-token", token],
        )
        .await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{address}: {said}");
        assert!(said.contains(says), "{address}: {said}");
        assert!(!said.contains("canary"), "{said}");
    }
    let alone = run(folder.path(), &["--tenant-api", &tenant.address]).await;
    assert_eq!(alone.status.code(), Some(2));
}

/// What is found, and what is not told.
async fn asked(folder: &Path, tenant: &Tenant) -> (BTreeSet<String>, BTreeSet<String>) {
    let arguments = [
        "--tenant-api",
        &tenant.address,
        "--tenant-token",
        "${env:TENANT_TOKEN}",
        "--format",
        "json",
    ];
    let output = run(folder, &arguments).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let ids = |list: &str| -> BTreeSet<String> {
        let listed = document[list].as_array().unwrap().iter();
        listed
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect()
    };
    (ids("findings"), ids("not_told"))
}

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = lychgate(folder, &[&["check"], arguments].concat());
    command
        .env("TENANT_TOKEN", TOKEN)
        .env("OTHER_TOKEN", "another-canary");
    command.output().await.unwrap()
}

/// A tenant that answers, until it is dropped.
struct Tenant {
    address: String,
    /// What it was asked, and how.
    asked: Arc<Mutex<Vec<(Method, String)>>>,
    _running: DropGuard,
}

impl Tenant {
    fn start(tree: &Path) -> Self {
        Self::answering(answers(tree))
    }

    /// Begins anew, as one that answers 403 to a path.
    fn forbid(&mut self, tree: &Path, path: &str) {
        let mut answers = answers(tree);
        answers.insert(path.to_owned(), Value::Null);
        *self = Self::answering(answers);
    }

    fn answering(answers: BTreeMap<String, Value>) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(address, Transport::Plain, Limits::default()).unwrap();
        let address = format!("http://{}/", listener.address());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let answer = move |(), request: Request<Incoming>| {
            let is_first = seen.lock().unwrap().is_empty();
            let uri = request.uri().to_string();
            seen.lock()
                .unwrap()
                .push((request.method().clone(), uri.clone()));
            let authorization = request.headers().get(AUTHORIZATION);
            let is_allowed = authorization.is_some_and(|value| *value == format!("Bearer {TOKEN}"));
            let (status, body) = match (is_allowed, is_first) {
                (false, _) => (StatusCode::UNAUTHORIZED, Value::Null),
                // A tenant that is busy says when to come back.
                (true, true) => (StatusCode::TOO_MANY_REQUESTS, Value::Null),
                (true, false) => page(&answers, &uri),
            };
            let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
            *response.status_mut() = status;
            response
                .headers_mut()
                .insert(RETRY_AFTER, "0".parse().unwrap());
            async { response }
        };
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(|_peer| Some(()), answer, stop.clone()));
        Self {
            address,
            asked,
            _running: stop.drop_guard(),
        }
    }
}

/// One page: at most one thing, whatever was asked for.
fn page(answers: &BTreeMap<String, Value>, uri: &str) -> (StatusCode, Value) {
    let (path, query) = uri.split_once('?').unwrap();
    let path = path.rsplit_once("/api/v2/").unwrap().1;
    match answers.get(path) {
        None => (StatusCode::NOT_FOUND, Value::Null),
        Some(Value::Null) => (StatusCode::FORBIDDEN, Value::Null),
        Some(Value::Array(all)) => {
            let number = query.split('&').find_map(|part| part.strip_prefix("page="));
            let index: usize = number.unwrap_or("0").parse().unwrap();
            let member = path.rsplit('/').next().unwrap().replace('-', "_");
            let member = if path.ends_with("/clients") {
                "clients"
            } else {
                &member
            };
            let one: Vec<_> = all.get(index).into_iter().collect();
            let all_at_once = path.ends_with("/clients") && path != "clients";
            let listed = if all_at_once { json!(all) } else { json!(one) };
            (
                StatusCode::OK,
                json!({ member: listed, "total": all.len() }),
            )
        }
        Some(document) => (StatusCode::OK, document.clone()),
    }
}

/// What the files of a dump are in the API, by path.
fn answers(tree: &Path) -> BTreeMap<String, Value> {
    let mut answers = BTreeMap::new();
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    let documents = |kind: &str| -> Option<Vec<Value>> {
        let mut paths: Vec<_> = std::fs::read_dir(tree.join(kind))
            .ok()?
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
        paths.sort();
        Some(
            paths
                .iter()
                .map(|path| serde_json::from_str(&text(path)).unwrap())
                .collect(),
        )
    };
    let clients = documents("clients").unwrap();
    let id_of = |name: &Value| {
        let called = clients.iter().find(|client| client["name"] == *name);
        called.map_or(name.clone(), |client| client["client_id"].clone())
    };
    let mut grants = documents("grants").unwrap();
    for grant in &mut grants {
        if grant.get("client_id").is_some() {
            grant["client_id"] = id_of(&grant["client_id"]);
        }
    }
    let mut actions = documents("actions").unwrap();
    for action in &mut actions {
        action["id"] = json!(format!("id-of-{}", action["name"].as_str().unwrap()));
        action["code"] = json!(text(&tree.join(action["code"].as_str().unwrap())));
        action["all_changes_deployed"] = action["deployed"].take();
        for secret in action["secrets"].as_array_mut().unwrap() {
            secret.as_object_mut().unwrap().remove("value");
        }
    }
    let (database, enabled) = connection(tree);
    let enabled = enabled
        .iter()
        .map(|name| json!({ "client_id": id_of(name) }));
    answers.insert("connections/con_1/clients".to_owned(), enabled.collect());
    let triggers: Value = serde_json::from_str(&text(&tree.join(super::TRIGGERS))).unwrap();
    for trigger in ["post-login", "credentials-exchange"] {
        let bound = triggers[trigger].as_array().into_iter().flatten();
        let bound = bound.map(|action| {
            let name = action["action_name"].as_str().unwrap();
            json!({ "action": { "id": format!("id-of-{name}"), "name": name }, "display_name": name })
        });
        answers.insert(
            format!("actions/triggers/{trigger}/bindings"),
            bound.collect(),
        );
    }
    let settings = serde_json::from_str(&text(&tree.join("tenant.json"))).unwrap();
    answers.insert("tenants/settings".to_owned(), settings);
    answers.insert(
        "resource-servers".to_owned(),
        json!(documents("resource-servers").unwrap()),
    );
    answers.insert("client-grants".to_owned(), json!(grants));
    answers.insert("clients".to_owned(), json!(clients));
    answers.insert("connections".to_owned(), json!([database]));
    answers.insert("actions/actions".to_owned(), json!(actions));
    // Rules and hooks were taken out of the API with their end; a tenant that still has some is asked all the same.
    for kind in ["rules", "hooks"] {
        let all = documents(kind).unwrap();
        if !all.is_empty() {
            answers.insert(kind.to_owned(), json!(all));
        }
    }
    answers
}

/// The connection with its scripts, and the names of the clients that it is on for.
fn connection(tree: &Path) -> (Value, Vec<Value>) {
    let text = std::fs::read_to_string(tree.join(super::DATABASE)).unwrap();
    let mut database: Value = serde_json::from_str(&text).unwrap();
    let folder = tree.join("database-connections/legacy");
    for (_, script) in database["options"]["customScripts"]
        .as_object_mut()
        .unwrap()
    {
        let path = folder.join(script.as_str().unwrap());
        *script = json!(std::fs::read_to_string(path).unwrap());
    }
    let enabled = database
        .as_object_mut()
        .unwrap()
        .remove("enabled_clients")
        .unwrap();
    database["id"] = json!("con_1");
    (database, enabled.as_array().unwrap().clone())
}
