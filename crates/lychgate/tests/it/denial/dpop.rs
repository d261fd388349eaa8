//! What is tried at a gateway that wants proofs of possession (RFC 9449).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lychgate_token::dpop::sign;
use lychgate_token::{Algorithm, BearerToken, SigningKey};
use serde_json::{Value, json};

use super::Credentials;
use crate::support::Issuer;

/// What the gateway is called in its config. Nobody answers there: a proof is for what config says.
pub(crate) const PUBLIC_URL: &str = "https://gateway.test";

/// A client with a key, and with the nonce that the gateway has given it.
pub(crate) struct Prover<'p> {
    pub(crate) issuer: &'p Issuer,
    pub(crate) nonce: String,
    key: SigningKey,
}

/// One row of the table.
pub(crate) struct ProofAttempt {
    pub(crate) name: &'static str,
    /// Whether the very same has been sent before.
    pub(crate) again: bool,
    pub(crate) make: fn(&Prover<'_>, &str) -> Credentials,
}

/// What comes back for each.
pub(crate) const REFUSED: &str = "401 invalid-token";

pub(crate) const PROOF_ATTEMPTS: [ProofAttempt; 11] = [
    attempt("DPoP: a plain token as a bearer", |prover, _| {
        Credentials::bearer(Some(prover.issuer.sign(&prover.issuer.claims())))
    }),
    attempt("DPoP: a plain token with a proof", |prover, path| {
        let token = prover.issuer.sign(&prover.issuer.claims());
        let proof = prover.proof(&token, path, &json!({}));
        Credentials::dpop(&token, Some(proof))
    }),
    attempt("DPoP: a bound token as a bearer", |prover, path| {
        let token = prover.token();
        Credentials {
            authorization: Some(format!("Bearer {token}")),
            proof: Some(prover.proof(&token, path, &json!({}))),
        }
    }),
    attempt("DPoP: no proof", |prover, _| {
        Credentials::dpop(&prover.token(), None)
    }),
    attempt("DPoP: a proof by another key", |prover, path| {
        let token = prover.token();
        let thief = Prover::new(prover.issuer, prover.nonce.clone());
        Credentials::dpop(&token, Some(thief.proof(&token, path, &json!({}))))
    }),
    attempt("DPoP: a proof for another operation", |prover, path| {
        let elsewhere = format!("{PUBLIC_URL}/v1/users/another");
        prover.with(path, &json!({ "htu": elsewhere }))
    }),
    attempt("DPoP: a proof for another method", |prover, path| {
        prover.with(path, &json!({ "htm": "PUT" }))
    }),
    attempt("DPoP: a proof for another token", |prover, path| {
        let another = BASE64_URL_SAFE_NO_PAD.encode([0; 32]);
        prover.with(path, &json!({ "ath": another }))
    }),
    attempt("DPoP: an old proof", |prover, path| {
        let issued_at = lychgate_token::UnixTime::now().seconds() - 120;
        prover.with(path, &json!({ "iat": issued_at }))
    }),
    attempt("DPoP: a proof without our nonce", |prover, path| {
        prover.with(path, &json!({ "nonce": "another" }))
    }),
    ProofAttempt {
        again: true,
        ..attempt("DPoP: a proof that was used", |prover, path| {
            prover.with(path, &json!({}))
        })
    },
];

const fn attempt(name: &'static str, make: fn(&Prover<'_>, &str) -> Credentials) -> ProofAttempt {
    ProofAttempt {
        name,
        again: false,
        make,
    }
}

impl<'p> Prover<'p> {
    pub(crate) fn new(issuer: &'p Issuer, nonce: String) -> Self {
        Self {
            issuer,
            nonce,
            key: SigningKey::generate(Algorithm::Es256).unwrap(),
        }
    }

    /// A bound token with a good proof, but for these claims of it.
    pub(crate) fn with(&self, path: &str, changes: &Value) -> Credentials {
        let token = self.token();
        let proof = self.proof(&token, path, changes);
        Credentials::dpop(&token, Some(proof))
    }

    fn token(&self) -> String {
        let mut claims = self.issuer.claims();
        let thumbprint = self.key.verification_key().thumbprint();
        claims.insert("cnf".to_owned(), json!({ "jkt": thumbprint }));
        self.issuer.sign(&claims)
    }

    fn proof(&self, token: &str, path: &str, changes: &Value) -> String {
        let digest = BearerToken::new(token.to_owned()).unwrap().digest();
        let mut claims = json!({
            "jti": lychgate_token::random_token().unwrap(),
            "htm": "POST",
            "htu": format!("{PUBLIC_URL}{path}"),
            "iat": lychgate_token::UnixTime::now().seconds(),
            "ath": BASE64_URL_SAFE_NO_PAD.encode(digest),
            "nonce": self.nonce,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        sign(&self.key, &claims).unwrap()
    }
}
