//! The operations as an attacker knows them: from the table that the gateway itself works by, and its description.

use lychgate_gateway::openapi;
use lychgate_gateway::operations::OPERATIONS;
use serde_json::{Value, json};

use super::target::Target;

/// One operation, with the fields of its body.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) fields: Vec<Field>,
}

/// A field of a body.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) is_text: bool,
    is_required: bool,
}

/// A password that a sound rule for new passwords lets pass.
pub(super) const NEW_PASSWORD: &str = "lychgate attack 7 quiet otters";

/// Every operation there is.
pub(super) fn all() -> Vec<Operation> {
    let document = openapi();
    let described = |path: &str| {
        let path = path.replace('/', "~1");
        let place = format!("/paths/{path}/post/requestBody/content/application~1json/schema");
        document.pointer(&place).cloned().unwrap_or_default()
    };
    let operations = OPERATIONS.iter().map(|operation| Operation {
        name: operation.name,
        path: operation.path,
        fields: fields(&described(operation.path)),
    });
    operations.collect()
}

fn fields(schema: &Value) -> Vec<Field> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
    let fields = properties
        .into_iter()
        .flatten()
        .map(|(name, property)| Field {
            name: name.clone(),
            is_text: property.get("type").is_some_and(|kind| kind == "string"),
            is_required: is_required(name),
        });
    fields.collect()
}

impl Operation {
    pub(super) fn makes_users(&self) -> bool {
        self.name == "create"
    }

    /// A body that is about nobody, so that it changes nothing. One that makes a user is left without its password, unless
    /// that is wanted.
    pub(super) fn harmless_body(&self, target: &Target, makes_users: bool) -> Value {
        let mut body = serde_json::Map::new();
        for field in self.fields.iter().filter(|field| field.is_required) {
            let name = field.name.as_str();
            let value = match name {
                "password" if self.makes_users() && !makes_users => json!(""),
                "user_id" => json!("0"),
                name if name.contains("password") => json!(NEW_PASSWORD),
                name if name.starts_with("new_") => json!(target.stranger(1)),
                _ if field.is_text => json!(target.stranger(0)),
                _ => json!(true),
            };
            body.insert(name.to_owned(), value);
        }
        if self.makes_users() {
            body.insert("email".to_owned(), json!(target.stranger(0)));
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_every_operation_are_known() {
        for operation in all() {
            assert!(
                operation.fields.iter().any(|field| field.is_text),
                "{}",
                operation.name
            );
            let required = operation.fields.iter().any(|field| field.is_required);
            assert!(required, "{}", operation.name);
        }
        let create = all().into_iter().find(Operation::makes_users).unwrap();
        assert!(
            create
                .fields
                .iter()
                .any(|field| field.name == "nickname" && field.is_text)
        );
    }
}
