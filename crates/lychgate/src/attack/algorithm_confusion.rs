//! Tokens that tell their reader how to check them (RFC 8725 §2.1, §3.1).

use anyhow::Result;
use aws_lc_rs::hmac;
use serde_json::json;

use super::forger::{Forger, Forgery, forms_of_public_key, show, show_forged};
use super::target::Target;
use super::{Attack, NotTried};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 3] = [
    Attack {
        id: "algorithm-none",
        severity: Severity::High,
        what: "the script client's claims in a token that says it needs no signature, in several spellings of `none`",
        expected: "401",
        play: |target| Box::pin(async move { show(target, none(target.forger().await?)).await }),
    },
    Attack {
        id: "algorithm-hmac-with-public-key",
        severity: Severity::High,
        what: "the same claims under an HMAC, whose secret is the issuer's public key in each form in which programs hold it",
        expected: "401",
        play: |target| Box::pin(show_forged(target, hmac_with_public_key)),
    },
    Attack {
        id: "signature-not-checked",
        severity: Severity::High,
        what: "good tokens whose signature was taken away, changed or given to other claims, or that name another algorithm",
        expected: "401",
        play: |target| Box::pin(show_forged(target, not_checked)),
    },
];

fn none(forger: &Forger) -> Vec<Forgery> {
    let spellings = ["none", "None", "NONE", "nOnE", "none ", ""];
    let unsigned = |name: &str| forger.unsigned(&json!({ "alg": name }));
    let mut tokens: Vec<_> = spellings
        .iter()
        .map(|name| forgery(format!("`alg` {name:?}"), format!("{}.", unsigned(name))))
        .collect();
    let without = forger.unsigned(&json!({ "alg": null }));
    tokens.push(forgery("no `alg`", format!("{without}.")));
    tokens.push(forgery("`alg` \"none\", two parts", unsigned("none")));
    tokens
}

fn hmac_with_public_key(forger: &Forger, _: &Target) -> Result<Vec<Forgery>> {
    if forger.public_keys.is_empty() {
        return Err(NotTried::because(
            "needs the issuer's public keys, and the tenant shows none",
        ));
    }
    let algorithms = [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ];
    let forms = forger.public_keys.iter().flat_map(forms_of_public_key);
    let forms: Vec<Vec<u8>> = forms.collect();
    let tokens = algorithms.into_iter().flat_map(|(name, algorithm)| {
        let header = json!({ "alg": name });
        let by = move |form: &Vec<u8>| forger.by_hmac(&header, algorithm, form);
        let tokens: Vec<_> = forms.iter().map(by).collect();
        tokens.into_iter().map(move |token| forgery(name, token))
    });
    Ok(tokens.collect())
}

fn not_checked(forger: &Forger, _: &Target) -> Result<Vec<Forgery>> {
    let signature = forger.signature()?;
    let mut turned = signature.clone();
    if let Some(byte) = turned.first_mut() {
        *byte ^= 1;
    }
    let later = forger
        .good_claims
        .get("exp")
        .and_then(serde_json::Value::as_i64);
    let later = json!({ "exp": later.unwrap_or_default() + 60 });
    let mut tokens = vec![
        forgery("no signature", forger.with_signature(&[])),
        forgery(
            "a signature of zeros",
            forger.with_signature(&vec![0; signature.len()]),
        ),
        forgery(
            "one bit of the signature turned",
            forger.with_signature(&turned),
        ),
        forgery(
            "other claims under the signature",
            forger.with_claims(&later),
        ),
        forgery(
            "signed by another key under the issuer's `kid`",
            forger.by_own_key(&json!({}), &json!({}))?,
        ),
    ];
    for name in ["RS384", "RS512", "PS256", "ES256", "EdDSA", "HS256", "RS1"] {
        let token = forger.with_header(&json!({ "alg": name }));
        tokens.push(forgery(format!("`alg` {name}"), token));
    }
    Ok(tokens)
}

fn forgery(what: impl Into<String>, token: String) -> Forgery {
    Forgery {
        what: what.into(),
        token,
    }
}
