//! The denial table: every operation, with every kind of token and from every kind of place that must get nothing.
//!
//! Each cell is made by a request that would do its work if a single guard were missing: it carries a body that is
//! right for its operation. After each, the store must be the same to the byte, and the audit one line longer.

mod attempt;
pub(crate) mod dpop;
mod table;

use std::time::{Duration, Instant};

use lychgate_gateway::operations::OPERATIONS;
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

use self::attempt::{ATTEMPTS, Place};
use self::dpop::{PROOF_ATTEMPTS, Prover, REFUSED};
use self::table::Table;
use crate::support::{AUDIENCE, Issuer, SCRIPT_CLIENT, Serve, sample_store};

#[tokio::test]
async fn every_operation_denies_what_must_be_denied_and_the_generated_table_says_so() {
    let issuer = Issuer::start();
    let forger = Issuer::start();
    let open = Deployment::start(config(&issuer, "127.0.0.0/8")).await;
    let elsewhere = Deployment::start(config(&issuer, "192.0.2.0/24")).await;
    let mut broken = Deployment::start(config(&issuer, "127.0.0.0/8")).await;
    broken.lock_store().await;

    let mut table = Table::new();
    for attempt in &ATTEMPTS {
        let deployment = match attempt.place {
            Place::Allowed => &open,
            Place::NotAllowed => &elsewhere,
            Place::StoreDown => &broken,
        };
        for operation in &OPERATIONS {
            for token in attempt.tokens(&issuer, &forger, operation) {
                let credentials = Credentials::bearer(token);
                let answer = deployment.denied(operation.path, &credentials).await;
                assert_eq!(
                    answer, attempt.expected,
                    "{} on {}",
                    attempt.name, operation.name
                );
            }
            table.add(attempt.name, attempt.expected, operation.name);
        }
    }
    deny_without_possession(&issuer, &mut table).await;
    broken.unlock_store().await;
    // The control, without which none of this would prove anything: with a good token each of them does its work.
    let good = Credentials::bearer(Some(issuer.sign(&issuer.claims())));
    open.does_everything(|_| good.clone()).await;
    table.compare_or_write();
}

/// The rows of a gateway that wants proofs of possession, and their control.
async fn deny_without_possession(issuer: &Issuer, table: &mut Table) {
    let deployment = Deployment::start(dpop_config(issuer)).await;
    let prover = Prover::new(issuer, deployment.nonce().await);
    for attempt in &PROOF_ATTEMPTS {
        for operation in &OPERATIONS {
            let credentials = (attempt.make)(&prover, operation.path);
            if attempt.again {
                deployment.spend(operation.path, &credentials).await;
            }
            let answer = deployment.denied(operation.path, &credentials).await;
            assert_eq!(answer, REFUSED, "{} on {}", attempt.name, operation.name);
            table.add(attempt.name, REFUSED, operation.name);
        }
    }
    deployment
        .does_everything(|path| prover.with(path, &serde_json::json!({})))
        .await;
}

/// What a request brings along.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) authorization: Option<String>,
    pub(crate) proof: Option<String>,
}

impl Credentials {
    fn bearer(token: Option<String>) -> Self {
        Self {
            authorization: token.map(|token| format!("Bearer {token}")),
            proof: None,
        }
    }

    fn dpop(token: &str, proof: Option<String>) -> Self {
        Self {
            authorization: Some(format!("DPoP {token}")),
            proof,
        }
    }
}

/// A gateway with a store of its own.
struct Deployment {
    folder: TempDir,
    serve: Serve,
    lock: Option<Lock>,
}

/// Another program that holds the store, as one that is stuck would, and what was in the store before.
struct Lock {
    holder: SqliteConnection,
    before: Vec<u8>,
}

impl Deployment {
    async fn start(config: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        sample_store(folder.path()).await;
        std::fs::write(folder.path().join("lychgate.toml"), config).unwrap();
        let serve = Serve::start(folder.path()).await;
        serve.ready().await;
        Self {
            folder,
            serve,
            lock: None,
        }
    }

    /// Sends one well-formed request and returns how it was answered, having looked at store and audit.
    async fn denied(&self, path: &str, credentials: &Credentials) -> String {
        let (store, lines) = (self.store(), self.audit_lines());
        let answer = self.send(path, credentials).await;
        assert_eq!(self.store(), store, "{path}: the store has changed");
        assert_eq!(
            self.audit_lines_after(lines).await,
            lines + 1,
            "{path}: one line of audit"
        );
        answer
    }

    /// The number of lines once there is one more: whoever is closed on does not wait for the line about it.
    async fn audit_lines_after(&self, before: usize) -> usize {
        let until = Instant::now() + Duration::from_secs(10);
        while self.audit_lines() == before && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.audit_lines()
    }

    /// That with these credentials each operation does its work.
    async fn does_everything(&self, credentials: impl Fn(&str) -> Credentials) {
        for operation in &OPERATIONS {
            let answer = self
                .send(operation.path, &credentials(operation.path))
                .await;
            let done = format!("{} done", operation.status.as_u16());
            assert_eq!(answer, done, "{}", operation.name);
        }
    }

    /// Uses a proof up, without anything being done.
    async fn spend(&self, path: &str, credentials: &Credentials) {
        let request = self.request(path, credentials).json(&serde_json::json!({}));
        assert_eq!(request.send().await.unwrap().status(), 422);
    }

    /// The nonce that every answer brings.
    async fn nonce(&self) -> String {
        let answer = self.request("/", &Credentials::bearer(None)).send().await;
        let nonce = answer.unwrap().headers()["dpop-nonce"].clone();
        nonce.to_str().unwrap().to_owned()
    }

    fn request(&self, path: &str, credentials: &Credentials) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().build().unwrap();
        let mut request = client.post(format!("{}{path}", self.serve.gateway));
        if let Some(authorization) = &credentials.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(proof) = &credentials.proof {
            request = request.header("dpop", proof);
        }
        request
    }

    async fn send(&self, path: &str, credentials: &Credentials) -> String {
        let request = self
            .request(path, credentials)
            .json(&attempt::body_for(path));
        let Ok(answer) = request.send().await else {
            return "closed".to_owned();
        };
        let status = answer.status().as_u16();
        let body: serde_json::Map<String, Value> = answer.json().await.unwrap();
        if let Some(Value::String(kind)) = body.get("type") {
            return format!(
                "{status} {}",
                kind.rsplit(['/', ':']).next().unwrap_or_default()
            );
        }
        let done = body
            .values()
            .all(|value| value.is_object() || *value == Value::Bool(true));
        format!(
            "{status} {}",
            if done { "done" } else { "and nothing done" }
        )
    }

    /// What is in the store; of a locked one it is asked when it is unlocked, because a process that closes a file
    /// gives up its locks on it (POSIX, `fcntl`).
    fn store(&self) -> Option<Vec<u8>> {
        self.lock
            .is_none()
            .then(|| std::fs::read(self.folder.path().join("store.db")).unwrap())
    }

    fn audit_lines(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("audit.jsonl"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    async fn lock_store(&mut self) {
        let before = self.store().unwrap();
        let url = format!("sqlite:{}", self.folder.path().join("store.db").display());
        let mut holder = SqliteConnection::connect(&url).await.unwrap();
        holder.execute("begin exclusive").await.unwrap();
        self.lock = Some(Lock { holder, before });
    }

    async fn unlock_store(&mut self) {
        let Lock { holder, before } = self.lock.take().unwrap();
        holder.close().await.unwrap();
        assert_eq!(
            self.store(),
            Some(before),
            "the store has changed while it was down"
        );
    }
}

fn dpop_config(issuer: &Issuer) -> String {
    let public_url = format!("[gateway]\npublic_url = \"{}/\"", dpop::PUBLIC_URL);
    config(issuer, "127.0.0.0/8")
        .replacen("[gateway]", &public_url, 1)
        .replacen("\naudience", "\nsender_constraint = \"dpop\"\naudience", 1)
}

fn config(issuer: &Issuer, network: &str) -> String {
    format!(
        r#"
[gateway]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"

[gateway.allowlist]
networks = ["{network}"]

[gateway.access_token]
issuers = ["{issuer}"]
audience = "{AUDIENCE}"
clients = ["{SCRIPT_CLIENT}"]

[store]
url = "sqlite:store.db"
wait = "500ms"
deadline = "1s"

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
pseudonym_key = "a pseudonym key of this test, long enough"
"#,
        issuer = issuer.identifier,
    )
}
