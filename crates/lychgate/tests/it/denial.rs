//! The denial table: every operation, with every kind of token and from every kind of place that must get nothing.
//!
//! Each cell is made by a request that would do its work if a single guard were missing: it carries a body that is
//! right for its operation. After each, the store must be the same to the byte, and the audit one line longer.

mod attempt;
mod table;

use std::time::{Duration, Instant};

use lychgate_gateway::operations::OPERATIONS;
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;

use self::attempt::{ATTEMPTS, Place};
use self::table::Table;
use crate::support::{AUDIENCE, Issuer, SCRIPT_CLIENT, Serve, sample_store};

#[tokio::test]
async fn every_operation_denies_what_must_be_denied_and_the_generated_table_says_so() {
    let issuer = Issuer::start();
    let forger = Issuer::start();
    let open = Deployment::start(&issuer, "127.0.0.0/8").await;
    let elsewhere = Deployment::start(&issuer, "192.0.2.0/24").await;
    let mut broken = Deployment::start(&issuer, "127.0.0.0/8").await;
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
                let answer = deployment.denied(operation.path, token.as_deref()).await;
                assert_eq!(
                    answer, attempt.expected,
                    "{} on {}",
                    attempt.name, operation.name
                );
            }
            table.add(attempt, operation.name);
        }
    }
    broken.unlock_store().await;
    // The control, without which none of this would prove anything: with a good token each of them does its work.
    let good = issuer.sign(&issuer.claims());
    for operation in &OPERATIONS {
        let answer = open.send(operation.path, Some(&good)).await;
        assert_eq!(
            answer,
            format!("{} done", operation.status.as_u16()),
            "{}",
            operation.name
        );
    }
    table.compare_or_write();
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
    async fn start(issuer: &Issuer, network: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        sample_store(folder.path()).await;
        std::fs::write(folder.path().join("lychgate.toml"), config(issuer, network)).unwrap();
        let serve = Serve::start(folder.path()).await;
        serve.ready().await;
        Self {
            folder,
            serve,
            lock: None,
        }
    }

    /// Sends one well-formed request and returns how it was answered, having looked at store and audit.
    async fn denied(&self, path: &str, token: Option<&str>) -> String {
        let (store, lines) = (self.store(), self.audit_lines());
        let answer = self.send(path, token).await;
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

    async fn send(&self, path: &str, token: Option<&str>) -> String {
        let client = reqwest::Client::builder().build().unwrap();
        let mut request = client
            .post(format!("{}{path}", self.serve.gateway))
            .json(&attempt::body_for(path));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
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
