//! What a plan does not know yet, from the expressions by which it will be known.

use serde_json::{Map, Value};

use super::Resource;

/// Puts the address of the resource that a value will come from where the value is not known yet.
pub(super) fn fill(resources: &mut [Resource], module: &Value, prefix: &str) {
    for configured in module["resources"].as_array().into_iter().flatten() {
        let Some(address) = configured["address"].as_str() else {
            continue;
        };
        let address = format!("{prefix}{address}");
        let Some(expressions) = configured["expressions"].as_object() else {
            continue;
        };
        for resource in resources
            .iter_mut()
            .filter(|resource| resource.address == address)
        {
            fill_members(&mut resource.values, expressions, prefix);
        }
    }
    for (name, call) in module["module_calls"].as_object().into_iter().flatten() {
        fill(
            resources,
            &call["module"],
            &format!("{prefix}module.{name}."),
        );
    }
}

fn fill_members(values: &mut Map<String, Value>, expressions: &Map<String, Value>, prefix: &str) {
    for (name, expression) in expressions {
        match expression {
            // Nested blocks, in the order in which they stand.
            Value::Array(expressions) => {
                let blocks = values.get_mut(name).and_then(Value::as_array_mut);
                for (block, expression) in blocks.into_iter().flatten().zip(expressions) {
                    if let (Value::Object(block), Value::Object(expression)) = (block, expression) {
                        fill_members(block, expression, prefix);
                    }
                }
            }
            _ if values.get(name).is_none_or(Value::is_null) => {
                if let Some(source) = source(expression) {
                    values.insert(name.clone(), format!("{prefix}{source}").into());
                }
            }
            _ => {}
        }
    }
}

/// The resource that an expression refers to, `auth0_client.scripts` of `auth0_client.scripts.id`.
fn source(expression: &Value) -> Option<String> {
    let references = expression["references"].as_array()?.iter();
    let mut resources = references.filter_map(|reference| {
        let mut parts = reference.as_str()?.split(['.', '[']);
        let (kind, name) = (parts.next()?, parts.next()?);
        kind.starts_with("auth0_").then(|| format!("{kind}.{name}"))
    });
    resources.next()
}
