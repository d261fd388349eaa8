//! Proofs of possession over the wire (RFC 9449), and tokens that are good for one call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lychgate_gateway::{PublicUrl, SenderConstraint};
use lychgate_token::dpop::sign;
use lychgate_token::{BearerToken, SigningKey, UnixTime};
use serde_json::{Value, json};

use crate::issuer::key;
use crate::world::{Answer, World, ZOE, send};

/// What the scripts reach the gateway by. It is nobody's address here: what a proof is for is a matter of config.
const PUBLIC_URL: &str = "https://gateway.example/legacy/";
const LOOKUP: &str = "https://gateway.example/legacy/v1/users/lookup";

/// A gateway that asks for proofs, and a client with a key.
struct Proving {
    world: World,
    key: SigningKey,
    nonce: String,
}

impl Proving {
    async fn start() -> Self {
        Self::remembering(1000).await
    }

    /// With room for this many proofs.
    async fn remembering(entries: usize) -> Self {
        let world = World::with(|settings| {
            let url = PublicUrl::parse(PUBLIC_URL).unwrap();
            settings.access_token.sender_constraint = SenderConstraint::Dpop(url);
            settings.limits.replay_entries = entries;
        })
        .await;
        let nonce = world
            .lookup_with("any")
            .await
            .header("dpop-nonce")
            .to_owned();
        assert!(!nonce.is_empty(), "every answer carries a nonce");
        Self {
            world,
            key: key(),
            nonce,
        }
    }

    /// A good token that is bound to the client's key.
    fn token(&self) -> String {
        self.token_with(json!({ "jkt": self.key.verification_key().thumbprint() }))
    }

    fn token_with(&self, confirmation: Value) -> String {
        let mut claims = self.world.claims("read:users");
        claims.insert("cnf".to_owned(), confirmation);
        self.world.sign(&claims)
    }

    /// What a good proof for this token says.
    fn claims(&self, token: &str, jti: &str) -> Value {
        let token = BearerToken::new(token.to_owned()).unwrap();
        json!({
            "jti": jti, "htm": "POST", "htu": LOOKUP, "iat": UnixTime::now().seconds(),
            "ath": URL_SAFE_NO_PAD.encode(token.digest()), "nonce": self.nonce,
        })
    }

    fn proof(&self, token: &str, jti: &str) -> String {
        sign(&self.key, &self.claims(token, jti)).unwrap()
    }

    /// A good proof, but for some claims; `null` takes one away.
    fn changed(&self, token: &str, changes: Value) -> String {
        let mut claims = self.claims(token, "changed");
        for (name, value) in crate::world::object(changes) {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(&name);
            } else {
                claims[name] = value;
            }
        }
        sign(&self.key, &claims).unwrap()
    }

    async fn lookup(&self, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
        let mut request = self
            .world
            .client
            .post(self.world.url("/v1/users/lookup"))
            .header("authorization", format!("{scheme} {token}"));
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        send(request.json(&json!({ "identifier": ZOE }))).await
    }

    /// That this was refused, by which step, why, and how the caller was told.
    fn was_refused(&self, answer: &Answer, step: &str, reason: &str, error: &str) {
        answer.is_problem(401, "invalid-token");
        let challenge = format!("DPoP error=\"{error}\", algs=\"ES256 EdDSA\"");
        assert_eq!(answer.header("www-authenticate"), challenge, "{reason}");
        let line = self.world.audit().pop().unwrap();
        assert_eq!(
            (&line["step"], &line["reason"]),
            (&json!(step), &json!(reason))
        );
    }
}

#[tokio::test]
async fn a_bound_token_with_a_proof_by_its_key_is_answered_and_brings_the_next_nonce() {
    let proving = Proving::start().await;
    let token = proving.token();
    for jti in ["one", "two"] {
        let answer = proving
            .lookup("DPoP", &token, &[&proving.proof(&token, jti)])
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["user"]["email"], ZOE);
        assert_eq!(answer.header("dpop-nonce").len(), proving.nonce.len());
    }
    assert_eq!(proving.world.metric("lychgate_proofs").await, 2);
}

#[tokio::test]
async fn without_credentials_the_challenge_says_which_proofs_are_taken() {
    let proving = Proving::start().await;
    let answer = send(proving.world.client.post(proving.world.url("/"))).await;
    answer.is_problem(401, "invalid-token");
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge, "DPoP algs=\"ES256 EdDSA\"");
}

#[tokio::test]
async fn a_token_is_refused_unless_it_is_bound_and_sent_as_such() {
    let proving = Proving::start().await;
    let bound = proving.token();
    let proof = |token: &str| proving.proof(token, "once");
    let plain = proving.world.token("read:users");
    for token in [&plain, &bound] {
        let answer = proving.lookup("Bearer", token, &[&proof(token)]).await;
        proving.was_refused(
            &answer,
            "access_token",
            "constraint-not-proven",
            "invalid_token",
        );
    }
    let answer = proving.lookup("DPoP", &plain, &[&proof(&plain)]).await;
    proving.was_refused(&answer, "possession", "token-not-bound", "invalid_token");
    let thumbprint = proving.key.verification_key().thumbprint();
    for confirmation in [
        json!({ "x5t#S256": thumbprint }),
        json!({ "jkt": thumbprint, "x5t#S256": thumbprint }),
        json!({}),
    ] {
        let token = proving.token_with(confirmation);
        let answer = proving.lookup("DPoP", &token, &[&proof(&token)]).await;
        proving.was_refused(
            &answer,
            "possession",
            "constraint-not-proven",
            "invalid_token",
        );
    }
    let another = key();
    let another = json!({ "jkt": another.verification_key().thumbprint() });
    let token = proving.token_with(another);
    let answer = proving.lookup("DPoP", &token, &[&proof(&token)]).await;
    proving.was_refused(&answer, "possession", "another-key", "invalid_token");
}

#[tokio::test]
async fn a_proof_that_is_not_for_this_request_is_refused() {
    let proving = Proving::start().await;
    let token = proving.token();
    let now = UnixTime::now().seconds();
    let gateways_address = proving.world.url("/v1/users/lookup");
    let other = proving.world.token("read:users");
    for (proof, reason) in [
        (
            proving.changed(&token, json!({ "htm": "GET" })),
            "wrong-method",
        ),
        (
            proving.changed(
                &token,
                json!({ "htu": "https://gateway.example/legacy/v1/users/delete" }),
            ),
            "wrong-target",
        ),
        // The `Host` of the request says so, and is not asked.
        (
            proving.changed(&token, json!({ "htu": gateways_address })),
            "wrong-target",
        ),
        (
            proving.changed(&token, json!({ "iat": now - 120 })),
            "expired",
        ),
        (
            proving.changed(&token, json!({ "iat": now + 120 })),
            "issued-in-the-future",
        ),
        (
            proving.changed(&token, json!({ "jti": null })),
            "missing-claim",
        ),
        (
            proving.changed(&token, json!({ "ath": null })),
            "missing-claim",
        ),
        (proving.proof(&other, "other"), "wrong-access-token"),
        (
            proving
                .key
                .sign("dpop+jwt", &proving.claims(&token, "x"))
                .unwrap(),
            "missing-header",
        ),
        ("x".to_owned(), "malformed"),
    ] {
        let answer = proving.lookup("DPoP", &token, &[&proof]).await;
        proving.was_refused(&answer, "possession", reason, "invalid_dpop_proof");
    }
    let proof = proving.proof(&token, "once");
    let answer = proving.lookup("DPoP", &token, &[]).await;
    proving.was_refused(&answer, "possession", "no-proof", "invalid_dpop_proof");
    let answer = proving.lookup("DPoP", &token, &[&proof, &proof]).await;
    proving.was_refused(
        &answer,
        "possession",
        "several-proofs",
        "invalid_dpop_proof",
    );
    assert_eq!(proving.lookup("DPoP", &token, &[&proof]).await.status, 200);
}

#[tokio::test]
async fn a_proof_without_a_nonce_of_ours_is_asked_for_again_with_one() {
    let proving = Proving::start().await;
    let token = proving.token();
    for (jti, nonce) in [
        ("none", json!(null)),
        ("foreign", json!("a nonce of somebody else")),
        ("empty", json!("")),
    ] {
        let proof = proving.changed(&token, json!({ "nonce": nonce, "jti": jti }));
        let answer = proving.lookup("DPoP", &token, &[&proof]).await;
        proving.was_refused(&answer, "possession", "nonce-wanted", "use_dpop_nonce");
        // What was not taken is not used up, and the answer's own nonce will do.
        let nonce = answer.header("dpop-nonce");
        let proof = proving.changed(&token, json!({ "nonce": nonce, "jti": jti }));
        let again = proving.lookup("DPoP", &token, &[&proof]).await;
        assert_eq!(again.status, 200, "{jti}: {again:?}");
    }
}

#[tokio::test]
async fn a_proof_is_good_once_and_of_many_at_once_one_is_answered() {
    let proving = Proving::start().await;
    let token = proving.token();
    let proof = proving.proof(&token, "once");
    let proofs = [proof.as_str()];
    let at_once = || proving.lookup("DPoP", &token, &proofs);
    let (a, b, c, d) = tokio::join!(at_once(), at_once(), at_once(), at_once());
    let mut statuses = [a, b, c, d].map(|answer| answer.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401]);
    let answer = proving.lookup("DPoP", &token, &[&proof]).await;
    proving.was_refused(&answer, "possession", "used-before", "invalid_dpop_proof");
}

#[tokio::test]
async fn with_no_room_for_another_proof_nothing_is_answered_and_nothing_is_forgotten() {
    let proving = Proving::remembering(1).await;
    let token = proving.token();
    let first = proving.proof(&token, "first");
    assert_eq!(proving.lookup("DPoP", &token, &[&first]).await.status, 200);
    let second = proving.proof(&token, "second");
    proving
        .lookup("DPoP", &token, &[&second])
        .await
        .is_problem(503, "overloaded");
    let answer = proving.lookup("DPoP", &token, &[&first]).await;
    proving.was_refused(&answer, "possession", "used-before", "invalid_dpop_proof");
    assert_eq!(proving.world.metric("lychgate_proofs").await, 1);
}

#[tokio::test]
async fn a_token_of_one_use_is_good_for_one_call() {
    let world = World::with(|settings| {
        settings.access_token.one_use = true;
        settings.limits.replay_entries = 2;
    })
    .await;
    let token = |jti: &str| {
        let mut claims = world.claims("read:users");
        claims.insert("jti".to_owned(), json!(jti));
        world.sign(&claims)
    };
    let reason = |answer: &Answer| {
        answer.is_problem(401, "invalid-token");
        world.audit().pop().unwrap()["reason"].clone()
    };
    let one = token("one");
    assert_eq!(world.lookup_with(&one).await.status, 200);
    assert_eq!(reason(&world.lookup_with(&one).await), "used-before");
    let plain = world.token("read:users");
    assert_eq!(reason(&world.lookup_with(&plain).await), "no-token-id");
    assert_eq!(world.lookup_with(&token("two")).await.status, 200);
    let three = world.lookup_with(&token("three")).await;
    three.is_problem(503, "overloaded");
    assert_eq!(world.metric("lychgate_used_tokens").await, 2);
}
