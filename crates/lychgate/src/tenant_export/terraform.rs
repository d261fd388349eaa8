//! What Terraform knows of a tenant: its state, or what `terraform show -json` says of a state or of a plan.
//!
//! Names are those of the provider `auth0/auth0`, which differ from the Management API's here and there. In a plan, what
//! is not known before it is applied (an id, say) is told by the address of the resource that it will come from.

mod plan;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::assets::{Asset, Assets, set};
use super::error::ExportError;

/// The largest document that is read, in bytes. A state holds all that Terraform manages, beside the tenant, too.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// One resource.
struct Resource {
    /// `auth0_client.scripts`, without an index, as others refer to it.
    address: String,
    kind: String,
    values: Map<String, Value>,
}

/// Reads a state or a plan.
pub(super) fn read(path: &Path) -> Result<Assets, ExportError> {
    let unreadable = |reason: String| ExportError::unreadable(&path.display(), &reason);
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(ExportError::TooLarge {
            place: path.display().to_string(),
            most: MOST_BYTES,
        });
    }
    // The parser's own message may show a value.
    let document: Value = serde_json::from_str(&text).map_err(|error| {
        unreadable(format!(
            "it is no JSON at line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let resources = resources(&document);
    if resources
        .iter()
        .all(|resource| !resource.kind.starts_with("auth0_"))
    {
        return Err(ExportError::unknown_form(path));
    }
    Ok(assets(&resources))
}

fn resources(document: &Value) -> Vec<Resource> {
    let mut resources = Vec::new();
    if let Some(planned) = document.pointer("/planned_values/root_module") {
        let configuration = document.pointer("/configuration/root_module");
        let configuration = configuration.unwrap_or(&Value::Null);
        shown(planned, &mut resources);
        plan::fill(&mut resources, configuration, "");
    } else if let Some(values) = document.pointer("/values/root_module") {
        shown(values, &mut resources);
    } else {
        let listed = document["resources"].as_array().into_iter().flatten();
        for resource in listed.filter(|resource| resource["mode"] == "managed") {
            stated(resource, &mut resources);
        }
    }
    resources
}

/// The resources of a module, and of those in it, as `terraform show -json` has them.
fn shown(module: &Value, resources: &mut Vec<Resource>) {
    let listed = module["resources"].as_array().into_iter().flatten();
    for resource in listed.filter(|resource| resource["mode"] == "managed") {
        let texts = (resource["address"].as_str(), resource["type"].as_str());
        if let ((Some(address), Some(kind)), Some(values)) = (texts, resource["values"].as_object())
        {
            resources.push(Resource {
                address: without_index(address),
                kind: kind.to_owned(),
                values: values.clone(),
            });
        }
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        shown(child, resources);
    }
}

/// The instances of a resource, as a state file has them.
fn stated(resource: &Value, resources: &mut Vec<Resource>) {
    let (Some(kind), Some(name)) = (resource["type"].as_str(), resource["name"].as_str()) else {
        return;
    };
    let module = resource["module"]
        .as_str()
        .map(|module| format!("{module}."));
    for instance in resource["instances"].as_array().into_iter().flatten() {
        if let Some(values) = instance["attributes"].as_object() {
            resources.push(Resource {
                address: without_index(&format!(
                    "{}{kind}.{name}",
                    module.as_deref().unwrap_or_default()
                )),
                kind: kind.to_owned(),
                values: values.clone(),
            });
        }
    }
}

/// An address without what stands in brackets.
fn without_index(address: &str) -> String {
    let mut depth = 0_u32;
    let outside = address.chars().filter(|sign| {
        match sign {
            '[' => depth += 1,
            ']' => {
                depth = depth.saturating_sub(1);
                return false;
            }
            _ => {}
        }
        depth == 0
    });
    outside.collect()
}

fn assets(resources: &[Resource]) -> Assets {
    let of = |kinds: &[&str], convert: &dyn Fn(&Resource) -> Value| {
        let found = resources
            .iter()
            .filter(|resource| kinds.contains(&resource.kind.as_str()));
        let assets: Vec<_> = found
            .map(|resource| {
                let mut value = convert(resource);
                set(&mut value, "address", json!(resource.address));
                Asset::new(&resource.address, value)
            })
            .collect();
        (!assets.is_empty()).then_some(assets)
    };
    let settings = of(&["auth0_tenant"], &|resource| json!(resource.values));
    Assets {
        // What Terraform does not manage may be in the tenant all the same.
        is_whole: false,
        // A state holds secrets whatever one does.
        is_kept_in_files: false,
        domain: None,
        settings: settings.and_then(|mut settings| {
            settings.retain(|settings| {
                settings
                    .value
                    .get("default_audience")
                    .is_some_and(Value::is_string)
            });
            settings.pop()
        }),
        apis: of(&["auth0_resource_server"], &|api| self::api(api, resources)),
        clients: of(&["auth0_client"], &|client| self::client(client, resources)),
        grants: of(&["auth0_client_grant"], &|grant| {
            renamed(&grant.values, &[("scopes", "scope")])
        }),
        connections: of(
            &["auth0_connection", "auth0_connection_database"],
            &|connection| self::connection(connection, resources),
        ),
        actions: of(&["auth0_action"], &|action| {
            renamed(&action.values, &[("deploy", "deployed")])
        }),
        triggers: triggers(resources),
        rules: of(&["auth0_rule"], &|rule| json!(rule.values)),
        hooks: of(&["auth0_hook"], &|hook| json!(hook.values)),
    }
}

/// The scopes of an API are resources of their own.
fn api(api: &Resource, resources: &[Resource]) -> Value {
    let identifier = &api.values.get("identifier").cloned().unwrap_or_default();
    let is_of_api = |scopes: &&Resource| {
        let of = scopes.values.get("resource_server_identifier");
        of.is_some_and(|of| of == identifier || *of == api.address)
    };
    let mut scopes = Vec::new();
    for resource in resources.iter().filter(is_of_api) {
        if resource.kind == "auth0_resource_server_scopes" {
            let listed = resource.values.get("scopes").and_then(Value::as_array);
            let names = listed
                .into_iter()
                .flatten()
                .map(|scope| json!({ "value": scope["name"] }));
            scopes.extend(names);
        } else if resource.kind == "auth0_resource_server_scope" {
            scopes.push(json!({ "value": resource.values.get("scope") }));
        }
    }
    let mut value = json!(api.values);
    let scopes = if scopes.is_empty() {
        Value::Null
    } else {
        json!(scopes)
    };
    set(&mut value, "scopes", scopes);
    value
}

/// How a client authenticates is a resource of its own.
fn client(client: &Resource, resources: &[Resource]) -> Value {
    let credentials = resources.iter().find(|resource| {
        resource.kind == "auth0_client_credentials" && names(resource, "client_id", client)
    });
    let mut value = json!(client.values);
    if let Some(method) =
        credentials.and_then(|credentials| credentials.values.get("authentication_method"))
    {
        set(&mut value, "token_endpoint_auth_method", method.clone());
    }
    value
}

fn connection(connection: &Resource, resources: &[Resource]) -> Value {
    let names_of_options = [
        (
            "enabled_database_customization",
            "enabledDatabaseCustomization",
        ),
        ("custom_scripts", "customScripts"),
        ("password_policy", "passwordPolicy"),
    ];
    let mut value = json!(connection.values);
    let options = if connection.kind == "auth0_connection_database" {
        set(&mut value, "strategy", json!("auth0"));
        Some(&connection.values)
    } else {
        let block = connection
            .values
            .get("options")
            .and_then(|options| options.get(0));
        block.and_then(Value::as_object)
    };
    if let Some(options) = options {
        set(&mut value, "options", renamed(options, &names_of_options));
    }
    let clients = resources.iter().find(|resource| {
        resource.kind == "auth0_connection_clients" && names(resource, "connection_id", connection)
    });
    let clients = clients.and_then(|clients| clients.values.get("enabled_clients"));
    set(
        &mut value,
        "enabled_clients",
        clients.cloned().unwrap_or_default(),
    );
    value
}

/// What each flow runs. `auth0_trigger_action` adds to a flow and does not tell where in it, so it tells nothing here.
fn triggers(resources: &[Resource]) -> Option<Vec<(String, Vec<String>)>> {
    let flows = resources
        .iter()
        .filter(|resource| resource.kind == "auth0_trigger_actions");
    let flows: Vec<_> = flows
        .filter_map(|flow| {
            let trigger = flow.values.get("trigger")?.as_str()?;
            let actions = flow.values.get("actions")?.as_array()?.iter();
            let named = actions.map(|action| {
                let name = action["id"].as_str().or(action["display_name"].as_str());
                name.unwrap_or_default().to_owned()
            });
            Some((trigger.to_owned(), named.collect()))
        })
        .collect();
    (!flows.is_empty()).then_some(flows)
}

/// Whether a field of one resource names the other, by its id or its address.
fn names(one: &Resource, field: &str, other: &Resource) -> bool {
    let Some(name) = one.values.get(field).and_then(Value::as_str) else {
        return false;
    };
    let ids = ["id", "client_id"].into_iter();
    let mut ids = ids.filter_map(|id| other.values.get(id)?.as_str());
    name == other.address || ids.any(|id| id == name)
}

fn renamed(values: &Map<String, Value>, names: &[(&str, &str)]) -> Value {
    let renamed = values.iter().map(|(name, value)| {
        let new = names.iter().find(|(old, _)| old == name);
        (
            new.map_or(name.as_str(), |(_, new)| new).to_owned(),
            value.clone(),
        )
    });
    Value::Object(renamed.collect())
}
