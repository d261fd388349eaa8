//! Codes and refresh tokens that were seen by somebody else (RFC 6749 §10.5, RFC 9700 §4.14).

use anyhow::Result;

use super::audience_injection::refresh_token;
use super::browser::Browser;
use super::door::Seen;
use super::target::{Target, token_in};
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 3] = [
    Attack {
        id: "code-replay",
        severity: Severity::High,
        what: "a code that was exchanged is exchanged again",
        expected: "invalid_grant",
        play: |target| Box::pin(code_twice(target)),
    },
    Attack {
        id: "code-theft",
        severity: Severity::High,
        what: "a code is exchanged without its verifier, with another one, for another address, or by another client",
        expected: "no token",
        play: |target| Box::pin(stolen_code(target)),
    },
    Attack {
        id: "refresh-token-replay",
        severity: Severity::High,
        what: "a refresh token that was spent is spent again, and then its successor",
        expected: "invalid_grant, for both",
        play: |target| Box::pin(refresh_token_twice(target)),
    },
];

async fn code_twice(target: &Target) -> Result<Outcome> {
    let mut browser = Browser::new(target)?;
    let code = browser.log_in_plainly("openid").await?;
    let first = browser.exchange(&code).await?;
    if token_in(&first).is_none() {
        return Err(NotTried::because(format!(
            "a code is not exchanged even once: {first}"
        )));
    }
    let second = browser.exchange(&code).await?;
    Ok(match token_in(&second) {
        Some(_) => Outcome::GotThrough("a second exchange brought a second token".to_owned()),
        None => Outcome::Blocked(second.to_string()),
    })
}

async fn stolen_code(target: &Target) -> Result<Outcome> {
    let other = "another-verifier-than-the-one-that-the-challenge-is-of";
    let mut thefts = vec![
        ("without its verifier", vec![("code_verifier", "")]),
        ("with another verifier", vec![("code_verifier", other)]),
        (
            "for another address",
            vec![("redirect_uri", "https://attacker.example/callback")],
        ),
    ];
    if let Some(client) = &target.other_client {
        let secret = client.secret.expose_secret();
        let by = vec![
            ("client_id", client.client_id.as_str()),
            ("client_secret", secret),
        ];
        thefts.push(("by another client", by));
    }
    let mut seen = Seen::default();
    for (how, changed) in thefts {
        let mut browser = Browser::new(target)?;
        let code = browser.log_in_plainly("openid").await?;
        let answer = browser.exchange_with(&code, &changed).await?;
        if token_in(&answer).is_some() {
            return Ok(Outcome::GotThrough(format!("a code {how} brought a token")));
        }
        seen.add(answer);
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn refresh_token_twice(target: &Target) -> Result<Outcome> {
    let mut browser = Browser::new(target)?;
    let first = refresh_token(&mut browser).await?;
    let answer = browser.refresh(&first, &[]).await?;
    let Some(_) = token_in(&answer) else {
        return Err(NotTried::because(format!(
            "a refresh token is not taken even once: {answer}"
        )));
    };
    let answer = answer.json();
    let successor = answer
        .get("refresh_token")
        .and_then(serde_json::Value::as_str);
    let successor = successor.unwrap_or(&first).to_owned();
    let again = browser.refresh(&first, &[]).await?;
    if token_in(&again).is_some() {
        return Ok(Outcome::GotThrough(
            "the spent token brought a token".to_owned(),
        ));
    }
    let after = browser.refresh(&successor, &[]).await?;
    if token_in(&after).is_some() {
        let seen =
            "after the spent token had been shown again, its successor still brought a token";
        return Ok(Outcome::GotThrough(seen.to_owned()));
    }
    Ok(Outcome::Blocked(format!("{again}, then {after}")))
}
