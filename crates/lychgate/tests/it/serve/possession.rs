//! Tokens that are bound to a key, over the whole chain: a person, the tenant, its scripts, the gateway, the store; those
//! that are bound to a certificate; and what a change of the config brings back: nothing.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Url};

use super::*;
use crate::denial::Credentials;
use crate::denial::dpop::{PUBLIC_URL, Prover};
use crate::support::{Authority, Pair};

/// Where the application would be.
const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// A gateway and a tenant in one folder, each at a port that it names.
struct Chain {
    folder: TempDir,
    tenant: String,
}

impl Chain {
    async fn new() -> Self {
        let ((gateway, _), (tenant, _)) = (free_port(), free_port());
        let issuer = format!("http://127.0.0.1:{tenant}/");
        let folder = folder(&issuer).await;
        let written = lychgate(folder.path(), &["export", "scripts", "--out", "."])
            .output()
            .await
            .unwrap();
        assert!(written.status.success(), "{written:?}");
        write(
            folder.path(),
            "script-client.secret",
            "a secret of the script client",
        );
        for (from, to) in [
            (
                "\nlisten = \"127.0.0.1:0\"",
                format!(
                    "\nlisten = \"127.0.0.1:{gateway}\"\npublic_url = \"http://127.0.0.1:{gateway}/\""
                ),
            ),
            (
                "\naudience",
                "\nsender_constraint = \"dpop\"\naudience".to_owned(),
            ),
        ] {
            change_config(folder.path(), from, &to);
        }
        let config = std::fs::read_to_string(folder.path().join("lychgate.toml")).unwrap();
        let tenant = tenant_section(&issuer, gateway, tenant);
        write(folder.path(), "lychgate.toml", &format!("{config}{tenant}"));
        Self {
            folder,
            tenant: issuer,
        }
    }

    /// Logs in as a browser does; the code that comes back to the application, if one does.
    async fn log_in(&self, password: &str) -> Option<String> {
        let http = client().redirect(Policy::none()).build().unwrap();
        let parameters = [
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ];
        let address = format!("{}authorize", self.tenant);
        let address = Url::parse_with_params(&address, parameters).unwrap();
        let login = http.get(address).send().await.unwrap();
        let cookie = login.headers()[SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = login.headers()[LOCATION].to_str().unwrap();
        let page = Url::parse(&self.tenant).unwrap().join(page).unwrap();
        let (_, state) = page
            .query_pairs()
            .find(|(name, _)| name == "state")
            .unwrap();
        let form = [
            ("state", state.as_ref()),
            ("username", "ada@example.com"),
            ("password", password),
        ];
        let submitted = http.post(format!("{}u/login", self.tenant)).form(&form);
        let answer = submitted.header(COOKIE, cookie).send().await.unwrap();
        let back = answer.headers().get(LOCATION)?.to_str().unwrap();
        let back = Url::parse(back).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.map(|(_, code)| code.into_owned())
    }

    /// The lines of answers.
    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["event"] == "answer")
            .collect()
    }
}

#[tokio::test]
async fn people_log_in_through_scripts_whose_tokens_are_bound_to_a_key() {
    let chain = Chain::new().await;
    let serve = Serve::start(chain.folder.path()).await;
    serve.ready().await;
    assert!(
        chain.log_in(PASSWORD).await.is_some(),
        "{:?}",
        chain.audit()
    );
    assert!(chain.log_in("another password").await.is_none());

    // The first request was asked for a nonce; each after it carried one.
    let lines = chain.audit();
    let reasons: Vec<_> = lines.iter().map(|line| line["reason"].clone()).collect();
    assert_eq!(
        reasons,
        [json!("nonce-wanted"), json!(null), json!(null)],
        "{lines:?}"
    );
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes[1..], [json!("user"), json!("no-user")]);
    let (_, metrics) = serve.admin("metrics").await;
    assert!(metrics.contains("lychgate_proofs 2"), "{metrics}");
}

#[tokio::test]
async fn scripts_without_a_key_get_nothing_where_one_is_asked_for() {
    let chain = Chain::new().await;
    change_config(chain.folder.path(), "SENDER_CONSTRAINT = \"dpop\"\n", "");
    let serve = Serve::start(chain.folder.path()).await;
    serve.ready().await;
    assert!(chain.log_in(PASSWORD).await.is_none());
    assert_eq!(
        chain.audit(),
        [json!(null); 0],
        "the tenant gave them no token"
    );
}

#[tokio::test]
async fn other_rules_are_in_force_at_once_and_bring_no_proof_back() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let bearer = Credentials {
        authorization: Some(format!("Bearer {}", issuer.sign(&issuer.claims()))),
        proof: None,
    };
    assert_eq!(look_up(&serve, &bearer).await.status(), StatusCode::OK);

    let listen = "\nlisten = \"127.0.0.1:0\"";
    change_config(
        folder.path(),
        listen,
        &format!("{listen}\npublic_url = \"{PUBLIC_URL}\""),
    );
    let audience = "\naudience";
    let constraint = format!("\nsender_constraint = \"dpop\"{audience}");
    change_config(folder.path(), audience, &constraint);
    let nonce = until_answered(&serve, &bearer, StatusCode::UNAUTHORIZED).await;
    let path = "/v1/users/lookup";
    let prover = Prover::new(&issuer, nonce);
    let sent = prover.with(path, &json!({}));
    assert_eq!(look_up(&serve, &sent).await.status(), StatusCode::OK);

    let lifetime = format!("\nmax_lifetime = \"2h\"{audience}");
    change_config(folder.path(), audience, &lifetime);
    let (_, before) = serve.admin("metrics").await;
    let adopted = "lychgate_reloads_total{outcome=\"adopted\"} ";
    let count = |metrics: &str| {
        let mut lines = metrics.lines();
        lines.find_map(|line| line.strip_prefix(adopted)?.parse::<u64>().ok())
    };
    let reloaded = async {
        while count(&serve.admin("metrics").await.1) == count(&before) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let reloaded = tokio::time::timeout(Duration::from_secs(30), reloaded);
    assert!(reloaded.await.is_ok(), "it never reads the config again");
    let again = look_up(&serve, &sent).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    let another = prover.with(path, &json!({}));
    assert_eq!(look_up(&serve, &another).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_is_good_over_its_own_connections_alone() {
    let [servers, callers] = ["servers", "callers"].map(Authority::new);
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let server = servers.server("localhost");
    write(folder.path(), "gateway.pem", &server.certificate);
    write(folder.path(), "gateway.key", &server.key);
    write(folder.path(), "callers.pem", &callers.pem());
    let tls = "tls = { certificate = \"gateway.pem\", key = \"gateway.key\", client_ca = \"callers.pem\" }";
    change_config(
        folder.path(),
        "admin_listen",
        &format!("{tls}\nadmin_listen"),
    );
    let constraint = "\nsender_constraint = \"mtls\"\naudience";
    change_config(folder.path(), "\naudience", constraint);
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;

    let (own, another) = (callers.client(2), callers.client(3));
    let root = Certificate::from_pem(servers.pem().as_bytes()).unwrap();
    let http = client().tls_certs_only([root]).identity(own.identity());
    let http = http.build().unwrap();
    let port = serve.gateway.rsplit(':').next().unwrap();
    let url = format!("https://localhost:{port}/v1/users/lookup");
    let bound = |confirmation: Value| {
        let mut claims = issuer.claims();
        claims.insert("cnf".to_owned(), confirmation);
        issuer.sign(&claims)
    };
    let ask = async |authorization: String| {
        let request = http.post(&url).header("authorization", authorization);
        let request = request.json(&json!({ "identifier": "ada@example.com" }));
        let answer = request.send().await.unwrap();
        let text = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        (
            answer.status(),
            line["reason"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let good = bound(json!({ "x5t#S256": thumbprint(&own) }));
    for scheme in ["Bearer", "DPoP"] {
        let answer = ask(format!("{scheme} {good}")).await;
        assert_eq!(answer, (StatusCode::OK, String::new()), "{scheme}");
    }
    for (token, reason) in [
        (
            bound(json!({ "x5t#S256": thumbprint(&another) })),
            "another-certificate",
        ),
        (issuer.sign(&issuer.claims()), "token-not-bound"),
        (
            bound(json!({ "jkt": thumbprint(&own) })),
            "constraint-not-proven",
        ),
        (bound(json!({})), "constraint-not-proven"),
    ] {
        let answer = ask(format!("Bearer {token}")).await;
        assert_eq!(answer, (StatusCode::UNAUTHORIZED, reason.to_owned()));
    }
}

/// The `x5t#S256` of a certificate (RFC 8705 §3.1).
fn thumbprint(pair: &Pair) -> String {
    let lines = pair.certificate.lines();
    let text: String = lines.filter(|line| !line.starts_with("-----")).collect();
    let der = BASE64_STANDARD.decode(text).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &der))
}

async fn look_up(serve: &Serve, credentials: &Credentials) -> reqwest::Response {
    let http = client().build().unwrap();
    let mut request = http.post(format!("{}/v1/users/lookup", serve.gateway));
    if let Some(authorization) = &credentials.authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(proof) = &credentials.proof {
        request = request.header("dpop", proof);
    }
    let request = request.json(&json!({ "identifier": "ada@example.com" }));
    request.send().await.unwrap()
}

/// Asks until the answer has this status; the nonce that came with it.
async fn until_answered(serve: &Serve, credentials: &Credentials, status: StatusCode) -> String {
    let answered = async {
        loop {
            let answer = look_up(serve, credentials).await;
            let nonce = answer.headers().get("dpop-nonce");
            if let (true, Some(nonce)) = (answer.status() == status, nonce) {
                return nonce.to_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answered = tokio::time::timeout(Duration::from_mins(1), answered).await;
    answered.unwrap_or_else(|_| panic!("it never answers {status}"))
}

fn tenant_section(issuer: &str, gateway: u16, tenant: u16) -> String {
    format!(
        r#"
[tenant]
issuer = "{issuer}"
listen = "127.0.0.1:{tenant}"
state = "sqlite:tenant.db"

[[tenant.apis]]
identifier = "{AUDIENCE}"
scopes = ["authenticate:users", "read:users"]
proof_of_possession = {{ mechanism = "dpop", required = true }}
subject_type_authorization = {{ user = "deny_all" }}

[[tenant.clients]]
client_id = "app"
token_endpoint_auth_method = "none"
grant_types = ["authorization_code"]
callbacks = ["{CALLBACK}"]

[[tenant.clients]]
client_id = "{SCRIPT_CLIENT}"
client_secret = "${{file:script-client.secret}}"
grant_types = ["client_credentials"]

[[tenant.client_grants]]
client_id = "{SCRIPT_CLIENT}"
audience = "{AUDIENCE}"
scope = ["authenticate:users", "read:users"]

[[tenant.connections]]
name = "legacy"
scripts = "action_scripts"
outbound_hosts = ["127.0.0.1:{gateway}", "127.0.0.1:{tenant}"]

[tenant.connections.configuration]
GATEWAY_URL = "http://127.0.0.1:{gateway}"
TOKEN_URL = "{issuer}oauth/token"
AUDIENCE = "{AUDIENCE}"
CLIENT_ID = "{SCRIPT_CLIENT}"
CLIENT_SECRET = "${{file:script-client.secret}}"
SENDER_CONSTRAINT = "dpop"
"#
    )
}
