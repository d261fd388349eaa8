//! The hole that this product is about: whoever logs in adds the gateway's audience on the way, in each flow there is.
//!
//! Here the tenant is asked not to give the token away. What the gateway does with such a token is `user-token`.

use anyhow::Result;

use super::browser::{Browser, Landing, is_for, parameter, token_for};
use super::door::{Answer, Seen};
use super::forger::every_scope;
use super::target::Target;
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 5] = [
    Attack {
        id: "audience-injection-code",
        severity: Severity::Medium,
        what: "a user logs in and adds the gateway's audience to `/authorize`, as `audience`, as `resource`, and twice",
        expected: "no token for it",
        play: |target| Box::pin(by_code(target)),
    },
    Attack {
        id: "audience-injection-prompt-none",
        severity: Severity::Medium,
        what: "a user who is logged in gets the audience silently, with `prompt=none`",
        expected: "no token for it",
        play: |target| Box::pin(silently(target)),
    },
    Attack {
        id: "audience-injection-implicit",
        severity: Severity::Medium,
        what: "the same in the implicit and the hybrid flow, by fragment and by form",
        expected: "no token for it",
        play: |target| Box::pin(implicitly(target)),
    },
    Attack {
        id: "audience-injection-refresh",
        severity: Severity::Medium,
        what: "a refresh token of a plain login is spent for the audience",
        expected: "no token for it",
        play: |target| Box::pin(by_refresh(target)),
    },
    Attack {
        id: "audience-injection-password",
        severity: Severity::Medium,
        what: "the password grant, for the audience, by the application and by another client",
        expected: "no token for it",
        play: |target| Box::pin(by_password(target)),
    },
];

async fn by_code(target: &Target) -> Result<Outcome> {
    let audience = target.audience()?;
    Browser::new(target)?.log_in_plainly("openid").await?;
    let scope = scope();
    let mut seen = Seen::default();
    for added in [
        &[("audience", audience)][..],
        &[("resource", audience)],
        &[("audience", "urn:of-another-api"), ("audience", audience)],
        &[("audience", audience), ("audience", audience)],
    ] {
        let mut browser = Browser::new(target)?;
        let added = [added, &[("scope", scope.as_str())]].concat();
        let landing = browser.log_in(&added).await?;
        if let Some(token) = take(&browser, &landing, audience, &mut seen).await? {
            return Ok(got(&token));
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn silently(target: &Target) -> Result<Outcome> {
    let audience = target.audience()?;
    let mut browser = Browser::new(target)?;
    browser.log_in_plainly("openid").await?;
    let scope = scope();
    let mut seen = Seen::default();
    for name in ["audience", "resource"] {
        let added = [(name, audience), ("prompt", "none"), ("scope", &scope)];
        let landing = browser.authorize(&added).await?;
        if let Some(token) = take(&browser, &landing, audience, &mut seen).await? {
            return Ok(got(&token));
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn implicitly(target: &Target) -> Result<Outcome> {
    let audience = target.audience()?;
    let mut browser = Browser::new(target)?;
    browser.log_in_plainly("openid").await?;
    let scope = scope();
    let mut seen = Seen::default();
    for (response_type, response_mode) in [
        ("token", "fragment"),
        ("token", "form_post"),
        ("id_token token", "fragment"),
        ("code token", "fragment"),
        ("code id_token token", "form_post"),
    ] {
        let added = [
            ("response_type", response_type),
            ("response_mode", response_mode),
            ("audience", audience),
            ("scope", &scope),
        ];
        let landing = browser.log_in(&added).await?;
        let token = match &landing {
            Landing::Callback(address) => parameter(address, "access_token"),
            Landing::Page(_, text) => token_in_form(text),
            Landing::Login(_) | Landing::Elsewhere(_) => None,
        };
        match token {
            Some(token) if is_for(&token, audience) => return Ok(got(&token)),
            Some(_) => seen.add("a token for something else"),
            None => seen.add(landing),
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn by_refresh(target: &Target) -> Result<Outcome> {
    let audience = target.audience()?;
    let scope = scope();
    let mut seen = Seen::default();
    for changed in [
        &[("audience", audience)][..],
        &[("resource", audience)],
        &[("audience", audience), ("scope", &scope)],
    ] {
        let browser = &mut Browser::new(target)?;
        let token = refresh_token(browser).await?;
        let answer = browser.refresh(&token, changed).await?;
        match token_for(&answer, audience) {
            Some(token) => return Ok(got(&token)),
            None => seen.add(answer),
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn by_password(target: &Target) -> Result<Outcome> {
    let (tenant, audience, user) = (target.tenant()?, target.audience()?, target.user()?);
    let scope = scope();
    let application = target.application()?;
    let secret = application.secret.as_ref();
    let mut clients = vec![(
        application.client_id.as_str(),
        secret.map(|secret| secret.expose_secret()),
    )];
    let others = target
        .other_client
        .iter()
        .chain(target.script_client().ok());
    clients.extend(others.map(|client| {
        (
            client.client_id.as_str(),
            Some(client.secret.expose_secret()),
        )
    }));
    let mut seen = Seen::default();
    for (client_id, secret) in clients {
        for grant_type in [
            "password",
            "http://auth0.com/oauth/grant-type/password-realm",
        ] {
            let mut form = vec![
                ("grant_type", grant_type),
                ("client_id", client_id),
                ("username", user.identifier.as_str()),
                ("password", user.password.expose_secret()),
                ("audience", audience),
                ("scope", &scope),
                ("realm", "Username-Password-Authentication"),
            ];
            form.extend(secret.map(|secret| ("client_secret", secret)));
            let answer = Answer::to(tenant.post("oauth/token")?.form(&form)).await?;
            match token_for(&answer, audience) {
                Some(token) => return Ok(got(&token)),
                None => seen.add(answer),
            }
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

/// A user's token for the gateway's audience, if the tenant gives one away: for whoever wants to see what it opens.
pub(super) async fn injected(target: &Target) -> Result<Option<String>> {
    let audience = target.audience()?;
    let mut browser = Browser::new(target)?;
    let scope = scope();
    let landing = browser
        .log_in(&[("audience", audience), ("scope", &scope)])
        .await?;
    take(&browser, &landing, audience, &mut Seen::default()).await
}

/// A refresh token of a plain login.
pub(super) async fn refresh_token(browser: &mut Browser<'_>) -> Result<String> {
    let code = browser.log_in_plainly("openid offline_access").await?;
    let answer = browser.exchange(&code).await?.json();
    let token = answer
        .get("refresh_token")
        .and_then(serde_json::Value::as_str);
    let token = token.map(str::to_owned);
    token.ok_or_else(|| NotTried::because("the application gets no refresh tokens"))
}

/// Spends the code that a landing has, if it has one, and keeps what came of it.
async fn take(
    browser: &Browser<'_>,
    landing: &Landing,
    audience: &str,
    seen: &mut Seen,
) -> Result<Option<String>> {
    let Some(code) = landing.code() else {
        seen.add(landing);
        return Ok(None);
    };
    let answer = browser.exchange(&code).await?;
    let token = token_for(&answer, audience);
    if token.is_none() {
        let other = super::target::token_in(&answer).is_some();
        seen.add(if other {
            "a token for something else".to_owned()
        } else {
            answer.to_string()
        });
    }
    Ok(token)
}

/// What an attacker asks for: a login, and everything that the gateway can do.
fn scope() -> String {
    format!("openid profile email {}", every_scope())
}

fn got(token: &str) -> Outcome {
    let claims = super::forger::claims(token).unwrap_or_default();
    let scope = claims
        .get("scope")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    let scopes = every_scope();
    let own = scope
        .split(' ')
        .filter(|scope| scopes.split(' ').any(|own| own == *scope))
        .count();
    Outcome::GotThrough(format!(
        "the tenant gave a user a token for the gateway's audience, with {own} of the gateway's scopes"
    ))
}

/// The token of a page that posts it to the application.
fn token_in_form(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("name=\"access_token\"")?;
    let (_, rest) = rest.split_once("value=\"")?;
    let (token, _) = rest.split_once('"')?;
    Some(token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_the_form_that_carries_it() {
        let page = r#"<form><input type="hidden" name="access_token" value="a.b.c"></form>"#;
        assert_eq!(token_in_form(page).as_deref(), Some("a.b.c"));
        assert_eq!(token_in_form("<p>no</p>"), None);
    }
}
