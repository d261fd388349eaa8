//! Texts that become part of a statement or a filter, in every field of every operation (CWE-89, CWE-90).

use anyhow::Result;
use serde_json::{Value, json};

use super::door::{Answer, Seen};
use super::fields::{Created, remove};
use super::operations::{self, Operation};
use super::target::{AUTHENTICATE, LOOKUP, Target};
use super::{Attack, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 3] = [
    Attack {
        id: "sql-injection",
        severity: Severity::High,
        what: "identifiers that make a condition true, add a row, or are a pattern, where a user is looked up or logs in",
        expected: "nobody is found",
        play: |target| Box::pin(finds_somebody(target, &SQL)),
    },
    Attack {
        id: "ldap-injection",
        severity: Severity::High,
        what: "the same in the syntax of search filters",
        expected: "nobody is found",
        play: |target| Box::pin(finds_somebody(target, &LDAP)),
    },
    Attack {
        id: "quote-in-any-field",
        severity: Severity::High,
        what: "quotes, comments and brackets in every text field of every operation, about users who do not exist",
        expected: "the answer is what it is without them, and never a 5xx",
        play: |target| Box::pin(breaks_something(target)),
    },
];

const SQL: [&str; 14] = [
    "' OR '1'='1",
    "' OR 1=1 -- ",
    "' OR 1=1#",
    "') OR ('1'='1",
    "') OR 1=1 -- ",
    "\" OR \"\"=\"",
    "\\' OR 1=1 -- ",
    "0 OR 1=1",
    "nobody@example.invalid' OR 'a'='a",
    "nobody@example.invalid' OR 'a'='a' -- @example.invalid",
    "nobody@example.invalid'/**/OR/**/1=1--@example.invalid",
    "%",
    "%@%",
    "_%@%._%",
];

const LDAP: [&str; 9] = [
    "*",
    "*@*",
    "*)(objectClass=*",
    "*)(|(objectClass=*",
    "*))(|(mail=*",
    ")(|(mail=*)",
    "nobody@example.invalid)(|(mail=*",
    "\\2a",
    "*)(uid=*))(|(uid=*",
];

/// What ends a text, a comment or a bracket somewhere.
const BREAKING: [&str; 6] = ["'", "\"", "\\", "')", "*)(", "`;--"];

async fn finds_somebody(target: &Target, identifiers: &[&str]) -> Result<Outcome> {
    let token = target.good_token().await?;
    let password = target.user().ok().map(|user| user.password.expose_secret());
    let mut seen = Seen::default();
    for identifier in identifiers {
        for path in [LOOKUP, AUTHENTICATE] {
            let body = match (path, password) {
                (LOOKUP, _) => json!({ "identifier": identifier }),
                (_, Some(password)) => json!({ "identifier": identifier, "password": password }),
                (_, None) => continue,
            };
            let answer = target.ask(path, Some(token), &body).await?;
            if answer.has_user() {
                return Ok(Outcome::GotThrough(format!(
                    "{identifier:?} at {path} is somebody: {answer}"
                )));
            }
            if answer.is_failure() {
                return Ok(Outcome::GotThrough(format!(
                    "{identifier:?} at {path} breaks something: {answer}"
                )));
            }
            seen.add(answer);
        }
    }
    Ok(Outcome::Blocked(format!("nobody: {seen}")))
}

async fn breaks_something(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let mut seen = Seen::default();
    for operation in operations::all() {
        if operation.makes_users() && !target.create_users {
            seen.add("`create` left out, as `[attack] create_users` is not set");
            continue;
        }
        let plain = plainly(target, token, &operation).await?;
        if plain.is_failure() {
            let reason = format!("{} fails without any quote: {plain}", operation.name);
            return Err(super::NotTried::because(reason));
        }
        for field in operation.fields.iter().filter(|field| field.is_text) {
            let texts = broken_texts(target, &field.name);
            for text in texts {
                let mut body = operation.harmless_body(target, true);
                set(&mut body, &field.name, json!(text));
                let answer = ask(target, token, &operation, &body).await?;
                if answer.is_failure() {
                    return Ok(Outcome::GotThrough(format!(
                        "{text:?} in `{}` of {} is answered {answer}, and {plain} without it",
                        field.name, operation.name
                    )));
                }
                seen.add(answer);
            }
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn plainly(target: &Target, token: &str, operation: &Operation) -> Result<Answer> {
    let body = operation.harmless_body(target, true);
    ask(target, token, operation, &body).await
}

/// Sends it, and takes back whom it may have made.
async fn ask(target: &Target, token: &str, operation: &Operation, body: &Value) -> Result<Answer> {
    let answer = target.ask(operation.path, Some(token), body).await?;
    if let Some(created) = Created::by(operation, &answer) {
        remove(target, token, &created).await?;
    }
    Ok(answer)
}

/// Texts for a field; an address stays one, or it would be refused for that.
fn broken_texts(target: &Target, field: &str) -> Vec<String> {
    let is_address = field.ends_with("email") || field == "identifier";
    let breaking = BREAKING.iter().map(|text| {
        let (name, host) = target_stranger(target);
        if is_address {
            format!("{text}{name}@{host}")
        } else if field.contains("password") {
            format!("{text} {}", operations::NEW_PASSWORD)
        } else {
            format!("x{text}")
        }
    });
    // A password is hashed before it goes anywhere, and each hash costs: one is enough.
    breaking
        .take(if field.contains("password") {
            1
        } else {
            BREAKING.len()
        })
        .collect()
}

fn target_stranger(target: &Target) -> (String, String) {
    let stranger = target.stranger(0);
    let (name, host) = stranger
        .split_once('@')
        .unwrap_or((&stranger, "example.invalid"));
    (name.to_owned(), host.to_owned())
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
