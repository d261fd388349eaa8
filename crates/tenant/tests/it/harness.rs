//! A tenant with one connection, one API and a handful of clients.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lychgate_listener::{Limits, Transport};
use lychgate_tenant::{
    ActionScripts, Api, Client, ClientAuthentication, ClientGrant, Connection, Error, GrantType,
    Handle, Lifetimes, PipelineSettings, Policy, Settings, SubjectType, Tenant,
};
use lychgate_token::{Algorithm, ClientSecret, JwkSet, SigningKey};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const AUDIENCE: &str = "urn:legacy-identity";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/callback";
pub(crate) const AFTER_LOGOUT: &str = "http://127.0.0.1:9/goodbye";
pub(crate) const SECRET: &str = "a-secret-that-only-the-script-client-knows";
pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A user table that lives in `global`, as `const users`.
const USERS: &str = r"
    const users = global.users = global.users || [
        { user_id: 7, email: 'ada@example.com', email_verified: true, nickname: 'ada', password: 'correct horse battery staple' },
    ];
    const visible = (user) => ({ user_id: user.user_id, email: user.email, email_verified: user.email_verified, nickname: user.nickname });
    const find = (email) => users.find((user) => user.email === email);
";

pub(crate) struct TestTenant {
    pub(crate) folder: TempDir,
    pub(crate) issuer: String,
    pub(crate) handle: Handle,
    pub(crate) http: reqwest::Client,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) port: u16,
    stop: CancellationToken,
    running: JoinHandle<Result<lychgate_listener::Drained, Error>>,
}

impl TestTenant {
    /// Starts a tenant with the platform's defaults.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_, _| {}).await
    }

    /// Starts a tenant whose settings `change` has had its way with.
    pub(crate) async fn start_with(change: impl Fn(&Path, &mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_scripts(&folder.path().join("scripts"));
        std::fs::create_dir(folder.path().join("outbox")).unwrap();
        let key = Arc::new(SigningKey::generate(Algorithm::Es256).unwrap());
        // Another process may take the port between the question and the bind; then there are others.
        loop {
            let port = free_port();
            let mut settings = settings(folder.path(), port, &key);
            change(folder.path(), &mut settings);
            match Tenant::start(settings).await {
                Ok(tenant) => return Self::run(tenant, folder, port, key),
                Err(Error::Listener(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn run(tenant: Tenant, folder: TempDir, port: u16, key: Arc<SigningKey>) -> Self {
        let (issuer, handle, stop) = (
            tenant.issuer().as_str().to_owned(),
            tenant.handle(),
            CancellationToken::new(),
        );
        let running = tokio::spawn(tenant.run(stop.clone()));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            folder,
            issuer,
            handle,
            http,
            key,
            port,
            stop,
            running,
        }
    }

    /// Stops the tenant and starts another one on the same state.
    pub(crate) async fn restart(self) -> Self {
        let Self {
            folder,
            port,
            key,
            stop,
            running,
            http,
            ..
        } = self;
        drop(http);
        stop.cancel();
        running.await.unwrap().unwrap();
        let tenant = Tenant::start(settings(folder.path(), port, &key))
            .await
            .unwrap();
        Self::run(tenant, folder, port, key)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// Posts a form; the status and the JSON that came back.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        answer(self.http.post(self.url(path)).form(form)).await
    }

    /// The token endpoint.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        self.post("oauth/token", form).await
    }

    /// A client-credentials token of the script client.
    pub(crate) async fn client_token(&self, audience: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", "script"),
            ("client_secret", SECRET),
            ("audience", audience),
        ])
        .await
    }

    /// The mails in the outbox, oldest or newest first as the file system likes.
    pub(crate) fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("outbox")).unwrap();
        files
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect()
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

/// The claims of a token, unverified.
pub(crate) fn claims(token: &Value) -> Value {
    part(token, 1)
}

/// The header of a token.
pub(crate) fn header(token: &Value) -> Value {
    part(token, 0)
}

fn part(token: &Value, index: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn secret(text: &str) -> Arc<ClientSecret> {
    Arc::new(ClientSecret::new(text.to_owned()).unwrap())
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn settings(folder: &Path, port: u16, key: &SigningKey) -> Settings {
    Settings {
        issuer: format!("http://127.0.0.1:{port}/").parse().unwrap(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        transport: Transport::Plain,
        limits: Limits {
            drain: Duration::from_secs(5),
            ..Limits::default()
        },
        state: folder.join("tenant.db"),
        signing_algorithm: Algorithm::Es256,
        clients: clients(key),
        connections: vec![Connection {
            name: "legacy".to_owned(),
            scripts: ActionScripts::read(&folder.join("scripts")).unwrap(),
            sandbox: lychgate_script::Settings::default(),
        }],
        policy: policy(port),
        outbox: Some(folder.join("outbox")),
        lifetimes: Lifetimes::default(),
    }
}

fn clients(key: &SigningKey) -> Vec<Client> {
    let client = |id: &str, authentication, grants: &[GrantType]| Client {
        client_id: id.to_owned(),
        name: format!("The {id}"),
        authentication,
        grant_types: grants.iter().copied().collect(),
        callbacks: vec![CALLBACK.parse().unwrap()],
        allowed_logout_urls: vec![AFTER_LOGOUT.parse().unwrap()],
        require_proof_of_possession: false,
    };
    let keys = JwkSet::new([key.verification_key().clone()]).unwrap();
    let user = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    let machine = [GrantType::ClientCredentials];
    vec![
        client("app", ClientAuthentication::None, &user),
        client("other-app", ClientAuthentication::None, &user),
        client(
            "web",
            ClientAuthentication::ClientSecretBasic(secret(SECRET)),
            &user,
        ),
        client(
            "script",
            ClientAuthentication::ClientSecretPost(secret(SECRET)),
            &machine,
        ),
        client(
            "basic",
            ClientAuthentication::ClientSecretBasic(secret(SECRET)),
            &machine,
        ),
        client("keyed", ClientAuthentication::PrivateKeyJwt(keys), &machine),
        client(
            "ungranted",
            ClientAuthentication::ClientSecretPost(secret(SECRET)),
            &machine,
        ),
    ]
}

pub(crate) fn policy(port: u16) -> Policy {
    let grant = |client: &str, audience: &str, scope: &str| ClientGrant {
        client_id: client.to_owned(),
        audience: audience.to_owned(),
        scope: scope.parse().unwrap(),
        subject_type: SubjectType::Client,
    };
    let management = format!("http://127.0.0.1:{port}/api/v2/");
    let mut api = Api::new(
        AUDIENCE.to_owned(),
        "read:users authenticate:users".parse().unwrap(),
    );
    api.allow_offline_access = true;
    Policy {
        apis: vec![api],
        default_audience: None,
        client_grants: vec![
            grant("script", AUDIENCE, "read:users authenticate:users"),
            grant(
                "script",
                &management,
                "update:users delete:users create:user_tickets",
            ),
            grant("basic", AUDIENCE, "read:users"),
            grant("basic", &management, "update:users"),
            grant("keyed", AUDIENCE, "read:users"),
        ],
        pipeline: PipelineSettings {
            secrets: BTreeMap::from([("AUDIENCE".to_owned(), AUDIENCE.to_owned())]),
            ..PipelineSettings::default()
        },
    }
}

pub(crate) fn write(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

fn write_scripts(folder: &Path) {
    let bodies = [
        (
            "login",
            "identifier, password",
            r"
            if (identifier === 'broken@example.com') return callback(new Error('the store at 10.0.0.1 is down'));
            if (identifier === 'told@example.com') return callback(new UnauthorizedError('Call us <b>first</b>.'));
            const user = find(identifier);
            if (!user) return callback(new WrongUsernameOrPasswordError(null, 'unknown user'));
            if (user.password !== password) return callback(new WrongUsernameOrPasswordError(identifier, 'wrong password'));
            callback(null, visible(user));",
        ),
        (
            "get_user",
            "identifier",
            "const user = find(identifier); callback(null, user ? visible(user) : null);",
        ),
        (
            "create",
            "user",
            r"
            if (find(user.email)) return callback(new ValidationError('user_exists', 'there already'));
            users.push({ user_id: 'new-' + users.length, email: user.email, email_verified: false, nickname: user.user_metadata.nickname, password: user.password });
            callback(null);",
        ),
        (
            "verify",
            "email",
            "const user = find(email); if (user) user.email_verified = true; callback(null, !!user);",
        ),
        (
            "change_password",
            "email, newPassword",
            "const user = find(email); if (user) user.password = newPassword; callback(null, !!user);",
        ),
        (
            "change_email",
            "email, newEmail, verified",
            r"
            const user = find(email);
            if (user) { user.email = newEmail; user.email_verified = verified; }
            callback(null, !!user);",
        ),
        (
            "delete",
            "id",
            "global.users = users.filter((user) => String(user.user_id) !== id); callback(null);",
        ),
    ];
    for (name, parameters, body) in bodies {
        write(
            &folder.join(format!("{name}.js")),
            &format!("function {name}Script({parameters}, callback) {{{USERS}{body}\n}}\n"),
        );
    }
}
