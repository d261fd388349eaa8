//! Holds a config against its schema: unknown keys, missing keys, wrong types, all of them in one go.
//!
//! It reads the part of JSON Schema that our own types produce; a test holds that no other keyword occurs.

use serde_json::{Map, Number, Value};

use super::document::Key;
use super::finding::Findings;

/// Adds a finding for each place in which `value` is not shaped as `schema` says.
pub(crate) fn check(value: &Value, schema: &Value, findings: &mut Findings<'_>) {
    let definitions = schema.get("$defs").and_then(Value::as_object);
    let empty = Map::new();
    let mut mismatches = Vec::new();
    let shape = Shape {
        definitions: definitions.unwrap_or(&empty),
    };
    shape.compare(value, schema, &Key::default(), &mut mismatches);
    for (key, reason) in mismatches {
        findings.push(&key, reason);
    }
}

struct Shape<'schema> {
    definitions: &'schema Map<String, Value>,
}

type Mismatches = Vec<(Key, String)>;

impl Shape<'_> {
    fn compare(&self, value: &Value, schema: &Value, key: &Key, mismatches: &mut Mismatches) {
        let schema = self.resolve(schema);
        if let Some(alternatives) = alternatives(schema) {
            return self.compare_alternatives(value, alternatives, key, mismatches);
        }
        if let Some(constant) = schema.get("const") {
            return self.compare_choice(value, &[constant], key, mismatches);
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.compare_choice(
                value,
                &choices.iter().collect::<Vec<_>>(),
                key,
                mismatches,
            );
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
            return mismatches.push((key.clone(), format!("must be {}", self.description(schema))));
        }
        match value {
            Value::Number(number) => mismatches.extend(
                out_of_bounds(number, schema).map(|reason| (key.clone(), reason)),
            ),
            Value::Object(members) => self.compare_table(members, schema, key, mismatches),
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    if let Some(items) = schema.get("items") {
                        self.compare(element, items, &key.element(index), mismatches);
                    }
                }
            }
            _ => {}
        }
    }

    fn compare_table(
        &self,
        members: &Map<String, Value>,
        schema: &Value,
        key: &Key,
        mismatches: &mut Mismatches,
    ) {
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object());
        for (name, member) in members {
            let key = key.member(name);
            match properties.get(name).or(others) {
                Some(schema) => self.compare(member, schema, &key, mismatches),
                None => mismatches.push((key, unknown_key(name, properties.keys()))),
            }
        }
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for name in required
            .filter_map(Value::as_str)
            .filter(|name| !members.contains_key(*name))
        {
            mismatches.push((key.member(name), "is missing".to_owned()));
        }
    }

    /// The first alternative that fits is enough; where none does, one of the right type speaks for all.
    fn compare_alternatives(
        &self,
        value: &Value,
        alternatives: &[Value],
        key: &Key,
        mismatches: &mut Mismatches,
    ) {
        let mut closest: Option<Mismatches> = None;
        for alternative in alternatives {
            let mut here = Vec::new();
            self.compare(value, alternative, key, &mut here);
            if here.is_empty() {
                return;
            }
            let same_type = types(self.resolve(alternative))
                .iter()
                .any(|name| is_of_type(value, name));
            if same_type && alternative.get("const").is_none() {
                closest = Some(here);
            }
        }
        match closest {
            Some(closest) => mismatches.extend(closest),
            None => mismatches.push((
                key.clone(),
                format!("must be {}", self.descriptions(alternatives)),
            )),
        }
    }

    fn compare_choice(
        &self,
        value: &Value,
        choices: &[&Value],
        key: &Key,
        mismatches: &mut Mismatches,
    ) {
        if !choices.contains(&value) {
            let names: Vec<String> = choices.iter().map(|choice| choice.to_string()).collect();
            mismatches.push((key.clone(), format!("must be {}", names.join(" or "))));
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        let definition = reference.and_then(|reference| reference.strip_prefix("#/$defs/"));
        definition
            .and_then(|name| self.definitions.get(name))
            .unwrap_or(schema)
    }

    fn descriptions(&self, alternatives: &[Value]) -> String {
        let mut names: Vec<String> = Vec::new();
        for alternative in alternatives {
            let name = self.description(alternative);
            if name != "null" && !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(" or ")
    }

    fn description(&self, schema: &Value) -> String {
        let schema = self.resolve(schema);
        if let Some(alternatives) = alternatives(schema) {
            return self.descriptions(alternatives);
        }
        if let Some(constant) = schema.get("const") {
            return constant.to_string();
        }
        let names = types(schema)
            .into_iter()
            .filter(|name| *name != "null")
            .map(|name| match name {
                "object" => "a table",
                "array" => "a list",
                "string" => "text",
                "integer" => "a whole number",
                "number" => "a number",
                "boolean" => "true or false",
                other => other,
            });
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            "null".to_owned()
        } else {
            names.join(" or ")
        }
    }
}

fn alternatives(schema: &Value) -> Option<&[Value]> {
    let list = schema.get("anyOf").or_else(|| schema.get("oneOf"))?;
    list.as_array().map(Vec::as_slice)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        // A config has no `null`: what is not there is left out.
        _ => false,
    }
}

/// Every number of ours is a `u32`; what more there is to it stands in `minimum`.
fn out_of_bounds(number: &Number, schema: &Value) -> Option<String> {
    let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(0);
    let most = i64::from(u32::MAX);
    let within = number
        .as_i64()
        .is_some_and(|number| (least..=most).contains(&number));
    (!within).then(|| format!("must be from {least} to {most}"))
}

fn unknown_key<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let similarity = |known: &&String| strsim::jaro_winkler(name, known);
    let nearest = known.max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
    match nearest {
        Some(nearest) if strsim::jaro_winkler(name, nearest) > 0.7 => {
            format!("unknown key; did you mean `{nearest}`?")
        }
        Some(nearest) => format!("unknown key; the nearest that is known is `{nearest}`"),
        None => "unknown key".to_owned(),
    }
}
