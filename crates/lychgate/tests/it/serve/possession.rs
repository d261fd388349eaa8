//! The whole chain with tokens that are bound to a key: a person, the tenant, its scripts, the gateway, the store.

use reqwest::Url;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;

use super::*;

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

    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
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
