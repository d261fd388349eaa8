//! Tokens that are rightly signed and say one thing that a good one does not. They take the issuer's own key.

use anyhow::Result;
use lychgate_token::UnixTime;
use serde::Serialize;
use serde::ser::SerializeMap as _;
use serde_json::{Map, Value, json};

use super::door::Reception;
use super::forger::{Forger, Forgery, show_forged, with};
use super::target::Target;
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 5] = [
    Attack {
        id: "claim-of-wrong-type",
        severity: Severity::High,
        what: "claims of another type than they have: times as text, lists for texts, objects for lists",
        expected: "401",
        play: |target| Box::pin(show_signed(target, wrong_types)),
    },
    Attack {
        id: "claim-twice",
        severity: Severity::Medium,
        what: "a claim that stands there twice, so that two readers read two tokens",
        expected: "401",
        play: |target| Box::pin(show_signed(target, twice)),
    },
    Attack {
        id: "expired-token",
        severity: Severity::High,
        what: "a token whose time is over, has not come, or is not said",
        expected: "401",
        play: |target| Box::pin(show_signed(target, out_of_time)),
    },
    Attack {
        id: "long-lived-token",
        severity: Severity::Medium,
        what: "a token that lives for eight days, and one that lives for ten years",
        expected: "401",
        play: |target| Box::pin(show_signed(target, long_lived)),
    },
    Attack {
        id: "sender-constraint-stripped",
        severity: Severity::High,
        what: "a token that is bound to a key or a certificate, shown as a plain bearer token without the proof",
        expected: "401",
        play: |target| Box::pin(show_signed(target, bound)),
    },
];

/// Shows what a forger makes with the issuer's key, once the key was seen to be the issuer's.
pub(super) async fn show_signed(
    target: &Target,
    forge: fn(&Forger, &Target) -> Result<Vec<Forgery>>,
) -> Result<Outcome> {
    let forger = target.forger().await?;
    let unchanged = target
        .issuer_key()?
        .sign(token_type(forger), &forger.good_claims)?;
    let answer = target.lookup(Some(&unchanged)).await?;
    if answer.reception() != Reception::LetIn {
        let reason =
            format!("a good token by `issuer_key` is answered {answer}: is it the issuer's?");
        return Err(NotTried::because(reason));
    }
    show_forged(target, forge).await
}

fn wrong_types(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let good = &forger.good_claims;
    let now = UnixTime::now().seconds();
    let text = |name: &str| good.get(name).cloned().unwrap_or_default();
    signed_each(
        forger,
        target,
        vec![
            json!({ "exp": (now + 3600).to_string() }),
            json!({ "exp": [now + 3600] }),
            json!({ "exp": true }),
            json!({ "iat": now.to_string() }),
            json!({ "nbf": "0" }),
            json!({ "sub": [text("sub")] }),
            json!({ "azp": [text("azp")] }),
            json!({ "gty": ["client-credentials"] }),
            json!({ "scope": [text("scope")] }),
            json!({ "aud": { (target.audience()?): true } }),
            json!({ "aud": [[text("aud")]] }),
            json!({ "iss": [text("iss")] }),
            json!({ "cnf": "none" }),
        ],
    )
}

fn out_of_time(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let now = UnixTime::now().seconds();
    signed_each(
        forger,
        target,
        vec![
            json!({ "iat": now - 7200, "exp": now - 3600 }),
            json!({ "iat": now - 7200, "exp": now - 400 }),
            json!({ "exp": 0 }),
            json!({ "exp": null }),
            json!({ "nbf": now + 3600 }),
            json!({ "iat": now + 3600, "exp": now + 7200 }),
        ],
    )
}

fn long_lived(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let now = UnixTime::now().seconds();
    let day = 24 * 3600;
    let lives = [8 * day, 3650 * day];
    let changes = lives.map(|life| json!({ "iat": now, "exp": now + life }));
    signed_each(forger, target, changes.to_vec())
}

fn bound(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let digest = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    signed_each(
        forger,
        target,
        vec![
            json!({ "cnf": { "jkt": digest } }),
            json!({ "cnf": { "x5t#S256": digest } }),
            json!({ "cnf": {} }),
        ],
    )
}

fn twice(forger: &Forger, target: &Target) -> Result<Vec<Forgery>> {
    let key = target.issuer_key()?;
    let token_type = token_type(forger);
    let other = json!("urn:of-another-api");
    let mut forgeries = Vec::new();
    for name in ["aud", "sub", "exp"] {
        let claims = Twice {
            name,
            first: &other,
            claims: &forger.good_claims,
        };
        forgeries.push(Forgery {
            what: format!("`{name}` twice"),
            token: key.sign(token_type, &claims)?,
        });
    }
    Ok(forgeries)
}

/// Claims with one of them twice, the good one last, as most readers take the last.
struct Twice<'c> {
    name: &'static str,
    first: &'c Value,
    claims: &'c Map<String, Value>,
}

impl Serialize for Twice<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry(self.name, self.first)?;
        for (name, value) in self.claims {
            members.serialize_entry(name, value)?;
        }
        members.end()
    }
}

/// The good token with each of these changes, signed by the issuer's key.
pub(super) fn signed_each(
    forger: &Forger,
    target: &Target,
    changes: Vec<Value>,
) -> Result<Vec<Forgery>> {
    let key = target.issuer_key()?;
    let token_type = token_type(forger);
    let signed = changes.into_iter().map(|change| {
        let token = key.sign(token_type, &with(&forger.good_claims, &change))?;
        Ok(Forgery {
            what: format!("with {}", names_of(&change)),
            token,
        })
    });
    signed.collect()
}

/// What stands in `typ` of a good token.
fn token_type(forger: &Forger) -> &str {
    let token_type = forger.good_header.get("typ").and_then(Value::as_str);
    token_type.unwrap_or("JWT")
}

fn names_of(change: &Value) -> String {
    let members = change.as_object().into_iter().flatten();
    let names: Vec<_> = members.map(|(name, _)| format!("`{name}`")).collect();
    names.join(" and ") + " changed"
}
