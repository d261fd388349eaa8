//! Tokens that are bound to a key, and proofs that belong to something else (RFC 9449 §11).

use anyhow::Result;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use lychgate_token::{UnixTime, random_token};
use reqwest::header::{AUTHORIZATION, HOST};
use serde_json::{Value, json};

use super::door::{Answer, Reception, Seen};
use super::forger::{encode, with};
use super::target::{LOOKUP, Target, token_in};
use super::{Attack, NotTried, Outcome};
use crate::commands::check::Severity;

pub(super) static ATTACKS: [Attack; 5] = [
    Attack {
        id: "dpop-stripped",
        severity: Severity::High,
        what: "a token that is bound to a key, as a bearer token, with a proof and without, and as `DPoP` without a proof",
        expected: "401",
        play: |target| Box::pin(stripped(target)),
    },
    Attack {
        id: "dpop-other-key",
        severity: Severity::High,
        what: "a bound token with a proof by another key, by the right key's name alone, or by nobody",
        expected: "401",
        play: |target| Box::pin(other_key(target)),
    },
    Attack {
        id: "dpop-other-request",
        severity: Severity::High,
        what: "a proof for another method, path, token or host, the host forged in `Host`, too",
        expected: "401",
        play: |target| Box::pin(other_request(target)),
    },
    Attack {
        id: "dpop-replay",
        severity: Severity::High,
        what: "a good proof that was used is used again",
        expected: "401",
        play: |target| Box::pin(replay(target)),
    },
    Attack {
        id: "dpop-stale",
        severity: Severity::Medium,
        what: "a proof of an hour ago, of the future, without a time, an id or the gateway's nonce, or that is no proof by its type",
        expected: "401",
        play: |target| Box::pin(stale(target)),
    },
];

async fn stripped(target: &Target) -> Result<Outcome> {
    let holder = Holder::new(target).await?;
    let token = &holder.token;
    let proof = holder.proof(&json!({}), &json!({}))?;
    holder
        .show(
            target,
            vec![
                Shown::new("as a bearer token", format!("Bearer {token}"), None),
                Shown::new(
                    "as a bearer token beside a proof",
                    format!("Bearer {token}"),
                    Some(proof),
                ),
                Shown::new("without a proof", format!("DPoP {token}"), None),
                Shown::new(
                    "with an empty proof",
                    format!("DPoP {token}"),
                    Some(String::new()),
                ),
            ],
        )
        .await
}

async fn other_key(target: &Target) -> Result<Outcome> {
    let holder = Holder::new(target).await?;
    let (header, claims) = (holder.header(), holder.claims()?);
    let other = ProofKey::generate()?;
    let own_header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": other.jwk() });
    let unsigned = with_members(&header, &json!({ "alg": "none" }));
    let unsigned = format!("{}.", unsigned_text(&unsigned, &claims));
    holder
        .show(
            target,
            vec![
                holder.with("by another key", other.sign(&own_header, &claims)?),
                holder.with(
                    "by another key under the right one's name",
                    other.sign(&header, &holder.claims()?)?,
                ),
                holder.with("by nobody", unsigned),
            ],
        )
        .await
}

async fn other_request(target: &Target) -> Result<Outcome> {
    let holder = Holder::new(target).await?;
    let elsewhere = format!("https://attacker.example{LOOKUP}");
    let plain = |changes: Value| holder.proof(&json!({}), &changes);
    let of_delete = holder.place.replace("lookup", "delete");
    let mut forged = holder.with(
        "for another host, and `Host` names it",
        plain(json!({ "htu": elsewhere }))?,
    );
    forged.host = Some("attacker.example");
    holder
        .show(
            target,
            vec![
                holder.with("for another method", plain(json!({ "htm": "GET" }))?),
                holder.with("for another path", plain(json!({ "htu": of_delete }))?),
                holder.with("for another host", plain(json!({ "htu": elsewhere }))?),
                holder.with(
                    "for another token",
                    plain(json!({ "ath": hash_of("another token") }))?,
                ),
                holder.with("for no token", plain(json!({ "ath": null }))?),
                forged,
            ],
        )
        .await
}

async fn replay(target: &Target) -> Result<Outcome> {
    let holder = Holder::new(target).await?;
    let proof = holder.proof(&json!({}), &json!({}))?;
    let first = holder
        .ask(target, &holder.with("once", proof.clone()))
        .await?;
    if first.reception() != Reception::LetIn {
        return Err(NotTried::because(format!(
            "a proof is not taken even once: {first}"
        )));
    }
    holder.show(target, vec![holder.with("twice", proof)]).await
}

async fn stale(target: &Target) -> Result<Outcome> {
    let holder = Holder::new(target).await?;
    let now = UnixTime::now().seconds();
    let plain = |changes: Value| holder.proof(&json!({}), &changes);
    let mut shown = vec![
        holder.with("of an hour ago", plain(json!({ "iat": now - 3600 }))?),
        holder.with("of the future", plain(json!({ "iat": now + 3600 }))?),
        holder.with("without a time", plain(json!({ "iat": null }))?),
        holder.with("without an id", plain(json!({ "jti": null }))?),
        holder.with(
            "of another type",
            holder.proof(&json!({ "typ": "JWT" }), &json!({}))?,
        ),
    ];
    if holder.nonce.is_some() {
        shown.push(holder.with("without the nonce", plain(json!({ "nonce": null }))?));
        shown.push(holder.with("with another nonce", plain(json!({ "nonce": "another" }))?));
    }
    holder.show(target, shown).await
}

/// Whoever holds a bound token and its key, as the script client does.
struct Holder {
    key: ProofKey,
    token: String,
    nonce: Option<String>,
    /// Where a lookup is, by the gateway's own account.
    place: String,
}

/// What is shown to the gateway, and what is wrong with it in a few words.
struct Shown {
    what: &'static str,
    authorization: String,
    proof: Option<String>,
    host: Option<&'static str>,
}

impl Shown {
    fn new(what: &'static str, authorization: String, proof: Option<String>) -> Self {
        Self {
            what,
            authorization,
            proof,
            host: None,
        }
    }
}

impl Holder {
    /// Takes a bound token, which the gateway is seen to take with its proof.
    async fn new(target: &Target) -> Result<Self> {
        let key = ProofKey::generate()?;
        let token = bound_token(target, &key).await?;
        let mut holder = Self {
            key,
            token,
            nonce: None,
            place: format!("{}{LOOKUP}", target.public_url()?.trim_end_matches('/')),
        };
        let mut answer = holder
            .ask(
                target,
                &holder.with("", holder.proof(&json!({}), &json!({}))?),
            )
            .await?;
        if let Some(nonce) = nonce_in(&answer) {
            holder.nonce = Some(nonce);
            answer = holder
                .ask(
                    target,
                    &holder.with("", holder.proof(&json!({}), &json!({}))?),
                )
                .await?;
        }
        if answer.reception() != Reception::LetIn {
            let reason = format!("the gateway takes no bound token with its proof: {answer}");
            return Err(NotTried::because(reason));
        }
        Ok(holder)
    }

    /// A proof for a lookup with this token, with changes; null takes a member away.
    fn proof(&self, header: &Value, claims: &Value) -> Result<String> {
        let header = with_members(&self.header(), header);
        let claims = with_members(&self.claims()?, claims);
        self.key.sign(&header, &claims)
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.jwk() })
    }

    fn claims(&self) -> Result<Value> {
        let claims = json!({
            "jti": random_token()?,
            "htm": "POST",
            "htu": self.place,
            "iat": UnixTime::now().seconds(),
            "ath": hash_of(&self.token),
        });
        let nonce = json!({ "nonce": self.nonce });
        Ok(with_members(&claims, &nonce))
    }

    fn with(&self, what: &'static str, proof: String) -> Shown {
        Shown::new(what, format!("DPoP {}", self.token), Some(proof))
    }

    async fn ask(&self, target: &Target, shown: &Shown) -> Result<Answer> {
        let request = target.gateway()?.post(LOOKUP)?;
        let mut request = request.header(AUTHORIZATION, &shown.authorization);
        if let Some(proof) = &shown.proof {
            request = request.header("DPoP", proof);
        }
        if let Some(host) = shown.host {
            request = request.header(HOST, host);
        }
        Answer::to(request.json(&json!({ "identifier": target.somebody() }))).await
    }

    async fn show(&self, target: &Target, shown: Vec<Shown>) -> Result<Outcome> {
        let mut seen = Seen::default();
        for one in &shown {
            let answer = self.ask(target, one).await?;
            match answer.reception() {
                Reception::Refused => seen.add(answer),
                Reception::Unclear => return Err(super::forger::unclear(one.what, &answer)),
                Reception::LetIn => {
                    return Ok(Outcome::GotThrough(format!("{}: {answer}", one.what)));
                }
            }
        }
        Ok(Outcome::Blocked(seen.to_string()))
    }
}

/// The script client's token, bound to this key.
async fn bound_token(target: &Target, key: &ProofKey) -> Result<String> {
    let client = target.script_client()?;
    let issuer = target.issuer.as_deref().unwrap_or_default();
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk() });
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.client_id.as_str()),
        ("client_secret", client.secret.expose_secret()),
        ("audience", target.audience()?),
    ];
    let mut nonce = None;
    for _ in 0..2 {
        let claims = json!({
            "jti": random_token()?,
            "htm": "POST",
            "htu": format!("{}/oauth/token", issuer.trim_end_matches('/')),
            "iat": UnixTime::now().seconds(),
        });
        let proof = key.sign(&header, &with_members(&claims, &json!({ "nonce": nonce })))?;
        let request = target.tenant()?.post("oauth/token")?.header("DPoP", proof);
        let answer = Answer::to(request.form(&form)).await?;
        let is_bound = answer.json().get("token_type").and_then(Value::as_str) == Some("DPoP");
        match (token_in(&answer), nonce_in(&answer)) {
            (Some(token), _) if is_bound => return Ok(token),
            (None, Some(given)) if nonce.is_none() => nonce = Some(given),
            _ => break,
        }
    }
    Err(NotTried::because(
        "the tenant binds no token to a key, so there is none to be stripped",
    ))
}

/// A key that proofs are made with.
struct ProofKey(EcdsaKeyPair);

impl ProofKey {
    fn generate() -> Result<Self> {
        Ok(Self(EcdsaKeyPair::generate(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
        )?))
    }

    fn jwk(&self) -> Value {
        // An uncompressed point (SEC 1 §2.3.3): a byte of its form, and two coordinates.
        let point = self.0.public_key().as_ref();
        let (x, y) = point
            .get(1..)
            .unwrap_or_default()
            .split_at_checked(32)
            .unwrap_or_default();
        json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> Result<String> {
        let unsigned = unsigned_text(header, claims);
        let signature = self.0.sign(&SystemRandom::new(), unsigned.as_bytes())?;
        Ok(format!("{unsigned}.{}", encode(signature.as_ref())))
    }
}

fn unsigned_text(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| encode(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

fn with_members(good: &Value, changes: &Value) -> Value {
    let good = good.as_object().cloned().unwrap_or_default();
    Value::Object(with(&good, changes))
}

fn hash_of(token: &str) -> String {
    encode(digest(&SHA256, token.as_bytes()).as_ref())
}

fn nonce_in(answer: &Answer) -> Option<String> {
    let nonce = answer.headers.get("dpop-nonce")?.to_str().ok()?;
    (!answer.is_success()).then(|| nonce.to_owned())
}
