//! Where the tenant can be made to send a user, and with what (RFC 9700 §4.1).

use anyhow::Result;

use super::browser::{Browser, Landing};
use super::door::Seen;
use super::target::Target;
use super::{Attack, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 2] = [
    Attack {
        id: "redirect-uri",
        severity: Severity::High,
        what: "`redirect_uri`s that look like the registered one and are not: other hosts, paths, cases, schemes, encodings",
        expected: "a page of the tenant's own, and no login for them",
        play: |target| Box::pin(other_addresses(target)),
    },
    Attack {
        id: "pkce-downgrade",
        severity: Severity::Medium,
        what: "a public application's login without a `code_challenge`, or with one of method `plain`",
        expected: "invalid_request",
        play: |target| Box::pin(without_challenge(target)),
    },
];

async fn other_addresses(target: &Target) -> Result<Outcome> {
    Browser::new(target)?.log_in_plainly("openid").await?;
    let callback = target.application()?.callback.clone();
    let (text, authority) = (callback.as_str(), callback.authority());
    let (scheme, path) = (callback.scheme(), callback.path());
    let addresses = [
        "https://attacker.example/callback".to_owned(),
        format!("{text}.attacker.example"),
        format!("{text}/../stolen"),
        format!("{text}/"),
        format!("{text}?next=//attacker.example"),
        format!("{text}#fragment"),
        format!("{text}%00"),
        format!("{text}%2f..%2fstolen"),
        text.to_uppercase(),
        format!("{scheme}://{authority}@attacker.example{path}"),
        format!("{scheme}://attacker.example#@{authority}{path}"),
        format!("{scheme}://attacker.example\\@{authority}{path}"),
        format!("{scheme}://{authority}.attacker.example{path}"),
        format!("//{authority}{path}"),
        format!("javascript://{authority}{path}"),
        "javascript:alert(1)".to_owned(),
        "data:text/html,stolen".to_owned(),
    ];
    let mut seen = Seen::default();
    for address in &addresses {
        let landing = Browser::new(target)?
            .authorize(&[("redirect_uri", address)])
            .await?;
        match landing {
            Landing::Page(status, _) if status >= 400 => seen.add(landing),
            landing => {
                return Ok(Outcome::GotThrough(format!(
                    "{address} leads on: {landing}"
                )));
            }
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

async fn without_challenge(target: &Target) -> Result<Outcome> {
    let application = target.application()?;
    if application.secret.is_some() {
        return Err(super::NotTried::because(
            "needs an application without a secret, for which PKCE is all there is",
        ));
    }
    Browser::new(target)?.log_in_plainly("openid").await?;
    let plain = "a-challenge-of-method-plain-that-is-long-enough-to-be-one";
    let mut seen = Seen::default();
    for added in [
        [("code_challenge", ""), ("code_challenge_method", "")],
        [
            ("code_challenge", plain),
            ("code_challenge_method", "plain"),
        ],
        [("code_challenge", plain), ("code_challenge_method", "")],
    ] {
        let landing = Browser::new(target)?.authorize(&added).await?;
        match &landing {
            Landing::Callback(_) | Landing::Page(..) if landing.code().is_none() => {
                seen.add(landing);
            }
            _ => return Ok(Outcome::GotThrough(format!("the login goes on: {landing}"))),
        }
    }
    Ok(Outcome::Blocked(seen.to_string()))
}
