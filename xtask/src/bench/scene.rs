//! Everything that is there before anything is measured: programs built, a store with users, an issuer, a token.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::machine::{self, Cores};
use super::peers;
use crate::command::{output, quietly, root, run};
use crate::prerequisites;
use crate::servers::supervisor::{Supervised, wait_until};
use crate::servers::{Folder, Server, free_port, postgres};

/// How many users the store has.
pub(super) const USERS: u32 = 100_000;

/// The password of them all.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// Its hash at cost 10, checked with the `bcrypt` of Python.
const BCRYPT: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyehtJ/whDdsI.d1w/JqKiOrDw8pCT0JLG";

/// Its hash with the cost of our new hashes, made by `argon2-cffi` 25.1.0.
const ARGON2ID: &str = "$argon2id$v=19$m=19456,t=2,p=1$f7u8grfdKSP74Hz59/J8FA$V3L0h/0gtmJr+oy2Yd6rOfVooV5tyzEuoUMH5rQmpno";

/// The store, the issuer and the token; they end with this value.
pub(super) struct Scene {
    issuer: Supervised,
    pub(super) store: Server,
    pub(super) issuer_url: String,
    pub(super) token: PathBuf,
    pub(super) cores: Cores,
    folder: Folder,
}

impl Scene {
    /// Builds, installs, starts and fills what a measurement needs.
    pub(super) fn set() -> Result<Self> {
        prerequisites::install_missing()?;
        let cores = Cores::here()?;
        let packages = ["--package", "lychgate", "--package", "lychgate-bench"];
        run(
            "cargo",
            &[&["build", "--release", "--locked"], &packages[..]].concat(),
            &[],
        )?;
        peers::install_express()?;
        let folder = Folder::new()?;
        eprintln!("starting PostgreSQL with {USERS} users, and an issuer");
        let store = postgres::start_one(folder.path())?;
        pin(store.process.id(), &cores.others)?;
        fill(&store)?;
        let (issuer, issuer_url) = start_issuer(folder.path(), &cores)?;
        let token = folder.path().join("token");
        std::fs::write(&token, access_token(&issuer_url)?)?;
        Ok(Self {
            issuer,
            store,
            issuer_url,
            token,
            cores,
            folder,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// When and where it is measured.
    pub(super) fn machine(&self) -> Result<String> {
        machine::line(&self.cores)
    }

    /// The store for clients that speak plainly to it, as both gateways do.
    pub(super) fn store_url(&self) -> String {
        format!("{}?sslmode=disable", self.store.url)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.issuer.stop();
        self.store.process.stop();
    }
}

/// A program that was built for the measurement.
pub(super) fn built(name: &str) -> String {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    target.join("release").join(name).display().to_string()
}

/// Moves all threads of the programs below a process to these cores.
pub(super) fn pin(process: u32, cores: &str) -> Result<()> {
    for process in super::process::programs_below(process)? {
        quietly(
            "taskset",
            &[
                "--all-tasks",
                "--cpu-list",
                "--pid",
                cores,
                &process.to_string(),
            ],
        )?;
    }
    Ok(())
}

fn fill(store: &Server) -> Result<()> {
    let statements = [
        "create table users (
            id bigint primary key, email text not null, email_verified boolean not null, nickname text not null,
            name text not null, blocked boolean not null, bcrypt_hash text not null, argon2id_hash text not null)"
            .to_owned(),
        format!(
            "insert into users select number, 'user' || number || '@example.com', true, 'user' || number,
                'User ' || number, false, '{BCRYPT}', '{ARGON2ID}' from generate_series(1, {USERS}) number"
        ),
        "create unique index on users (lower(email))".to_owned(),
        "vacuum analyze users".to_owned(),
    ];
    fill_with(store, &statements)
}

/// Runs these statements as the owner of the store.
pub(super) fn fill_with(store: &Server, statements: &[String]) -> Result<()> {
    for statement in statements {
        quietly(
            "psql",
            &[
                "--quiet",
                "--no-psqlrc",
                "--set=ON_ERROR_STOP=1",
                "--dbname",
                &store.url,
                "--command",
                statement,
            ],
        )?;
    }
    Ok(())
}

/// The tenant in a process of its own: its tokens are RS256, as a platform's are.
fn start_issuer(folder: &Path, cores: &Cores) -> Result<(Supervised, String)> {
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}/");
    let config = folder.join("issuer.toml");
    std::fs::write(
        &config,
        format!(
            r#"[tenant]
issuer = "{url}"
listen = "127.0.0.1:{port}"
state = "sqlite:issuer.db"

[[tenant.apis]]
identifier = "{AUDIENCE}"
scopes = ["authenticate:users", "read:users"]

[[tenant.clients]]
client_id = "{CLIENT}"
client_secret = "{SECRET}"
grant_types = ["client_credentials"]

[[tenant.client_grants]]
client_id = "{CLIENT}"
audience = "{AUDIENCE}"
scope = ["authenticate:users", "read:users"]
"#
        ),
    )?;
    let log = folder.join("issuer.log");
    let command = [
        "taskset",
        "--cpu-list",
        &cores.others,
        &built("lychgate"),
        "serve",
        "--config",
        &config.display().to_string(),
    ]
    .map(str::to_owned);
    let issuer = Supervised::start(&command, &log)?;
    let keys = format!("{url}.well-known/openid-configuration");
    wait_until(|| peers::is_answered(&keys), "the issuer", &log)?;
    Ok((issuer, url))
}

/// One token, as a script has one for as long as it lives.
fn access_token(issuer: &str) -> Result<String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        access_token: String,
    }
    let form = format!(
        "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&audience={AUDIENCE}"
    );
    let url = format!("{issuer}oauth/token");
    let answer = output(
        "curl",
        &["--silent", "--show-error", "--fail", "--data", &form, &url],
    )?;
    let answer: Answer = serde_json::from_str(&answer).context("the issuer gave no token")?;
    Ok(answer.access_token)
}

/// The API that the gateways are.
pub(super) const AUDIENCE: &str = "urn:legacy-identity";
/// The one client that may ask them.
pub(super) const CLIENT: &str = "script-client";
/// Worth nothing: it lives as long as the run, on loopback.
const SECRET: &str = "only-for-one-run-of-the-benchmark-0123456789";
