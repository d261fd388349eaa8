//! Good tokens that are somebody else's (RFC 9068 §5, RFC 8725 §2.8).

use anyhow::Result;
use serde_json::{Value, json};

use super::audience_injection::injected;
use super::browser::Browser;
use super::claims::{show_signed, signed_each};
use super::door::{Answer, Reception, Seen};
use super::forger::{Forger, Forgery, every_scope, show};
use super::settings::Client;
use super::target::{Target, token_in};
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 5] = [
    Attack {
        id: "user-token",
        severity: Severity::High,
        what: "a user's access token for the gateway's audience, as a login gives it, in both token dialects",
        expected: "401 or 403",
        play: |target| Box::pin(user_token(target)),
    },
    Attack {
        id: "id-token",
        severity: Severity::High,
        what: "the ID token of a login, as an access token",
        expected: "401",
        play: |target| Box::pin(id_token(target)),
    },
    Attack {
        id: "other-client",
        severity: Severity::High,
        what: "the access token of another client, by client credentials, for the gateway's audience",
        expected: "no token, or 403",
        play: |target| Box::pin(other_client(target)),
    },
    Attack {
        id: "other-audience",
        severity: Severity::High,
        what: "the script client's own token for another API",
        expected: "401",
        play: |target| Box::pin(other_audience(target)),
    },
    Attack {
        id: "other-scope",
        severity: Severity::High,
        what: "a token with the scope of one operation is used for each of the others",
        expected: "403",
        play: |target| Box::pin(other_scope(target)),
    },
];

async fn user_token(target: &Target) -> Result<Outcome> {
    // Where the tenant gives none away, or there is nobody to log in, one is made.
    let given = injected(target).await.ok().flatten();
    let given = given.map(|token| Forgery {
        what: "given by the tenant".to_owned(),
        token,
    });
    let shown = match given {
        Some(token) => Some(show(target, vec![token]).await?),
        None => None,
    };
    match (shown, target.issuer_key()) {
        (Some(Outcome::GotThrough(seen)), _) => Ok(Outcome::GotThrough(seen)),
        (Some(outcome), Err(_)) => Ok(outcome),
        (None, Err(_)) => Err(NotTried::because(
            "the tenant gives no such token away, and without `[attack] issuer_key` none can be made",
        )),
        (_, Ok(_)) => show_signed(target, user_tokens).await,
    }
}

fn user_tokens(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let none = Value::Null;
    let issuer = forger
        .good_claims
        .get("iss")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let both = json!([target.audience()?, format!("{issuer}userinfo")]);
    let script = target.script_client_id.as_deref().unwrap_or_default();
    signed_each(
        forger,
        target,
        vec![
            json!({ "sub": "auth0|1", "azp": "an-application", "gty": none }),
            json!({ "sub": "auth0|1", "azp": script, "gty": none }),
            json!({ "sub": "auth0|1", "azp": script, "gty": "password" }),
            json!({ "sub": "auth0|1", "azp": script, "gty": none, "aud": both }),
            json!({ "sub": "auth0|1", "azp": none, "gty": none, "client_id": script, "jti": "1" }),
            json!({ "sub": "auth0|1", "azp": none, "gty": none, "client_id": script, "jti": "1", "aud": both }),
            json!({ "gty": none, "aud": both }),
            json!({ "gty": none, "sid": "a-session" }),
            json!({ "gty": none, "nonce": "a-nonce" }),
            json!({ "gty": none, "act": { "sub": "an-agent" } }),
            json!({ "gty": none, "scope": format!("openid {}", every_scope()) }),
            json!({ "gty": none, "scope": format!("offline_access {}", every_scope()) }),
            json!({ "gty": none, "sub": none }),
        ],
    )
}

async fn id_token(target: &Target) -> Result<Outcome> {
    let mut tokens = Vec::new();
    if let Ok(mut browser) = Browser::new(target) {
        let code = browser.log_in_plainly("openid profile email").await?;
        let answer = browser.exchange(&code).await?.json();
        let token = answer.get("id_token").and_then(Value::as_str);
        tokens.extend(token.map(|token| Forgery {
            what: "given by the tenant".to_owned(),
            token: token.to_owned(),
        }));
    }
    if tokens.is_empty() {
        return show_signed(target, id_tokens).await;
    }
    show(target, tokens).await
}

fn id_tokens(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let none = Value::Null;
    let script = target.script_client_id.as_deref().unwrap_or_default();
    let of_login = json!({
        "sub": "auth0|1", "aud": script, "azp": none, "gty": none, "scope": none, "nonce": "a-nonce", "sid": "a-session",
    });
    signed_each(forger, target, vec![of_login])
}

async fn other_client(target: &Target) -> Result<Outcome> {
    let given = match &target.other_client {
        Some(client) => Some(ask_for(target, client).await?),
        None => None,
    };
    match given {
        Some(Ok(token)) => {
            let what = "given by the tenant".to_owned();
            show(target, vec![Forgery { what, token }]).await
        }
        Some(Err(refusal)) if target.issuer_key().is_err() => {
            Ok(Outcome::Blocked(format!("no token: {refusal}")))
        }
        Some(Err(_)) | None => show_signed(target, tokens_of_other_clients).await,
    }
}

async fn ask_for(target: &Target, client: &Client) -> Result<Result<String, Answer>> {
    let answer = target
        .client_credentials(client, target.audience()?, None)
        .await?;
    Ok(token_in(&answer).ok_or(answer))
}

fn tokens_of_other_clients(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let none = Value::Null;
    signed_each(
        forger,
        target,
        vec![
            json!({ "azp": "another-client", "sub": "another-client@clients" }),
            json!({ "azp": none, "gty": none, "client_id": "another-client", "sub": "another-client", "jti": "1" }),
            json!({ "client_id": "another-client" }),
            json!({ "azp": none, "gty": none, "sub": "another-client@clients" }),
        ],
    )
}

async fn other_audience(target: &Target) -> Result<Outcome> {
    let Some(audience) = target.other_audience.as_deref() else {
        return show_signed(target, tokens_for_other_audiences).await;
    };
    let answer = target
        .client_credentials(target.script_client()?, audience, None)
        .await?;
    let refused = format!("the script client got no token for `other_audience`: {answer}");
    let token = token_in(&answer).ok_or_else(|| NotTried::because(refused))?;
    let what = "given by the tenant".to_owned();
    show(target, vec![Forgery { what, token }]).await
}

fn tokens_for_other_audiences(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let ours = target.audience()?;
    signed_each(
        forger,
        target,
        vec![
            json!({ "aud": "urn:of-another-api" }),
            json!({ "aud": ["urn:of-another-api"] }),
            json!({ "aud": format!("{ours}/") }),
            json!({ "aud": ours.to_uppercase() }),
            json!({ "aud": [] }),
            json!({ "aud": null }),
        ],
    )
}

/// A token with the scope of a lookup alone: from the tenant, or made with the issuer's key.
async fn token_for_lookups(target: &Target) -> Result<String> {
    if let Ok(client) = target.script_client() {
        let scope = Some("read:users");
        let answer = target
            .client_credentials(client, target.audience()?, scope)
            .await?;
        let refused = format!("the script client got no token with less scope: {answer}");
        return token_in(&answer).ok_or_else(|| NotTried::because(refused));
    }
    let only = vec![json!({ "scope": "read:users" })];
    let tokens = signed_each(target.forger().await?, target, only)?;
    let token = tokens.into_iter().next().map(|forgery| forgery.token);
    token.ok_or_else(|| NotTried::because("no token with less scope can be made"))
}

async fn other_scope(target: &Target) -> Result<Outcome> {
    let token = token_for_lookups(target).await?;
    let control = target.lookup(Some(&token)).await?;
    if control.reception() != Reception::LetIn {
        let reason = format!("the token for `lookup` is answered {control} there");
        return Err(NotTried::because(reason));
    }
    let mut seen = Seen::default();
    for operation in super::operations::all() {
        if operation.path == super::target::LOOKUP {
            continue;
        }
        // What a gateway without this check would do with it changes nothing.
        let body = operation.harmless_body(target, false);
        let answer = target.ask(operation.path, Some(&token), &body).await?;
        match (answer.reception(), answer.status) {
            // What is not defined has no scope that could be missing.
            (Reception::Refused, _) | (_, Some(404)) => seen.add(answer),
            (Reception::Unclear, _) => return Err(super::forger::unclear(operation.path, &answer)),
            (Reception::LetIn, _) => {
                let name = operation.name;
                return Ok(Outcome::GotThrough(format!(
                    "`read:users` opened {name}: {answer}"
                )));
            }
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}
