use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;

fn unique<T: Ord>(of: impl Fn(&OperationEntry) -> T) -> bool {
    OPERATIONS.iter().map(of).collect::<BTreeSet<_>>().len() == OPERATIONS.len()
}

#[test]
fn names_paths_scopes_and_statements_are_each_of_one_operation() {
    assert!(
        unique(|entry| entry.name) && unique(|entry| entry.path) && unique(|entry| entry.scope)
    );
    assert!(unique(|entry| entry.statement));
    for entry in &OPERATIONS {
        assert_eq!(entry.name, entry.statement.name());
    }
}

/// A value that any field of this name takes.
fn sample(field: &str) -> Value {
    match field {
        "email_verified" | "phone_verified" => json!(true),
        "user_metadata" | "app_metadata" => json!({}),
        _ => json!("zoe@example.com"),
    }
}

fn reads_what_its_schema_says<O: Operation>() {
    let schema = serde_json::to_value(schemars::schema_for!(O::Input)).unwrap();
    let says_null = schema["properties"].to_string().contains("\"null\"");
    assert!(
        !says_null,
        "{}: null is a wrong type, not an absence",
        O::NAME
    );
    let body: Map<String, Value> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(|field| (field.clone(), sample(field)))
        .collect();
    let all = |_: &str| true;
    let mut fields = Fields::new(body.clone(), IdentifierRules::default(), &all);
    assert!(O::Input::read(&mut fields).is_ok(), "{}", O::NAME);
    assert_eq!(
        fields.finish(),
        Ok(()),
        "{}: a field of the schema is not read",
        O::NAME
    );
    for required in schema["required"].as_array().unwrap() {
        let mut without = body.clone();
        without.remove(required.as_str().unwrap());
        let mut fields = Fields::new(without, IdentifierRules::default(), &all);
        let fault = O::Input::read(&mut fields).err().unwrap();
        assert_eq!(fault.field, required.as_str().unwrap());
    }
}

#[test]
fn every_operation_reads_what_its_schema_says() {
    reads_what_its_schema_says::<Authenticate>();
    reads_what_its_schema_says::<Lookup>();
    reads_what_its_schema_says::<Create>();
    reads_what_its_schema_says::<VerifyEmail>();
    reads_what_its_schema_says::<ChangePassword>();
    reads_what_its_schema_says::<ChangeEmail>();
    reads_what_its_schema_says::<Delete>();
}

#[test]
fn a_new_user_has_an_email_or_a_username() {
    let all = |_: &str| true;
    let read = |body: Value| {
        let Value::Object(members) = body else {
            panic!("an object")
        };
        CreateInput::read(&mut Fields::new(members, IdentifierRules::default(), &all))
            .map(|input| input.about().to_owned())
    };
    assert_eq!(
        read(json!({"username": "Zoe", "password": "x"})).unwrap(),
        "zoe"
    );
    assert_eq!(
        read(json!({"email": "Zoe@Example.com", "username": "z", "password": "x"})).unwrap(),
        "zoe@example.com"
    );
    assert_eq!(read(json!({"password": "x"})).unwrap_err().field, "email");
    assert_eq!(
        read(json!({"email": "zoe", "password": "x"}))
            .unwrap_err()
            .field,
        "email"
    );
}
