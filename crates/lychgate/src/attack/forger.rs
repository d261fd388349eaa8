//! Tokens that nobody issued: made from a good one, from the issuer's public keys, and with a key of the attacker's own.

use anyhow::{Context as _, Result};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::encoding::PublicKeyX509Der;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use lychgate_gateway::operations::OPERATIONS;
use lychgate_token::UnixTime;
use serde_json::{Map, Value, json};

use super::door::{Answer, Reception, Seen};
use super::target::Target;
use super::{NotTried, Outcome};

/// What forged tokens are made of.
pub(super) struct Forger {
    /// The parts of the good token, as they are.
    header: String,
    payload: String,
    signature: String,
    pub(super) good_header: Map<String, Value>,
    pub(super) good_claims: Map<String, Value>,
    /// The issuer's public keys; none where they cannot be had.
    pub(super) public_keys: Vec<Value>,
    own: RsaKeyPair,
}

/// A token, and what is wrong with it in a few words.
pub(super) struct Forgery {
    pub(super) what: String,
    pub(super) token: String,
}

/// The claims of a token that an issuer gives to a script client, with every scope there is.
pub(super) fn claims_of_a_script(
    issuer: &str,
    audience: &str,
    client_id: &str,
) -> Map<String, Value> {
    let now = UnixTime::now().seconds();
    Map::from_iter([
        ("iss".to_owned(), json!(issuer)),
        ("sub".to_owned(), json!(format!("{client_id}@clients"))),
        ("aud".to_owned(), json!(audience)),
        ("azp".to_owned(), json!(client_id)),
        ("gty".to_owned(), json!("client-credentials")),
        ("iat".to_owned(), json!(now)),
        ("exp".to_owned(), json!(now + 3600)),
        ("scope".to_owned(), json!(every_scope())),
    ])
}

/// The scopes of all operations.
pub(super) fn every_scope() -> String {
    OPERATIONS
        .each_ref()
        .map(|operation| operation.scope)
        .join(" ")
}

/// Shows each token to the gateway, with a question that a good one would be answered.
pub(super) async fn show(target: &Target, tokens: Vec<Forgery>) -> Result<Outcome> {
    target.good_token().await?;
    let mut seen = Seen::default();
    for Forgery { what, token } in tokens {
        let answer = target.lookup(Some(&token)).await?;
        match answer.reception() {
            Reception::LetIn => return Ok(Outcome::GotThrough(format!("{what}: {answer}"))),
            Reception::Unclear => return Err(unclear(&what, &answer)),
            Reception::Refused => seen.add(answer),
        }
    }
    if seen.is_empty() {
        return Err(NotTried::because("there was no such token to be had"));
    }
    Ok(Outcome::Blocked(seen.to_string()))
}

/// The same of what a forger makes.
pub(super) async fn show_forged(
    target: &Target,
    forge: fn(&Forger, &Target) -> Result<Vec<Forgery>>,
) -> Result<Outcome> {
    let forgeries = forge(target.forger().await?, target)?;
    show(target, forgeries).await
}

pub(super) fn unclear(what: &str, answer: &Answer) -> anyhow::Error {
    NotTried::because(format!(
        "{what}: the answer is {answer}, which tells nothing"
    ))
}

impl Forger {
    pub(super) async fn new(target: &Target, good: &str) -> Result<Self> {
        let mut parts = good.splitn(3, '.').map(str::to_owned);
        let mut part = || parts.next().context("a token has three parts");
        let (header, payload, signature) = (part()?, part()?, part()?);
        Ok(Self {
            good_header: object(&header)?,
            good_claims: object(&payload)?,
            header,
            payload,
            signature,
            public_keys: public_keys(target).await.unwrap_or_default(),
            own: RsaKeyPair::generate(KeySize::Rsa2048)?,
        })
    }

    /// The good token with another signature.
    pub(super) fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}.{}", self.header, self.payload, encode(signature))
    }

    /// The signature of the good token.
    pub(super) fn signature(&self) -> Result<Vec<u8>> {
        Ok(BASE64_URL_SAFE_NO_PAD.decode(&self.signature)?)
    }

    /// The claims of the good token, under another header and the good token's signature.
    pub(super) fn with_header(&self, changes: &Value) -> String {
        let header = self.header_with(changes);
        format!("{header}.{}.{}", self.payload, self.signature)
    }

    /// Other claims, under the header and the signature of the good token.
    pub(super) fn with_claims(&self, changes: &Value) -> String {
        let claims = Value::Object(with(&self.good_claims, changes)).to_string();
        format!(
            "{}.{}.{}",
            self.header,
            encode(claims.as_bytes()),
            self.signature
        )
    }

    /// The claims of the good token, under another header and without a signature.
    pub(super) fn unsigned(&self, changes: &Value) -> String {
        format!("{}.{}", self.header_with(changes), self.payload)
    }

    /// The same, with an HMAC under this key.
    pub(super) fn by_hmac(
        &self,
        changes: &Value,
        algorithm: hmac::Algorithm,
        key: &[u8],
    ) -> String {
        let unsigned = self.unsigned(changes);
        let key = hmac::Key::new(algorithm, key);
        let signature = hmac::sign(&key, unsigned.as_bytes());
        format!("{unsigned}.{}", encode(signature.as_ref()))
    }

    /// The good token's claims with changes, signed by the attacker's own key.
    pub(super) fn by_own_key(&self, header: &Value, claims: &Value) -> Result<String> {
        let claims = Value::Object(with(&self.good_claims, claims)).to_string();
        let unsigned = format!("{}.{}", self.header_with(header), encode(claims.as_bytes()));
        let mut signature = vec![0; self.own.public_modulus_len()];
        let random = SystemRandom::new();
        self.own.sign(
            &RSA_PKCS1_SHA256,
            &random,
            unsigned.as_bytes(),
            &mut signature,
        )?;
        Ok(format!("{unsigned}.{}", encode(&signature)))
    }

    /// The attacker's own public key.
    pub(super) fn own_public_key(&self, key_id: &str) -> Value {
        let public = self.own.public_key();
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key_id,
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    fn header_with(&self, changes: &Value) -> String {
        let header = Value::Object(with(&self.good_header, changes)).to_string();
        encode(header.as_bytes())
    }
}

/// A public key in the forms in which programs hold it, each of which has been taken for an HMAC secret somewhere.
pub(super) fn forms_of_public_key(jwk: &Value) -> Vec<Vec<u8>> {
    let mut forms = vec![jwk.to_string().into_bytes()];
    let member = |name: &str| {
        let text = jwk.get(name).and_then(Value::as_str)?;
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()
    };
    if let (Some(n), Some(e)) = (member("n"), member("e")) {
        let components = PublicKeyComponents { n: &n, e: &e };
        let der: Result<PublicKeyX509Der<'_>, _> = components.as_der();
        if let Ok(der) = der {
            let base64 = BASE64_STANDARD.encode(der.as_ref());
            let lines: Vec<_> = base64.as_bytes().chunks(64).collect();
            let lines = String::from_utf8_lossy(&lines.join(&b'\n')).into_owned();
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----");
            forms.push(format!("{pem}\n").into_bytes());
            forms.push(pem.into_bytes());
            forms.push(der.as_ref().to_vec());
        }
        forms.push(n);
    }
    forms
}

/// `good` with changes; null takes a member away.
pub(super) fn with(good: &Map<String, Value>, changes: &Value) -> Map<String, Value> {
    let mut members = good.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    members
}

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// One part of a token as JSON, believed as it stands.
pub(super) fn object(part: &str) -> Result<Map<String, Value>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// The claims of a token, believed as they stand.
pub(super) fn claims(token: &str) -> Result<Map<String, Value>> {
    object(token.split('.').nth(1).context("a token has claims")?)
}

/// The key set that the tenant publishes, which is asked at the tenant and nowhere else.
async fn public_keys(target: &Target) -> Result<Vec<Value>> {
    let tenant = target.tenant()?;
    let discovery = tenant.endpoint(".well-known/openid-configuration")?;
    let discovery = Answer::to(tenant.http.get(discovery)).await?.json();
    let place = discovery.get("jwks_uri").and_then(Value::as_str);
    let place = reqwest::Url::parse(place.context("discovery names no keys")?)?;
    let keys = Answer::to(tenant.http.get(tenant.endpoint(place.path())?)).await?;
    let keys = keys.json();
    let keys = keys.get("keys").and_then(Value::as_array);
    Ok(keys
        .context("there are no keys")?
        .iter()
        .take(4)
        .cloned()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_has_its_known_forms() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = key.public_key();
        let jwk = json!({
            "n": encode(public.modulus().big_endian_without_leading_zero()),
            "e": encode(public.exponent().big_endian_without_leading_zero()),
        });
        let forms = forms_of_public_key(&jwk);
        assert_eq!(forms.len(), 5);
        let pem = String::from_utf8(forms[1].clone()).unwrap();
        // `SEQUENCE { SEQUENCE { rsaEncryption, NULL } … }` (RFC 3279 §2.3.1).
        assert!(
            pem.starts_with("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOC"),
            "{pem}"
        );
    }

    #[test]
    fn null_takes_a_member_away() {
        let good = json!({ "a": 1, "b": 2 });
        let changed = with(good.as_object().unwrap(), &json!({ "a": null, "c": 3 }));
        assert_eq!(Value::Object(changed), json!({ "b": 2, "c": 3 }));
    }
}
