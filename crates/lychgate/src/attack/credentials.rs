//! A good token where none belongs, twice, or from where nobody may call (RFC 6750 §2, §5.3).

use anyhow::Result;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use serde_json::json;

use super::door::{Answer, Reception, Seen};
use super::target::{LOOKUP, Target};
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 4] = [
    Attack {
        id: "token-elsewhere",
        severity: Severity::Medium,
        what: "a good token in the query, in a form, in the JSON, in a cookie, or under another scheme",
        expected: "400 or 401",
        play: |target| Box::pin(token_elsewhere(target)),
    },
    Attack {
        id: "authorization-twice",
        severity: Severity::Medium,
        what: "two `Authorization` headers, of which one is good",
        expected: "400",
        play: |target| Box::pin(authorization_twice(target)),
    },
    Attack {
        id: "client-certificate-missing",
        severity: Severity::High,
        what: "a good token over TLS without the certificate that clients have to show",
        expected: "no connection",
        play: |target| Box::pin(without_certificate(target)),
    },
    Attack {
        id: "replay-from-elsewhere",
        severity: Severity::High,
        what: "a good token from an address that is not allowed, also with headers that name one that is",
        expected: "closed, or 403",
        play: |target| Box::pin(from_elsewhere(target)),
    },
];

async fn token_elsewhere(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let gateway = target.gateway()?;
    let body = json!({ "identifier": target.somebody() });
    let mut in_query = gateway.endpoint(LOOKUP)?;
    in_query
        .query_pairs_mut()
        .append_pair("access_token", token);
    let post = || gateway.post(LOOKUP);
    let requests = [
        ("in the query", gateway.http.post(in_query).json(&body)),
        (
            "in a form",
            post()?.form(&[("access_token", token), ("identifier", &target.somebody())]),
        ),
        (
            "in the JSON",
            post()?.json(&json!({ "identifier": target.somebody(), "access_token": token })),
        ),
        (
            "in a cookie",
            post()?
                .header(COOKIE, format!("access_token={token}"))
                .json(&body),
        ),
        (
            "without a scheme",
            post()?.header(AUTHORIZATION, token).json(&body),
        ),
        (
            "as `Token`",
            post()?
                .header(AUTHORIZATION, format!("Token {token}"))
                .json(&body),
        ),
        (
            "as Basic",
            post()?.basic_auth("bearer", Some(token)).json(&body),
        ),
        (
            "as X-Access-Token",
            post()?.header("X-Access-Token", token).json(&body),
        ),
    ];
    let mut seen = Seen::default();
    for (where_it_is, request) in requests {
        let answer = Answer::to(request).await?;
        match answer.reception() {
            Reception::Refused => seen.add(answer),
            Reception::Unclear => return Err(super::forger::unclear(where_it_is, &answer)),
            Reception::LetIn => {
                return Ok(Outcome::GotThrough(format!(
                    "a token {where_it_is} was taken: {answer}"
                )));
            }
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn authorization_twice(target: &Target) -> Result<Outcome> {
    let good = target.good_token().await?;
    let bad = "not.a.token";
    let body = json!({ "identifier": target.somebody() }).to_string();
    let mut seen = Seen::default();
    for (what, tokens) in [
        ("a good one first", [good, bad]),
        ("a good one last", [bad, good]),
        ("two good ones", [good, good]),
    ] {
        let [one, other] = tokens.map(|token| format!("Bearer {token}"));
        let request = target
            .gateway()?
            .post(LOOKUP)?
            .header(CONTENT_TYPE, "application/json");
        let request = request
            .header(AUTHORIZATION, one)
            .header(AUTHORIZATION, other);
        let answer = Answer::to(request.body(body.clone())).await?;
        match answer.reception() {
            Reception::Refused => seen.add(answer),
            Reception::Unclear => return Err(super::forger::unclear(what, &answer)),
            Reception::LetIn => return Ok(Outcome::GotThrough(format!("{what}: {answer}"))),
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn without_certificate(target: &Target) -> Result<Outcome> {
    let gateway = target.gateway()?;
    let http = gateway.http_without_certificate()?;
    let http = http.ok_or_else(|| {
        NotTried::because(
            "needs `[attack] client_certificate`, which a gateway with mutual TLS lets in",
        )
    })?;
    let token = target.good_token().await?;
    let request = http.post(gateway.endpoint(LOOKUP)?).bearer_auth(token);
    let answer = Answer::to(request.json(&json!({ "identifier": target.somebody() }))).await;
    Ok(match answer {
        Ok(answer) if answer.status.is_some() => {
            Outcome::GotThrough(format!("answered {answer} without a certificate"))
        }
        Ok(_) | Err(_) => Outcome::Blocked("no connection".to_owned()),
    })
}

async fn from_elsewhere(target: &Target) -> Result<Outcome> {
    let token = target.good_token().await?;
    let gateway = target.gateway()?;
    let address = target.outside_address.ok_or_else(|| {
        NotTried::because("needs `[attack] outside_address`, an address of this machine that is not on the allowlist")
    })?;
    let http = gateway.http_from(address)?;
    let body = json!({ "identifier": target.somebody() });
    let mut seen = Seen::default();
    for (name, value) in [
        ("X-Nothing", "127.0.0.1"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("True-Client-IP", "127.0.0.1"),
        ("CF-Connecting-IP", "127.0.0.1"),
    ] {
        let request = http.post(gateway.endpoint(LOOKUP)?).bearer_auth(token);
        let answer = Answer::to(request.header(name, value).json(&body)).await;
        match answer {
            // Closed before a byte was read may look like no connection at all.
            Err(_) => seen.add("closed"),
            Ok(answer) if answer.reception() == Reception::LetIn => {
                return Ok(Outcome::GotThrough(format!(
                    "answered with {name}: {answer}"
                )));
            }
            Ok(answer) => seen.add(answer),
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}
