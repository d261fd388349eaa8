//! Tokens that are bound to a key (RFC 9449 §5): who gets them, and what a refresh token is worth without the key.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lychgate_tenant::{Mechanism, ProofOfPossession, Settings};
use lychgate_token::dpop::{Proof, sign};
use lychgate_token::{Algorithm, BearerToken, SigningKey, UnixTime};
use serde_json::{Value, json};

use crate::browser::{Browser, VERIFIER};
use crate::harness::{AUDIENCE, CALLBACK, SECRET, TestTenant, claims};

/// A tenant whose API has this use for proofs.
fn with_policy(required: bool) -> impl Fn(&Path, &mut Settings) {
    move |_, settings| {
        settings.policy.apis[0].proof_of_possession = Some(ProofOfPossession {
            mechanism: Mechanism::Dpop,
            required,
        });
    }
}

/// A client's key, and what is known of the tenant's nonce.
struct Prover {
    key: SigningKey,
    nonce: Option<String>,
}

/// An answer of the token endpoint.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
    nonce: Option<String>,
}

impl Prover {
    fn new() -> Self {
        Self {
            key: SigningKey::generate(Algorithm::Es256).unwrap(),
            nonce: None,
        }
    }

    fn thumbprint(&self) -> &str {
        self.key.verification_key().thumbprint()
    }

    fn proof(&self, tenant: &TestTenant, changes: &Value) -> String {
        let mut claims = json!({
            "jti": lychgate_token::random_token().unwrap(),
            "htm": "POST",
            "htu": tenant.url("oauth/token"),
            "iat": UnixTime::now().seconds(),
        });
        if let Some(nonce) = &self.nonce {
            claims["nonce"] = json!(nonce);
        }
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        sign(&self.key, &claims).unwrap()
    }

    /// Asks with a good proof, and once more if a nonce is wanted.
    async fn ask(&mut self, tenant: &TestTenant, form: &[(&str, &str)]) -> Answer {
        let answer = ask(tenant, form, &[&self.proof(tenant, &json!({}))]).await;
        if answer.body["error"] != "use_dpop_nonce" {
            return answer;
        }
        self.nonce = answer.nonce;
        ask(tenant, form, &[&self.proof(tenant, &json!({}))]).await
    }
}

async fn ask(tenant: &TestTenant, form: &[(&str, &str)], proofs: &[&str]) -> Answer {
    let mut request = tenant.http.post(tenant.url("oauth/token")).form(form);
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        nonce: response
            .headers()
            .get("dpop-nonce")
            .map(|nonce| nonce.to_str().unwrap().to_owned()),
        body: response.json().await.unwrap(),
    }
}

const CLIENT_CREDENTIALS: [(&str, &str); 4] = [
    ("grant_type", "client_credentials"),
    ("client_id", "script"),
    ("client_secret", SECRET),
    ("audience", AUDIENCE),
];

/// Logs Ada in for the API; the code that came of it.
async fn code(tenant: &TestTenant) -> String {
    let scope = [
        ("audience", AUDIENCE),
        ("scope", "openid offline_access read:users"),
    ];
    Browser::default().log_in(tenant, &scope).await["code"].clone()
}

fn exchange(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ]
}

fn is_bound(answer: &Answer, prover: &Prover) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["token_type"], "DPoP");
    let token = claims(&answer.body["access_token"]);
    assert_eq!(token["cnf"], json!({ "jkt": prover.thumbprint() }));
}

fn is_plain(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["token_type"], "Bearer");
    assert!(claims(&answer.body["access_token"]).get("cnf").is_none());
}

fn was_refused(answer: &Answer, error: &str) {
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (400, &json!(error)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_client_that_proves_a_key_gets_a_token_for_that_key() {
    let tenant = TestTenant::start_with(with_policy(false)).await;
    let mut prover = Prover::new();
    is_bound(&prover.ask(&tenant, &CLIENT_CREDENTIALS).await, &prover);
    is_plain(&ask(&tenant, &CLIENT_CREDENTIALS, &[]).await);
}

#[tokio::test]
async fn an_api_that_has_no_use_for_proofs_ignores_them_as_the_platform_does() {
    let tenant = TestTenant::start().await;
    is_plain(&Prover::new().ask(&tenant, &CLIENT_CREDENTIALS).await);
}

#[tokio::test]
async fn without_a_proof_there_is_no_token_where_api_or_client_ask_for_one() {
    let tenant = TestTenant::start_with(with_policy(true)).await;
    was_refused(
        &ask(&tenant, &CLIENT_CREDENTIALS, &[]).await,
        "invalid_dpop_proof",
    );
    let mut prover = Prover::new();
    is_bound(&prover.ask(&tenant, &CLIENT_CREDENTIALS).await, &prover);

    let tenant = TestTenant::start_with(|_, settings| {
        for client in &mut settings.clients {
            client.require_proof_of_possession = true;
        }
    })
    .await;
    was_refused(
        &ask(&tenant, &CLIENT_CREDENTIALS, &[]).await,
        "invalid_dpop_proof",
    );
    is_bound(&prover.ask(&tenant, &CLIENT_CREDENTIALS).await, &prover);
}

#[tokio::test]
async fn a_proof_is_good_once_here_and_now() {
    let tenant = TestTenant::start_with(with_policy(true)).await;
    let prover = Prover::new();
    let good = prover.proof(&tenant, &json!({}));
    is_bound(&ask(&tenant, &CLIENT_CREDENTIALS, &[&good]).await, &prover);
    was_refused(
        &ask(&tenant, &CLIENT_CREDENTIALS, &[&good]).await,
        "invalid_dpop_proof",
    );
    let now = UnixTime::now().seconds();
    for changes in [
        json!({ "htm": "GET" }),
        json!({ "htu": "https://other.example/oauth/token" }),
        json!({ "iat": now - 120 }),
        json!({ "iat": now + 120 }),
        json!({ "jti": "" }),
    ] {
        let proof = prover.proof(&tenant, &changes);
        was_refused(
            &ask(&tenant, &CLIENT_CREDENTIALS, &[&proof]).await,
            "invalid_dpop_proof",
        );
    }
    let [one, other] = [(); 2].map(|()| prover.proof(&tenant, &json!({})));
    was_refused(
        &ask(&tenant, &CLIENT_CREDENTIALS, &[&one, &other]).await,
        "invalid_dpop_proof",
    );
}

#[tokio::test]
async fn a_proof_of_which_nothing_comes_takes_no_room_from_others() {
    let tenant = TestTenant::start_with(with_policy(true)).await;
    let mut prover = Prover::new();
    let nobodys = "a-code-that-nobody-was-given-0123456789abcdef";
    prover.ask(&tenant, &exchange(nobodys)).await;
    let proof = prover.proof(&tenant, &json!({}));
    for _ in 0..2 {
        let answer = ask(&tenant, &exchange(nobodys), &[&proof]).await;
        was_refused(&answer, "invalid_grant");
    }
    let code = code(&tenant).await;
    is_bound(&ask(&tenant, &exchange(&code), &[&proof]).await, &prover);
    was_refused(
        &ask(&tenant, &exchange(&code), &[&proof]).await,
        "invalid_grant",
    );
}

#[tokio::test]
async fn a_nonce_that_is_not_the_tenants_is_asked_for_again() {
    let tenant = TestTenant::start_with(with_policy(true)).await;
    let mut prover = Prover::new();
    let proof = prover.proof(&tenant, &json!({ "nonce": "another" }));
    let answer = ask(&tenant, &CLIENT_CREDENTIALS, &[&proof]).await;
    was_refused(&answer, "use_dpop_nonce");
    prover.nonce = answer.nonce;
    assert!(prover.nonce.is_some());
    is_bound(&prover.ask(&tenant, &CLIENT_CREDENTIALS).await, &prover);
}

#[tokio::test]
async fn a_public_client_needs_a_nonce_and_keeps_its_code_until_it_has_one() {
    let tenant = TestTenant::start_with(with_policy(true)).await;
    let mut prover = Prover::new();
    let code = code(&tenant).await;
    let form = exchange(&code);
    let without_nonce = prover.proof(&tenant, &json!({}));
    was_refused(
        &ask(&tenant, &form, &[&without_nonce]).await,
        "use_dpop_nonce",
    );
    is_bound(&prover.ask(&tenant, &form).await, &prover);
}

#[tokio::test]
async fn a_refresh_token_of_a_public_client_is_worth_nothing_without_the_key() {
    let tenant = TestTenant::start_with(with_policy(false)).await;
    let mut prover = Prover::new();
    let code = code(&tenant).await;
    let tokens = prover.ask(&tenant, &exchange(&code)).await;
    is_bound(&tokens, &prover);
    let refresh_token = tokens.body["refresh_token"].as_str().unwrap().to_owned();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", refresh_token.as_str()),
    ];
    was_refused(&ask(&tenant, &form, &[]).await, "invalid_grant");
    was_refused(&Prover::new().ask(&tenant, &form).await, "invalid_grant");
    // Whoever tried without the key has ended nothing.
    let next = prover.ask(&tenant, &form).await;
    is_bound(&next, &prover);
    let next_token = next.body["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "app"),
        ("refresh_token", next_token),
    ];
    was_refused(&Prover::new().ask(&tenant, &form).await, "invalid_grant");
    is_bound(&prover.ask(&tenant, &form).await, &prover);
}

#[tokio::test]
async fn userinfo_takes_a_bound_token_with_a_proof_for_it_alone() {
    let tenant = TestTenant::start_with(with_policy(false)).await;
    let mut prover = Prover::new();
    let code = code(&tenant).await;
    let tokens = prover.ask(&tenant, &exchange(&code)).await;
    let token = tokens.body["access_token"].as_str().unwrap();
    let digest = BearerToken::new(token.to_owned()).unwrap().digest();
    let proof = |prover: &Prover, changes: Value| {
        let mut claims = json!({
            "htm": "GET", "htu": tenant.url("userinfo"), "ath": URL_SAFE_NO_PAD.encode(digest),
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        prover.proof(&tenant, &claims)
    };
    let ask = async |proof: &str| {
        let request = tenant.http.get(tenant.url("userinfo"));
        let request = request
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof);
        request.send().await.unwrap().status().as_u16()
    };
    let good = proof(&prover, json!({}));
    assert_eq!(ask(&good).await, 200);
    for bad in [
        good,
        proof(&Prover::new(), json!({})),
        proof(&prover, json!({ "htm": "POST" })),
        proof(&prover, json!({ "htu": tenant.url("oauth/token") })),
        proof(&prover, json!({ "ath": URL_SAFE_NO_PAD.encode([0; 32]) })),
    ] {
        assert_eq!(ask(&bad).await, 401);
    }
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_at_the_tenants_own_apis() {
    let tenant = TestTenant::start_with(with_policy(false)).await;
    let mut prover = Prover::new();
    let code = code(&tenant).await;
    let tokens = prover.ask(&tenant, &exchange(&code)).await;
    is_bound(&tokens, &prover);
    let token = tokens.body["access_token"].as_str().unwrap();
    let userinfo = tenant.http.get(tenant.url("userinfo")).bearer_auth(token);
    assert_eq!(userinfo.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_metadata_names_the_algorithms_of_proofs() {
    let tenant = TestTenant::start().await;
    let metadata = tenant
        .http
        .get(tenant.url(".well-known/openid-configuration"));
    let metadata: Value = metadata.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        metadata["dpop_signing_alg_values_supported"],
        json!(Proof::ALGORITHMS.map(Algorithm::name))
    );
}
