//! A whole deployment, gateway and tenant in one process, that is attacked by the real command.

use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::weak::{Weak, Weakness};
use crate::support::{PASSWORD, Serve, free_port, lychgate, sample_store};

/// How long all attacks may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(8);

/// The secret of the script client, and that of the other one.
pub(super) const SECRET: &str = "a secret of the script client, for tests";

pub(super) struct Deployment {
    folder: TempDir,
    _serve: Serve,
    pub(super) gateway: u16,
    pub(super) tenant: u16,
    pub(super) admin: u16,
}

/// What the report says of one attack.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Played {
    pub(super) id: String,
    pub(super) outcome: Outcome,
    pub(super) seen: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Blocked,
    Open,
    NotTried,
}

impl Deployment {
    /// A sound one with these changes of its config, in which ports have names.
    pub(super) async fn start(changes: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        sample_store(folder.path()).await;
        write_certificate(folder.path());
        let exported = lychgate(folder.path(), &["export", "scripts", "--out", "."])
            .output()
            .await;
        assert!(exported.unwrap().status.success());
        let held: [(u16, TcpListener); 3] = std::array::from_fn(|_| free_port());
        let [gateway, tenant, admin] = held.each_ref().map(|(port, _)| *port);
        let mut config = include_str!("deployment.toml").to_owned();
        for (from, to) in changes {
            assert_eq!(config.matches(from).count(), 1, "{from}");
            config = config.replace(from, to);
        }
        let config = filled(&config, gateway, tenant, admin);
        std::fs::write(folder.path().join("lychgate.toml"), config).unwrap();
        drop(held);
        let serve = Serve::start(folder.path()).await;
        serve.ready().await;
        Self {
            folder,
            _serve: serve,
            gateway,
            tenant,
            admin,
        }
    }

    /// The same, seen through somebody who lets one thing pass.
    pub(super) async fn weakened(&self, weakness: Weakness) -> Weak {
        Weak::start(weakness, self).await
    }

    /// What the command says, of all attacks or of these.
    pub(super) async fn attack(&self, weak: Option<&Weak>, only: &[&str]) -> Vec<Played> {
        let mut arguments = vec![
            "attack".to_owned(),
            "--format".to_owned(),
            "json".to_owned(),
        ];
        arguments.extend(
            only.iter()
                .flat_map(|id| ["--only".to_owned(), (*id).to_owned()]),
        );
        let mut config = std::fs::read_to_string(self.folder.path().join("lychgate.toml")).unwrap();
        if let Some(weak) = weak {
            let ours = format!("http://127.0.0.1:{}/", self.admin);
            config = config.replace(&ours, &format!("http://127.0.0.1:{}/", weak.admin));
            for (option, port) in [("--gateway", weak.gateway), ("--tenant", weak.tenant)] {
                arguments.extend([option.to_owned(), format!("http://127.0.0.1:{port}")]);
            }
        }
        std::fs::write(self.folder.path().join("attack.toml"), config).unwrap();
        arguments.extend(["--config".to_owned(), "attack.toml".to_owned()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        attack(self.folder.path(), &arguments).await
    }

    /// What the command says with these arguments, in a folder with the config.
    pub(super) async fn run(&self, arguments: &[&str]) -> Output {
        let output = lychgate(self.folder.path(), arguments).output();
        tokio::time::timeout(PATIENCE, output)
            .await
            .expect("it hangs")
            .unwrap()
    }
}

/// What the command says with these arguments, which ask for JSON.
pub(super) async fn attack(folder: &Path, arguments: &[&str]) -> Vec<Played> {
    let output = lychgate(folder, arguments).output();
    let output = tokio::time::timeout(PATIENCE, output).await;
    played(&output.expect("the attacks hang").unwrap())
}

/// Reads the report, and holds it against the exit status.
fn played(output: &Output) -> Vec<Played> {
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(report["ok"], output.status.success(), "{said}");
    let expected = i32::from(report["ok"] != true);
    assert_eq!(output.status.code(), Some(expected), "{said}");
    let played = report["attacks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| Played {
            id: one["id"].as_str().unwrap().to_owned(),
            outcome: match one["outcome"].as_str().unwrap() {
                "blocked" => Outcome::Blocked,
                "open" => Outcome::Open,
                "not-tried" => Outcome::NotTried,
                other => panic!("{other}"),
            },
            seen: one["seen"].as_str().unwrap().to_owned(),
        });
    played.collect()
}

/// A certificate for `localhost`, which a gateway may be given.
fn write_certificate(folder: &Path) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("gateway.pem"), certified.cert.pem()).unwrap();
    let key = certified.signing_key.serialize_pem();
    std::fs::write(folder.join("gateway.key"), key).unwrap();
}

/// The config with what is known only now.
fn filled(config: &str, gateway: u16, tenant: u16, admin: u16) -> String {
    let values = [
        ("GATEWAY_PORT", gateway.to_string()),
        ("TENANT_PORT", tenant.to_string()),
        ("ADMIN_PORT", admin.to_string()),
        ("\"SECRET\"", format!("\"{SECRET}\"")),
        ("\"PASSWORD\"", format!("\"{PASSWORD}\"")),
    ];
    let fill = |config: String, (name, value): &(&str, String)| config.replace(name, value);
    values.iter().fold(config.to_owned(), fill)
}
