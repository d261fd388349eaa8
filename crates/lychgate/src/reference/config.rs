//! Every key of the config, from the schema that `serve` holds a config against.

use serde_json::Value;

use super::defaults::{DefaultValue, defaults};
use super::generated::compare_or_write;
use super::page::{Page, code};
use crate::config::schema;

#[test]
fn the_generated_config_schema_is_up_to_date() {
    let schema = serde_json::to_string_pretty(schema().as_value()).unwrap();
    compare_or_write("docs/reference/config.schema.json", &(schema + "\n"));
}

#[test]
fn the_generated_config_page_is_up_to_date() {
    let schema = schema();
    let schema = schema.as_value();
    let mut page = Page::new("Config", &paragraphs(description(schema)));
    page.text(
        "Unknown keys are errors, and so is everything else that cannot be meant: all that is wrong is shown at once, \
         with line and column. An editor that reads JSON Schema finds [`config.schema.json`](config.schema.json) \
         useful. A duration is a whole number of seconds, or text as `500ms`, `10s`, `5m`, `24h`.",
    );
    let defaults = defaults();
    let mut described = Vec::new();
    Tables {
        schema,
        defaults: &defaults,
    }
    .add("", schema, &mut page, &mut described);
    for default in defaults.iter().filter(|default| !default.fixed()) {
        assert!(
            described.contains(&default.key.to_owned()),
            "there is no key {}",
            default.key
        );
    }
    page.heading("Defaults");
    page.text(
        "What holds where the config says nothing. What has no key cannot be set in this version.",
    );
    page.table(
        ["bound", "key", "default"],
        defaults.iter().map(|default| {
            let key = if default.fixed() {
                String::new()
            } else {
                code(default.key)
            };
            [default.what.to_owned(), key, default.value.clone()]
        }),
    );
    compare_or_write("docs/reference/config.md", &page.finish());
}

struct Tables<'a> {
    schema: &'a Value,
    defaults: &'a [DefaultValue],
}

impl Tables<'_> {
    /// Adds the tables of `schema`, which stands under `key`, and of everything below it.
    fn add(&self, key: &str, schema: &Value, page: &mut Page, described: &mut Vec<String>) {
        let properties = schema["properties"].as_object().unwrap();
        let mut below = Vec::new();
        let mut rows = Vec::new();
        for (name, property) in properties {
            let full = if key.is_empty() {
                name.clone()
            } else {
                format!("{key}.{name}")
            };
            let (table, list) = self.table_in(property);
            if let Some(table) = table {
                below.push((
                    if list {
                        format!("{full}[]")
                    } else {
                        full.clone()
                    },
                    table,
                ));
            }
            let required = schema["required"]
                .as_array()
                .is_some_and(|names| names.contains(&Value::from(name.as_str())));
            rows.push([
                code(name),
                self.type_of(property),
                self.default_of(&full, property, required),
                paragraphs(description(property)),
            ]);
            described.push(full);
        }
        if !key.is_empty() {
            let heading = key.strip_suffix("[]").map_or_else(
                || format!("`[{}]`", key.replace("[]", "")),
                |list| format!("`[[{}]]`", list.replace("[]", "")),
            );
            page.heading(&heading);
            page.text(&paragraphs(description(schema)));
        }
        page.table(["key", "type", "default", "meaning"], rows);
        for (key, table) in below {
            self.add(&key, table, page, described);
        }
    }

    /// The table that a property is, and whether there may be many of them.
    fn table_in<'s>(&'s self, property: &'s Value) -> (Option<&'s Value>, bool) {
        let property = self.resolve(property);
        if property.get("properties").is_some() {
            return (Some(property), false);
        }
        if let Some(items) = property.get("items") {
            return (self.table_in(items).0, true);
        }
        let alternatives = property.get("anyOf").and_then(Value::as_array);
        let table = alternatives
            .into_iter()
            .flatten()
            .find_map(|one| self.table_in(one).0);
        (table, false)
    }

    fn type_of(&self, property: &Value) -> String {
        if property.get("$ref") == Some(&Value::from("#/$defs/Duration")) {
            return "duration".to_owned();
        }
        let property = self.resolve(property);
        if let Some(alternatives) = property.get("anyOf").or_else(|| property.get("oneOf")) {
            let types = alternatives
                .as_array()
                .unwrap()
                .iter()
                .map(|one| self.type_of(one));
            let types: Vec<String> = types.filter(|name| name != "null").collect();
            return types.join(", ");
        }
        if let Some(constant) = property.get("const") {
            return code(constant.to_string());
        }
        if let Some(items) = property.get("items") {
            return format!("list of {}", self.type_of(items));
        }
        if let Some(others) = property
            .get("additionalProperties")
            .filter(|others| others.is_object())
        {
            return format!("table of {}", self.type_of(others));
        }
        let name = match &property["type"] {
            Value::Array(names) => names[0].as_str(),
            name => name.as_str(),
        };
        match name.unwrap() {
            "object" => "table",
            "string" => "text",
            "integer" => "whole number",
            other => other,
        }
        .to_owned()
    }

    fn default_of(&self, key: &str, property: &Value, required: bool) -> String {
        if required {
            return "required".to_owned();
        }
        if let Some(default) = self.defaults.iter().find(|default| default.key == key) {
            return default.value.clone();
        }
        match property.get("default") {
            Some(Value::Object(_) | Value::Null) | None => String::new(),
            Some(default) => code(default.to_string()),
        }
    }

    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let reference = schema.get("$ref").and_then(Value::as_str);
        reference.map_or(schema, |reference| {
            self.schema
                .pointer(reference.trim_start_matches('#'))
                .unwrap()
        })
    }
}

fn description(schema: &Value) -> &str {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A description without the line breaks of its source.
fn paragraphs(text: &str) -> String {
    text.split("\n\n")
        .map(|one| one.replace('\n', " "))
        .collect::<Vec<_>>()
        .join("\n\n")
}
