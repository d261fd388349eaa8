//! What each weakness makes of a token that is bound to a key, and of the proof beside it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lychgate_token::UnixTime;
use serde_json::{Map, Value, json};

use super::weak::{Naive, Request, Weakness as W};

/// Whether a token that is not proven, or not for this request, is taken for one that is.
pub(super) fn believes(naive: &Naive, request: &Request) -> bool {
    let authorization = request.header("Authorization").unwrap_or_default();
    let (scheme, token) = authorization.split_once(' ').unwrap_or_default();
    let confirmation = part(token, 1).remove("cnf").unwrap_or_default();
    let Some(thumbprint) = confirmation["jkt"].as_str() else {
        return false;
    };
    let proof = request.header("DPoP").unwrap_or_default();
    let (header, claims) = (part(proof, 0), part(proof, 1));
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let issued_at = claims.get("iat").and_then(Value::as_i64);
    match naive.weakness {
        W::TakesBoundTokensFromBearers => scheme == "Bearer",
        W::TakesProofsByAnyKey => header
            .get("jwk")
            .is_some_and(|key| thumbprint_of(key) != thumbprint),
        W::TakesProofsForAnyPlace => {
            !text("htu").is_empty() && !text("htu").ends_with(&request.target)
        }
        W::TakesProofsTwice => !proof.is_empty() && naive.has_seen(proof),
        W::TakesProofsOfAnyTime => {
            issued_at.is_some_and(|at| at < UnixTime::now().seconds() - 1800)
        }
        _ => false,
    }
}

fn part(token: &str, index: usize) -> Map<String, Value> {
    let part = token.split('.').nth(index).unwrap_or_default();
    let part = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&part).unwrap_or_default()
}

/// RFC 7638 §3.
fn thumbprint_of(key: &Value) -> String {
    let members = json!({ "crv": key["crv"], "kty": key["kty"], "x": key["x"], "y": key["y"] });
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, members.to_string().as_bytes()))
}
