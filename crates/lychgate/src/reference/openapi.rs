//! The `OpenAPI` document, and the rules that it keeps.

use lychgate_gateway::operations::OPERATIONS;
use lychgate_gateway::problem::PROBLEMS;
use serde_json::Value;

use super::generated::compare_or_write;

#[test]
fn the_generated_openapi_document_is_up_to_date() {
    let document = serde_json::to_string_pretty(&lychgate_gateway::openapi()).unwrap();
    compare_or_write("docs/reference/openapi.json", &(document + "\n"));
}

#[test]
fn the_openapi_document_keeps_its_own_rules() {
    let document = lychgate_gateway::openapi();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    every_reference_resolves(&document, &document);
    for operation in &OPERATIONS {
        let post = &document["paths"][operation.path]["post"];
        assert_eq!(
            post["security"],
            serde_json::json!([{ "access_token": [operation.scope] }])
        );
        let responses = post["responses"].as_object().unwrap();
        assert!(responses.contains_key(operation.status.as_str()));
        for problem in &PROBLEMS {
            assert!(
                responses.contains_key(problem.status.as_str()),
                "{}: {}",
                operation.name,
                problem.name
            );
        }
        for media in [
            &post["requestBody"]["content"]["application/json"],
            &responses[operation.status.as_str()]["content"]["application/json"],
        ] {
            let schema = &media["schema"];
            let properties = schema["properties"].as_object().unwrap();
            assert!(!properties.is_empty());
            for required in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    properties.contains_key(required.as_str().unwrap()),
                    "{required}"
                );
            }
        }
    }
    let scheme = &document["components"]["securitySchemes"]["access_token"];
    assert_eq!(scheme["type"], "http");
    assert_eq!(scheme["scheme"], "bearer");
}

fn every_reference_resolves(part: &Value, document: &Value) {
    if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    match part {
        Value::Array(parts) => parts
            .iter()
            .for_each(|part| every_reference_resolves(part, document)),
        Value::Object(parts) => parts
            .values()
            .for_each(|part| every_reference_resolves(part, document)),
        _ => {}
    }
}
