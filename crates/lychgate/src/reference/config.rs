//! Every key of the config, from the schema that `serve` holds a config against.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use lychgate_gateway::{AccessTokenSettings, KeyLimits, Limits};
use lychgate_store::StoreUrl;
use serde_json::Value;

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

/// A default that stands in code.
struct DefaultValue {
    key: &'static str,
    what: &'static str,
    value: String,
}

impl DefaultValue {
    fn fixed(&self) -> bool {
        self.key.is_empty()
    }
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

/// Every bound, lifetime and pool, with the value that the crates themselves begin with.
fn defaults() -> Vec<DefaultValue> {
    let mut defaults = Vec::new();
    access_tokens(&mut defaults);
    api(&mut defaults);
    store_and_passwords(&mut defaults);
    tenant(&mut defaults);
    scripts(&mut defaults);
    defaults
}

fn access_tokens(defaults: &mut Vec<DefaultValue>) {
    let keys = KeyLimits::default();
    defaults.extend([
        seconds(
            "gateway.access_token.leeway",
            "difference of clocks",
            AccessTokenSettings::LEEWAY,
        ),
        seconds(
            "gateway.access_token.max_lifetime",
            "life of an access token",
            AccessTokenSettings::MAX_LIFETIME,
        ),
        seconds(
            "gateway.access_token.jwks_max_stale",
            "use of keys that could not be refreshed",
            keys.max_stale,
        ),
        seconds("", "refresh of an issuer's keys, every", keys.refresh),
        seconds(
            "",
            "first retry of a refresh that failed; it doubles",
            keys.retry,
        ),
        number(
            "",
            "fetches a minute that unknown key IDs may cause",
            keys.unknown_per_minute,
        ),
        number(
            "",
            "unknown key IDs that are remembered",
            keys.unknown_remembered,
        ),
        seconds(
            "",
            "how long an unknown key ID is remembered",
            keys.unknown_for,
        ),
        seconds("", "fetch of an issuer's keys", keys.fetch),
        bytes("", "answer of an issuer", keys.answer_bytes),
        number(
            "",
            "verified tokens that are remembered",
            AccessTokenSettings::VERIFIED_TOKENS,
        ),
    ]);
}

fn api(defaults: &mut Vec<DefaultValue>) {
    let limits = Limits::default();
    let (listener, body) = (limits.listener, limits.body);
    defaults.extend([
        number(
            "gateway.limits.connections",
            "connections at a time",
            listener.connections,
        ),
        bytes(
            "gateway.limits.header_bytes",
            "bytes of the header fields and target of a request",
            listener.header_bytes,
        ),
        number("", "header fields of a request", listener.headers),
        seconds(
            "gateway.limits.header_read",
            "arrival of a request's head",
            listener.header_read,
        ),
        bytes(
            "gateway.limits.body_bytes",
            "bytes of the body of a request",
            body.bytes,
        ),
        seconds(
            "gateway.limits.body_read",
            "arrival of a request's body",
            body.read,
        ),
        bytes(
            "",
            "refused body that is read and thrown away",
            body.drained_bytes,
        ),
        seconds("", "reading of a refused body", body.drain),
        seconds("", "decision of a request", limits.request),
        seconds("", "TLS handshake", listener.tls_handshake),
        seconds("", "connection without a request", listener.idle),
        seconds("", "goodbye of a connection", listener.linger),
        number(
            "",
            "requests at a time on one HTTP/2 connection",
            listener.http2_streams,
        ),
        seconds(
            "gateway.limits.drain",
            "stop: waiting for requests that run",
            listener.drain,
        ),
        number(
            "",
            "audit lines a minute about refused connections",
            limits.refused_connection_lines,
        ),
    ]);
}

fn store_and_passwords(defaults: &mut Vec<DefaultValue>) {
    let url: StoreUrl = "sqlite:legacy.db".parse().unwrap();
    let store = lychgate_store::Settings::new(url, BTreeMap::new());
    let passwords = lychgate_password::Settings::default();
    let accept = passwords
        .accept
        .iter()
        .map(code_of)
        .collect::<Vec<_>>()
        .join(", ");
    defaults.extend([
        number(
            "store.connections",
            "connections to the store at a time",
            store.connections,
        ),
        seconds(
            "store.wait",
            "waiting for a connection to the store",
            store.wait,
        ),
        seconds("store.deadline", "statement", store.deadline),
        DefaultValue {
            key: "passwords.accept",
            what: "formats that may log in",
            value: accept,
        },
        DefaultValue {
            key: "passwords.write",
            what: "format of new hashes",
            value: code_of(passwords.write),
        },
        DefaultValue {
            key: "passwords.threads",
            what: "threads that compute hashes",
            value: "processors − 1, at least 1".to_owned(),
        },
        number(
            "passwords.queue",
            "hashes that wait for a thread",
            passwords.queue,
        ),
        seconds(
            "passwords.wait",
            "waiting for a thread",
            passwords.queue_wait,
        ),
    ]);
}

fn tenant(defaults: &mut Vec<DefaultValue>) {
    let lifetimes = lychgate_tenant::Lifetimes::default();
    defaults.extend([
        seconds(
            "tenant.apis[].token_lifetime",
            "life of an access token that the tenant issues",
            lychgate_tenant::DEFAULT_TOKEN_LIFETIME,
        ),
        seconds(
            "",
            "from `/authorize` to the right password",
            lifetimes.login,
        ),
        seconds("", "session of a browser", lifetimes.session),
        seconds("", "authorization code", lifetimes.code),
        seconds("", "refresh tokens of a login", lifetimes.refresh_token),
        seconds("", "link in a mail", lifetimes.ticket),
    ]);
}

fn scripts(defaults: &mut Vec<DefaultValue>) {
    let script = lychgate_script::Settings::default();
    let outbound = &script.outbound;
    defaults.extend([
        seconds("", "run of a script", script.timeout),
        number("", "runs at a time in one container", script.calls),
        bytes("", "memory of a container", script.memory_bytes),
        bytes("", "stack of a container", script.stack_bytes),
        bytes("", "result of a script", script.result_bytes),
        seconds("", "container without a run", script.idle),
        seconds("", "life of a container", script.age),
        number("", "outbound calls of a run", outbound.calls),
        seconds("", "outbound call", outbound.timeout),
        bytes("", "body of an outbound call", outbound.request_bytes),
        bytes("", "answer to an outbound call", outbound.response_bytes),
        number("", "redirects of an outbound call", outbound.redirects),
    ]);
}

fn seconds(key: &'static str, what: &'static str, value: Duration) -> DefaultValue {
    let hours = value.as_secs() / 3600;
    let value = if (1..=72).contains(&hours) && value == Duration::from_hours(hours) {
        format!("{hours}h")
    } else {
        humantime::format_duration(value).to_string()
    };
    DefaultValue {
        key,
        what,
        value: code(value),
    }
}

fn number(key: &'static str, what: &'static str, value: impl Display) -> DefaultValue {
    DefaultValue {
        key,
        what,
        value: value.to_string(),
    }
}

/// A config takes bytes; people take KiB and MiB.
fn bytes(key: &'static str, what: &'static str, value: impl TryInto<u64>) -> DefaultValue {
    let value: u64 = value.try_into().unwrap_or(u64::MAX);
    let kibibytes = value / 1024;
    let value = match (key, kibibytes) {
        ("", 1024..) => format!("{} MiB", kibibytes / 1024),
        ("", _) => format!("{kibibytes} KiB"),
        (_, _) => value.to_string(),
    };
    DefaultValue { key, what, value }
}

fn code_of(value: impl Display) -> String {
    code(value.to_string())
}
