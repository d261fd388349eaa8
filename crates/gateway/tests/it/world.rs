//! Everything around one gateway: its store, its issuer, its audit file, and a client that calls it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lychgate_gateway::profile::ProfileField;
use lychgate_gateway::{
    AccessTokenSettings, AdminEndpoint, Audience, AuditDestination, AuditSettings, Canaries,
    ClientAddress, ClientId, Endpoint, Gateway, Issuer as IssuerName, Limits, LoopbackAddress,
    NewPasswordRules, PseudonymKey, Settings,
};
use lychgate_listener::{Allowlist, AnyNetwork, Drained};
use lychgate_password::{DecoyClass, Format, Password, Pool, StoredHash};
use lychgate_store::{IdentifierRules, SampleUser, StatementName, StoreUrl, create_sample};
use lychgate_token::{Algorithm, SigningKey, UnixTime};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::issuer::{Issuer, key};

pub(crate) const AUDIENCE: &str = "urn:legacy-identity";
pub(crate) const CLIENT: &str = "script-client";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A user with a usable hash, one who is disabled, one without a hash, and one with a hash of no known format.
pub(crate) const ZOE: &str = "zoe@example.com";
pub(crate) const BLOCKED: &str = "blocked@example.com";
pub(crate) const HASHLESS: &str = "hashless@example.com";
pub(crate) const UNKNOWN_FORMAT: &str = "unknown-format@example.com";

/// A gateway that runs until the end of the test.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) key: SigningKey,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) client: reqwest::Client,
    stop: CancellationToken,
    run: JoinHandle<Drained>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl World {
    /// A gateway that is ready.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A gateway that is ready, of settings that the test has changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let world = Self::not_ready(change).await;
        world.until_ready().await;
        world
    }

    /// A gateway that may still be waiting for its issuer.
    pub(crate) async fn not_ready(change: impl FnOnce(&mut Settings)) -> Self {
        let key = key();
        let issuer = Issuer::start(&[&key]);
        Self::around(issuer, key, change).await
    }

    /// A gateway around this issuer.
    pub(crate) async fn around(
        issuer: Issuer,
        key: SigningKey,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = settings(&issuer, &folder).await;
        change(&mut settings);
        let gateway = Box::pin(Gateway::start(settings)).await.unwrap();
        let (address, admin) = (gateway.address(), gateway.admin_address());
        let stop = CancellationToken::new();
        let until = stop.clone();
        let run = tokio::spawn(async move { gateway.run(until).await.unwrap() });
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            issuer,
            key,
            address,
            admin,
            folder,
            client,
            stop,
            run,
        }
    }

    pub(crate) async fn until_ready(&self) {
        let ready = async {
            while self.admin("/readyz").await.status != 200 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ready)
            .await
            .expect("ready in time");
    }

    /// Stops the gateway and waits for its end.
    pub(crate) async fn stop(self) -> (Drained, TempDir) {
        self.stop.cancel();
        (self.run.await.unwrap(), self.folder)
    }

    /// Good claims of the script client, with this scope.
    pub(crate) fn claims(&self, scope: &str) -> Map<String, Value> {
        let now = UnixTime::now().seconds();
        object(json!({
            "iss": self.issuer.name,
            "sub": format!("{CLIENT}@clients"),
            "aud": AUDIENCE,
            "azp": CLIENT,
            "gty": "client-credentials",
            "scope": scope,
            "iat": now,
            "exp": now + 3600,
        }))
    }

    /// A good token with this scope.
    pub(crate) fn token(&self, scope: &str) -> String {
        self.sign(&self.claims(scope))
    }

    pub(crate) fn sign(&self, claims: &Map<String, Value>) -> String {
        self.key.sign("JWT", claims).unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A call of an operation with a token of its own scope.
    pub(crate) async fn call(&self, operation: &str, body: Value) -> Answer {
        let (path, scope) = operation_of(operation);
        self.post(path, &self.token(scope), &body).await
    }

    /// A `POST` with this token.
    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        send(
            self.client
                .post(self.url(path))
                .bearer_auth(token)
                .json(body),
        )
        .await
    }

    /// A `lookup` with this token.
    pub(crate) async fn lookup_with(&self, token: &str) -> Answer {
        self.post("/v1/users/lookup", token, &json!({ "identifier": ZOE }))
            .await
    }

    /// A question to the admin listener.
    pub(crate) async fn admin(&self, path: &str) -> Answer {
        send(self.client.get(format!("http://{}{path}", self.admin))).await
    }

    /// The value of a metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.admin("/metrics").await.text;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name} in {text}"))
            .parse()
            .unwrap()
    }

    /// How many hashes were computed so far.
    pub(crate) async fn hashes(&self) -> u64 {
        self.metric("lychgate_password_hashes_total").await
    }

    /// The audit lines so far.
    pub(crate) fn audit(&self) -> Vec<Value> {
        read_audit(&self.folder)
    }

    pub(crate) fn audit_text(&self) -> String {
        std::fs::read_to_string(audit_file(&self.folder)).unwrap()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("JSON in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// That this is a problem as the contract has it, of this status and type.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, name: &str) {
        assert_eq!(
            (self.status, self.problem()),
            (status, name.to_owned()),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert_eq!(self.header("x-request-id").len(), 32);
        assert!(body["title"].is_string() && body["detail"].is_string());
    }

    fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.rsplit(':').next().unwrap_or_default().to_owned()
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

pub(crate) fn operation_of(name: &str) -> (&'static str, &'static str) {
    let operations = &lychgate_gateway::operations::OPERATIONS;
    let operation = operations
        .iter()
        .find(|operation| operation.name == name)
        .unwrap();
    (operation.path, operation.scope)
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("an object, not {other}"),
    }
}

pub(crate) fn audit_file(folder: &TempDir) -> PathBuf {
    folder.path().join("audit.jsonl")
}

/// The lines without what the log says of itself.
pub(crate) fn read_audit(folder: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(audit_file(folder)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let own = ["start", "stop", "head", "rotated", "torn"].map(Value::from);
    lines
        .filter(|line: &Value| !own.contains(&line["event"]))
        .collect()
}

/// Sound settings of a gateway on loopback with the sample store.
pub(crate) async fn settings(issuer: &Issuer, folder: &TempDir) -> Settings {
    let file = folder.path().join("users.db");
    create_sample(&file, &users().await).await.unwrap();
    let loopback = || LoopbackAddress::new("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut access_token = AccessTokenSettings::new(
        IssuerName::parse(&issuer.name).unwrap(),
        Audience::parse(AUDIENCE).unwrap(),
        ClientId::parse(CLIENT).unwrap(),
    );
    access_token.algorithms = vec![Algorithm::Es256];
    Settings {
        listen: Endpoint::Plain(loopback()),
        client_address: ClientAddress::Peer,
        admin_listen: AdminEndpoint::Plain(loopback()),
        admin_socket: None,
        allowlist: Allowlist::new(vec!["127.0.0.0/8".parse().unwrap()], AnyNetwork::Refused)
            .unwrap(),
        access_token,
        store: lychgate_store::Settings::new(StoreUrl::sqlite(file), statements()),
        identifiers: IdentifierRules::default(),
        profile: BTreeMap::from([(ProfileField::UserId, "id".to_owned())]),
        passwords: lychgate_password::Settings::default(),
        decoys: vec![DecoyClass::new(Format::Argon2id, 1)],
        new_passwords: NewPasswordRules {
            min_length: 1,
            ..NewPasswordRules::default()
        },
        audit: AuditSettings::new(
            AuditDestination::File(audit_file(folder)),
            PseudonymKey::new(&[7; 32]).unwrap(),
        ),
        canaries: Canaries::default(),
        ledger: None,
        natives: Vec::new(),
        limits: Limits::default(),
    }
}

pub(crate) fn statements() -> BTreeMap<StatementName, String> {
    let user = "id, email, email_verified, nickname, blocked";
    BTreeMap::from([
        (
            StatementName::Authenticate,
            format!("select {user}, password_hash from users where lower(email) = :identifier"),
        ),
        (
            StatementName::Lookup,
            format!("select {user} from users where lower(email) = :identifier"),
        ),
        (
            StatementName::Create,
            format!(
                "insert into users (email, nickname, email_verified, password_hash) \
                 values (:email, :nickname, coalesce(:email_verified, 0), :password_hash) returning {user}"
            ),
        ),
        (
            StatementName::VerifyEmail,
            "update users set email_verified = 1 where lower(email) = :email".into(),
        ),
        (
            StatementName::ChangePassword,
            "update users set password_hash = :password_hash where lower(email) = :identifier"
                .into(),
        ),
        (
            StatementName::ChangeEmail,
            "update users set email = :new_email, email_verified = :email_verified \
             where lower(email) = :identifier"
                .into(),
        ),
        (
            StatementName::Delete,
            "delete from users where id = :user_id".into(),
        ),
    ])
}

async fn users() -> [SampleUser; 4] {
    let pool = Pool::start(lychgate_password::Settings::default()).unwrap();
    let hash = |password: &str| pool.hash(Password::new(password.to_owned()).unwrap());
    let user = |email: &str, password_hash| SampleUser {
        email: email.to_owned(),
        email_verified: false,
        nickname: None,
        blocked: email == BLOCKED,
        password_hash,
    };
    let zoe = user(ZOE, Some(hash(PASSWORD).await.unwrap()));
    [
        SampleUser {
            nickname: Some("Zoë".into()),
            ..zoe
        },
        user(BLOCKED, Some(hash(PASSWORD).await.unwrap())),
        user(HASHLESS, None),
        user(
            UNKNOWN_FORMAT,
            Some(StoredHash::new("{MD5}X03MO1qnZdYdgyfeuILPmQ==".into()).unwrap()),
        ),
    ]
}
