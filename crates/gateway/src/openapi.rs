//! The `OpenAPI` 3.1 description of what this crate answers, made from the tables and nothing else.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::idempotency::KEY_BYTES;
use crate::operations::{OPERATIONS, OperationEntry};
use crate::problem::{PROBLEMS, Scheme, TYPE_PREFIX};
use crate::settings::SenderConstraint;

/// The description of every operation, whether a deployment defines it or not.
pub fn openapi() -> Value {
    openapi_of(|_| true, &SenderConstraint::None)
}

/// The description of those operations that a deployment defines, with tokens presented as the constraint wants them.
pub fn openapi_of(
    is_defined: impl Fn(&OperationEntry) -> bool,
    constraint: &SenderConstraint,
) -> Value {
    let scheme = constraint.scheme();
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let operations = OPERATIONS.iter();
    let paths: Map<_, _> = operations
        .filter(|operation| is_defined(operation))
        .map(|operation| {
            (
                operation.path.to_owned(),
                json!({ "post": post(operation, &mut generator) }),
            )
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lychgate gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A least-privilege API in front of a legacy user store.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "access_token": security_scheme(scheme) },
            "parameters": { "idempotency_key": idempotency_key() },
            "schemas": { "Problem": problem() },
            "responses": problem_responses(),
        },
    })
}

/// The schemes of the IANA registry "HTTP Authentication Schemes"; what only a bearer token has, only that says.
fn security_scheme(scheme: Scheme) -> Value {
    match scheme {
        Scheme::Bearer => json!({ "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }),
        Scheme::Dpop => json!({ "type": "http", "scheme": "dpop" }),
    }
}

fn post(operation: &OperationEntry, generator: &mut SchemaGenerator) -> Value {
    let mut responses: Map<_, _> = statuses()
        .into_iter()
        .map(|status| {
            (
                status.to_string(),
                json!({ "$ref": format!("#/components/responses/{status}") }),
            )
        })
        .collect();
    responses.insert(
        operation.status.as_str().to_owned(),
        json!({
            "description": "The answer",
            "content": { "application/json": { "schema": (operation.output)(generator) } },
        }),
    );
    json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{ "access_token": [operation.scope] }],
        "parameters": [{ "$ref": "#/components/parameters/idempotency_key" }],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": (operation.input)(generator) } },
        },
        "responses": responses,
    })
}

/// What names a call, so that it can be sent again.
fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "schema": { "type": "string", "minLength": 1, "maxLength": KEY_BYTES },
        "description": "Names this call, by any text that no other call has. Sent again with the same key and body, within \
                        a minute of its end or while it is under way, it gets the same answer and counts once.",
    })
}

fn statuses() -> BTreeSet<u16> {
    PROBLEMS
        .iter()
        .map(|problem| problem.status.as_u16())
        .collect()
}

/// One response a status, which lists the problems that have it.
fn problem_responses() -> Value {
    let responses: Map<_, _> = statuses()
        .into_iter()
        .map(|status| {
            let problems: Vec<_> = PROBLEMS
                .iter()
                .filter(|problem| problem.status.as_u16() == status)
                .map(|problem| format!("`{}`: {}", problem.name, problem.when))
                .collect();
            let response = json!({
                "description": problems.join("; "),
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            });
            (status.to_string(), response)
        })
        .collect();
    Value::Object(responses)
}

/// RFC 9457, with the types that there are.
fn problem() -> Value {
    let types: Vec<_> = PROBLEMS
        .iter()
        .map(|problem| format!("{TYPE_PREFIX}{}", problem.name))
        .collect();
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "request_id"],
        "properties": {
            "type": { "type": "string", "enum": types },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "request_id": { "type": "string" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::PublicUrl;

    #[test]
    fn every_operation_is_described_with_its_scope_body_and_answer() {
        let document = openapi();
        for operation in &OPERATIONS {
            let post = &document["paths"][operation.path]["post"];
            assert_eq!(post["operationId"], operation.name);
            assert_eq!(post["security"][0]["access_token"][0], operation.scope);
            assert_eq!(
                post["requestBody"]["content"]["application/json"]["schema"]["type"],
                "object"
            );
            let answer = &post["responses"][operation.status.as_str()];
            assert_eq!(
                answer["content"]["application/json"]["schema"]["type"], "object",
                "{}",
                operation.name
            );
        }
        assert_eq!(
            document["paths"].as_object().unwrap().len(),
            OPERATIONS.len()
        );
    }

    #[test]
    fn the_scheme_is_the_one_that_tokens_are_presented_in() {
        let url = PublicUrl::parse("https://gateway.example/").unwrap();
        let constraints = [
            (SenderConstraint::None, "bearer"),
            (SenderConstraint::Mtls, "bearer"),
            (SenderConstraint::Dpop(url), "dpop"),
        ];
        for (constraint, name) in constraints {
            let document = openapi_of(|_| true, &constraint);
            let described = &document["components"]["securitySchemes"]["access_token"];
            assert_eq!(described["scheme"], name);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi();
        let text = document.to_string();
        for reference in text
            .split("\"$ref\":\"#")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
        {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn an_unknown_field_is_refused_by_the_description_too() {
        let document = openapi();
        let schema = &document["paths"]["/v1/users/lookup"]["post"]["requestBody"]["content"]["application/json"]
            ["schema"];
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["identifier"]));
    }
}
