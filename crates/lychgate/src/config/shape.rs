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
            return compare_choice(value, &[constant], key, mismatches);
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return compare_choice(value, &choices.iter().collect::<Vec<_>>(), key, mismatches);
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
            return mismatches.push((key.clone(), format!("must be {}", self.description(schema))));
        }
        match value {
            Value::Number(number) => {
                mismatches
                    .extend(out_of_bounds(number, schema).map(|reason| (key.clone(), reason)));
            }
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
            if self.is_of_type(value, alternative) {
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

    /// Whether the type alone is right, where a type is all that is asked for.
    fn is_of_type(&self, value: &Value, schema: &Value) -> bool {
        let schema = self.resolve(schema);
        if let Some(alternatives) = alternatives(schema) {
            return alternatives.iter().any(|one| self.is_of_type(value, one));
        }
        let chosen = schema.get("const").or_else(|| schema.get("enum")).is_some();
        !chosen && types(schema).iter().any(|name| is_of_type(value, name))
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

fn compare_choice(value: &Value, choices: &[&Value], key: &Key, mismatches: &mut Mismatches) {
    if !choices.contains(&value) {
        let names: Vec<String> = choices.iter().map(ToString::to_string).collect();
        mismatches.push((key.clone(), format!("must be {}", names.join(" or "))));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::Document;
    use crate::config::raw;

    /// What is found wrong with `text` as a config: key and reason.
    fn mismatches(text: &str) -> Vec<(String, String)> {
        let document = Document::parse(text).unwrap();
        let mut findings = Findings::new(&document);
        let value = document.to_json(|_, text| text.to_owned());
        check(&value, raw::schema().as_value(), &mut findings);
        let found = findings.none_so_far().err().unwrap_or_default();
        found
            .into_iter()
            .map(|finding| (finding.key, finding.reason))
            .collect()
    }

    fn one_mismatch(text: &str) -> (String, String) {
        let mut found = mismatches(text);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_that_is_known() {
        let (key, reason) = one_mismatch("[audit]\nflie = \"a\"\n");
        assert_eq!(key, "audit.flie");
        assert_eq!(reason, "unknown key; did you mean `file`?");
        let (key, reason) = one_mismatch("[audits]\n");
        assert_eq!(key, "audits");
        assert_eq!(reason, "unknown key; did you mean `audit`?");
        let (_, reason) = one_mismatch("[audit]\nzzz = 1\n");
        assert!(reason.starts_with("unknown key; the nearest that is known is `"));
    }

    #[test]
    fn a_missing_key_is_named() {
        let found = mismatches("[store]\nurl = \"sqlite:a\"\n[gateway]\n");
        let names: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(names, ["store.operations", "gateway.listen"]);
        assert!(found.iter().all(|(_, reason)| reason == "is missing"));
    }

    #[test]
    fn a_wrong_type_is_refused_with_the_right_one() {
        for (text, key, reason) in [
            ("gateway = 1", "gateway", "must be a table"),
            ("audit.file = 1", "audit.file", "must be text"),
            ("audit.file = 2024-01-01", "audit.file", "must be text"),
            (
                "passwords.accept = \"bcrypt\"",
                "passwords.accept",
                "must be a list",
            ),
            (
                "passwords.accept = [1]",
                "passwords.accept[0]",
                "must be text",
            ),
            (
                "passwords.threads = \"1\"",
                "passwords.threads",
                "must be a whole number",
            ),
            (
                "passwords.threads = 1.5",
                "passwords.threads",
                "must be a whole number",
            ),
            (
                "passwords.wait = true",
                "passwords.wait",
                "must be a whole number or text",
            ),
            (
                "passwords.decoy = { bcrypt = \"x\" }",
                "passwords.decoy.bcrypt",
                "must be a whole number",
            ),
        ] {
            assert_eq!(
                one_mismatch(text),
                (key.to_owned(), reason.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_number_beyond_its_bounds_is_refused_and_one_that_json_cannot_say_is_not_taken_for_absent()
    {
        for text in [
            "threads = 0",
            "threads = -1",
            "threads = 4294967296",
            "wait = -1",
        ] {
            let (_, reason) = one_mismatch(&format!("[passwords]\n{text}\n"));
            assert!(reason.starts_with("must be from "), "{text}: {reason}");
        }
        let text = "[passwords]\nthreads = 99999999999999999999\nqueue = nan\nwrite = 99999999999999999999\n";
        assert_eq!(mismatches(text).len(), 3);
        assert_eq!(
            mismatches("[passwords]\nthreads = 0x10\nqueue = 1_000\nwait = 0o17\n"),
            []
        );
    }

    #[test]
    fn a_value_that_is_none_of_the_choices_is_refused_with_all_of_them() {
        let text = "[[tenant.apis]]\nidentifier = \"urn:a\"\ntoken_dialect = \"jwt\"\n\
                    subject_type_authorization = { user = \"nobody\" }\n\
                    [tenant]\nissuer = \"x\"\nlisten = \"x\"\nstate = \"x\"\n";
        let found = mismatches(text);
        assert_eq!(
            found,
            [
                (
                    "tenant.apis[0].token_dialect".to_owned(),
                    "must be \"access_token\" or \"rfc9068_profile\"".to_owned()
                ),
                (
                    "tenant.apis[0].subject_type_authorization.user".to_owned(),
                    "must be \"allow_all\" or \"require_client_grant\" or \"deny_all\"".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn the_schema_has_no_keyword_that_is_not_read_here() {
        /// Keywords that say nothing about what is accepted.
        const ANNOTATIONS: [&str; 5] = ["$schema", "$defs", "title", "description", "default"];
        const READ: [&str; 11] = [
            "$ref",
            "anyOf",
            "oneOf",
            "const",
            "enum",
            "type",
            "minimum",
            "items",
            "properties",
            "additionalProperties",
            "required",
        ];
        fn look(schema: &Value) {
            let Some(keywords) = schema.as_object() else {
                return;
            };
            for (keyword, value) in keywords {
                let known =
                    ANNOTATIONS.contains(&keyword.as_str()) || READ.contains(&keyword.as_str());
                // The one format there is says what `out_of_bounds` holds every number to.
                assert!(
                    known || (keyword == "format" && value == "uint32"),
                    "{keyword}: {value}"
                );
                match keyword.as_str() {
                    "properties" | "$defs" => value.as_object().unwrap().values().for_each(look),
                    "anyOf" | "oneOf" => value.as_array().unwrap().iter().for_each(look),
                    "items" | "additionalProperties" => look(value),
                    _ => {}
                }
            }
            // A schema with choices is read as nothing else.
            if alternatives(schema).is_some() || keywords.contains_key("const") {
                assert!(!keywords.contains_key("properties") && !keywords.contains_key("items"));
            }
        }
        look(raw::schema().as_value());
    }

    #[test]
    fn every_table_of_the_schema_refuses_unknown_keys_or_says_what_they_are() {
        fn look(schema: &Value) {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
                assert_eq!(
                    schema.get("additionalProperties"),
                    Some(&Value::Bool(false))
                );
                properties.values().for_each(look);
            }
            let definitions = schema.get("$defs").and_then(Value::as_object);
            definitions.into_iter().flat_map(Map::values).for_each(look);
        }
        look(raw::schema().as_value());
    }
}
