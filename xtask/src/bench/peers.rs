//! What is measured side by side: our gateway, the one of the usual make, and a handler that does nothing.

use anyhow::Result;

use super::scene::{AUDIENCE, CLIENT, Scene, built};
use crate::command::{npm_ci, root, succeeds};
use crate::servers::free_port;
use crate::servers::supervisor::{Supervised, wait_until};

/// Connections to the store, of each gateway.
pub(super) const CONNECTIONS: u32 = 8;

/// A server that is measured.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) process: Supervised,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.stop();
    }
}

/// Our gateway on these cores; `hash_column` holds what it verifies passwords against.
pub(super) fn lychgate(
    scene: &Scene,
    name: &'static str,
    cores: &str,
    hash_column: &str,
) -> Result<Peer> {
    let columns = "id, email, email_verified, nickname, name, blocked";
    let operations = format!(
        r#"[store.operations]
lookup = "select {columns} from users where lower(email) = :identifier"
authenticate = "select {columns}, {hash_column} as password_hash from users where lower(email) = :identifier"
"#
    );
    gateway(scene, name, cores, &operations)
}

/// The same with other operations, and whatever else these sections say.
pub(super) fn gateway(
    scene: &Scene,
    name: &'static str,
    cores: &str,
    sections: &str,
) -> Result<Peer> {
    let (port, admin_port) = (free_port()?, free_port()?);
    let config = scene.folder().join(format!("gateway-{port}.toml"));
    std::fs::write(
        &config,
        format!(
            r#"[gateway]
listen = "127.0.0.1:{port}"
admin_listen = "127.0.0.1:{admin_port}"

[gateway.allowlist]
networks = ["127.0.0.1"]

[gateway.access_token]
issuers = ["{issuer}"]
audience = "{AUDIENCE}"
clients = ["{CLIENT}"]

[store]
url = "{store}"
connections = {CONNECTIONS}

[store.profile]
user_id = "id"

[audit]
file = "gateway-{port}.jsonl"

{sections}"#,
            issuer = scene.issuer_url,
            store = scene.store_url(),
        ),
    )?;
    let command = ["serve", "--config", &config.display().to_string()].map(str::to_owned);
    let program = [vec![built("lychgate")], command.to_vec()].concat();
    let ready = format!("http://127.0.0.1:{admin_port}/readyz");
    start(scene, name, cores, port, &program, &ready)
}

/// The gateway of the usual make.
pub(super) fn express(scene: &Scene, cores: &str) -> Result<Peer> {
    let port = free_port()?;
    let server = root().join("bench/express/server.js").display().to_string();
    let program = [
        "env".to_owned(),
        "NODE_ENV=production".to_owned(),
        format!("PORT={port}"),
        format!("ISSUER={}", scene.issuer_url),
        format!("AUDIENCE={AUDIENCE}"),
        format!("CLIENT_ID={CLIENT}"),
        format!("DATABASE_URL={}", scene.store_url()),
        format!("DATABASE_CONNECTIONS={CONNECTIONS}"),
        "NETWORK=127.0.0.1".to_owned(),
        "node".to_owned(),
        server,
    ];
    let ready = format!("http://127.0.0.1:{port}/");
    start(scene, "Express", cores, port, &program, &ready)
}

/// The handler that does nothing.
pub(super) fn bare(scene: &Scene, cores: &str) -> Result<Peer> {
    let port = free_port()?;
    let program = [built("lychgate-bench"), "bare".to_owned(), port.to_string()];
    let ready = format!("http://127.0.0.1:{port}/");
    start(
        scene,
        "bare `axum` handler, no checks, no store",
        cores,
        port,
        &program,
        &ready,
    )
}

/// Starts a server on these cores, and waits until it answers at `ready`.
pub(super) fn start(
    scene: &Scene,
    name: &'static str,
    cores: &str,
    port: u16,
    program: &[String],
    ready: &str,
) -> Result<Peer> {
    let pinned = ["taskset", "--cpu-list", cores].map(str::to_owned);
    let log = scene.folder().join(format!("{port}.log"));
    let process = Supervised::start(&[&pinned[..], program].concat(), &log)?;
    wait_until(|| is_answered(ready), name, &log)?;
    Ok(Peer {
        name,
        address: format!("127.0.0.1:{port}"),
        process,
    })
}

/// Whether somebody answers there as asked; a gateway that lets nobody in without a token is there, too.
pub(super) fn is_answered(url: &str) -> bool {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let failure: &[&str] = if path.is_empty() { &[] } else { &["--fail"] };
    succeeds("curl", &[failure, &["--silent", url]].concat())
}

/// The packages of the other gateway, exactly as its lock file names them.
pub(super) fn install_express() -> Result<()> {
    npm_ci(&root().join("bench/express"))
}
