//! `lychgate serve` from its start to its stop: transports, operations, admin, audit, keys that come late.

#[cfg(test)]
mod mutual_tls;
#[cfg(test)]
mod possession;
#[cfg(test)]
mod published;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod rotation;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use reqwest::tls::Version;
use reqwest::{Client, ClientBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{
    AUDIENCE, Issuer, PASSWORD, SCRIPT_CLIENT, Serve, free_port, lychgate, sample_store,
};

/// The key of the pseudonyms, which nothing may say aloud.
const PSEUDONYM_KEY: &str = "pseudonym-key-canary-0123456789abcdef";

#[tokio::test]
async fn tls_1_3_and_1_2_carry_http_2_and_http_1_1() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    write(folder.path(), "gateway.pem", &certified.cert.pem());
    write(
        folder.path(),
        "gateway.key",
        &certified.signing_key.serialize_pem(),
    );
    let tls = "tls = { certificate = \"gateway.pem\", key = \"gateway.key\" }\nadmin_listen";
    change_config(folder.path(), "admin_listen", tls);
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let port = serve.gateway.rsplit(':').next().unwrap();
    assert!(serve.gateway.starts_with("https://"), "{}", serve.gateway);

    for (version, http) in [
        (Version::TLS_1_3, reqwest::Version::HTTP_2),
        (Version::TLS_1_3, reqwest::Version::HTTP_11),
        (Version::TLS_1_2, reqwest::Version::HTTP_2),
        (Version::TLS_1_2, reqwest::Version::HTTP_11),
    ] {
        let root = reqwest::Certificate::from_pem(certified.cert.pem().as_bytes()).unwrap();
        let client = client()
            .tls_certs_only([root])
            .min_tls_version(version)
            .max_tls_version(version);
        let client = if http == reqwest::Version::HTTP_11 {
            client.http1_only()
        } else {
            client
        };
        let answer = client
            .build()
            .unwrap()
            .post(format!("https://localhost:{port}/v1/users/lookup"))
            .bearer_auth(issuer.sign(&issuer.claims()))
            .json(&json!({ "identifier": "ada@example.com" }))
            .send()
            .await
            .unwrap();
        assert_eq!(
            (answer.status(), answer.version()),
            (StatusCode::OK, http),
            "{version:?}"
        );
    }
    let older = client().min_tls_version(Version::TLS_1_2).build().unwrap();
    let stranger = older.get(format!("https://localhost:{port}/")).send().await;
    assert!(
        stranger.is_err(),
        "a certificate that nobody vouches for was believed"
    );
}

#[tokio::test]
async fn every_operation_does_its_work_in_the_store() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let gateway = Gateway {
        serve: &serve,
        token: issuer.sign(&issuer.claims()),
    };
    let ada = json!({
        "user_id": "1", "email": "ada@example.com", "email_verified": true, "nickname": "ada", "blocked": false,
    });

    let answer = gateway
        .ask("authenticate", &who(" ADA@example.com", PASSWORD))
        .await;
    assert_eq!(answer, (200, json!({ "user": ada })));
    let nobody = (200, json!({ "user": null }));
    assert_eq!(
        gateway
            .ask("lookup", &json!({ "identifier": "ada@example.com" }))
            .await
            .1["user"],
        ada
    );

    let new =
        json!({ "email": "new@example.com", "nickname": "new", "password": "a first password" });
    let (status, created) = gateway.ask("create", &new).await;
    assert_eq!(
        (status, &created["user"]["email"]),
        (201, &json!("new@example.com"))
    );
    assert_eq!(gateway.ask("create", &new).await.0, 409);

    let verified = (200, json!({ "verified": true }));
    assert_eq!(
        gateway
            .ask("verify-email", &json!({ "email": "new@example.com" }))
            .await,
        verified
    );
    let changed = (200, json!({ "changed": true }));
    let password = json!({ "identifier": "new@example.com", "new_password": "a second password" });
    assert_eq!(gateway.ask("change-password", &password).await, changed);
    let email = json!({ "identifier": "new@example.com", "new_email": "newer@example.com", "email_verified": false });
    assert_eq!(gateway.ask("change-email", &email).await, changed);
    let (_, user) = gateway
        .ask(
            "authenticate",
            &who("newer@example.com", "a second password"),
        )
        .await;
    assert_eq!(user["user"]["email_verified"], false);
    assert_eq!(
        gateway
            .ask(
                "authenticate",
                &who("newer@example.com", "a first password")
            )
            .await,
        nobody
    );

    let user_id = json!({ "user_id": created["user"]["user_id"] });
    assert_eq!(
        gateway.ask("delete", &user_id).await,
        (200, json!({ "deleted": true }))
    );
    assert_eq!(
        gateway.ask("delete", &user_id).await,
        (200, json!({ "deleted": false }))
    );
    assert_eq!(
        gateway
            .ask("lookup", &json!({ "identifier": "newer@example.com" }))
            .await,
        nobody
    );
}

#[tokio::test]
async fn unknown_users_wrong_passwords_and_disabled_accounts_are_answered_alike() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let gateway = Gateway {
        serve: &serve,
        token: issuer.sign(&issuer.claims()),
    };
    let nobody = (200, json!({ "user": null }));
    for refused in [
        who("ada@example.com", "wrong"),
        who("nobody@example.com", PASSWORD),
        who("mallory@example.com", PASSWORD),
    ] {
        assert_eq!(
            gateway.ask("authenticate", &refused).await,
            nobody,
            "{refused}"
        );
    }
}

#[tokio::test]
async fn every_answer_is_one_line_of_a_file_that_only_its_owner_reads() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let token = issuer.sign(&issuer.claims());
    let gateway = Gateway {
        serve: &serve,
        token: token.clone(),
    };
    let body = json!({ "identifier": "ada@example.com", "password": PASSWORD });
    gateway.ask("authenticate", &body).await;
    gateway
        .ask(
            "authenticate",
            &json!({ "identifier": "ada@example.com", "password": "wrong-canary" }),
        )
        .await;
    Gateway {
        token: "nonsense".to_owned(),
        ..gateway
    }
    .ask("lookup", &body)
    .await;

    let path = folder.path().join("audit.jsonl");
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said: Vec<_> = lines
        .iter()
        .filter(|line| line["event"] == "answer")
        .map(|line| (line["status"].as_u64(), line["outcome"].as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (Some(200), Some("user")),
            (Some(200), Some("no-user")),
            (Some(401), Some("invalid-token"))
        ]
    );
    let (code, aloud) = serve.stop().await;
    assert_eq!(code, Some(0));
    for secret in [
        PASSWORD,
        "wrong-canary",
        "ada@example.com",
        PSEUDONYM_KEY,
        &token,
    ] {
        assert!(!text.contains(secret), "in the audit file");
        assert!(!aloud.contains(secret), "in what it says:\n{aloud}");
    }
}

#[tokio::test]
async fn the_admin_listener_tells_whether_it_lives_is_ready_counts_and_describes_what_is_defined() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    change_config(folder.path(), "delete = ", "# delete = ");
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let gateway = Gateway {
        serve: &serve,
        token: issuer.sign(&issuer.claims()),
    };
    gateway
        .ask("lookup", &json!({ "identifier": "ada@example.com" }))
        .await;
    let (status, problem) = gateway.ask("delete", &json!({ "user_id": "1" })).await;
    assert_eq!(
        (status, &problem["type"]),
        (404, &json!("urn:lychgate:problem:unknown-operation"))
    );

    assert_eq!(serve.admin("livez").await.0, 200);
    assert_eq!(serve.admin("readyz").await.0, 200);
    assert_eq!(serve.admin("nothing").await.0, 404);
    let (_, metrics) = serve.admin("metrics").await;
    let counted = "lychgate_requests_total{operation=\"lookup\",outcome=\"answered\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    for metric in &lychgate_gateway::metrics::METRICS {
        assert!(
            metrics.contains(&format!("# HELP {} ", metric.name)),
            "{}",
            metric.name
        );
    }
    let (_, document) = serve.admin("openapi.json").await;
    let document: Value = serde_json::from_str(&document).unwrap();
    let paths: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(paths.len(), 6);
    assert!(!paths.contains(&"/v1/users/delete".to_owned()));
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_says_how_long_that_took() {
    let issuer = Issuer::start();
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    serve.ready().await;
    let address = serve.gateway.trim_start_matches("http://").to_owned();

    // A request whose body is not whole yet is one that runs.
    let body = json!({ "identifier": "ada@example.com" }).to_string();
    let (first, rest) = body.split_at(5);
    let mut running = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /v1/users/lookup HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        issuer.sign(&issuer.claims()),
        body.len()
    );
    running.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    running.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    running.write_all(first.as_bytes()).await.unwrap();

    serve.terminate().await;
    let closed = async {
        while TcpStream::connect(&address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), closed)
        .await
        .expect("it still accepts");
    running.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\"user_id\":\"1\""), "{answer}");

    let (code, said) = serve.ended().await;
    assert_eq!(code, Some(0), "{said}");
    let words = said
        .lines()
        .find(|line| line.contains("gateway stopped after "))
        .unwrap();
    assert!(words.ends_with(" ms: 1 finished, 0 cut"), "{words}");
}

#[tokio::test]
async fn it_starts_without_the_issuer_and_is_ready_when_the_issuer_is() {
    let (port, _) = free_port();
    let mut issuer = Issuer::to_come(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let folder = folder(&issuer.identifier).await;
    let serve = Serve::start(folder.path()).await;
    let gateway = Gateway {
        serve: &serve,
        token: issuer.sign(&issuer.claims()),
    };
    let body = json!({ "identifier": "ada@example.com" });
    let (status, problem) = gateway.ask("lookup", &body).await;
    assert_eq!(
        (status, &problem["type"]),
        (503, &json!("urn:lychgate:problem:keys-unavailable"))
    );
    assert_eq!(serve.admin("readyz").await.0, 503);
    assert_eq!(serve.admin("livez").await.0, 200);

    issuer.publish();
    serve.ready().await;
    assert_eq!(gateway.ask("lookup", &body).await.0, 200);
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_failure_and_no_wrong_config() {
    let folder = folder("http://127.0.0.1:1/").await;
    let (port, _taken) = free_port();
    let config = std::fs::read_to_string(folder.path().join("lychgate.toml")).unwrap();
    let config = config.replacen("127.0.0.1:0", &format!("127.0.0.1:{port}"), 1);
    write(folder.path(), "lychgate.toml", &config);
    let output = lychgate(folder.path(), &["serve"]).output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{said}"
    );
}

#[tokio::test]
async fn an_issuer_that_differs_by_its_slash_is_said_to_be_what_was_meant() {
    let issuer = Issuer::start();
    let folder = folder(issuer.identifier.trim_end_matches('/')).await;
    let serve = Serve::start(folder.path()).await;
    let line = serve.said("did you mean").await;
    assert!(
        line.contains("trailing slash") && line.contains(&issuer.identifier),
        "{line}"
    );
    assert_eq!(serve.admin("readyz").await.0, 503);
}

/// Whoever calls the API.
pub(crate) struct Gateway<'serve> {
    pub(crate) serve: &'serve Serve,
    pub(crate) token: String,
}

impl Gateway<'_> {
    pub(crate) async fn ask(&self, operation: &str, body: &Value) -> (u16, Value) {
        let answer = client()
            .build()
            .unwrap()
            .post(format!("{}/v1/users/{operation}", self.serve.gateway))
            .bearer_auth(&self.token)
            .json(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

pub(crate) fn client() -> ClientBuilder {
    Client::builder().no_proxy()
}

/// Waits until something is so, at most two minutes.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(2), waiting).await;
    assert!(waited.is_ok(), "in vain: {what}");
}

/// The body of a login.
pub(crate) fn who(identifier: &str, password: &str) -> Value {
    json!({ "identifier": identifier, "password": password })
}

pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

pub(crate) fn change_config(folder: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join("lychgate.toml")).unwrap();
    assert_eq!(text.matches(from).count(), 1);
    write(folder, "lychgate.toml", &text.replace(from, to));
}

/// A folder with everything that a gateway behind this issuer needs.
pub(crate) async fn folder(issuer: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    sample_store(folder.path()).await;
    write(folder.path(), "pseudonym.key", PSEUDONYM_KEY);
    let config = format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[gateway.allowlist]
networks = ["127.0.0.0/8"]

[gateway.access_token]
issuers = ["{issuer}"]
audience = "{AUDIENCE}"
clients = ["{SCRIPT_CLIENT}"]

[store]
url = "sqlite:store.db"

[store.operations]
authenticate = "select id, email, email_verified, nickname, blocked, password_hash from users where email = :identifier"
lookup = "select id, email, email_verified, nickname, blocked from users where email = :identifier"
create = "insert into users (email, nickname, password_hash) values (:email, :nickname, :password_hash)"
verify_email = "update users set email_verified = 1 where email = :email"
change_password = "update users set password_hash = :password_hash where email = :identifier"
change_email = "update users set email = :new_email, email_verified = :email_verified where email = :identifier"
delete = "delete from users where id = :user_id"

[store.profile]
user_id = "id"

[audit]
file = "audit.jsonl"
pseudonym_key = "${{file:pseudonym.key}}"
"#
    );
    write(folder.path(), "lychgate.toml", &config);
    folder
}
