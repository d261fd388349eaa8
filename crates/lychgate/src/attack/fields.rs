//! Bodies that say more, other or the same twice (CWE-915, CWE-1284).

use anyhow::Result;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::door::{Answer, Seen};
use super::operations::{self, Operation};
use super::target::{LOOKUP, Target};
use super::{Attack, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 5] = [
    Attack {
        id: "mass-assignment",
        severity: Severity::High,
        what: "fields that no operation has, beside good ones: a hash, an id, a role",
        expected: "422, and nothing is done",
        play: |target| Box::pin(mass_assignment(target)),
    },
    Attack {
        id: "field-of-wrong-type",
        severity: Severity::High,
        what: "operators, lists, numbers and null where a text belongs, as document databases obey them",
        expected: "400 or 422",
        play: |target| Box::pin(wrong_types(target)),
    },
    Attack {
        id: "field-twice",
        severity: Severity::Medium,
        what: "a field that stands there twice, so that two parsers read two requests",
        expected: "400",
        play: |target| Box::pin(twice(target)),
    },
    Attack {
        id: "oversize-body",
        severity: Severity::Medium,
        what: "a body of two megabytes, with its length said and without, and headers of as much",
        expected: "413, 431, or closed",
        play: |target| Box::pin(oversize(target)),
    },
    Attack {
        id: "deep-json",
        severity: Severity::Medium,
        what: "thousands of brackets within brackets",
        expected: "400 or 422, and it goes on serving",
        play: |target| Box::pin(deep(target)),
    },
];

const FIELDS: [&str; 8] = [
    "password_hash",
    "id",
    "role",
    "is_admin",
    "__proto__",
    "constructor",
    "admin",
    "lychgate_attack",
];

async fn mass_assignment(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let mut seen = Seen::default();
    for operation in operations::all() {
        if operation.makes_users() && !target.create_users {
            seen.add("`create` left out, as `[attack] create_users` is not set");
            continue;
        }
        for field in FIELDS {
            let mut body = operation.harmless_body(target, true);
            if let Some(members) = body.as_object_mut() {
                members.insert(field.to_owned(), json!(true));
            }
            let answer = target.ask(operation.path, Some(token), &body).await?;
            if let Some(created) = Created::by(&operation, &answer) {
                remove(target, token, &created).await?;
            }
            if answer.is_success() || answer.is_failure() {
                return Ok(Outcome::GotThrough(format!(
                    "{} with `{field}` is answered {answer}",
                    operation.name
                )));
            }
            seen.add(answer);
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn wrong_types(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let somebody = target.somebody();
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!([somebody]),
        json!({ "$ne": null }),
        json!({ "$gt": "" }),
        json!({ "$regex": ".*" }),
        json!({ "toString": somebody }),
    ];
    let mut seen = Seen::default();
    for value in values {
        let body = json!({ "identifier": value });
        let answer = target.ask(LOOKUP, Some(token), &body).await?;
        if answer.is_success() || answer.is_failure() {
            return Ok(Outcome::GotThrough(format!(
                "`identifier` as {value} is answered {answer}"
            )));
        }
        seen.add(answer);
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn twice(target: &Target) -> Result<Outcome> {
    let (one, other) = (json!(target.stranger(0)), json!(target.somebody()));
    let bodies = [
        format!(r#"{{"identifier":{one},"identifier":{other}}}"#),
        format!(r#"{{"identifier":{other},"identifier":{one}}}"#),
        format!(r#"{{"identifier":{one},"\u0069dentifier":{other}}}"#),
    ];
    send_raw(target, &bodies).await
}

async fn deep(target: &Target) -> Result<Outcome> {
    let levels = 7000;
    let bodies = [
        format!(
            r#"{{"identifier":{}{}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        ),
        format!(r#"{{"identifier":{}"#, "[".repeat(2 * levels)),
        format!("{}1{}", r#"{"a":"#.repeat(2000), "}".repeat(2000)),
    ];
    send_raw(target, &bodies).await
}

/// Sends texts as they are; each must be refused in words.
async fn send_raw(target: &Target, bodies: &[String]) -> Result<Outcome> {
    let token = target.good_token().await?;
    let mut seen = Seen::default();
    for body in bodies {
        let request = target.gateway()?.post(LOOKUP)?.bearer_auth(token);
        let request = request.header(CONTENT_TYPE, "application/json");
        let answer = Answer::to(request.body(body.clone())).await?;
        let start: String = body.chars().take(24).collect();
        if answer.is_success() || answer.is_failure() || answer.status.is_none() {
            return Ok(Outcome::GotThrough(format!(
                "{start}… is answered {answer}"
            )));
        }
        seen.add(answer);
    }
    Ok(match target.still_serves().await? {
        Ok(()) => Outcome::Blocked(seen.to_string()),
        Err(seen) => Outcome::GotThrough(seen),
    })
}

async fn oversize(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let gateway = target.gateway()?;
    let much = "x".repeat(2 * 1024 * 1024);
    let body = json!({ "identifier": target.stranger(0), "pad": much }).to_string();
    let padded = format!(
        "{}{}",
        " ".repeat(much.len()),
        json!({ "identifier": target.stranger(0) })
    );
    let post = || -> Result<_> {
        let request = gateway.post(LOOKUP)?.bearer_auth(token);
        Ok(request.header(CONTENT_TYPE, "application/json"))
    };
    let chunk: Result<String, std::io::Error> = Ok(padded.clone());
    let chunks = futures_util::stream::iter([chunk]);
    let requests = [
        ("a large field", post()?.body(body)),
        ("a large body", post()?.body(padded)),
        (
            "a large body in chunks",
            post()?.body(reqwest::Body::wrap_stream(chunks)),
        ),
        ("a large header", post()?.header("X-Pad", much).body("{}")),
    ];
    let mut seen = Seen::default();
    for (what, request) in requests {
        let answer = Answer::to(request).await?;
        match answer.status {
            None | Some(400 | 413 | 431) => seen.add(answer),
            Some(_) => return Ok(Outcome::GotThrough(format!("{what} is answered {answer}"))),
        }
    }
    Ok(match target.still_serves().await? {
        Ok(()) => Outcome::Blocked(seen.to_string()),
        Err(seen) => Outcome::GotThrough(seen),
    })
}

/// A user whom an attack has made.
pub(super) struct Created(Value);

impl Created {
    /// The user of an answer of `create`.
    pub(super) fn by(operation: &Operation, answer: &Answer) -> Option<Self> {
        let is_new = operation.makes_users() && answer.has_user();
        let user_id = answer.json().get("user")?.get("user_id")?.clone();
        is_new.then_some(Self(user_id))
    }
}

/// Takes a user back. Where `delete` is not defined, she stays, and the how-to says so.
pub(super) async fn remove(target: &Target, token: &str, created: &Created) -> Result<()> {
    let body = json!({ "user_id": created.0 });
    target
        .ask("/v1/users/delete", Some(token), &body)
        .await
        .map(|_| ())
}
