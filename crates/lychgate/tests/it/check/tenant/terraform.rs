//! The same tenant as Terraform tells of it. Terraform is not run here: the plan and the state are made from our own
//! `main.tf`, in the formats that its documentation describes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hcl::{Body, Expression, Structure};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{AUDIENCE, SCRIPT_CLIENT, judged, prepare};
use crate::check::sqlite_folder;
use crate::support::lychgate;

/// One setting that is bad, by the resource and the pointer to it, and the check that finds it.
fn bad_settings() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        (
            "auth0_resource_server.gateway",
            "/subject_type_authorization/0/user/0/policy",
            json!("allow_all"),
            "tenant-api-users",
        ),
        (
            "auth0_resource_server.gateway",
            "/allow_offline_access",
            json!(true),
            "tenant-api-offline-access",
        ),
        (
            "auth0_resource_server_scopes.gateway",
            "/scopes/0/name",
            json!("read:secrets"),
            "tenant-api-scopes",
        ),
        (
            "auth0_client.scripts",
            "/grant_types/0",
            json!("password"),
            "tenant-client-grant-types",
        ),
        (
            "auth0_client_credentials.scripts",
            "/authentication_method",
            json!("none"),
            "tenant-client-authentication",
        ),
        (
            "auth0_client_grant.scripts",
            "/scopes",
            json!(["read:users"]),
            "tenant-grant-scopes",
        ),
        (
            "auth0_connection.legacy",
            "/options/0/password_policy",
            json!("none"),
            "tenant-connection-password-policy",
        ),
        (
            "auth0_action.deny_gateway_audience",
            "/deploy",
            json!(false),
            "tenant-action-not-deployed",
        ),
        (
            "auth0_trigger_actions.post_login",
            "/trigger",
            json!("post-user-registration"),
            "tenant-action-unbound",
        ),
    ]
}

#[tokio::test]
async fn a_plan_and_a_state_of_our_own_resources_are_good() {
    let folder = with_resources().await;
    for (name, document) in [
        ("plan.json", plan(folder.path())),
        ("terraform.tfstate", state(folder.path())),
    ] {
        std::fs::write(folder.path().join(name), document.to_string()).unwrap();
        let (found, not_told) = judged(folder.path(), name).await;
        assert_eq!(found, BTreeSet::new(), "{name}");
        // What Terraform does not manage is not known to it.
        for id in [
            "tenant-default-audience",
            "tenant-grant-others",
            "tenant-rules",
        ] {
            assert!(not_told.contains(id), "{name}: {id}: {not_told:?}");
        }
        for id in [
            "tenant-api-users",
            "tenant-action-unbound",
            "tenant-grant-scopes",
            "tenant-client-grant-types",
        ] {
            assert!(!not_told.contains(id), "{name}: {id}: {not_told:?}");
        }
    }
}

#[tokio::test]
async fn each_bad_setting_of_a_plan_or_a_state_is_found_by_its_check() {
    let folder = with_resources().await;
    let mut wrong = Vec::new();
    for (address, pointer, value, id) in bad_settings() {
        let (mut plan, mut state) = (plan(folder.path()), state(folder.path()));
        let planned = plan["planned_values"]["root_module"]["resources"]
            .as_array_mut()
            .unwrap();
        let resource = planned
            .iter_mut()
            .find(|resource| resource["address"] == address)
            .unwrap();
        *resource["values"].pointer_mut(pointer).unwrap() = value.clone();
        let stated = state["resources"].as_array_mut().unwrap();
        let is_it = |resource: &&mut Value| {
            address
                == format!(
                    "{}.{}",
                    resource["type"].as_str().unwrap(),
                    resource["name"].as_str().unwrap()
                )
        };
        let resource = stated.iter_mut().find(is_it).unwrap();
        *resource["instances"][0]["attributes"]
            .pointer_mut(pointer)
            .unwrap() = value;
        for (name, document) in [("plan.json", plan), ("terraform.tfstate", state)] {
            std::fs::write(folder.path().join(name), document.to_string()).unwrap();
            let (found, _) = judged(folder.path(), name).await;
            if found != BTreeSet::from([id.to_owned()]) {
                wrong.push(format!("{name}: {address}{pointer}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn with_resources() -> TempDir {
    let folder = sqlite_folder().await;
    prepare(folder.path());
    let arguments = [
        "export",
        "terraform",
        "--config",
        "lychgate.toml",
        "--out",
        "tree",
    ];
    let output = lychgate(folder.path(), &arguments).output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
}

/// What `terraform show -json` says of a plan: ids are not known yet, and the expressions tell where they will come from.
fn plan(folder: &Path) -> Value {
    let mut planned = Vec::new();
    let mut configured = Vec::new();
    for (kind, name, body) in resources(folder) {
        let address = format!("{kind}.{name}");
        let (values, references) = Reading {
            tree: &folder.join("tree"),
            ids: None,
        }
        .body(&body);
        planned.push(json!({ "address": address, "mode": "managed", "type": kind, "name": name, "values": values }));
        configured.push(json!({ "address": address, "mode": "managed", "type": kind, "name": name, "expressions": references }));
    }
    json!({
        "format_version": "1.2",
        "planned_values": { "root_module": { "resources": planned } },
        "configuration": { "root_module": { "resources": configured } },
    })
}

/// A state of version 4: everything is known.
fn state(folder: &Path) -> Value {
    let all = resources(folder);
    let ids: BTreeMap<String, String> = all
        .iter()
        .map(|(kind, name, _)| {
            let is_client = kind == "auth0_client";
            let id = if is_client {
                SCRIPT_CLIENT.to_owned()
            } else {
                format!("id-of-{name}")
            };
            (format!("{kind}.{name}"), id)
        })
        .collect();
    let resources = all.iter().map(|(kind, name, body)| {
        let id = &ids[&format!("{kind}.{name}")];
        let (mut values, _) = Reading { tree: &folder.join("tree"), ids: Some(&ids) }.body(body);
        values.insert("id".to_owned(), json!(id));
        if kind == "auth0_client" {
            values.insert("client_id".to_owned(), json!(id));
        }
        json!({ "mode": "managed", "type": kind, "name": name, "instances": [{ "attributes": values }] })
    });
    json!({ "version": 4, "terraform_version": "1.9.0", "resources": resources.collect::<Vec<_>>() })
}

fn resources(folder: &Path) -> Vec<(String, String, Body)> {
    let text = std::fs::read_to_string(folder.join("tree/main.tf")).unwrap();
    let body = hcl::parse(&text).unwrap();
    let blocks = body
        .blocks()
        .filter(|block| block.identifier() == "resource");
    blocks
        .map(|block| {
            let label = |index: usize| block.labels()[index].as_str().to_owned();
            (label(0), label(1), block.body().clone())
        })
        .collect()
}

/// Reads expressions as far as our own file has them.
struct Reading<'folder> {
    tree: &'folder Path,
    /// The ids of resources, once they are known.
    ids: Option<&'folder BTreeMap<String, String>>,
}

impl Reading<'_> {
    /// The values of a body, and what those refer to that are not known.
    fn body(&self, body: &Body) -> (Map<String, Value>, Map<String, Value>) {
        let (mut values, mut references) = (Map::new(), Map::new());
        for structure in body {
            match structure {
                Structure::Attribute(attribute) if attribute.key() == "depends_on" => {}
                Structure::Attribute(attribute) => match self.value(attribute.expr()) {
                    Ok(value) => drop(values.insert(attribute.key().to_owned(), value)),
                    Err(reference) => {
                        let reference = json!({ "references": [reference] });
                        references.insert(attribute.key().to_owned(), reference);
                    }
                },
                Structure::Block(block) if block.identifier() == "dynamic" => {}
                Structure::Block(block) => {
                    let (inner, referred) = self.body(block.body());
                    for (into, what) in [(&mut values, inner), (&mut references, referred)] {
                        let list = into.entry(block.identifier()).or_insert_with(|| json!([]));
                        list.as_array_mut().unwrap().push(Value::Object(what));
                    }
                }
            }
        }
        (values, references)
    }

    /// A value, or what it refers to.
    fn value(&self, expression: &Expression) -> Result<Value, String> {
        if let Expression::Object(members) = expression {
            let mut values = Map::new();
            for (key, value) in members {
                // One that is not known is left out, as in a plan.
                if let Ok(value) = self.value(value) {
                    values.insert(key.to_string(), value);
                }
            }
            return Ok(Value::Object(values));
        }
        let text = hcl::format::to_string(expression).unwrap();
        if let Some(path) = text.strip_prefix("file(\"${path.module}/") {
            let path = path.trim_end_matches("\")");
            return Ok(json!(
                std::fs::read_to_string(self.tree.join(path)).unwrap()
            ));
        }
        match text.as_str() {
            "var.gateway_url" => Ok(json!("https://gateway.example")),
            "var.script_client_secret" => Ok(json!("a-secret-canary")),
            "auth0_resource_server.gateway.identifier" => Ok(json!(AUDIENCE)),
            _ if text.starts_with("auth0_") => {
                let (resource, member) = text.rsplit_once('.').unwrap();
                match (self.ids, member) {
                    (_, "name") => Ok(json!(resource.rsplit_once('.').unwrap().1)),
                    (Some(ids), _) => Ok(json!(ids[resource])),
                    (None, _) => Err(text),
                }
            }
            _ if text.contains("${var.auth0_domain}") => {
                Ok(json!("https://example.eu.auth0.com/oauth/token"))
            }
            _ => Ok(serde_json::to_value(expression).unwrap()),
        }
    }
}
